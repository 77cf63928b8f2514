"""The content words of a sentence, and whether a passage says them in any form.

A word is said by the same term, a form with the same root, a derived form or a synonym, or
in another language by a translation or a word spelt nearly alike. What is left out: phrases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Term, analyse, fold
from assistant.answering.prompt import NumberedPassage
from assistant.answering.quantities import is_spelled_number, is_unit
from assistant.answering.rewording import (
    common_beginning,
    is_derived,
    is_framing,
    is_sort,
    senses,
    translated,
)
from assistant.answering.verification_windows import Window
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import TokenVectors

CODE = re.compile(r"`+([^`\n]+)`+")
_IDENTIFIER = re.compile(  # a run of such signs that is looked at once, whatever it holds
    r"(?<![\w./:@+#\\-])(?=[\w./:@+#\\-]*?(?:\w[._/:@+#\\]\w|\d[^\W\d]|[^\W\d]\d))[\w./:@+#\\-]+"
)
_CAMEL = re.compile(r"\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)\b")
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
_DERIVED = 0.48  # least cosine of a word that shares a short stem with one of the passage


@dataclass(frozen=True, slots=True)
class ClaimWord:
    """A content word of the sentence."""

    text: str
    start: int
    end: int
    terms: frozenset[str]  # in every language concerned
    folded: str
    senses: frozenset[str]  # its derived forms and synonyms
    is_framing: bool  # makes no claim of its own
    is_unit: bool  # of a number: compared with it
    is_name: bool  # capitalised inside the sentence, or an identifier
    opens: bool  # capitalised because it opens the sentence, or because it is a name
    follows_pronoun: bool  # or an auxiliary: a verb, for which others may stand
    follows_article: bool  # a noun, for which no other may stand
    pieces: int  # tokens of the encoder
    cosines: NDArray[np.float32]  # (tokens of the passage,), the best of the word's tokens


def claim_words(
    claim: str, language: str, tokens: TokenVectors, passage: NumberedPassage, codec: Codec
) -> list[ClaimWord]:
    """Return the content words of a sentence in `language`, but for numbers, in order.

    `tokens` are the encoder's of the sentence; each word is compared with those of the passage.
    """
    cosines = codec.similarities(tokens.vectors, passage.tokens.codes)
    names = {m.span() for pattern in (_IDENTIFIER, _CAMEL) for m in pattern.finditer(claim)}
    code = [m.span(1) for m in CODE.finditer(claim)]
    grouped: dict[tuple[int, int], list[Term]] = {}
    for spoken in dict.fromkeys([language, passage.language]):
        for term in analyse(claim, spoken):
            grouped.setdefault((term.start, term.end), []).append(term)
    own = {(t.start, t.end) for t in analyse(claim, language)}
    other = translated(claim, language, passage.language)
    words = []
    first = re.search(r"\w", claim)
    for (start, end), terms in sorted(grouped.items()):
        text = claim[start:end]
        if (start, end) not in own:
            continue
        if text.replace(",", "").replace(".", "").isdigit() or is_spelled_number(text, language):
            continue  # compared by value
        touching = (tokens.starts < end) & (tokens.ends > start)
        if not touching.any():
            continue
        opens = first is not None and start == first.start()
        capital = any(c.isupper() for c in text)
        is_identifier = any(a < end and start < b for a, b in [*names, *code])
        words.append(
            ClaimWord(
                text=text,
                start=start,
                end=end,
                terms=frozenset(t.term for t in terms) | other.get((start, end), frozenset()),
                folded=fold(text),
                senses=senses([text], language),
                is_framing=is_framing(text, language) or is_sort(claim, start, end),
                is_unit=is_unit(claim, start, end),
                is_name=is_identifier or (capital and not opens),
                opens=capital and opens,
                follows_pronoun=bool(_BEFORE_VERB.search(claim[:start])),
                follows_article=bool(_ARTICLE.search(claim[:start])),
                pieces=int(touching.sum()),
                cosines=cosines[touching].max(axis=0, initial=0.0),
            )
        )
    return words


def says(
    word: ClaimWord, terms: frozenset[str], words: frozenset[str], *, is_foreign: bool
) -> bool:
    """Whether a word or a form of it is among index terms or folded words of a passage."""
    if word.terms & terms or word.folded in words:
        return True
    if word.is_name and any(c.isdigit() or c.isupper() for c in word.text[1:]):
        return False  # an acronym, a version, a roman number: as it is or not at all
    if is_foreign:
        from rapidfuzz import fuzz

        return len(word.folded) >= 5 and any(
            fuzz.ratio(word.folded, other, score_cutoff=78) for other in words
        )
    if word.is_name:
        return len(word.folded) >= 5 and any(other.startswith(word.folded) for other in words)
    return any(_same_root(word.folded, other) for other in words)


def rewords(word: ClaimWord, window: Window, cosine: float) -> bool:
    """Whether a window says the word in another form or by another word."""
    if word.is_unit or (word.text.isupper() and word.folded in window.acronyms):
        return True
    if word.is_name or not word.senses:
        return False
    return bool(word.senses & window.senses) or (
        cosine >= _DERIVED and any(is_derived(word.folded, w) for w in window.words)
    )


def _same_root(one: str, other: str) -> bool:
    """Whether two words begin alike enough to be forms of one: abolie, abolition."""
    common = common_beginning(one, other)
    return common >= 5 and common >= 0.7 * min(len(one), len(other))
