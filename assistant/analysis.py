"""From text to index terms: French first, English notes in English.

Words are lower-cased, freed of elisions (l'image, jusqu'au), inclusive endings
(étudiant·e·s) and stop words, stripped of accents and stemmed by Snowball. Technical
words (docker-compose, /etc/fstab, C++, node.js) are kept whole, their parts beside them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

VERSION = "2"  # another version makes an index stale

_SNOWBALL = {"fr": "french", "en": "english", "de": "german", "es": "spanish", "it": "italian",
             "pt": "portuguese", "nl": "dutch"}  # fmt: skip

# Words, with the punctuation that technical names hold inside or at their ends.
_WORD = re.compile(
    r"(?:(?<![\w/])(?:\.{0,2}/|--?|[.@$])(?=\w))?"
    r"\w+(?:[-_./:@+#\\]+\w+|['’](?=\w)\w+)*(?:\+\+|#)?"
)
_ELISION = re.compile(
    r"^(?:l|d|j|m|t|s|c|n|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu|presqu|entr)['’ʼ](?=\w)", re.I
)
_INCLUSIVE = re.compile(
    r"(?<=\w)(?:[·•‧∙.](?:e|ne|le|te|trice|rice|euse|se|ère|x)(?:[·•‧∙.]?s)?|[(](?:e|ne|s|es)[)]s?)(?!\w)"
)
_PARTS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-ZÀ-Þ]?[a-zà-ÿ]+|[A-ZÀ-Þ]+(?![a-zà-ÿ])|\d+")
_FEMININE = re.compile(r"(?<=..)ee(s?)$")  # créées, as créés
_NOUN_ENDING = re.compile(r"(?<=...)ite(s?)$")  # sécurité: Snowball knows the suffix "ité"
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "’": "'",
                            "ʼ": "'", "‘": "'", "‑": "-", "‐": "-"})  # fmt: skip

_STOP_WORDS = {
    "fr": frozenset(
        "a ai aie aient ait alors as au aucun aussi autre aux avait avant avec avez avoir avons "
        "c ca car ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez ci "
        "combien comme comment d dans de des depuis dois "
        "doit doivent donc dont du elle elles en encore entre "
        "es est et etaient etait etant ete etes etre eu eux "
        "fait faire fais faites faut fois font il ils j je "
        "jusqu l la laquelle le lequel les lesquelles lesquels "
        "leur leurs lors lorsque lui m ma mais me "
        "meme memes mes moi moins mon n ne ni nos "
        "notre nous on ont or ou par parce pas pendant peu "
        "peut peuvent peux plus plutot pour pourquoi pourra "
        "pourrait puis puisque qu quand que quel quelle quelles "
        "quels quelque quelques qui quoi s sa sans se "
        "selon sera serait seront ses si soit son sont "
        "sous souvent suis sur t ta tandis te tel telle tels tes toi ton tous tout toute toutes "
        "tres trop tu un une va vers veut veux voici voila vos votre vous vont y etais "
        "aurait auraient avaient sommes soient dis dit dire svp stp sert servent servir "
        # as typed in a hurry
        "koi kel kels kelle kelles ki ke keske kesako comen coman koman pk pkoi pq pourkoi "
        "cest sa ya jai serve serf kan ou".split()
    ),
    "en": frozenset(
        "a about an and any are as at be been being but by can could did do does doing done for "
        "from had has have having he her his how i if in into is it its just me may might more "
        "most my no not of on one only or other our out over own same she should so some such "
        "than that the their them then there these they this those through to too under until "
        "up us use used uses very was we were what when "
        "where which while who whom whose why will with would you "
        "your please tell".split()
    ),
}  # fmt: skip
_TECHNICAL_LETTERS = frozenset("CRDVXZ")  # capital alone: a language, a variable (not "Y a-t-il")


@dataclass(frozen=True, slots=True)
class Term:
    """One index term and the characters of the text it stands for."""

    term: str
    word: str  # folded surface form, for spelling
    start: int
    end: int


def fold(text: str) -> str:
    """Lower case, without accents and ligatures, with plain apostrophes and hyphens."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES).lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@cache
def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer(_SNOWBALL.get(language, "french"), 10_000)


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the folded Snowball stem of one lower-case word.

    French is folded before it is stemmed, so that a question typed without accents
    meets the notes; two endings that need their accent are then put right.
    """
    if len(word) <= 2:
        return fold(word)
    if language == "fr":
        word = _FEMININE.sub(r"e\1", fold(word))
        word = _NOUN_ENDING.sub(r"ité\1", word)
    return fold(_stemmer(language).stemWord(word))


def _is_stop_word(word: str, folded: str, language: str) -> bool:
    if len(word) == 1 and word in _TECHNICAL_LETTERS:
        return False
    return folded in _STOP_WORDS.get(language, frozenset()) or (
        len(folded) == 1 and not folded.isdigit()
    )


def analyse(text: str, language: str = "fr") -> list[Term]:
    """Return the terms of `text`, in order; a technical word gives itself and its parts."""
    if not unicodedata.is_normalized("NFC", text):
        return _analyse_decomposed(text, language)
    terms: list[Term] = []
    for match in _WORD.finditer(text):
        elided, found = _terms_of(match[0], language)
        if found:
            start, end = match.span()
            if following := _INCLUSIVE.match(text, end):
                end = following.end()
            terms += [Term(term, word, start + elided, end) for term, word in found]
    return terms


def term_names(text: str, language: str = "fr") -> list[str]:
    """Return the terms of `analyse` without their places, in a third of the time."""
    if not unicodedata.is_normalized("NFC", text):
        return [term.term for term in _analyse_decomposed(text, language)]
    return [term for match in _WORD.finditer(text) for term, _ in _terms_of(match[0], language)[1]]


@lru_cache(maxsize=20_000)
def _terms_of(written: str, language: str) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return the length of the elision that a word begins with, and its (term, word)."""
    elision = _ELISION.match(written)
    elided = elision.end() if elision else 0
    raw = written[elided:].translate(_LIGATURES)
    raw = raw.strip("/-.:\\") if not re.search(r"\w[-_./:@+#\\]\w|^[./]", raw) else raw
    raw = _INCLUSIVE.sub("", raw)
    parts = _PARTS.findall(raw.replace("'", " "))
    if all(_is_stop_word(part, fold(part), language) for part in parts):
        return elided, ()  # est-il, qu'est-ce
    found: list[tuple[str, str]] = []
    is_technical = len(parts) > 1 or not raw.isalnum()
    if is_technical:
        whole = fold(raw)
        found.append((whole, whole))
    if not is_technical and not raw.isupper():
        camel = _CAMEL.findall(raw)
        if len(camel) > 1 and "".join(camel) == raw:
            found.append((stem(raw.lower(), language), fold(raw)))
            parts = camel
    for part in parts:
        folded = fold(part)
        if not _is_stop_word(part, folded, language):
            found.append((stem(part.lower(), language), folded))
    return elided, tuple(found)


def _analyse_decomposed(text: str, language: str) -> list[Term]:
    """Analyse the composed form, giving offsets in the text as it is (NFD notes)."""
    composed: list[str] = []
    origin: list[int] = []
    for match in re.finditer(r"[^\u0300-\u036f][\u0300-\u036f]*|[\u0300-\u036f]+", text, re.S):
        piece = unicodedata.normalize("NFC", match[0])
        composed.append(piece)
        origin += [match.start()] * len(piece)
    origin.append(len(text))
    joined = "".join(composed)
    if not unicodedata.is_normalized("NFC", joined):
        joined = "".join(c if unicodedata.is_normalized("NFC", c) else " " for c in joined)
    return [Term(t.term, t.word, origin[t.start], origin[t.end]) for t in analyse(joined, language)]
