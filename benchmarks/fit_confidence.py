"""Fits the numbers of `assistant/retrieval/confidence.py` and prints them.

    python benchmarks/fit_confidence.py FOLDER [--questions 60] [--seed 0]

FOLDER is a BEIR collection with several documents to a title (an article). The halves are
the articles whose title has an even sha1, to fit on, and the others, for the figures
printed: AUROC and calibration error. Where the questions say whether they are answerable,
the whole collection is asked them; else, collections of 1, 10, 100 and all articles of
the fitting half are drawn and indexed as a user's notes would be, and asked questions
that they answer, questions of articles they lack, and questions whose own document was
left out. Such collections of the other half are always reported: the same numbers must
hold for one page and for a library.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fit_fusion import index_documents, is_for_fitting
from numpy.typing import NDArray

from assistant.evaluation.collection import Collection, Document, Query, load_beir
from assistant.evaluation.metrics import auroc
from assistant.retrieval.confidence import signals

WHOLE = 1_000_000
SIZES = (1, 10, 100, WHOLE)  # articles of a collection, at most
NAMES = ("LATE", "DENSE", "COVERED", "MARGIN", "UNNAMED")
ANSWERED, ABSENT, REMOVED = "answered", "article absent", "document removed"


@dataclass(frozen=True, slots=True)
class Example:
    """One question asked of one collection."""

    features: tuple[float, float, float, float, float]  # as NAMES
    kind: str
    size: int  # articles of the collection, at most


def ask(
    documents: Sequence[Document], asked: Sequence[tuple[Query, str]], size: int
) -> list[Example]:
    """Index documents and ask each (question, kind) of them."""
    with tempfile.TemporaryDirectory() as place:
        assistant, _ = index_documents(documents, Path(place))
        read = [(signals(assistant.retrieve(query.text)), kind) for query, kind in asked]
    return [Example(features, kind, size) for features, kind in read if features is not None]


def draw(
    articles: dict[str, list[Document]],
    queries: Sequence[Query],
    count: int,
    random: np.random.Generator,
) -> list[Example]:
    """Draw collections of each size and ask `count` questions of each kind and size."""
    title_of = {d.id: title for title, documents in articles.items() for d in documents}
    examples: list[Example] = []
    titles = list(articles)
    for size in SIZES:
        # A tenth of the articles of a large collection stay out, to ask about.
        size = min(size, len(titles) * 9 // 10)
        done = 0
        while done < count:
            chosen = set(random.permutation(titles)[:size].tolist())
            inside = [q for q in queries if title_of[next(iter(q.relevant))] in chosen]
            outside = [q for q in queries if title_of[next(iter(q.relevant))] not in chosen]
            if not inside:
                continue
            number = min(count - done, len(inside), max(2, size))
            answered = [inside[i] for i in random.permutation(len(inside))[:number]]
            absent = [outside[i] for i in random.permutation(len(outside))[:number]]
            documents = [d for title in articles if title in chosen for d in articles[title]]
            asked = [(q, ANSWERED) for q in answered] + [(q, ABSENT) for q in absent]
            examples += ask(documents, asked, size)
            gone = {next(iter(q.relevant)) for q in answered}
            left = [d for d in documents if d.id not in gone]
            if left:
                examples += ask(left, [(q, REMOVED) for q in answered], size)
            done += number
    return examples


def marked(folder: Path, collection: Collection) -> list[tuple[Example, bool]]:
    """Ask the whole collection the questions marked answerable or not; say which are to fit."""
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        titles = {row["_id"]: row.get("title", "") for row in map(json.loads, lines)}
    kinds = {"article_removed": ABSENT, "paragraph_removed": REMOVED}
    asked = [
        (q, ANSWERED if q.answerable else kinds.get(q.kind or "", ABSENT))
        for q in collection.queries
        if q.answerable is not None
    ]
    with tempfile.TemporaryDirectory() as place:
        assistant, _ = index_documents(collection.documents, Path(place))
        read = [(signals(assistant.retrieve(q.text)), kind, titles[q.id]) for q, kind in asked]
    return [
        (Example(features, kind, WHOLE), is_for_fitting(title))
        for features, kind, title in read
        if features is not None
    ]


def fit(examples: Sequence[Example]) -> tuple[NDArray[np.float64], float]:
    """Return weights and intercept of a logistic regression."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    features = np.array([e.features for e in examples])
    right = np.array([e.kind == ANSWERED for e in examples], float)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    scaled = np.hstack([(features - mean) / spread, np.ones((len(features), 1))])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = scaled @ weights
        value = (np.logaddexp(0, logits) - right * logits).sum()
        slope = scaled.T @ (1 / (1 + np.exp(-logits)) - right)
        penalised = np.append(weights[:-1], 0.0)  # the intercept is free
        return float(value + penalised @ penalised / 2), slope + penalised

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ mean)


def report(examples: Sequence[Example], weights: NDArray[np.float64], intercept: float) -> None:
    """Print AUROC by size of the collection, and the calibration error."""
    chance = [1 / (1 + np.exp(-(np.array(e.features) @ weights + intercept))) for e in examples]
    for size in sorted({e.size for e in examples}):
        line = f"{size} articles:"
        for kind in (ABSENT, REMOVED):
            kept = [
                i for i, e in enumerate(examples) if e.size == size and e.kind in (ANSWERED, kind)
            ]
            area = auroc(
                np.array([chance[i] for i in kept]),
                np.array([examples[i].kind == ANSWERED for i in kept]),
            )
            line += f" {kind} AUROC {area:.3f}"
        print(line)
    right = np.array([e.kind == ANSWERED for e in examples])
    places = np.minimum((np.array(chance) * 10).astype(int), 9)
    error = sum(
        abs(np.array(chance)[places == p].mean() - right[places == p].mean()) * (places == p).mean()
        for p in set(places.tolist())
    )
    print(f"calibration error {error:.3f}, {len(examples)} questions")


def main() -> None:
    """Fit on one half of the articles, report on the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=60, help="of each kind and size")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    collection = load_beir(given.folder)
    to_fit, to_report = [], []
    if any(query.answerable is not None for query in collection.queries):
        for example, is_to_fit in marked(given.folder, collection):
            (to_fit if is_to_fit else to_report).append(example)
    for half, fitting in ((to_fit, True), (to_report, False)):
        if fitting and to_fit:
            continue
        articles: dict[str, list[Document]] = {}
        for document in collection.documents:
            if is_for_fitting(document.title) is fitting:
                articles.setdefault(document.title, []).append(document)
        ids = {d.id for documents in articles.values() for d in documents}
        queries = [q for q in collection.queries if q.relevant and set(q.relevant) <= ids]
        random = np.random.default_rng(given.seed)
        half += draw(articles, queries, given.questions, random)
    weights, intercept = fit(to_fit)
    print(f"INTERCEPT = {intercept:.2f}")
    for name, weight in zip(NAMES, weights, strict=True):
        print(f"{name} = {weight:.2f}")
    report(to_report, weights, intercept)


if __name__ == "__main__":
    main()
