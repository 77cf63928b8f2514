"""Fits the weights of `assistant/answering/evidence.py` and prints them.

    python benchmarks/fit_evidence.py FOLDER [--limit N]

FOLDER is a BEIR collection with accepted answers, indexed and searched as a user's notes
would be. The weights maximise the likelihood of the spans that hold an answer among all
spans of the best passages (a conditional logit), on the questions about titles whose sha1
is even; the other half is for the figures printed: how often the best span, and one of the
two best, holds an answer. What the weights set by hand give counts as much as the softmax
of `assistant/answering/extractive.py` lets it, so the fitted ones are in its units.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fit_fusion import index_documents, is_for_fitting
from numpy.typing import NDArray

from assistant.answering.evidence import SpanSignals, judged_spans
from assistant.answering.extractive import SHARPNESS
from assistant.assistant import Assistant
from assistant.evaluation.collection import Query, load_beir

FITTED = SpanSignals._fields[:-1]
PENALTY = 1.0  # of the squared weights, in deviations of their signals


@dataclass(frozen=True, slots=True)
class Example:
    """The spans found for one question."""

    signals: NDArray[np.float64]  # (spans, signals): as in SpanSignals
    holding: NDArray[np.bool_]  # (spans,) whether it holds an answer
    right: NDArray[np.bool_]  # (spans,) those of them in a relevant document, if any is


def read_example(assistant: Assistant, names: dict[str, str], query: Query) -> Example | None:
    """Return the spans found for a question; None where there are none."""
    spans = list(judged_spans(assistant.retrieve(query.text)))
    if not spans:
        return None
    holding, relevant = [], []
    for passage, span, _ in spans:
        chunk = passage.stored.chunk
        text = plain(chunk.text[span.start - chunk.start : span.end - chunk.start])
        holding.append(any(plain(answer) in text for answer in query.answers))
        relevant.append(names[chunk.note_id] in query.relevant)
    right = np.array(holding) & np.array(relevant)
    return Example(
        np.array([signals for _, _, signals in spans]),
        np.array(holding),
        right if right.any() else np.array(holding),
    )


def plain(text: str) -> str:
    """Return a text in lower case with single spaces."""
    return " ".join(text.casefold().split())


def fit(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the weights of FITTED signals, those of the others being 1."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    used = [e for e in examples if e.right.any()]
    spread = np.concatenate([e.signals[:, :-1] for e in used]).std(axis=0) + 1e-9
    scaled = [(e.signals[:, :-1] / spread, SHARPNESS * e.signals[:, -1], e.right) for e in used]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = PENALTY * float(weights @ weights) / 2
        slope = PENALTY * weights
        for signals, other, right in scaled:
            scores = signals @ weights + other
            odds = np.exp(scores - scores.max())
            chances = odds / odds.sum()
            among = float(chances[right].sum())
            value -= np.log(max(among, 1e-300))
            slope = slope + chances @ signals
            slope = slope - chances[right] @ signals[right] / max(among, 1e-300)
        return value, slope

    found = minimize(loss, np.zeros(len(FITTED)), jac=True, method="L-BFGS-B").x
    return np.asarray(found / spread / SHARPNESS)


def report(name: str, examples: Sequence[Example], weights: NDArray[np.float64]) -> None:
    """Print how often the best span, or one of the two best, holds an answer."""
    best, two = [], []
    for example in examples:
        order = np.argsort(-(example.signals @ np.append(weights, 1.0)), kind="stable")
        best.append(example.holding[order[0]])
        two.append(example.holding[order[:2]].any())
    print(f"{name}: best {np.mean(best):.3f}, two best {np.mean(two):.3f}, {len(best)} questions")


def main() -> None:
    """Fit on one half of the titles, report on both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, help="questions")
    given = parser.parse_args()
    collection = load_beir(given.folder)
    titles = {document.id: document.title for document in collection.documents}
    queries = [q for q in collection.queries if q.relevant and q.answers][: given.limit]
    halves: dict[bool, list[Example]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as place:
        assistant, names = index_documents(collection.documents, Path(place))
        for query in queries:
            if example := read_example(assistant, names, query):
                halves[is_for_fitting(titles[next(iter(query.relevant))])].append(example)
    weights = fit(halves[True])
    for field, weight in zip(FITTED, weights, strict=True):
        print(f"{field} = {weight:.2f}")
    for half, name in ((True, "fitted"), (False, "held out")):
        if halves[half]:
            report(name, halves[half], weights)


if __name__ == "__main__":
    main()
