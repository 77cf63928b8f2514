"""Answers and an indexed course for the tests of what the server keeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from assistant.datatypes import Answer, Citation, RefreshReport, Skipped, Suggestion

HOSTILE = "<script>alert(1)</script>${alert(2)}\"'><img src=x onerror=alert(3)>"


def answered(question: str, quote: str = "un espace de noms isole", **changes: Any) -> Answer:
    citation = Citation(
        1, "cours/noyau.md", "Le noyau", ("Isolation", "Espaces"), 10, 10 + len(quote), 3, 4,
        None, quote, 0.8,
    )  # fmt: skip
    values: dict[str, Any] = {
        "question": question, "language": "fr", "answered": True, "confidence": 0.9,
        "text": f"{quote} [1]", "citations": (citation,), "hits": (),
        "timings_ms": {"total": 1.5}, "see_also": (("b.md", "B"),),
    }  # fmt: skip
    return Answer(**values | changes)


def refused(question: str, title: str = "Le noyau") -> Answer:
    near = Suggestion("cours/noyau.md", title, ("Isolation",), 3)
    return Answer(question, "fr", False, 0.1, "Les notes ne répondent pas.", (), (), (near,))


def report(**changes: Any) -> RefreshReport:
    values: dict[str, Any] = {
        "added": (), "changed": (), "renamed": (), "removed": (), "unchanged": 2,
        "skipped": (), "chunks": 7, "embedded": 0, "seconds": 0.1,
    }  # fmt: skip
    return RefreshReport(**values | changes)


@dataclass
class FakeIndex:
    """An index whose state is told by the test; a refresh waits for `go`."""

    checked: RefreshReport = field(default_factory=report)
    refreshed: RefreshReport = field(default_factory=report)
    failure: Exception | None = None
    checks: int = 0
    refreshes: int = 0
    go: threading.Event = field(default_factory=threading.Event)

    def status(self) -> Any:
        return SimpleNamespace(notes=2, chunks=7, model="e5@abcdef", refreshed=1_700_000_000)

    def check(self) -> RefreshReport:
        self.checks += 1
        return self.checked

    def refresh(self, progress: Callable[..., None] | None = None) -> RefreshReport:
        self.refreshes += 1
        if progress:
            progress("lecture", 1, 4, "a.md")
        assert self.go.wait(10)
        if self.failure:
            raise self.failure
        return self.refreshed


def skipped(reason: str) -> tuple[Skipped, ...]:
    return (Skipped("scan.pdf", reason),)
