"""Measures where the time of a first index goes, and the encoder alone on the same passages.

    python benchmarks/measure_indexing.py NOTES [--limit PASSAGES]

NOTES is indexed into a temporary folder with the embedded model; then the same passages are
given to the encoder alone, in the same batches. The ratio of the two is how much of the
encoder's own throughput is left when notes are read, chunked, compressed and written around
it. --limit bounds what the encoder alone is given, as it takes as long as the index. Writes the
section "Indexing" of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from results_file import replace_section

from assistant.assistant import Assistant
from assistant.embedding.loading import load_embedder
from assistant.embedding.protocol import Embedder, Encoded, Progress
from assistant.index import refresh, token_store
from assistant.index.store import Store
from assistant.settings import Settings

TITLE = "## Indexing"


class Recorder:
    """An embedder that keeps the batches of passages it is given, and the time they took."""

    def __init__(self, embedder: Embedder, seconds: defaultdict[str, float]) -> None:
        self._embedder = embedder
        self._seconds = seconds
        self.batches: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Embed passages."""
        self.batches.append(list(texts))
        started = time.perf_counter()
        encoded = self._embedder.encode_passages(texts, progress)
        self._seconds["encode"] += time.perf_counter() - started
        return encoded


def timed(
    seconds: defaultdict[str, float], name: str, call: Callable[..., Any]
) -> Callable[..., Any]:
    """Return `call`, counting the seconds it takes under `name`."""

    def run(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*given, **named)
        finally:
            seconds[name] += time.perf_counter() - started

    return run


def main() -> None:
    """Index, encode again, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notes", type=Path, help="folder of notes")
    parser.add_argument("--limit", type=int, default=5_000, help="passages for the encoder alone")
    given = parser.parse_args()
    seconds: defaultdict[str, float] = defaultdict(float)
    embedder = load_embedder()
    embedder.encode_passages(["chauffe"] * 4)
    recorder = Recorder(embedder, seconds)
    refresh._read = timed(seconds, "read, chunk, analyse", refresh._read)
    token_store.pack_tokens = timed(seconds, "compress tokens", token_store.pack_tokens)
    Store.add_embeddings = timed(seconds, "keep embeddings", Store.add_embeddings)  # type: ignore[method-assign]
    refresh._write = timed(seconds, "write index and FAISS file", refresh._write)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(corpus=given.notes, index=Path(folder))
        assistant = Assistant.open(settings, embedder=recorder)
        started = time.perf_counter()
        report = assistant.refresh()
        total = time.perf_counter() - started
    texts = sum(map(len, recorder.batches))
    if not texts:
        parser.error(f"{given.notes}: no note to index")
    batches, alone = recorder.batches, 0
    step = max(1, texts // max(1, given.limit))
    started = time.perf_counter()
    for batch in batches[::step]:
        embedder.encode_passages(batch)
        alone += len(batch)
    own = alone / (time.perf_counter() - started)
    seconds["other"] = total - sum(seconds.values())
    lines = [
        f"`python benchmarks/measure_indexing.py NOTES`, {date.today()}, {os.cpu_count()} cores "
        f"({platform.machine()}), {report.chunks} passages, {texts} of them embedded (the others "
        "repeat), into an empty folder.",
        "",
        "| step | seconds | share |",
        "|---|---|---|",
        *(f"| {name} | {spent:.1f} | {spent / total:.1%} |" for name, spent in seconds.items()),
        f"| total | {total:.1f} | |",
        "",
        f"Indexing embeds {texts / total:.1f} passages a second, the encoder alone, given "
        f"{alone} of the same passages in the same batches, {own:.1f}: "
        f"{texts / total / own:.0%} of its throughput.",
    ]
    print("\n".join(lines))
    replace_section(TITLE, lines)


if __name__ == "__main__":
    main()
