"""Regular expressions mean the same in every Python that is supported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[1] / "assistant").rglob("*.py"))
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_group_is_repeated_possessively(path: Path) -> None:
    """Before 3.11.5 it matches too little, without an error: sentences were not split."""
    text = path.read_text(encoding="utf-8")
    assert not [found[0] for found in POSSESSIVE_GROUP.finditer(text)], path


def test_such_a_group_is_seen() -> None:
    assert POSSESSIVE_GROUP.search(r"(?:a|b)*+c") and not POSSESSIVE_GROUP.search(r"[a-z]++ \)*+")
