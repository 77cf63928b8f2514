"""Whether a sentence exchanges two facts of the place that it restates.

"Le port 443 sert à HTTP et le port 80 à HTTPS" says nothing that "Le port 80 sert à HTTP, le
port 443 à HTTPS" does not say, but binds each number to the other's name. So each pair of like
words (two numbers, two names, the first nouns) from two clauses of the sentence is exchanged, and
the words of both clauses are looked up in the place: when they then stand clearly nearer
together than as the sentence has them, it binds them wrongly. Nearness is judged against that
of the other reading, so that nothing depends on how long a place is. What is left out: words
of one clause that change places ("Pierre a vaincu Paul"), but for a comparison.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import analyse, fold

CLAUSE = re.compile(  # where a clause of a sentence may end
    r"[,;:()–—]|\b(?:et|ou|puis|tandis que|alors que|mais|contrairement à|and|or|then|while|but|"
    r"whereas|unlike)\b",
    re.I,
)
_BOUNDARY = re.compile(  # of clauses of a place, and what each parts
    r"(?P<sentence>\n|[.!?](?=\s|$))|(?P<clause>;)|"
    r"(?P<phrase>,|\b(?:et|ou|mais|puis|tandis que|alors que|quant|and|or|but|while|whereas)\b)",
    re.I,
)
_APART = {"sentence": 3.0, "clause": 2.0, "phrase": 1.0}
_BRACKETS = re.compile(r"\([^()\n]*\)")  # what they hold parts nothing around them
_NEAR = 150  # characters, from which words of one clause are as far apart as may be
_FAR = 0.5  # what that counts
_LEAST = 0.3  # by which the other reading must be nearer
_KEYS = 2  # "ondes de surface"
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_LETTER = re.compile(  # no unit after its number
    r"(?<![\w'’.°-])(?<![\d°][ \u00a0\u202f])([A-Zb-xz])(?![\w'’.-])"
)
_RESPECTIVE = re.compile(r"\brespecti\w+", re.I)
_BEFORE_NOUN = re.compile(
    r"(?:\b(?:les?|la|de|des|du|une?|ces?|cette|son|sa|ses|leurs?|aux?|en|par|the|an?|its?|of)\s+|"
    r"\b[ld]['’])$",
    re.I,
)
_DETERMINER = 20  # characters, with the white space after it
_THAN = re.compile(
    r"\b(?:plus|moins|more|less|\w+er)\b[^,;.:!?]*?\b(?:qu(?=['’])|que|than)\b", re.I
)
_END = re.compile(r"[,;.:!?]")


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    term: str
    kind: str  # number, name, noun or other


def exchanges_facts(claim: str, place: str, claimed: str, spoken: str) -> bool:
    """Whether `claim` (in language `claimed`) binds its words as `place` (in `spoken`) does not.

    A language is that of the analysis; words of the claim that the place lacks count for
    nothing.
    """
    if _RESPECTIVE.search(claim):
        return False
    known: dict[str, list[int]] = {}
    for word in _words(place, spoken):
        known.setdefault(word.term, []).append(word.start)
    return _exchanges_clauses(claim, place, claimed, known) or _turns_comparison(
        claim, place, claimed, spoken
    )


def lone_capitals(text: str) -> set[str]:
    """Return the letters that name something, as "P" of "ondes P"; none that opens a text."""
    return {m[1] for m in _LETTER.finditer(text) if m[1].isupper() and m.start() > 0}


def _exchanges_clauses(claim: str, place: str, language: str, known: dict[str, list[int]]) -> bool:
    words = [w for w in _words(claim, language) if w.term in known]
    cuts = [m.start() for m in CLAUSE.finditer(claim)]
    clauses: dict[int, list[int]] = {}
    for number, word in enumerate(words):
        clauses.setdefault(bisect_right(cuts, word.start), []).append(number)
    if sum(len(clause) > 1 for clause in clauses.values()) < 2:
        return False
    places = {word.term: known[word.term] for word in words}
    number_of = {term: number for number, term in enumerate(places)}
    numbers = [number_of[word.term] for word in words]
    apart = _distances(places, place)[np.ix_(numbers, numbers)]
    for one, other in combinations([c for c in clauses.values() if len(c) > 1], 2):
        shared = {words[k].term for k in one} & {words[k].term for k in other}
        keys = _keys(one, words, shared) | _keys(other, words, shared)
        for i in one:
            for j in other:
                like = words[i].kind == words[j].kind != "other"
                if not like or words[i].term == words[j].term:
                    continue
                if words[i].kind == "noun" and not {i, j} <= keys:
                    continue
                mates = [k for k in one if k != i], [k for k in other if k != j]
                nearer = (
                    apart[i, mates[0]] - apart[j, mates[0]],
                    apart[j, mates[1]] - apart[i, mates[1]],
                )
                if all(n.max() > _LEAST and n.min() > -_LEAST for n in nearer):
                    return True
    return False


def _keys(clause: list[int], words: list[_Word], shared: set[str]) -> set[int]:
    """Return the nouns that a clause may be about: its first ones, but for those of both."""
    nouns = [k for k in clause if words[k].kind == "noun" and words[k].term not in shared]
    return set(nouns[:_KEYS])


def _turns_comparison(claim: str, place: str, claimed: str, spoken: str) -> bool:
    """Whether "A est plus puissant que B" is said of "B est plus puissant que A"."""
    ours, theirs = _THAN.search(claim), _THAN.search(place)
    if not ours or not theirs:
        return False
    (before, same, after), (before_there, same_there, after_there) = (
        _parts(claim, ours, claimed),
        _parts(place, theirs, spoken),
    )
    if not (same & same_there and after & before_there and before & after_there):
        return False
    crossed = len(after & before_there) + len(before & after_there)
    return crossed > len(before & before_there) + len(after & after_there)


def _parts(text: str, comparison: re.Match[str], language: str) -> list[set[str]]:
    """Return the terms before a comparison, in it, and after it to the end of its clause."""
    end = _END.search(text, comparison.end())
    stop = end.start() if end else len(text)
    pieces = text[: comparison.start()], comparison[0], text[comparison.end() : stop]
    return [{word.term for word in _words(piece, language)} for piece in pieces]


def _words(text: str, language: str) -> list[_Word]:
    """Return the content words, numbers and lone capitals of a text, in order."""
    found = {m.start(): _Word(*m.span(), m[0].replace(",", "."), "number")
             for m in _NUMBER.finditer(text)}  # fmt: skip
    numbers = list(found.values())
    for match in _LETTER.finditer(text):
        if match.start() > 0:
            found[match.start()] = _Word(*match.span(), f"={match[1]}", "name")
    for term in analyse(text, language):
        if term.start in found or any(n.start <= term.start < n.end for n in numbers):
            continue
        written = text[term.start : term.end]
        name = any(c.isupper() for c in written[1:]) or (
            written[:1].isupper() and text[: term.start].strip() != ""
        )
        noun = _BEFORE_NOUN.search(text, max(0, term.start - _DETERMINER), term.start) or re.match(
            r"[ld]['’]", written, re.I
        )
        kind = "name" if name else "noun" if noun else "other"
        key = fold(written) if sum(c.isupper() for c in written) > 1 else term.term
        found[term.start] = _Word(term.start, term.end, key, kind)
    return [found[start] for start in sorted(found)]


def _distances(places: dict[str, list[int]], text: str) -> NDArray[np.float64]:
    """Return how far apart terms stand in a text at the nearest, (terms, terms)."""
    open_text = _BRACKETS.sub(lambda m: " " * len(m[0]), text)
    bounds = [(m.start(), _APART[str(m.lastgroup)]) for m in _BOUNDARY.finditer(open_text)]
    at = np.array([place for own in places.values() for place in own])
    far = np.abs(at[:, None] - at)
    parted = np.zeros(far.shape)
    for weight in sorted(set(_APART.values())):
        cuts = [cut for cut, own in bounds if own == weight]
        before, up_to = np.searchsorted(cuts, at), np.searchsorted(cuts, at, "right")
        between = before[:, None] - up_to  # and its transpose: those after one, before the other
        parted[np.maximum(between, between.T) > 0] = weight
    apart = parted + _FAR * far.clip(max=_NEAR) / _NEAR
    firsts = np.cumsum([0, *map(len, places.values())])[:-1]
    nearest = np.minimum.reduceat(np.minimum.reduceat(apart, firsts, axis=0), firsts, axis=1)
    return np.asarray(nearest, np.float64)
