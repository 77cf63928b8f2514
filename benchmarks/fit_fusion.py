"""Fits the weights of `assistant/retrieval/fusion.py` and prints them.

    python benchmarks/fit_fusion.py FOLDER [FOLDER …] [--limit N]

Each FOLDER is a BEIR collection, indexed and searched as a user's notes would be. The
weights maximise the likelihood of the relevant passages among the candidates (a
conditional logit, so only differences inside one question count), on the questions
whose first relevant document has an even sha1; nDCG@10 is printed for both halves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.assistant import Assistant
from assistant.evaluation.collection import Document, Query, load_beir
from assistant.glossary import translates
from assistant.retrieval.fusion import lexical_share
from assistant.settings import Settings

NAMES = (
    "DENSE_WEIGHT",
    "LATE_WEIGHT",
    "LEXICAL_WEIGHT",
    "FOREIGN_LEXICAL_WEIGHT",
    "TRANSLATED_LEXICAL_WEIGHT",
)
SCALES = np.array([10.0, 10.0, 1.0, 1.0, 1.0])  # cosines vary less than shares of BM25
PENALTY = 1e-3  # of the squared scaled weights, which keeps them finite


def is_for_fitting(key: str) -> bool:
    """Whether what has this id or title belongs to the half that may be learnt from."""
    return int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 2 == 0


def index_documents(
    documents: Sequence[Document], folder: Path
) -> tuple[Assistant, dict[str, str]]:
    """Index documents as notes under `folder`; return document ids by note id too."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    names = {}
    for number, document in enumerate(documents):
        note_id = f"{number:06}.md"
        title = json.dumps(document.title or document.id, ensure_ascii=False)
        text = f"---\ntitle: {title}\n---\n{document.text}\n"
        (corpus / note_id).write_text(text, encoding="utf-8")
        names[note_id] = document.id
    assistant = Assistant.open(Settings(corpus=corpus, index=folder / "index"))
    assistant.refresh()
    return assistant, names


@dataclass(frozen=True, slots=True)
class Example:
    """The candidates of one question."""

    signals: NDArray[np.float64]  # (candidates, signals): as in NAMES
    documents: tuple[str, ...]  # of each candidate
    relevant: NDArray[np.bool_]  # (candidates,)
    fitting: bool


def read_example(assistant: Assistant, names: dict[str, str], query: Query) -> Example | None:
    """Return the candidates of a question; None where there are none."""
    retrieval = assistant.retrieve(query.text)
    if not retrieval.passages:
        return None
    signals = [p.signals for p in retrieval.passages]
    bm25 = np.array([s.lexical for s in signals])
    share = lexical_share(bm25, [term.idf for term in retrieval.question.terms])
    language = retrieval.question.language
    foreign = np.array([p.stored.language != language for p in retrieval.passages])
    translated = translates(language, retrieval.question.note_languages[0])
    documents = tuple(names[p.stored.chunk.note_id] for p in retrieval.passages)
    return Example(
        np.stack(
            [
                [s.dense for s in signals],
                [s.late for s in signals],
                np.where(foreign, 0, share),
                np.where(foreign & (not translated), share, 0),
                np.where(foreign & translated, share, 0),
            ],
            axis=1,
        ),
        documents,
        np.array([document in query.relevant for document in documents]),
        is_for_fitting(next(iter(query.relevant))),
    )


def fit(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the weights of the signals; none is negative."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    used = [(e.signals * SCALES, e.relevant) for e in examples if e.relevant.any()]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = PENALTY * float(weights @ weights)
        slope = 2 * PENALTY * weights
        for signals, relevant in used:
            scores = signals @ weights
            odds = np.exp(scores - scores.max())
            chances = odds / odds.sum()
            right = float(chances[relevant].sum())
            value -= np.log(max(right, 1e-300)) / len(used)
            among = chances[relevant] @ signals[relevant] / max(right, 1e-300)
            slope = slope + (chances @ signals - among) / len(used)
        return value, slope

    found = minimize(
        loss, np.ones(len(NAMES)), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(NAMES)
    )
    return np.asarray(found.x * SCALES)


def ndcg(example: Example, weights: NDArray[np.float64]) -> float:
    """Return nDCG@10 of one question with one relevant document, of its best passage."""
    order = np.argsort(-(example.signals @ weights), kind="stable")
    ranking = list(dict.fromkeys(example.documents[i] for i in order))
    wanted = {d for d, right in zip(example.documents, example.relevant, strict=True) if right}
    ranks = [rank for rank, document in enumerate(ranking[:10], 1) if document in wanted]
    return float(1 / np.log2(ranks[0] + 1)) if ranks else 0.0


def main() -> None:
    """Fit on one half, report on both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, help="questions of each folder")
    given = parser.parse_args()
    found: dict[str, list[Example]] = {}
    for folder in given.folders:
        collection = load_beir(folder)
        with tempfile.TemporaryDirectory() as place:
            assistant, names = index_documents(collection.documents, Path(place))
            queries = [query for query in collection.queries if query.relevant][: given.limit]
            read = [read_example(assistant, names, query) for query in queries]
        found[folder.name] = [example for example in read if example is not None]
    weights = fit([e for examples in found.values() for e in examples if e.fitting])
    for name, weight in zip(NAMES, weights, strict=True):
        print(f"{name} = {weight:.1f}")
    for name, examples in found.items():
        for half in (True, False):
            values = [ndcg(e, weights) for e in examples if e.fitting is half]
            if values:
                label = "fitted" if half else "held out"
                print(f"{name} {label}: nDCG@10 {np.mean(values):.3f}, {len(values)} questions")


if __name__ == "__main__":
    main()
