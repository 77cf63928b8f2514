"""A question's words in the language of the notes: an English–French glossary.

`glossary.tsv` was written by hand for this project: general, school, science and computing
words, an English head and at most four French translations a line. It lets the lexical leg,
and what is built on it, find "supprimer un fichier" for "delete a file"; meaning is left to
the embedding. Words spelt alike in both languages are not in it, since they meet anyway, nor
phrases of which the analysis leaves a single word ("up to date").

To be read in a few milliseconds, entries are sorted into drawers by how they begin, and
only those of a drawer that a question opens are analysed.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from assistant.analysis import Term, analyse

_COLUMNS = ("en", "fr")
_BETWEEN = ", "  # translations


def _beginning(folded: str) -> str:
    """Return what a word and its other forms begin with: "try" as "tries"."""
    return folded[:3].rstrip().replace("y", "i")


@cache
def _drawers(source: str) -> dict[str, list[tuple[str, str]]]:
    """Return (entries, their translations), as written, by what an entry begins with."""
    text = Path(__file__).with_name("glossary.tsv").read_text(encoding="utf-8")
    composed = unicodedata.normalize("NFKD", text.replace("œ", "oe").lower())
    plain = composed.encode("ascii", "ignore").decode()  # folded as words are, but all at once
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for line, folded in zip(text.splitlines(), plain.splitlines(), strict=True):
        english, _, french = line.partition("\t")
        if source == "en":
            found[_beginning(folded)].append((english, french))
        else:
            entries = folded.partition("\t")[2].split(_BETWEEN)
            for beginning in {_beginning(entry) for entry in entries}:
                found[beginning].append((french, english))
    return found


@cache
def _entries(
    beginning: str, source: str, target: str
) -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the translations of the entries of one drawer, all as index terms."""
    found: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for entries, translations in _drawers(source).get(beginning, ()):
        for entry in entries.split(_BETWEEN):
            for translation in translations.split(_BETWEEN):
                found.setdefault(_terms(entry, source), {})[_terms(translation, target)] = None
    return {entry: tuple(translations) for entry, translations in found.items()}


def _terms(text: str, language: str) -> tuple[str, ...]:
    return tuple(term.term for term in analyse(text, language))


def translates(source: str, target: str) -> bool:
    """Whether the glossary has these two languages."""
    return source != target and {source, target} <= {*_COLUMNS}


def translate(
    terms: Sequence[Term], source: str, target: str
) -> dict[tuple[int, int], tuple[tuple[str, ...], ...]]:
    """Return the translations of a question's words, by their characters in the question.

    `terms` are those of the question as analysed in its language, `source`. Each translation
    is made of index terms of the language `target` that belong together ("mot", "pass"); a
    phrase ("operating system") gives its own to each of its words. Empty for languages that
    the glossary does not have.
    """
    if not translates(source, target):
        return {}
    found: dict[tuple[int, int], tuple[tuple[str, ...], ...]] = {}
    place = 0
    while place < len(terms):
        entries = _entries(_beginning(terms[place].word), source, target)
        following = tuple(term.term for term in terms[place:])
        entry = max((e for e in entries if following[: len(e)] == e), key=len, default=())
        for term in terms[place : place + len(entry)]:
            found.setdefault((term.start, term.end), entries[entry])
        place += len(entry) or 1
    return found
