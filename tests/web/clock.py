"""A clock that tests set by hand."""

from __future__ import annotations


class Clock:
    """Called for the time, in seconds; `now` is what it says."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
