"""Runs a peer as a process, and takes its time and its memory from outside.

Memory is the most that was resident, as the system counts it for a process that has
ended (its own, shared libraries included). On Linux that count begins with what the
parent held when it started the process: the caller must stay small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from peer_environment import PeerFailedError, last_line

_KILOBYTES = 1 if sys.platform != "darwin" else 1 / 1024  # of one unit of ru_maxrss


@dataclass(frozen=True, slots=True)
class Installed:
    """A peer that can be run."""

    python: Path
    script: Path
    threads: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took from its start to its end."""

    reply: dict[str, Any]
    seconds: float
    megabytes: float


class Running:
    """A peer's process; it is ended when the block is left."""

    def __init__(self, peer: Installed, arguments: Sequence[str], *, limit: float) -> None:
        """Start; the process is killed after `limit` seconds."""
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "TOKENIZERS_PARALLELISM": "true",
            "RAYON_NUM_THREADS": str(peer.threads),
            "OMP_NUM_THREADS": str(peer.threads),
            "MKL_NUM_THREADS": str(peer.threads),
        }
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._limit = limit
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [peer.python, peer.script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            encoding="utf-8",
        )
        self._late = False
        self._timer = threading.Timer(limit, self._end_late)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def read(self) -> dict[str, Any]:
        """Return the next reply; raise PeerFailedError when the process ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return dict(json.loads(line))
        if self._late:
            raise PeerFailedError(f"no answer within {self._limit:.0f} s")
        self._process.wait()
        self._errors.seek(0)
        raise PeerFailedError(last_line(self._errors.read()))

    def ask(self, **content: str) -> tuple[dict[str, Any], float]:
        """Send one request; return the reply and the seconds until it came."""
        assert self._process.stdin is not None
        started = time.perf_counter()
        self._process.stdin.write(json.dumps(content) + "\n")
        self._process.stdin.flush()
        reply = self.read()
        return reply, time.perf_counter() - started

    def end(self) -> tuple[float, float]:
        """Let the process end; return its seconds and its peak of memory in megabytes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        seconds = time.perf_counter() - self._started
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return seconds, usage.ru_maxrss * _KILOBYTES / 1024

    def _end_late(self) -> None:
        self._late = True
        self._process.kill()


def run_once(peer: Installed, arguments: Sequence[str], *, limit: float) -> Spent:
    """Run a process that gives one reply and ends."""
    with Running(peer, arguments, limit=limit) as running:
        reply = running.read()
        return Spent(reply, *running.end())
