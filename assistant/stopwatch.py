"""How long the steps of a question take: what `timings_ms`, metrics and benchmarks all show."""

from __future__ import annotations

import time


class Stopwatch:
    """Milliseconds of each step, in the order in which they end."""

    def __init__(self) -> None:
        """Start the first step."""
        self.milliseconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def ends(self, step: str) -> None:
        """End a step, which began where the one before it ended."""
        now = time.perf_counter()
        self.milliseconds[step] = 1000 * (now - self._since)
        self._since = now
