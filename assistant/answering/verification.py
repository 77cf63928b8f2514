"""Is a sentence of a language model supported by the passages it cites?

Strict where a fault is a lie: numbers and their units, names, identifiers, rare words, nouns
after an article, negations and opposites must stand in the very place of the passage that
the sentence restates: in the same frame the encoder finds any noun near any other, "les
volumes" as near as "les cgroups". Lenient where words may differ: any other word may be
replaced by one that the encoder finds near (late interaction), as long as few are, and never
several in a row. So one true sentence in seven, with a synonym of its own, is dropped too.

A sentence must be supported by one sentence or item of a passage, in its context (headings,
the line that introduces a list); each clause may have its own. So the right words put
together from different places do not pass. What is left out: reasoning. A true conclusion
that the passage does not state is dropped; the caller then quotes the notes instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Term, analyse, fold
from assistant.answering.evidence import leans_on_previous
from assistant.answering.polarity import Denials, contradicts, denials, has_opposite
from assistant.answering.prompt import NumberedPassage
from assistant.answering.quantities import Quantity, is_spelled_number, quantities
from assistant.chunking import passage_context
from assistant.datatypes import Span
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported, and by what; or the gravest fault found."""

    support: tuple[Support, ...]  # one a cited passage that supports it; none with a fault
    fault: Fault | None


CITATIONS = re.compile(r"\s*\[(\d+(?:\s*[,;]\s*\d+)*)\]")
_MARKUP = re.compile(r"<[a-zA-Z/!][^>\n]*>|!?\[[^\]\n]*\]\([^)\n]*\)|https?://\S+|www\.\S+", re.I)
_CODE = re.compile(r"`+([^`\n]+)`+")
_IDENTIFIER = re.compile(r"[\w./:@+#\\-]*(?:\w[._/:@+#\\]\w|\d\w*[^\W\d]|[^\W\d]\d)[\w./:@+#\\-]*")
_CAMEL = re.compile(r"\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)\b")
_CLAUSE = re.compile(
    r"[,;:()–—]|\b(?:et|ou|puis|tandis que|alors que|mais|and|or|then|while|but|whereas)\b", re.I
)
_COORDINATE = re.compile(  # where a clause of its own begins; an enumeration is none
    r"[,;]\s+(?=(?:et|ou|le|la|les|un|une|tandis|alors|mais|and|or|the|while|but|whereas)\b|l['’])",
    re.I,
)
_TELLING = frozenset(  # words about the reply, not of it; stems are not needed
    "lieu partir cours note notes passage passages selon document texte exemple notamment "
    "egalement ainsi afin grace principalement environ appele appelee appeles designe signifie "
    "course notes according passage example also mainly called about means namely thus".split()
)
_SEVERAL = re.compile(r"\b(?:et|ou|and|or|vs|versus|contre)\b", re.I)
_BEFORE_VERB = re.compile(
    r"(?:\b(?:se|on|ils?|elles?|qui|est|sont|a|ont|fut|ne|y|is|are|was|were|be|been|it|that|which|"
    r"who|to|has|have|can|must|not)\s+|\b[sn]['’])$",
    re.I,
)
_ARTICLE = re.compile(  # or what else stands before a noun
    r"(?:\b(?:les?|la|des?|du|une?|ces?|cette|son|sa|ses|leurs?|aux?|the|an?|its?|their|of|par|en)"
    r"\s+|\b[ld]['’])$",
    re.I,
)
_LONGEST_QUOTE = 420  # characters of a quotation that joins several places
_RARE_PIECES = 3  # of the encoder's vocabulary; a word of that many is a term of its field


@dataclass(frozen=True, slots=True)
class _Word:
    """A content word of the sentence."""

    text: str
    start: int
    end: int
    terms: frozenset[str]  # in every language concerned
    folded: str
    is_name: bool  # capitalised inside the sentence, or an identifier
    opens: bool  # capitalised because it opens the sentence, or because it is a name
    follows_pronoun: bool  # or an auxiliary: a verb, for which others may stand
    follows_article: bool  # a noun, for which no other may stand
    pieces: int  # tokens of the encoder
    cosines: NDArray[np.float32]  # (tokens of the passage,), the best of the word's tokens


@dataclass(frozen=True, slots=True)
class _ClauseTerms:
    """The index terms of one clause of a window."""

    head: frozenset[str]  # of its first content word
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Window:
    """A place of the passage: one span with its context, or a list with its lead-in."""

    start: int  # in the chunk's text; what may be quoted
    end: int
    text: str
    own: frozenset[str]  # terms of that text alone
    terms: frozenset[str]  # with those of its context
    words: frozenset[str]  # folded
    tokens: NDArray[np.bool_]  # (tokens of the passage,) that lie in it
    lead: tuple[int, int] | None
    clauses: tuple[_ClauseTerms, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well one window supports some words."""

    window: _Window
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
        self._sources = {p.number: _Source(p) for p in passages}
        self._embedder = embedder
        self._codec = codec
        self._language = language
        self._thresholds = thresholds

    def verify(self, sentence: str) -> Verdict:
        """Judge a sentence with its citations, as "Docker est écrit en Go [1]."

        A sentence without any is attributed when exactly one passage supports it strongly.
        """
        cited = cited_numbers(sentence)
        claim = plain(CITATIONS.sub("", sentence))
        if any(number not in self._sources for number in cited):
            return Verdict((), Fault.CITATION)
        sources = [self._sources[number] for number in cited] or [*self._sources.values()]
        if not markup_is_quoted(claim, sources):
            return Verdict((), Fault.MARKUP)
        tokens = self._embedder.encode_passages([claim]).tokens[0]
        found: list[Support] = []
        faults: list[Fault] = []
        for source in sources:
            judged = self._judge(claim, tokens, source)
            if isinstance(judged, Fault):
                faults.append(judged)
            else:
                found.append(judged)
        if not cited:
            strong = [s for s in found if s.score >= self._thresholds.strong]
            return Verdict((strong[0],), None) if len(strong) == 1 else Verdict((), Fault.CITATION)
        return Verdict(tuple(found), None) if found else Verdict((), faults[0])

    def _judge(self, claim: str, tokens: TokenVectors, source: _Source) -> Support | Fault:
        passage = source.passage
        language = self._language
        if language != passage.language and detect_language(claim, language) == passage.language:
            language = passage.language
        words = self._words(claim, language, tokens, passage)
        if not words:
            return Fault.EMPTY
        limits = _Limits(self._thresholds, is_foreign=language != passage.language)
        whole = [self._fit(claim, words, w, source, language, limits) for w in source.windows]
        best = max(
            whole, key=lambda fit: (fit.fault is None, fit.mean, fit.own, -len(fit.window.text))
        )
        if best.fault is None:
            return _support(passage, [best])
        parts = self._by_clause(claim, words, source, language, limits)
        if parts is not None:
            return _support(passage, parts)
        return max(whole, key=lambda fit: fit.mean).fault or Fault.SENSE

    def _by_clause(
        self,
        claim: str,
        words: list[_Word],
        source: _Source,
        language: str,
        limits: _Limits,
    ) -> list[_Fit] | None:
        """Return a window for each clause, or None when a clause has none or there is one."""
        clauses: list[tuple[str, list[_Word]]] = []
        begin = 0
        for end in [*(m.start() for m in _CLAUSE.finditer(claim)), len(claim)]:
            inside = [w for w in words if begin <= w.start < end]
            if inside:
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
        return chosen if all(len(inside) >= 2 for _, inside in clauses) else None

    def _words(
        self, claim: str, language: str, tokens: TokenVectors, passage: NumberedPassage
    ) -> list[_Word]:
        cosines = self._codec.similarities(tokens.vectors, passage.tokens.codes)
        names = {m.span() for pattern in (_IDENTIFIER, _CAMEL) for m in pattern.finditer(claim)}
        code = [m.span(1) for m in _CODE.finditer(claim)]
        grouped: dict[tuple[int, int], list[Term]] = {}
        for spoken in dict.fromkeys([language, passage.language]):
            for term in analyse(claim, spoken):
                grouped.setdefault((term.start, term.end), []).append(term)
        own = {(t.start, t.end) for t in analyse(claim, language)}
        words = []
        first = re.search(r"\w", claim)
        for (start, end), terms in sorted(grouped.items()):
            text = claim[start:end]
            if (start, end) not in own or fold(text) in _TELLING:
                continue
            if text.replace(",", "").replace(".", "").isdigit() or is_spelled_number(
                text, language
            ):
                continue  # compared by value
            touching = (tokens.starts < end) & (tokens.ends > start)
            if not touching.any():
                continue
            opens = first is not None and start == first.start()
            capital = any(c.isupper() for c in text)
            is_identifier = any(a < end and start < b for a, b in [*names, *code])
            words.append(
                _Word(
                    text=text,
                    start=start,
                    end=end,
                    terms=frozenset(t.term for t in terms),
                    folded=fold(text),
                    is_name=is_identifier or (capital and not opens),
                    opens=capital and opens,
                    follows_pronoun=bool(_BEFORE_VERB.search(claim[:start])),
                    follows_article=bool(_ARTICLE.search(claim[:start])),
                    pieces=int(touching.sum()),
                    cosines=cosines[touching].max(axis=0, initial=0.0),
                )
            )
        return words

    def _fit(
        self,
        claim: str,
        words: list[_Word],
        window: _Window,
        source: _Source,
        language: str,
        limits: _Limits,
    ) -> _Fit:
        said = np.array([_says(word, window.terms, window.words, limits) for word in words])
        cosines = np.array(
            [word.cosines[window.tokens].max(initial=0.0) for word in words], np.float32
        )
        ramp = (cosines - limits.unsupported) / (limits.supported - limits.unsupported)
        support = np.where(said, 1.0, np.clip(ramp, 0, 1)).astype(np.float32)
        fault = None
        for word, is_said, cosine in zip(words, said, cosines, strict=True):
            if is_said:
                continue
            is_elsewhere = _says(word, source.terms, source.words, limits)
            if (
                (word.is_name and not (limits.is_foreign and cosine >= limits.supported))
                or (word.opens and cosine < limits.values.opening)
                or (
                    not word.follows_pronoun
                    and (
                        (word.follows_article and not limits.is_foreign)
                        or (word.pieces >= _RARE_PIECES and cosine < limits.values.rare)
                        or (is_elsewhere and (word.pieces > 1 or cosine < limits.values.elsewhere))
                    )
                )
            ):
                fault = Fault.NAME
        if fault is None:
            fault = self._hard_fault(claim, window, source, language, limits)
        if fault is None and _crosses_clauses(claim, language, window):
            fault = Fault.SENSE
        if fault is None and (
            float(support.mean()) < limits.values.mean or _run(support) > limits.values.run
        ):
            fault = Fault.SENSE
        own = sum(bool(word.terms & window.own) for word in words)
        return _Fit(window, support, own, fault)

    def _hard_fault(
        self, claim: str, window: _Window, source: _Source, language: str, limits: _Limits
    ) -> Fault | None:
        if not _numbers_agree(
            quantities(claim, language), quantities(window.text, source.passage.language)
        ):
            return Fault.NUMBER
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

    @property
    def unsupported(self) -> float:
        return self.values.unsupported - (self.values.foreign if self.is_foreign else 0.0)

    @property
    def supported(self) -> float:
        return self.values.supported - (self.values.foreign if self.is_foreign else 0.0)


class _Source:
    """A passage, read once."""

    def __init__(self, passage: NumberedPassage) -> None:
        self.passage = passage
        self.context = passage_context(passage.title, passage.chunk)
        self.folded = _folded(self.context + passage.chunk.text)

    @cached_property
    def windows(self) -> list[_Window]:
        """Each span in its context; each list whole when its items are short."""
        chunk = self.passage.chunk
        spans = chunk.spans or (Span(chunk.start, chunk.end, "sentence"),)
        windows: list[_Window] = []
        for number, span in enumerate(spans):
            start, end = span.start - chunk.start, span.end - chunk.start
            before = spans[number - 1] if number else None
            if before and leans_on_previous(chunk.text[start:end]):
                start = before.start - chunk.start
            windows.append(self._window(start, end, span.lead))
        return windows

    def _window(self, start: int, end: int, lead: tuple[int, int] | None) -> _Window:
        chunk = self.passage.chunk
        tokens = self.passage.tokens.starts
        inside = (tokens < 0) | ((tokens >= start) & (tokens < end))
        parts = [chunk.text[start:end]]
        if lead:
            left, right = max(0, lead[0] - chunk.start), lead[1] - chunk.start
            parts.append(chunk.text[left : max(left, right)])
            inside |= (tokens >= left) & (tokens < right)
        text = parts[0]
        analysed = analyse("\n".join(parts), self.passage.language)
        # "TCP and UDP" speaks for a place only with words that no other place claims for itself.
        is_shared = bool(_SEVERAL.search(" ".join(chunk.headings)))
        own = frozenset(t.term for t in self._inside_spans) if is_shared else frozenset()
        headings = f"{self.context}\n{' '.join(chunk.headings)}"
        analysed += [t for t in analyse(headings, self.passage.language) if t.term not in own]
        return _Window(
            start=start,
            end=end,
            text=text,
            own=frozenset(t.term for t in analyse(text, self.passage.language)),
            terms=frozenset(t.term for t in analysed),
            words=frozenset(t.word for t in analysed),
            tokens=inside,
            lead=lead,
            clauses=tuple(_clauses(text, self.passage.language)),
        )

    @cached_property
    def _inside_spans(self) -> list[Term]:
        chunk = self.passage.chunk
        return [
            term
            for span in chunk.spans
            for term in analyse(
                chunk.text[span.start - chunk.start : span.end - chunk.start],
                self.passage.language,
            )
        ]

    @cached_property
    def terms(self) -> frozenset[str]:
        """Index terms of the whole passage."""
        return frozenset(t.term for t in self._analysed)

    @cached_property
    def words(self) -> frozenset[str]:
        """Folded words of the whole passage."""
        return frozenset(t.word for t in self._analysed)

    @cached_property
    def _analysed(self) -> list[Term]:
        return analyse(self.context + self.passage.chunk.text, self.passage.language)


def _clauses(text: str, language: str) -> Iterator[_ClauseTerms]:
    begin = 0
    for end in [*(m.start() for m in _COORDINATE.finditer(text)), len(text)]:
        if terms := analyse(text[begin:end], language):
            first = frozenset(t.term for t in terms if t.start == terms[0].start)
            yield _ClauseTerms(first, frozenset(t.term for t in terms))
        begin = end


def cited_numbers(sentence: str) -> list[int]:
    """Return the numbers of the passages that a sentence cites, each once."""
    found = (n for m in CITATIONS.finditer(sentence) for n in re.findall(r"\d+", m[1]))
    return list(dict.fromkeys(int(n[:9]) for n in found))


def plain(sentence: str) -> str:
    """Return a sentence without list marker and emphasis; code keeps its backquotes."""
    text = re.sub(r"^\s*(?:[-*+•]\s+|\d+[.)]\s+|#+\s+|>\s*)", "", sentence)
    return re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)", "", text).strip()


def markup_is_quoted(claim: str, sources: Sequence[_Source]) -> bool:
    """Whether all HTML, links, addresses and code of a sentence stand in a passage."""
    markup = [m[0] for m in _MARKUP.finditer(claim)] + [m[1] for m in _CODE.finditer(claim)]
    return any(all(_folded(m) in source.folded for m in markup) for source in sources)


def _folded(text: str) -> str:
    """Fold for comparing verbatim: case, accents and white space do not matter."""
    return " ".join(fold(text).split())


def _says(word: _Word, terms: frozenset[str], words: frozenset[str], limits: _Limits) -> bool:
    if word.terms & terms or word.folded in words:
        return True
    if word.is_name and any(c.isdigit() or c.isupper() for c in word.text[1:]):
        return False  # an acronym, a version, a roman number: as it is or not at all
    if limits.is_foreign:
        from rapidfuzz import fuzz

        return len(word.folded) >= 5 and any(
            fuzz.ratio(word.folded, other, score_cutoff=78) for other in words
        )
    return not word.is_name and any(_same_root(word.folded, other) for other in words)


def _same_root(one: str, other: str) -> bool:
    """Whether two words begin alike enough to be forms of one: abolie, abolition."""
    shorter = min(len(one), len(other))
    common = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    return common >= 5 and common >= 0.7 * shorter


def _crosses_clauses(claim: str, language: str, window: _Window) -> bool:
    """Whether a plain sentence takes a word out of a clause whose head it leaves out.

    "L'ampèremètre se branche en dérivation" does so with "L'ampèremètre se branche en série,
    le voltmètre en dérivation": the clause of "dérivation" is about something else.
    """
    if len(window.clauses) < 2 or _CLAUSE.search(claim):
        return False
    claimed = frozenset(t.term for t in analyse(claim, language))
    main = max(window.clauses, key=lambda clause: len(claimed & clause.terms))
    return any(
        claimed & clause.terms - main.terms and len(clause.terms) > 1 and not clause.head & claimed
        for clause in window.clauses
        if clause is not main
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
        same = [other for other in known if other.value == quantity.value]
        units = {other.unit for other in same}
        counted = [other for other in known if quantity.noun and other.noun == quantity.noun]
        if counted and quantity.value not in {other.value for other in counted}:
            return False  # "4 cellules" where there are two cells and four phases
        if not same or (quantity.unit and None not in units and quantity.unit not in units):
            return False
    return True


def _near(source: Denials, claimed: set[str]) -> Denials:
    """Return the denials of a passage that bear on words of the sentence."""
    kept = tuple(scope for scope in source.scopes if scope & claimed)
    return Denials(
        kept,
        source.heads,
        source.lacking,
        source.is_weak,
        source.is_negative or bool(source.scopes),
    )


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
