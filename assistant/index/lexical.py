"""The lexical leg: BM25 over analysed terms, with spelling mended from the notes' words.

FTS5 answers one term at a time, so that what each term contributes stays known. Its own
IDF falls to nothing for a term in half of the passages, which on a one-page course is
most of them; it is replaced by Lucene's form, ln(1 + (N - n + 0.5) / (n + 0.5)).
k1 = 1.2 and b = 0.75 are FTS5's.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
"""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Term, analyse

MISSPELT_WEIGHT = 0.7  # of a term that stands for a misspelt one
_LEAST_SIMILARITY = 78.0  # of 100, of a word that may stand for another
_AS_SIMILAR = 4.0  # of 100: words this near to the best stand for it too
_LONGEST_POSTINGS = 20_000  # passages of a term that are scored, the best: it tells little
_KEPT_POSTINGS = 1_000_000  # of terms asked for, 16 bytes each; a letter of a term counts as one
_POSTING = np.dtype([("row", np.int64), ("score", np.float64)])

# FTS5's ascii tokenizer splits at ASCII punctuation; terms hold some, so it is written
# in its full-width form, which the tokenizer takes for letters.
_TO_FTS = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}


@dataclass(frozen=True, slots=True)
class QuestionTerm:
    """One word of the question, and the index terms that stand for it."""

    word: str  # as folded from the question
    start: int  # its characters in the question
    end: int
    terms: tuple[str, ...]  # those in the index; empty when the notes never say it
    idf: float  # of the word in these notes; the highest possible when they never say it
    weight: float  # 1, or less for a word that was misspelt
    nearest: str = ""  # the notes' word taken for one they never use, as they fold
    translations: tuple[tuple[str, ...], ...] = ()  # the terms of each, which belong together

    def is_said(self, terms: set[str]) -> bool:
        """Whether a text with these index terms says the word."""
        return not terms.isdisjoint(self.terms) or any(
            terms.issuperset(translation) for translation in self.translations
        )


@dataclass(frozen=True, slots=True)
class LexicalResult:
    """BM25 scores by chunk row, and what each word of the question contributed."""

    terms: tuple[QuestionTerm, ...]
    rows: NDArray[np.int64]  # (passages,) that share a term with the question, ascending
    by_term: NDArray[np.float64]  # (terms, passages), 0 where the passage does not say it

    @property
    def scores(self) -> NDArray[np.float64]:
        """The scores, (passages,): what the words contribute, together."""
        return np.asarray(self.by_term.sum(axis=0))

    def best(self, k: int) -> list[int]:
        """Return the rows of the best `k` passages, the best first."""
        rows, scores = self.rows, self.scores
        if len(rows) > k:
            near = scores >= np.partition(scores, -k)[-k]
            rows, scores = rows[near], scores[near]
        best: list[int] = rows[np.lexsort((rows, -scores))][:k].tolist()
        return best

    def of(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """Return what each word contributes to passages, (terms, rows); 0 where it is not said."""
        if not len(self.rows):
            return np.zeros((len(self.terms), len(rows)))
        places = np.searchsorted(self.rows, rows).clip(max=len(self.rows) - 1)
        return np.where(self.rows[places] == rows, self.by_term[:, places], 0.0)


class Postings:
    """The passages of terms as FTS5 scores them, kept while the index stays the same.

    The words that most passages say come back in question after question, and cost the
    most to fetch. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, NDArray[np.void]] = OrderedDict()
        self._kept = 0
        self._lock = threading.Lock()

    def of(self, connection: sqlite3.Connection, term: str) -> NDArray[np.void]:
        """Return the (row, score) of the passages that say `term`, by row."""
        with self._lock:
            if term in self._known:
                self._known.move_to_end(term)
                return self._known[term]
        found = _fetch(connection, term, None)
        with self._lock:
            if term not in self._known:
                self._known[term] = found
                self._kept += len(term) + len(found)
            while self._kept > _KEPT_POSTINGS:
                oldest, dropped = self._known.popitem(last=False)
                self._kept -= len(oldest) + len(dropped)
        return found

    def count(self, connection: sqlite3.Connection, term: str) -> int:
        """Return how many passages say `term`."""
        found = len(self.of(connection, term))
        return found if found < _LONGEST_POSTINGS else _document_frequency(connection, term)


def _fetch(
    connection: sqlite3.Connection, term: str, allowed: frozenset[int] | None
) -> NDArray[np.void]:
    # The unary plus keeps SQLite from searching FTS5 once a row.
    chosen = "" if allowed is None else "AND +rowid IN (SELECT value FROM json_each(?))"
    rows = () if allowed is None else (json.dumps(list(allowed)),)
    query = f"SELECT rowid, bm25(terms) AS score FROM terms WHERE terms MATCH ? {chosen}"

    def read(order: str, most: int) -> NDArray[np.void]:
        found = connection.execute(f"{query} {order} LIMIT ?", (_match(term), *rows, most))
        return np.fromiter(found, _POSTING)

    saying = read("", _LONGEST_POSTINGS + 1)
    if len(saying) > _LONGEST_POSTINGS:  # not the first by row, which are the oldest notes
        saying = np.sort(read("ORDER BY score", _LONGEST_POSTINGS), order="row")
    return saying


def fts_terms(terms: Sequence[Term]) -> str:
    """Return the text to put into the FTS5 table for these terms."""
    return " ".join(term.term.translate(_TO_FTS) for term in terms)


def _match(term: str) -> str:
    return '"' + term.translate(_TO_FTS).replace('"', "") + '"'


def _document_frequency(connection: sqlite3.Connection, term: str) -> int:
    row = connection.execute(
        "SELECT doc FROM vocabulary WHERE term = ?", (term.translate(_TO_FTS),)
    ).fetchone()
    return int(row[0]) if row else 0


def inverse_document_frequency(passages: int, containing: int) -> float:
    """Return Lucene's BM25 IDF, always positive."""
    return math.log(1 + (passages - containing + 0.5) / (containing + 0.5))


def read_question(
    connection: sqlite3.Connection,
    question: str,
    languages: Sequence[str],
    passages: int,
    *,
    is_word: Callable[[str], bool] = lambda _: False,
    translations: Mapping[tuple[int, int], Sequence[tuple[str, ...]]] | None = None,
    postings: Postings | None = None,
) -> tuple[QuestionTerm, ...]:
    """Find the index terms for each word of a question.

    `languages` are those of question and notes: a word is analysed in each, since an
    English question on French notes shares technical words and names with them.
    A word that the notes never use is looked for under its nearest spelling, unless
    `is_word` knows it: "licence" is no misspelt "silence". A word with `translations`, by
    its characters in the question, is as frequent in the notes as the most frequent of them.
    Passages are counted in `postings`, which `search_terms` then finds there.
    """
    translations = translations or {}
    postings = postings or Postings()
    spans: dict[tuple[int, int], dict[str, str]] = {}
    for position, language in enumerate(languages):
        for term in analyse(question, language):
            known = spans.get((term.start, term.end))
            if known is None and position > 0:
                continue  # a stop word in the language of the question
            if known is None:
                known = spans[term.start, term.end] = {}
            known.setdefault(term.term, term.word)
    found: list[QuestionTerm] = []
    for (start, end), candidates in spans.items():
        counts = {term: postings.count(connection, term) for term in candidates}
        known_terms = tuple(term for term, count in counts.items() if count)
        word = next(iter(candidates.values()))
        weight, nearest = 1.0, ""
        said = {
            translation: min(postings.count(connection, term) for term in translation)
            for translation in translations.get((start, end), ())
        }
        containing = max([*counts.values(), *said.values()])
        is_known = bool(known_terms or said) or is_word(question[start:end])
        if not is_known and (near := _nearest_spelling(connection, word, postings)):
            nearest, known_terms = near
            weight = MISSPELT_WEIGHT
            containing = max(postings.count(connection, term) for term in known_terms)
        found.append(
            QuestionTerm(
                word=word,
                start=start,
                end=end,
                terms=known_terms,
                idf=inverse_document_frequency(passages, containing),
                weight=weight,
                nearest=nearest,
                translations=tuple(t for t, count in said.items() if count),
            )
        )
    return tuple(found)


def _nearest_spelling(
    connection: sqlite3.Connection, word: str, postings: Postings
) -> tuple[str, tuple[str, ...]] | None:
    """Return the notes' word spelt most like a word of four letters or more, and its terms."""
    if len(word) < 4 or not any(c.isalpha() for c in word):
        return None
    from rapidfuzz import fuzz, process

    near = connection.execute(
        "SELECT word, term FROM words WHERE length(word) BETWEEN ? AND ? "
        "AND substr(word, 1, 1) IN (?, ?)",
        (len(word) - 3, len(word) + 3, word[0], word[1]),
    ).fetchall()
    matches = process.extract(
        word,
        [surface for surface, _ in near],
        scorer=fuzz.ratio,
        score_cutoff=_LEAST_SIMILARITY,
        limit=3,
    )
    best = [match for match in matches if match[1] >= matches[0][1] - _AS_SIMILAR]
    terms = {near[index][1] for _, _, index in best}
    known = tuple(sorted(term for term in terms if postings.count(connection, term)))
    return (best[0][0], known) if known else None


def search_terms(
    connection: sqlite3.Connection,
    terms: tuple[QuestionTerm, ...],
    passages: int,
    allowed: frozenset[int] | None = None,
    *,
    postings: Postings | None = None,
) -> LexicalResult:
    """Score every passage that shares a term with the question; never joined with AND.

    With `allowed`, only these rows are scored, by the rarity of terms in all `passages`.
    Without, the passages of a term are taken from `postings` where they are known.
    """
    postings = postings or Postings()
    found: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = []

    def scored(term: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        count = postings.count(connection, term)
        fts_idf = max(1e-6, math.log((passages - count + 0.5) / (count + 0.5)))
        # A technical word stands beside its parts: each at its own rarity, the best counts.
        factor = inverse_document_frequency(passages, count) / fts_idf
        if allowed is None:
            saying = postings.of(connection, term)
        else:
            saying = _fetch(connection, term, allowed)
        return saying["row"], -saying["score"] * factor

    for number, question_term in enumerate(terms):
        for term in question_term.terms:
            said, own = scored(term)
            found.append((number, said, own * question_term.weight))
        for translation in question_term.translations:
            said, least = scored(translation[0])
            for term in translation[1:]:
                others, other = scored(term)
                said, here, there = np.intersect1d(said, others, return_indices=True)
                least = np.minimum(least[here], other[there])
            found.append((number, said, least))
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(said for _, said, _ in found)]))
    by_term = np.zeros((len(terms), len(rows)))
    for number, said, scores in found:
        places = np.searchsorted(rows, said)
        by_term[number, places] = np.maximum(by_term[number, places], scores)
    return LexicalResult(terms, rows, by_term)
