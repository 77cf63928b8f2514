"""An evaluation: documents become notes, every question goes through `Assistant.ask`.

No shortcut: the documents are written as Markdown files into a folder of the user's
cache, indexed by `Assistant.refresh` and asked as a student would, so that what is
measured is what is served. The folder stays, and a second run embeds nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from assistant.assistant import Assistant
from assistant.datatypes import Answer
from assistant.errors import EvaluationError
from assistant.evaluation import metrics
from assistant.evaluation.collection import (
    Document,
    Query,
    load_beir,
    load_questions,
)
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.embedding.protocol import Embedder
    from assistant.index.refresh import Progress

_DEPTH = 50  # passages looked at for a ranking of documents


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question."""

    query: Query
    ranking: tuple[str, ...]  # documents, the best first, each once
    answer: Answer


def evaluate(
    source: Path,
    settings: Settings,
    *,
    limit: int | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the assistant on a BEIR folder, or on questions about `settings.corpus`.

    Returns the measures by name, with `intervals` (95 %, bootstrap over questions) and,
    where it is known which questions are answerable, a `reliability` diagram. A measure
    that these questions do not define (no refusal to be precise about) is None.
    """
    started = time.perf_counter()
    if source.is_dir():
        collection = load_beir(source)
        settings, names = _write_notes(collection.documents, settings)
    else:
        collection, names = load_questions(source), {}
    queries = collection.queries[:limit]
    if not queries:
        raise EvaluationError(f"« {source} » ne contient aucune question.")
    assistant = Assistant.open(settings, embedder=embedder)
    report = assistant.refresh(progress)
    if not collection.documents:
        _check_notes(queries, {note_id for note_id, _ in assistant.notes()}, source)
    outcomes = []
    for done, query in enumerate(queries):
        if progress:
            progress("questions", done, len(queries))
        outcomes.append(_ask(assistant, query, names))
    measures = measure(outcomes)
    measures["documents"] = len(collection.documents) or report.unchanged + len(report.added)
    measures["passages"] = report.chunks
    measures["seconds"] = round(time.perf_counter() - started, 2)
    return measures


def _check_notes(queries: Sequence[Query], there: set[str], source: Path) -> None:
    """Raise EvaluationError naming the notes of a teacher's file that the corpus lacks."""
    named = [note for query in queries for note in query.relevant]
    if missing := [note for note in dict.fromkeys(named) if note not in there]:
        raise EvaluationError(
            f"« {source} » nomme {len(missing)} note(s) inconnue(s) : {', '.join(missing[:5])}"
            f"{', …' if len(missing) > 5 else ''} ; la colonne « note » attend un chemin depuis "
            "le dossier des notes, comme docker.md (--corpus choisit ce dossier)."
        )


def _ask(assistant: Assistant, query: Query, names: dict[str, str]) -> Outcome:
    answer = assistant.ask(query.text, k=_DEPTH, refresh=False)
    notes = dict.fromkeys(
        note_id for hit in answer.hits for note_id in (hit.chunk.note_id, *hit.duplicates)
    )
    return Outcome(query, tuple(names.get(note_id, note_id) for note_id in notes), answer)


def _write_notes(
    documents: Sequence[Document], settings: Settings
) -> tuple[Settings, dict[str, str]]:
    """Write one note a document; return settings for them, and document ids by note id."""
    digest = blake2b(digest_size=8)
    for document in documents:
        digest.update(repr((document.id, document.title, document.text)).encode())
    cache = settings.cache or Path(platformdirs.user_cache_dir("course-assistant"))
    folder = cache / "evaluation" / digest.hexdigest()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    names = {}
    for number, document in enumerate(documents):
        note_id = f"{number // 1000:03}/{number:06}.md"
        names[note_id] = document.id
        path = corpus / note_id
        path.parent.mkdir(exist_ok=True)
        title = json.dumps(document.title or document.id, ensure_ascii=False)
        content = f"---\ntitle: {title}\n---\n{document.text}\n".encode()
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)
    return replace(settings, corpus=corpus, index=folder / "index"), names


def measure(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all measures that the questions allow, with their intervals."""
    values: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}

    def add_mean(name: str, numbers: Sequence[float]) -> None:
        if not numbers:
            return
        array = np.asarray(numbers, dtype=float)
        values[name] = float(array.mean())
        intervals[name] = metrics.bootstrap_interval(
            lambda sample: float(array[sample].mean()), len(array)
        )

    ranked = [o for o in outcomes if o.query.relevant]
    for name, function, k in (
        ("ndcg@10", metrics.ndcg, 10),
        ("recall@10", metrics.recall, 10),
        ("recall@1", metrics.recall, 1),
        ("mrr@10", metrics.reciprocal_rank, 10),
    ):
        add_mean(name, [function(o.ranking, o.query.relevant, k) for o in ranked])
    quoted = [o for o in outcomes if o.query.answers and o.query.answerable is not False]
    add_mean("answer_in_citation@1", [_holds(o, 1) for o in quoted])
    add_mean("answer_in_citations", [_holds(o, None) for o in quoted])
    answered = [o for o in outcomes if o.answer.answered]
    if answered:
        values["median_answer_words"] = float(
            np.median([len(o.answer.text.split()) for o in answered])
        )
    values["answered"] = len(answered) / len(outcomes)
    result: dict[str, Any] = {**values, "queries": len(outcomes)}
    judged = [o for o in outcomes if o.query.answerable is not None]
    if judged:
        _add_refusals(result, intervals, judged)
    known = {name: None if value != value else value for name, value in result.items()}
    return {**known, "intervals": {n: i for n, i in intervals.items() if i[0] == i[0]}}


def _add_refusals(
    result: dict[str, Any], intervals: dict[str, tuple[float, float]], judged: list[Outcome]
) -> None:
    kinds = sorted({o.query.kind for o in judged if o.query.kind and not o.query.answerable})
    for kind in (None, *kinds):
        part = [o for o in judged if kind is None or o.query.answerable or o.query.kind == kind]
        suffix = f":{kind}" if kind else ""
        for name, (value, interval) in _refusal_measures(part).items():
            result[name + suffix], intervals[name + suffix] = value, interval
    certainty = np.array([o.answer.confidence for o in judged])
    diagram = metrics.reliability(certainty, np.array([bool(o.query.answerable) for o in judged]))
    result["expected_calibration_error"] = metrics.expected_calibration_error(diagram)
    result["reliability"] = diagram


def _refusal_measures(part: list[Outcome]) -> dict[str, tuple[float, tuple[float, float]]]:
    """Return each measure of refusing with its interval."""
    answered = np.array([o.answer.answered for o in part])
    answerable = np.array([bool(o.query.answerable) for o in part])
    certainty = np.array([o.answer.confidence for o in part])

    def measure_of(name: str) -> Callable[[NDArray[np.intp]], float]:
        if name == "auroc":
            return lambda sample: metrics.auroc(certainty[sample], answerable[sample])
        return lambda sample: metrics.refusals(answered[sample], answerable[sample])[name]

    everyone = np.arange(len(part))
    found = {}
    for name in ("refusal_precision", "refusal_recall", "coverage", "auroc"):
        function = measure_of(name)
        samples = 200 if name == "auroc" else metrics.BOOTSTRAP_SAMPLES
        interval = metrics.bootstrap_interval(function, len(part), samples=samples)
        found[name] = (float(function(everyone)), interval)
    return found


def _holds(outcome: Outcome, first: int | None) -> float:
    """Whether one of the first quotations holds an accepted answer, white space apart."""
    quotes = [_plain(c.quote) for c in outcome.answer.citations[:first]]
    return float(any(_plain(a) in quote for a in outcome.query.answers for quote in quotes))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
