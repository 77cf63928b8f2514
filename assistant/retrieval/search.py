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
from assistant.glossary import translate, translates
from assistant.index.lexical import QuestionTerm, read_question, search_terms
from assistant.index.snapshot import Snapshot
from assistant.index.store import Store
from assistant.index.token_store import StoredTokens, touching, unpack_tokens
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
from assistant.stopwatch import Stopwatch

CANDIDATES = 100  # passages that each leg proposes
RERANKED = 50  # of them, those compared token by token


def question_languages(language: str, note_languages: Sequence[str]) -> list[str]:
    """Return the languages to analyse a question in: its own first, then the notes'."""
    return list(dict.fromkeys([language, *note_languages]))


def read(
    store: Store,
    snapshot: Snapshot,
    embedder: Embedder,
    codec: Codec,
    text: str,
    watch: Stopwatch,
    *,
    language: str | None = None,
) -> Question:
    """Analyse and embed a question."""
    note_languages = snapshot.languages or ("fr",)
    spoken = language or detect_language(text, note_languages[0])
    asked = core(text)
    overhead = embedder.count_tokens([""])[0]
    terms = read_question(
        store.connection,
        asked,
        question_languages(spoken, note_languages),
        snapshot.chunks,
        # A word that is one piece of the model's vocabulary is frequent, not misspelt.
        is_word=lambda word: embedder.count_tokens([word.lower()])[0] - overhead == 1,
        translations=translate(analyse(asked, spoken), spoken, note_languages[0]),
        postings=snapshot.postings,
    )
    mended = mend_spelling(_calm(asked), terms)
    watch.ends("read")
    encoded = embedder.encode_queries([mended])
    watch.ends("encode")
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
    snapshot: Snapshot,
    embedder: Embedder,
    codec: Codec,
    text: str,
    *,
    language: str | None = None,
    filters: Filters = EVERYTHING,
) -> Retrieval:
    """Find the passages for a question. Call inside `store.reading()`.

    Both legs search the passages that `filters` choose, and only them; FilterError when
    they choose none. What a word weighs is still counted over the whole index.
    """
    watch = Stopwatch()
    allowed = chosen_rows(store, filters)
    chunks = snapshot.chunks
    question = read(store, snapshot, embedder, codec, text, watch, language=language)
    lexical = search_terms(
        store.connection, question.terms, chunks, allowed, postings=snapshot.postings
    )
    watch.ends("lexical")
    is_calibrated = isinstance(codec, LearntTokenCodec)
    dense = dict(snapshot.vectors.search(question.vector, CANDIDATES, allowed))
    watch.ends("dense")
    rows = list(dict.fromkeys([*dense, *lexical.best(CANDIDATES)]))
    if not rows:
        return Retrieval(question, (), lexical, chunks, is_calibrated, watch.milliseconds)
    others = snapshot.vectors.inner_products(question.vector, rows[len(dense) :])
    cosines = np.array([*dense.values(), *others.tolist()])
    bm25 = lexical.of(rows).sum(axis=0)
    share = lexical_share(bm25, [term.idf for term in question.terms])
    foreign = snapshot.is_foreign(rows, question.language)
    translated = translates(question.language, question.note_languages[0])
    first = first_scores(cosines, share, foreign, translated=translated)
    order = np.lexsort((np.array(rows), -first))[:RERANKED].tolist()
    watch.ends("candidates")
    stored = store.chunks([rows[i] for i in order], snapshot.fingerprint)
    tokens = [unpack_tokens(stored[rows[i]].tokens, codec) for i in order]
    watch.ends("rows")
    alignments, support = align(question, tokens, codec)
    late = support @ contrast_weights(question.weights, support)
    watch.ends("late")
    scores = fused_scores(cosines[order], share[order], late, foreign[order], translated=translated)
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
    passages.sort(key=lambda p: (-p.score, p.stored.note_id, p.stored.ordinal))
    distinct = [
        replace(passage, duplicates=repeats) if repeats else passage
        for passage, repeats in collapse_duplicates(passages)
    ]
    watch.ends("distinct")
    return Retrieval(question, tuple(distinct), lexical, chunks, is_calibrated, watch.milliseconds)


def align(
    question: Question, tokens: Sequence[StoredTokens], codec: Codec
) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
    """Compare the question with some passages at once, token by token.

    Returns the cosines with each passage, (question tokens, tokens), and the best of each
    question token in each passage, (passages, question tokens), at least 0.
    """
    lengths = np.array([len(t.codes) for t in tokens])
    together = codec.similarities(
        question.tokens.vectors, np.concatenate([t.codes for t in tokens])
    )
    ends = np.cumsum(lengths)
    starts = ends - lengths
    alignments = [
        together[:, start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    support = np.zeros((len(tokens), len(together)), np.float32)
    has_tokens = lengths > 0
    best = np.maximum.reduceat(together, starts[has_tokens], axis=1)
    support[has_tokens] = best.T.clip(min=0)
    return alignments, support
