"""The README tells the truth: its session is replayed, its commands and files exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^\$ (assistant ask .+)\n((?:(?!```|\$ ).*\n)+)", README, re.M)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "printed"), SESSIONS, ids=[c for c, _ in SESSIONS])
def test_the_session_prints_what_the_readme_shows(
    command: str, printed: str, tmp_path: Path
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *shlex.split(command), "--index", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.stderr in ("", "Préparation du modèle (une seule fois)…\n")
    assert run.stdout.strip() == printed.strip()


def test_there_is_a_session_that_answers_and_one_that_refuses() -> None:
    assert len(SESSIONS) >= 2


def test_every_command_of_the_table_exists_and_every_command_is_in_it() -> None:
    told = set(re.findall(r"^\| `assistant (\w+)", README, re.M))
    assert told == set(cli.commands)


def test_every_file_of_the_tree_exists() -> None:
    tree = README.split("```text\n", 1)[1].split("```", 1)[0]
    folder = ROOT
    for line in tree.splitlines():
        names = re.findall(r"[\w./]+(?:\.\w+|/)(?=\s)", f"{line.split('   ')[0]} ")
        place = ROOT / "assistant" if line.startswith(" ") else ROOT
        for name in names:
            assert (place / name).exists(), (folder, name)


def test_every_setting_has_its_variable_in_the_readme() -> None:
    read = set(
        re.findall(r"(?<![A-Z_])ASSISTANT_[A-Z_]+", (ROOT / "assistant/settings.py").read_text())
    )
    assert read == set(re.findall(r"(?<![A-Z_])ASSISTANT_[A-Z_]+", README))
