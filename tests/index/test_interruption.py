"""Several processes at once, and processes killed at any instant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def run(*arguments):
    done = subprocess.run(
        [sys.executable, HERE / "refresh_process.py", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parents[1])]),
             "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_killed_at_twenty_instants_the_next_command_answers_as_a_fresh_index(tmp_path):
    run("kill", str(tmp_path), "20")


def test_processes_that_refresh_at_once_end_with_one_sound_index(tmp_path):
    run("together", str(tmp_path))
