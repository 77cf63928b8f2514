"""Is a sentence of a language model supported by the passages it cites?

Strict where a fault is a lie: numbers and their units, names, identifiers, rare words, nouns
after an article, negations and opposites must stand in the very place of the passage that
the sentence restates, in these words or in others for the same (`rewording`): in the same
frame the encoder finds any noun near any other, "les volumes" as near as "les cgroups".
Lenient where words may differ: any other word may be replaced by one that the encoder finds
near (late interaction), as long as few are, and never several in a row; words that only
frame ("types", "assure") are not asked for. A true sentence with a noun of its own, as
"le roi" for Louis XVI, is dropped too.

A sentence must be supported by one sentence or item of a passage, in its context (headings,
the line that introduces a list); each clause may have its own. So the right words put
together from different places do not pass. What is left out: reasoning, and roles. A true
conclusion that the passage does not state is dropped. With a fault comes the place that the
sentence seems to restate, for the caller to quote instead.
Inside one sentence definitions, clauses and facts that change places between two clauses
(`binding`) are told apart; "Pierre a vaincu Paul" turned round passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import analyse
from assistant.answering.binding import CLAUSE, exchanges_facts, lone_capitals
from assistant.answering.polarity import Denials, contradicts, denials, has_opposite
from assistant.answering.prompt import NumberedPassage
from assistant.answering.quantities import Quantity, quantities
from assistant.answering.rewording import is_general
from assistant.answering.verification_windows import (
    Source,
    Window,
    folded_whole,
    terms_in_order,
)
from assistant.answering.verification_words import CODE, ClaimWord, claim_words, rewords, says
from assistant.answering.word_order import changes_order, turns_passive
from assistant.datatypes import Chunk
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder, TokenVectors
from assistant.language import detect_language


class Fault(StrEnum):
    """Why a sentence is not shown."""

    CITATION = "citation"  # it cites nothing, or a passage that was not given
    NUMBER = "number"  # a number or unit that the passage does not say
    NAME = "name"  # a name, identifier or rare word that the passage does not say
    NEGATION = "negation"  # it denies what the passage affirms, or the reverse
    OPPOSITE = "opposite"  # it says "augmente" where the passage says "diminue"
    SENSE = "sense"  # words that the passage does not support
    MARKUP = "markup"  # HTML, an image or a link that the passage does not hold
    EMPTY = "empty"  # nothing but function words


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Fitted on the fitting half of the tests' sentences for the embedded model's cosines."""

    unsupported: float = 0.42  # cosine at which a word of another form counts as not supported
    supported: float = 0.62  # and from which as supported
    mean: float = 0.74  # least mean support of the words of a sentence
    run: float = 1.35  # most support that may be lacking in a row
    rare: float = 0.66  # least cosine of a rare word of another form
    elsewhere: float = 0.62  # least cosine of a word that the passage says, but not here
    opening: float = 0.6  # least cosine of a capitalised word that opens the sentence
    foreign: float = 0.12  # taken from the first two where sentence and passage differ in language
    clause: float = 0.95  # least support of any word, when each clause has a place of its own
    near: float = 0.6  # least mean support of the words of a sentence by what it seems to restate
    strong: float = 0.86  # least mean support to attribute a sentence that cites nothing


@dataclass(frozen=True, slots=True)
class Support:
    """The place of a passage that supports a sentence best."""

    number: int  # of the passage in the prompt
    note_id: str
    headings: tuple[str, ...]
    start: int  # offsets in the note's text
    end: int
    score: float  # mean support of the sentence's words, 0 to 1

    def overlaps(self, other: Support) -> bool:
        """Whether two places share characters of a note."""
        same = self.note_id == other.note_id
        return same and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported, and by what; or the gravest fault found."""

    support: tuple[Support, ...]  # one a cited passage that supports it; none with a fault
    fault: Fault | None
    nearest: Support | None = None  # with a fault: the place that the sentence seems to restate


CITATIONS = re.compile(r"\s*\[(\d+(?:\s*[,;]\s*\d+)*)\]")
_MARKUP = re.compile(r"<[a-zA-Z/!][^>\n]*>|!?\[[^\]\n]*\]\([^)\n]*\)|https?://\S+|www\.\S+", re.I)
_ENUMERATION = re.compile(
    r"(?::|\bà savoir\b|\bnamely\b|,(?=\s*(?:les?|la|des|une?|the|an?)\b|\s*l['’]))(.+)$",
    re.I | re.S,
)
_BETWEEN_ITEMS = re.compile(r",?\s+(?:et|ou|ainsi que|and|or)\s+|[,;]\s+", re.I)
_DEFINES = re.compile(r"\b(?:est|sont)\s+(?:une?|des)\b|\b(?:is|are)\s+an?\b", re.I)
_LONGEST_SENTENCE = 1_000  # characters; what is longer is not read
_LONGEST_QUOTE = 420  # characters of a quotation that joins several places
_PROSE = ("sentence", "item")  # spans that can be read by themselves
_LEAST_OWN = 2  # words of a sentence that what it seems to restate says itself
_RARE_PIECES = 3  # of the encoder's vocabulary; a word of that many is a term of its field


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well one window supports some words."""

    window: Window
    support: NDArray[np.float32]  # (words,) 0 to 1
    own: int  # words that the window says itself, not its context
    fault: Fault | None

    @property
    def mean(self) -> float:
        return float(self.support.mean()) if len(self.support) else 0.0


class Verifier:
    """Verifies sentences against the passages of one question."""

    def __init__(
        self,
        passages: Sequence[NumberedPassage],
        embedder: Embedder,
        codec: Codec,
        *,
        language: str,
        thresholds: Thresholds = Thresholds(),
    ) -> None:
        """Prepare the passages; `language` is the one that the model was told to write in."""
        self._sources = {p.number: Source(p) for p in passages}
        self._embedder = embedder
        self._codec = codec
        self._language = language
        self._thresholds = thresholds

    def verify(self, sentence: str) -> Verdict:
        """Judge a sentence with its citations, as "Docker est écrit en Go [1]."

        A sentence without any is attributed when exactly one passage supports it strongly.
        """
        if len(sentence) > _LONGEST_SENTENCE:
            return Verdict((), Fault.SENSE)
        cited = cited_numbers(sentence)
        claim = plain(CITATIONS.sub("", sentence))
        if any(number not in self._sources for number in cited):
            return Verdict((), Fault.CITATION)
        sources = [self._sources[number] for number in cited] or [*self._sources.values()]
        if not markup_is_quoted(claim, sources):
            return Verdict((), Fault.MARKUP)
        tokens = self._embedder.encode_passages([claim]).tokens[0]
        verdicts = [self._judge(claim, tokens, source) for source in sources]
        found = tuple(place for verdict in verdicts for place in verdict.support)
        if not cited:
            strong = [s for s in found if s.score >= self._thresholds.strong]
            return Verdict((strong[0],), None) if len(strong) == 1 else Verdict((), Fault.CITATION)
        if found:
            return Verdict(found, None)
        near = [verdict.nearest for verdict in verdicts if verdict.nearest is not None]
        nearest = max(near, key=lambda place: place.score, default=None)
        return Verdict((), verdicts[0].fault, nearest)

    def _judge(self, claim: str, tokens: TokenVectors, source: Source) -> Verdict:
        passage = source.passage
        language = self._language
        if language != passage.language and detect_language(claim, language) == passage.language:
            language = passage.language
        words = claim_words(claim, language, tokens, passage, self._codec)
        if not words:
            return Verdict((), Fault.EMPTY)
        limits = _Limits(
            self._thresholds,
            is_foreign=language != passage.language,
            enumerated=_enumerated(claim),
        )
        whole = [self._fit(claim, words, w, source, language, limits) for w in source.windows]
        best = max(
            whole, key=lambda fit: (fit.fault is None, fit.mean, fit.own, -len(fit.window.text))
        )
        if best.fault is None:
            return Verdict((_support(passage, [best]),), None)
        nearest = self._nearest(passage, whole)
        parts = self._by_clause(claim, words, source, language, limits)
        if parts is not None:
            places = "\n".join(dict.fromkeys(part.window.text for part in parts))
            if exchanges_facts(claim, places, language, passage.language):
                return Verdict((), Fault.SENSE, nearest)
            return Verdict((_support(passage, parts),), None)
        return Verdict((), max(whole, key=lambda fit: fit.mean).fault or Fault.SENSE, nearest)

    def _nearest(self, passage: NumberedPassage, fits: list[_Fit]) -> Support | None:
        """Return the sentence or item that is nearest to a claim it does not prove."""
        prose = [
            fit
            for fit in fits
            if _is_prose(fit.window, passage.chunk) and not fit.window.text.rstrip().endswith("?")
        ]
        best = max(prose, key=lambda fit: (fit.mean, fit.own), default=None)
        if best is None or best.mean < self._thresholds.near or best.own < _LEAST_OWN:
            return None
        return _support(passage, [best])

    def _by_clause(
        self,
        claim: str,
        words: list[ClaimWord],
        source: Source,
        language: str,
        limits: _Limits,
    ) -> list[_Fit] | None:
        """Return a window for each clause, or None when a clause has none or there is one."""
        clauses: list[tuple[str, list[ClaimWord]]] = []
        begin = 0
        for end in [*(m.start() for m in CLAUSE.finditer(claim)), len(claim)]:
            inside = [w for w in words if begin <= w.start < end]
            if any(not w.is_framing for w in inside):
                clauses.append((claim[begin:end], inside))
            begin = end
        if len(clauses) < 2:
            return None
        chosen: list[_Fit] = []
        for text, inside in clauses:
            fits = [self._fit(text, inside, w, source, language, limits) for w in source.windows]
            fits = [f for f in fits if f.fault is None and f.support.min() >= limits.values.clause]
            if not fits:
                return None
            chosen.append(max(fits, key=lambda fit: (fit.mean, fit.own, -len(fit.window.text))))
        leads = {fit.window.lead for fit in chosen}
        if len(leads) == 1 and None not in leads:
            return chosen  # items of one list
        introduced = 1 if ":" in claim[: clauses[1][1][0].start] else 0
        sizes = [sum(not w.is_framing for w in inside) for _, inside in clauses[introduced:]]
        return chosen if min(sizes) >= 2 else None

    def _fit(
        self,
        claim: str,
        words: list[ClaimWord],
        window: Window,
        source: Source,
        language: str,
        limits: _Limits,
    ) -> _Fit:
        cosines = np.array(
            [word.cosines[window.tokens].max(initial=0.0) for word in words], np.float32
        )
        said = np.array(
            [
                says(word, window.terms, window.words, is_foreign=limits.is_foreign)
                or rewords(word, window, float(cosine))
                for word, cosine in zip(words, cosines, strict=True)
            ]
        )
        known = np.array(
            [says(w, source.terms, source.words, is_foreign=limits.is_foreign) for w in words]
        )
        counted = said | np.array(
            [
                not word.is_framing or (is_known and word.follows_article)
                for word, is_known in zip(words, known, strict=True)
            ]
        )
        words = [word for word, counts in zip(words, counted, strict=True) if counts]
        said, known, cosines = said[counted], known[counted], cosines[counted]
        if not words:
            return _Fit(window, np.zeros(1, np.float32), 0, Fault.EMPTY)
        ramp = (cosines - limits.unsupported) / (limits.supported - limits.unsupported)
        support = np.where(said, 1.0, np.clip(ramp, 0, 1)).astype(np.float32)
        fault = None
        for word, is_said, is_elsewhere, cosine in zip(words, said, known, cosines, strict=True):
            if is_said:
                continue
            if (
                (word.is_name and not (limits.is_foreign and cosine >= limits.supported))
                or (word.opens and cosine < limits.values.opening)
                or (
                    not word.follows_pronoun
                    and (
                        (word.follows_article and not limits.is_foreign)
                        or (
                            word.pieces >= _RARE_PIECES
                            and not is_general(word.senses)
                            and cosine < limits.values.rare
                        )
                        or (is_elsewhere and (word.pieces > 1 or cosine < limits.values.elsewhere))
                    )
                )
            ):
                fault = Fault.NAME
        if fault is None:
            fault = self._hard_fault(claim, window, source, language, limits)
        if fault is None and (
            _crosses_clauses(claim, language, window)
            or (not limits.is_foreign and _is_reordered(claim, language, window))
            or _swaps_roles(claim, words, window)
            or exchanges_facts(claim, window.text, language, source.passage.language)
        ):
            fault = Fault.SENSE
        if fault is None and (
            float(support.mean()) < limits.values.mean or _run(support) > limits.values.run
        ):
            fault = Fault.SENSE
        own = sum(bool(word.terms & window.own) for word in words)
        return _Fit(window, support, own, fault)

    def _hard_fault(
        self, claim: str, window: Window, source: Source, language: str, limits: _Limits
    ) -> Fault | None:
        if not _numbers_agree(
            [q for q in quantities(claim, language) if q.unit or q.value != limits.enumerated],
            quantities(window.text, source.passage.language),
        ):
            return Fault.NUMBER
        letters = set() if limits.is_foreign else lone_capitals(claim)
        if not letters <= lone_capitals(source.around(window)):
            return Fault.NAME
        theirs = denials(window.text, source.passage.language)
        ours = denials(claim, language)
        if limits.is_foreign:
            if bool(ours.scopes) != bool(theirs.scopes) and not (ours.any and theirs.any):
                return Fault.NEGATION
            return None
        terms = {t.term for t in analyse(claim, language)}
        if contradicts(ours, terms, _near(theirs, terms), set(window.terms)):
            return Fault.NEGATION
        return Fault.OPPOSITE if has_opposite(claim, window.text, language) else None


@dataclass(frozen=True, slots=True)
class _Limits:
    values: Thresholds
    is_foreign: bool  # sentence and passage are in two languages
    enumerated: str  # the number of things that the sentence goes on to name

    @property
    def unsupported(self) -> float:
        return self.values.unsupported - (self.values.foreign if self.is_foreign else 0.0)

    @property
    def supported(self) -> float:
        return self.values.supported - (self.values.foreign if self.is_foreign else 0.0)


def cited_numbers(sentence: str) -> list[int]:
    """Return the numbers of the passages that a sentence cites, each once."""
    found = (n for m in CITATIONS.finditer(sentence) for n in re.findall(r"\d+", m[1]))
    return list(dict.fromkeys(int(n[:9]) for n in found))


def plain(sentence: str) -> str:
    """Return a sentence without list marker and emphasis; code keeps its backquotes."""
    text = re.sub(r"^\s*(?:[-*+•]\s+|\d+[.)]\s+|#+\s+|>\s*)", "", sentence)
    return re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)", "", text).strip()


def markup_is_quoted(claim: str, sources: Sequence[Source]) -> bool:
    """Whether all HTML, links, addresses and code of a sentence stand in a passage."""
    markup = [m[0] for m in _MARKUP.finditer(claim)] + [m[1] for m in CODE.finditer(claim)]
    return any(all(folded_whole(m) in source.folded for m in markup) for source in sources)


def _crosses_clauses(claim: str, language: str, window: Window) -> bool:
    """Whether a plain sentence takes a word out of a clause whose head it leaves out.

    "L'ampèremètre se branche en dérivation" does so with "L'ampèremètre se branche en série,
    le voltmètre en dérivation": the clause of "dérivation" is about something else.
    """
    if len(window.clauses) < 2 or CLAUSE.search(claim):
        return False
    claimed = frozenset(t.term for t in analyse(claim, language))
    main = max(window.clauses, key=lambda clause: len(claimed & clause.terms))
    return any(
        claimed & clause.terms - main.terms and len(clause.terms) > 1 and not clause.head & claimed
        for clause in window.clauses
        if clause is not main
    )


def _is_prose(window: Window, chunk: Chunk) -> bool:
    """Whether a place is one sentence or item, or sentences with nothing between them."""
    start, end = chunk.start + window.start, chunk.start + window.end
    spans = [span for span in chunk.spans if start <= span.start and span.end <= end]
    if len(spans) == 1:
        return spans[0].kind in _PROSE
    between = [
        chunk.text[one.end - chunk.start : other.start - chunk.start]
        for one, other in pairwise(spans)
    ]
    return bool(spans) and all(s.kind == "sentence" for s in spans) and not "".join(between).strip()


def _is_reordered(claim: str, language: str, window: Window) -> bool:
    if turns_passive(claim, window.text):
        return False
    return changes_order(terms_in_order(analyse(claim, language)), window.order)


def _swaps_roles(claim: str, words: Sequence[ClaimWord], window: Window) -> bool:
    """Whether a sentence defines by a thing what a window defines the thing by.

    "Une image est une instance d'un conteneur" does so with "Un conteneur est une instance
    d'une image": its first word comes last there, around the same word.
    """
    if not (_DEFINES.search(claim) and _DEFINES.search(window.text)):
        return False
    places = [
        place[0]
        if len(place := [n for n, t in enumerate(window.order) if t & word.terms]) == 1
        else -1
        for word in words
    ]
    return any(
        places[0] > middle > 0 == last
        for number, middle in enumerate(places)
        for last in places[number + 1 :]
    )


def _run(support: NDArray[np.float32]) -> float:
    """Return the most support that lacks in a row: words that are supported end it."""
    most = current = 0.0
    for value in support:
        current = max(0.0, current + (0.75 - float(value)))
        most = max(most, current)
    return most


def _numbers_agree(claimed: list[Quantity], known: list[Quantity]) -> bool:
    for quantity in claimed:
        counted = [other for other in known if quantity.noun and other.noun == quantity.noun]
        if counted and not any(quantity.agrees(other) for other in counted):
            return False  # "4 cellules" where there are two cells and four phases
        if not any(quantity.agrees(other) for other in known):
            return False
    return True


def _enumerated(claim: str) -> str:
    """Return how many things a sentence names one by one: "3" of "trois : a, b et c"."""
    named = _ENUMERATION.search(claim)
    return str(len(_BETWEEN_ITEMS.split(named[1].strip(" .")))) if named else ""


def _near(source: Denials, claimed: set[str]) -> Denials:
    """Return the denials of a passage that bear on words of the sentence."""
    kept = tuple(scope for scope in source.scopes if scope & claimed)
    return replace(source, scopes=kept, is_negative=source.is_negative or bool(source.scopes))


def _support(passage: NumberedPassage, fits: list[_Fit]) -> Support:
    """Return the range to quote: the window, or all of them where they are near."""
    best = max(fits, key=lambda fit: (fit.mean, len(fit.support)))
    start, end = best.window.start, best.window.end
    score = float(np.concatenate([fit.support for fit in fits]).mean())
    left, right = min(f.window.start for f in fits), max(f.window.end for f in fits)
    if right - left <= _LONGEST_QUOTE:
        start, end = left, right
    chunk = passage.chunk
    return Support(
        passage.number,
        chunk.note_id,
        chunk.headings,
        chunk.start + start,
        chunk.start + end,
        score,
    )
