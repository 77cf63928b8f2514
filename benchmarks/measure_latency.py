"""Measures warm questions, memory and disk on a folder of notes, and the encoder beside them.

    python benchmarks/measure_latency.py NOTES [--index DIR] [--questions 200]

NOTES is indexed first (into a temporary folder unless DIR is given, where a second run
finds it). Questions are made of the notes' headings. Everything runs in this one process,
so encoder and retrieval can be compared; writes the section "Latency" of
`benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from assistant.assistant import Assistant
from assistant.settings import Settings, limit_threads

RESULTS = Path(__file__).with_name("RESULTS.md")
TITLE = "## Latency"
_FRAMES = ("C'est quoi {} ?", "À quoi sert {} ?", "Comment fonctionne {} ?", "{}")


def questions_about(course: Assistant, count: int) -> list[str]:
    """Return questions made of headings, the same in every run."""
    headings: dict[str, None] = {}
    for note_id, _ in course.notes():
        for found in re.findall(r"^#{1,4} +(.{4,60}?)[ #]*$", course.note(note_id).text, re.M):
            headings.setdefault(found)
    drawn = random.Random(0).sample(sorted(headings), min(count, len(headings)))
    return [_FRAMES[n % len(_FRAMES)].format(heading) for n, heading in enumerate(drawn)]


def milliseconds(call: Callable[[str], object], questions: list[str]) -> tuple[float, float]:
    """Return (p50, p95) of one call for each question."""
    spent = []
    for question in questions:
        started = time.perf_counter()
        call(question)
        spent.append(1000 * (time.perf_counter() - started))
    return float(np.percentile(spent, 50)), float(np.percentile(spent, 95))


def main() -> None:
    """Index, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    given = parser.parse_args()
    limit_threads()
    with tempfile.TemporaryDirectory() as place:
        index = given.index or Path(place)
        course = Assistant.open(Settings(corpus=given.notes, index=index))
        report = course.refresh()
        questions = questions_about(course, given.questions)
        for question in questions[:10]:
            course.ask(question, refresh=False)
        encode = course.embedder.encode_queries
        rows = [
            ("encoder alone", milliseconds(lambda question: encode([question]), questions)),
            ("retrieval", milliseconds(course.retrieve, questions)),
            (
                "answer",
                milliseconds(lambda question: course.ask(question, refresh=False), questions),
            ),
            ("answer, notes checked first", milliseconds(course.ask, questions)),
        ]
        size = sum(file.stat().st_size for file in index.glob("*") if file.is_file())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = rows[1][1][0] / rows[0][1][0]
    lines = [
        TITLE,
        "",
        f"`python benchmarks/measure_latency.py NOTES`, {date.today().isoformat()}, "
        f"{os.cpu_count()} cores ({platform.machine()}), {report.chunks} passages, "
        f"{len(questions)} questions, warm, one at a time.",
        "",
        "| what | p50 ms | p95 ms |",
        "|---|---|---|",
        *(f"| {name} | {p50:.1f} | {p95:.1f} |" for name, (p50, p95) in rows),
        "",
        f"Retrieval takes {ratio:.1f} times the encoder's own time. Index: {size / 1e6:.0f} MB, "
        f"{size / max(report.chunks, 1) / 1e3:.1f} KB a passage. Peak memory of the process, "
        f"indexing included where it was done in this run: {memory:.0f} MB. "
        f"Indexed in this run: {report.embedded} passages in {report.seconds:.0f} s.",
    ]
    text = RESULTS.read_text(encoding="utf-8")
    section = re.compile(rf"\n*{TITLE}\n.*?(?=\n## |\Z)", re.S)
    rest = section.sub("", text).rstrip("\n")
    RESULTS.write_text(rest + "\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
