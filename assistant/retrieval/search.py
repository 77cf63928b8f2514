"""Retrieval: from a question to ranked passages, with what supports each.

Two cheap legs propose candidates (dense vectors, BM25); late interaction compares their
tokens with the question's; the three are fused by score. The alignment of question words
and passage tokens is kept: answering picks its evidence by it, confidence judges by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Term, analyse, fold
from assistant.datatypes import Signals
from assistant.embedding.late_interaction import Codec, LearntTokenCodec
from assistant.embedding.protocol import Embedder, TokenVectors
from assistant.index.lexical import QuestionTerm, read_question, search_terms
from assistant.index.store import Store
from assistant.index.token_store import StoredTokens, touching, unpack_tokens
from assistant.index.vectors import VectorIndex
from assistant.language import detect_language
from assistant.retrieval.diversity import collapse_duplicates
from assistant.retrieval.filters import EVERYTHING, Filters, chosen_rows
from assistant.retrieval.found import Passage, Question, Retrieval
from assistant.retrieval.fusion import (
    contrast_weights,
    first_scores,
    fused_scores,
    lexical_share,
)
from assistant.retrieval.phrasing import core

CANDIDATES = 100  # passages that each leg proposes
RERANKED = 50  # of them, those compared token by token


def question_languages(language: str, note_languages: Sequence[str]) -> list[str]:
    """Return the languages to analyse a question in: its own first, then the notes'."""
    return list(dict.fromkeys([language, *note_languages]))


def read(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    text: str,
    *,
    chunks: int,
    language: str | None = None,
) -> Question:
    """Analyse and embed a question."""
    note_languages = tuple(store.languages()) or ("fr",)
    spoken = language or detect_language(text, note_languages[0])
    asked = core(text)
    overhead = embedder.count_tokens([""])[0]
    terms = read_question(
        store.connection,
        asked,
        question_languages(spoken, note_languages),
        chunks,
        # A word that is one piece of the model's vocabulary is frequent, not misspelt.
        is_word=lambda word: embedder.count_tokens([word.lower()])[0] - overhead == 1,
    )
    mended = mend_spelling(_calm(asked), terms)
    encoded = embedder.encode_queries([mended])
    tokens = encoded.tokens[0]
    weights = codec.weights(tokens.vectors)
    return Question(
        text=text,
        language=spoken,
        note_languages=note_languages,
        vector=encoded.vectors[0],
        tokens=tokens,
        weights=weights,
        content_weights=_content_weights(weights, tokens, analyse(mended, spoken)),
        terms=terms,
    )


def _content_weights(
    weights: NDArray[np.float32], tokens: TokenVectors, terms: Sequence[Term]
) -> NDArray[np.float32]:
    inside = touching(tokens, terms)
    total = float(weights[inside].sum())
    return np.where(inside, weights / total, 0).astype(np.float32) if total > 0 else weights


def mend_spelling(text: str, terms: Sequence[QuestionTerm]) -> str:
    """Write words that the notes never use as the notes spell them, where that is near."""
    mended = text
    for term in sorted(terms, key=lambda term: -term.start):
        if term.nearest and fold(text[term.start : term.end]) == term.word:
            mended = mended[: term.start] + term.nearest + mended[term.end :]
    return mended


def _calm(text: str) -> str:
    """Lower a question typed in capitals, which the model reads letter by letter."""
    lowered = text.lower()
    return lowered if text.isupper() and len(lowered) == len(text) else text


def retrieve(
    store: Store,
    vectors: VectorIndex,
    embedder: Embedder,
    codec: Codec,
    text: str,
    *,
    fingerprint: str,
    language: str | None = None,
    filters: Filters = EVERYTHING,
) -> Retrieval:
    """Find the passages for a question. Call inside `store.reading()`.

    Both legs search the passages that `filters` choose, and only them; FilterError when
    they choose none. What a word weighs is still counted over the whole index.
    """
    allowed = chosen_rows(store, filters)
    chunks = store.counts()[1]
    question = read(store, embedder, codec, text, chunks=chunks, language=language)
    lexical = search_terms(store.connection, question.terms, chunks, allowed)
    is_calibrated = isinstance(codec, LearntTokenCodec)
    dense = dict(vectors.search(question.vector, CANDIDATES, allowed))
    best_lexical = sorted(lexical.scores, key=lambda row: (-lexical.scores[row], row))
    rows = list(dict.fromkeys([*dense, *best_lexical[:CANDIDATES]]))
    stored = store.chunks(rows)
    rows = [row for row in rows if row in stored]
    if not rows:
        return Retrieval(question, (), lexical, chunks, is_calibrated)
    embedded = store.embeddings(fingerprint, rows)
    cosines = np.array(
        [
            dense[row]
            if row in dense
            else float(np.frombuffer(embedded[row][0], dtype=np.float32) @ question.vector)
            for row in rows
        ]
    )
    bm25 = np.array([lexical.scores.get(row, 0.0) for row in rows])
    share = lexical_share(bm25, [term.idf for term in question.terms])
    foreign = np.array([stored[row].language != question.language for row in rows])
    first = first_scores(cosines, share, foreign)
    order = sorted(range(len(rows)), key=lambda i: (-first[i], rows[i]))[:RERANKED]
    tokens = [unpack_tokens(embedded[rows[i]][1], codec) for i in order]
    alignments = _align(question, tokens, codec)
    support = np.stack([a.max(axis=1, initial=0.0) for a in alignments])
    late = support @ contrast_weights(question.weights, support)
    scores = fused_scores(cosines[order], share[order], late, foreign[order])
    passages = [
        Passage(
            row=rows[i],
            stored=stored[rows[i]],
            signals=Signals(float(cosines[i]), float(bm25[i]), float(late[n])),
            score=float(scores[n]),
            tokens=tokens[n],
            similarities=alignments[n],
            support=support[n],
        )
        for n, i in enumerate(order)
    ]
    passages.sort(key=lambda p: (-p.score, p.stored.chunk.note_id, p.stored.chunk.ordinal))
    distinct = [
        replace(passage, duplicates=repeats) for passage, repeats in collapse_duplicates(passages)
    ]
    return Retrieval(question, tuple(distinct), lexical, chunks, is_calibrated)


def _align(
    question: Question, tokens: list[StoredTokens], codec: Codec
) -> list[NDArray[np.float32]]:
    """Compare all candidates at once, then part the result by passage."""
    together = codec.similarities(
        question.tokens.vectors, np.concatenate([t.codes for t in tokens])
    )
    ends = np.cumsum([len(t.codes) for t in tokens])
    return np.split(together, ends[:-1], axis=1)
