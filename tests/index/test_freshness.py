"""Never stale: random sequences of edits and kills, in a process that may fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_after_random_edits_and_kills_every_row_is_that_of_a_fresh_index():
    done = subprocess.run(
        [sys.executable, HERE / "freshness_process.py", "30"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parents[1])]),
             "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "0 differences" in done.stdout
