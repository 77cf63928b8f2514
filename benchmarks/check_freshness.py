"""Check that the index is never stale: random sequences of edits, some of them killed.

    python benchmarks/check_freshness.py 500

Runs the state machine of the tests for as many sequences as told, and prints how many
steps, comparisons with an index built from nothing, and kills there were. It ends with
an error, and the shortest sequence that shows it, at the first row that differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the sequences in a process that may fork: one thread in every library."""
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1",
                   "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
    script = ROOT / "tests" / "index" / "freshness_process.py"
    return subprocess.run(
        [sys.executable, script, *(sys.argv[1:] or ["500"])], env=environment
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
