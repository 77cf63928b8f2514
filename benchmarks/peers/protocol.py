"""What every peer does, and how `compare_peers.py` tells it to: one process, JSON lines.

    python PEER.py index  --notes DIR --index DIR --model DIR
    python PEER.py search --notes DIR --index DIR --model DIR --count N --question TEXT
    python PEER.py serve  --notes DIR --index DIR --model DIR --count N

`index` indexes every note and prints {"passages": …}; `search` opens the index, prints
{"notes": […]} and ends; `serve` prints {"open": true}, then answers each line that it
reads: {"question": …} with {"notes": […]}, {"refresh": NOTE} with {"refreshed": NOTE}.

Time and memory are taken from outside, so they hold whatever a peer is. Notes are
Markdown files; a note's name is its file's. This module runs in the environment of every
peer: it uses nothing but the standard library, and imports nothing heavy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

QUERY_PROMPT, PASSAGE_PROMPT = "query: ", "passage: "  # of the E5 models


@dataclass(frozen=True)
class Folders:
    """Where a peer reads and writes."""

    notes: Path  # of Markdown files
    index: Path  # of everything the peer derives; it exists
    model: Path  # a sentence-transformers folder

    def all_notes(self) -> list[tuple[str, str]]:
        """(name, text) of every note, by name."""
        return [(path.name, self.note(path.name)) for path in sorted(self.notes.glob("*.md"))]

    def note(self, name: str) -> str:
        """The text of a note as it is now."""
        return (self.notes / name).read_text(encoding="utf-8")


class Peer(Protocol):
    """A system that finds notes."""

    def build(self) -> int:
        """Index every note, write the index, return the number of passages."""

    def open(self) -> None:
        """Get ready to search the index that was written."""

    def search(self, question: str, count: int) -> Iterable[str]:
        """Names of the notes of the best `count` passages, the best first; may repeat."""

    def refresh(self, name: str) -> None:
        """Take in a note that has changed, and write the index, by the peer's own means."""


def run(make: Callable[[Folders], Peer]) -> None:
    """Do what the command line says with the peer that `make` returns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=("index", "search", "serve"))
    for name in ("notes", "index", "model"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--question", default="")
    given = parser.parse_args()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no reply

    def reply(**content: Any) -> None:
        print(json.dumps(content), file=replies, flush=True)

    def notes_for(question: str) -> list[str]:
        return list(dict.fromkeys(peer.search(question, given.count)))

    peer = make(Folders(given.notes, given.index, given.model))
    if given.action == "index":
        reply(passages=peer.build())
        return
    peer.open()
    if given.action == "search":
        reply(notes=notes_for(given.question))
        return
    reply(open=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "refresh" in asked:
            peer.refresh(asked["refresh"])
            reply(refreshed=asked["refresh"])
        else:
            reply(notes=notes_for(asked["question"]))
