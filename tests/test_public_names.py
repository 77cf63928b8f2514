"""The names others may rely on."""

from __future__ import annotations

import subprocess
import sys

import pytest

import assistant

PUBLIC = [
    "Answer", "Assistant", "AssistantError", "Chunk", "Citation", "Hit", "Note", "RefreshReport",
    "Settings", "Skipped", "Span", "Status", "Suggestion",
]  # fmt: skip


def test_public_names_are_pinned():
    assert assistant.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there_and_documented(name):
    value = getattr(assistant, name)
    assert value.__name__ == name and value.__doc__
    assert name in assistant.__doc__


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Assitant'"):
        assistant.Assitant  # noqa: B018


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, assistant; "
        "print([m for m in ('numpy', 'torch', 'faiss', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
