"""Writes what was measured of the peers: a table, where this assistant is not ahead, plots."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from results_file import RESULTS, replace_section

from assistant.evaluation.metrics import bootstrap_interval

HEADING = "## Peers"
OURS = "course_assistant"
WITHOUT_MODEL = ("bm25s_lexical",)  # embeds nothing, so quick, small and blind to paraphrase
PLOT = Path("plots") / "peers.png"  # beside RESULTS.md


@dataclass(slots=True)
class Measured:
    """One peer; figures are None where it failed before them."""

    name: str
    description: str
    versions: dict[str, str] = field(default_factory=dict)
    passages: int | None = None
    index_seconds: float | None = None  # the whole process that indexes
    index_megabytes: float | None = None  # its peak
    bytes: int | None = None  # of the index on disk
    cold_seconds: float | None = None  # from the start of a process to its printed result
    p50_ms: float | None = None
    p95_ms: float | None = None
    refresh_seconds: float | None = None  # one edited note, by a process that is running
    serve_megabytes: float | None = None  # peak of the process that answers
    ndcg: dict[str, list[float]] = field(default_factory=dict)  # of each question
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the table, the less the better."""

    title: str
    unit: str
    value: Callable[[Measured], float | None]
    digits: int
    cost: str  # what this assistant pays it for, said where another is ahead


MEASURES = (
    Measure("index", "s", lambda one: one.index_seconds, 1,
            "a vector for every word is made too"),
    Measure("warm p50", "ms", lambda one: one.p50_ms, 1,
            "three legs and the comparison word by word follow the model"),
    Measure("warm p95", "ms", lambda one: one.p95_ms, 1,
            "three legs and the comparison word by word follow the model"),
    Measure("cold", "s", lambda one: one.cold_seconds, 2,
            "the model is loaded, and the notes are looked at for changes"),
    Measure("refresh", "s", lambda one: one.refresh_seconds, 2,
            "every note is looked at, since nobody says which one changed"),
    Measure("memory, indexing", "MB", lambda one: one.index_megabytes, 0,
            "the model is loaded"),
    Measure("memory, serving", "MB", lambda one: one.serve_megabytes, 0,
            "the model is loaded"),
    Measure("disk", "MB", lambda one: None if one.bytes is None else one.bytes / 1e6, 1,
            "text, French terms and a vector for every word are kept beside the passage vectors"),
)  # fmt: skip


def write_report(
    found: Sequence[Measured], command: str, scope: str, *, threads: int, path: Path = RESULTS
) -> None:
    """Write section and picture. `scope` says in words what was measured on."""
    draw(found, path.parent / PLOT)
    names = sorted({name for one in found for name in one.ndcg})
    lines = [
        f"`{command}`, {date.today().isoformat()}, {os.cpu_count()} cores "
        f"({platform.machine()}), {threads} threads each, Python {platform.python_version()}. "
        f"{scope}",
        "",
        *table(found, names),
        "",
        *standing(found, names),
        f"![The same figures as bars]({PLOT.as_posix()})",
        "",
        *(f"- {one.name}: {one.description} {versions(one)}" for one in found),
    ]
    replace_section(HEADING, lines, path=path)


def versions(one: Measured) -> str:
    """Packages with their versions, in brackets."""
    if not one.versions:
        return ""
    return f"({', '.join(f'{name} {number}' for name, number in one.versions.items())})"


def table(found: Sequence[Measured], collections: Sequence[str]) -> list[str]:
    """One row a peer; one that failed has its reason in the last column."""
    heads = ["", "passages", *(f"{m.title} {m.unit}" for m in MEASURES)]
    heads += [f"nDCG@10 {name}" for name in collections] + ["failed"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in found:
        cells = [f"**{one.name}**" if one.name == OURS else one.name]
        cells.append("–" if one.passages is None else str(one.passages))
        for measure in MEASURES:
            value = measure.value(one)
            cells.append("–" if value is None else f"{value:.{measure.digits}f}")
        cells += [quality(one.ndcg.get(name)) for name in collections]
        cells.append(one.failure)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def quality(values: list[float] | None) -> str:
    """Mean with its 95 % bootstrap interval."""
    if not values:
        return "–"
    low, high = mean_interval(np.asarray(values))
    return f"{np.mean(values):.3f} ({low:.3f}–{high:.3f})"


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    return bootstrap_interval(lambda sample: float(values[sample].mean()), len(values))


def standing(found: Sequence[Measured], collections: Sequence[str]) -> list[str]:
    """Say in which figures this assistant is ahead of every peer, and where it is not."""
    ours = next((one for one in found if one.name == OURS), None)
    others = [one for one in found if one is not ours]
    if ours is None or not others:
        return []
    ahead, ahead_of_models, behind = [], [], []
    for measure in MEASURES:
        own = measure.value(ours)
        rivals = [(value, one.name) for one in others if (value := measure.value(one)) is not None]
        if own is None or not rivals:
            continue
        better = sorted(rival for rival in rivals if rival[0] <= own)
        if not better:
            ahead.append(measure.title)
            continue
        if all(name in WITHOUT_MODEL for _, name in better):
            (value, name), *_ = better
            ahead_of_models.append(
                f"{measure.title} ({own:.{measure.digits}f} against {value:.{measure.digits}f} "
                f"{measure.unit} for {name})"
            )
            continue
        names = ", ".join(f"{name} {value:.{measure.digits}f}" for value, name in better)
        behind.append(
            f"- {measure.title}: {own:.{measure.digits}f} {measure.unit} against {names}; "
            f"{measure.cost}."
        )
    for name in collections:
        unlike = [
            (float(np.mean(gains)), one.name, *mean_interval(gains))
            for one in others
            if one.ndcg.get(name) and ours.ndcg.get(name)
            for gains in [np.subtract(ours.ndcg[name], one.ndcg[name])]
        ]
        close = sorted(rival for rival in unlike if rival[2] <= 0)
        if unlike and not close:
            ahead.append(f"nDCG@10 on {name}")
        behind += [
            f"- nDCG@10 on {name}: {gain:+.3f} ({low:+.3f} to {high:+.3f}) against {rival}, "
            f"{'behind' if high < 0 else 'too little to tell apart'}."
            for gain, rival, low, high in close
        ]
    lines = []
    if ahead:
        lines += [f"Ahead of every peer: {', '.join(ahead)}.", ""]
    if ahead_of_models:
        lines.append(
            "Ahead of every peer that runs the model, behind words alone: "
            f"{', '.join(ahead_of_models)}."
        )
        lines.append("")
    if behind:
        lines += ["Not ahead of every peer:", "", *behind, ""]
    return lines


def draw(found: Sequence[Measured], path: Path) -> None:
    """Draw one panel a figure: a bar for each peer, the shorter the better; last, quality."""
    from matplotlib.figure import Figure

    names = sorted({name for one in found for name in one.ndcg})
    panels: list[tuple[str, list[float | None], bool]] = [
        (f"{m.title}, {m.unit}", [m.value(one) for one in found], True) for m in MEASURES
    ]
    panels += [
        (f"nDCG@10, {name} (longer is better)",
         [float(np.mean(one.ndcg[name])) if one.ndcg.get(name) else None for one in found], False)
        for name in names
    ]  # fmt: skip
    rows = -(-len(panels) // 2)
    figure = Figure(figsize=(11, 0.5 + (0.28 * len(found) + 0.75) * rows), layout="constrained")
    for axes, (title, values, is_log) in zip(
        figure.subplots(rows, 2, squeeze=False).flat, panels, strict=False
    ):
        colours = ["tab:orange" if one.name == OURS else "tab:gray" for one in found]
        bars = axes.barh([one.name for one in found], [v or 0 for v in values], color=colours)
        axes.bar_label(bars, [_label(value) for value in values], padding=3)
        axes.set_title(title, loc="left", fontsize=10)
        axes.invert_yaxis()
        if is_log and any(values):
            axes.set_xscale("log")
        axes.margins(x=0.15)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in list(figure.axes)[len(panels) :]:
        axes.set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _label(value: float | None) -> str:
    if value is None:
        return "failed"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
