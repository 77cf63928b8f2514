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

from assistant.settings import Settings, limit_threads

limit_threads()  # as the faces do, before numpy is imported

import numpy as np  # noqa: E402
from results_file import replace_section  # noqa: E402

from assistant.assistant import Assistant  # noqa: E402

TITLE = "## Latency"
_WHOLES = ("retrieve", "answer", "total")  # of timings: sums of other steps
_FRAMES = ("C'est quoi {} ?", "À quoi sert {} ?", "Comment fonctionne {} ?", "{}")


def questions_about(course: Assistant, count: int) -> list[str]:
    """Return questions made of headings, the same in every run."""
    headings: dict[str, None] = {}
    for note_id, _ in course.notes():
        for found in re.findall(r"^#{1,4} +(.{4,60}?)[ #]*$", course.note(note_id).text, re.M):
            headings.setdefault(found)
    drawn = random.Random(0).sample(sorted(headings), min(count, len(headings)))
    return [_FRAMES[n % len(_FRAMES)].format(heading) for n, heading in enumerate(drawn)]


def milliseconds(call: Callable[[str], object], questions: list[str]) -> tuple[float, float, float]:
    """Return p50 and p95 of one call for each question, and p50 of its processor time."""
    spent, busy = [], []
    for question in questions:
        started, busy_before = time.perf_counter(), time.process_time()
        call(question)
        spent.append(1000 * (time.perf_counter() - started))
        busy.append(1000 * (time.process_time() - busy_before))
    p50, p95 = np.percentile(spent, [50, 95]).tolist()
    return p50, p95, float(np.median(busy))


def profile(course: Assistant, questions: list[str]) -> list[str]:
    """Return a table of where the time of an answer goes, from the answers' own timings."""
    timings = [course.ask(question).timings_ms for question in questions]
    steps = {name: None for timing in timings for name in timing}
    mean = {name: float(np.mean([t.get(name, 0.0) for t in timings])) for name in steps}
    parts = [name for name in mean if name not in _WHOLES]
    return [
        "| step | mean ms | share |",
        "|---|---|---|",
        *(f"| {name} | {mean[name]:.2f} | {mean[name] / mean['total']:.0%} |" for name in parts),
        f"| total | {mean['total']:.2f} | |",
    ]


def main() -> None:
    """Index, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    given = parser.parse_args()
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
        shares = profile(course, questions)
        size = sum(file.stat().st_size for file in index.glob("*") if file.is_file())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = rows[1][1][2] / rows[0][1][2]
    lines = [
        f"`python benchmarks/measure_latency.py NOTES`, {date.today().isoformat()}, "
        f"{os.cpu_count()} cores ({platform.machine()}), {report.chunks} passages, "
        f"{len(questions)} questions, warm, one at a time.",
        "",
        "| what | p50 ms | p95 ms | p50 of processor ms |",
        "|---|---|---|---|",
        *(f"| {name} | {p50:.1f} | {p95:.1f} | {busy:.1f} |" for name, (p50, p95, busy) in rows),
        "",
        *shares,
        "",
        f"Retrieval takes {ratio:.1f} times the encoder's own processor time. "
        f"Index: {size / 1e6:.0f} MB, {size / max(report.chunks, 1) / 1e3:.1f} KB a passage. "
        "Peak memory of the process, indexing included where it was done in this run: "
        f"{memory:.0f} MB. Indexed in this run: {report.embedded} passages "
        f"in {report.seconds:.0f} s.",
    ]
    replace_section(TITLE, lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
