"""The few words of an answer that are not quoted, in French and English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.datatypes import Citation, Unit
from assistant.retrieval.dates import read_date

if TYPE_CHECKING:
    from assistant.retrieval.filters import Filters

_LONGEST_NAME = 80  # characters shown of an author, a note or a tag
_LONGEST_DATE = 30  # of a date that is not understood

FRAMES = {
    "fr": {
        "no_answer": "Les notes ne répondent pas à cette question.",
        "no_notes": "Il n'y a encore aucune note à interroger.",
        "nearest": "Sections les plus proches :",
        "see_also": "Voir aussi :",
        "understood": "Compris comme : {question}",
        "courtesy": "Avec plaisir. Posez une autre question sur le cours quand vous voulez.",
        "not_supported": (
            "Rien de ce que le modèle de langue a écrit n'est prouvé par les notes : "
            "voici leurs propres mots."
        ),
        "own_words": "{reason} Voici les mots des notes.",
        "not_calibrated": (
            "Le modèle de langue n'est vérifiable qu'avec le modèle de plongement intégré : "
            "voici les mots des notes."
        ),
        "dropped": "{count} phrase(s) du modèle de langue écartée(s), faute de preuve.",
        "replaced": (
            "{count} phrase(s) du modèle de langue remplacée(s), faute de preuve, par les mots "
            "des notes."
        ),
        "line": "ligne {start}",
        "lines": "lignes {start}–{end}",
        "page": "p. {number}",
        "slide": "diapo {number}",
        "cell": "cellule {number}",
        "sheet": "feuille {number}",
        "chapter": "chapitre {number}",
        "months": "janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre",
        "limited_to": "dans : {places}",
        "tagged": "étiquette {tag}",
        "since": "depuis le {day}",
    },
    "en": {
        "no_answer": "The notes do not answer this question.",
        "no_notes": "There are no notes to ask yet.",
        "nearest": "Nearest sections:",
        "see_also": "See also:",
        "understood": "Understood as: {question}",
        "courtesy": "You are welcome. Ask another question about the course whenever you like.",
        "not_supported": (
            "Nothing that the language model wrote is proved by the notes: "
            "here are their own words."
        ),
        "own_words": "{reason} Here are the notes' own words.",
        "not_calibrated": (
            "The language model can only be verified with the built-in embedding model: "
            "here are the notes' own words."
        ),
        "dropped": "{count} sentence(s) of the language model left out for want of proof.",
        "replaced": (
            "{count} sentence(s) of the language model replaced, for want of proof, by the "
            "notes' own words."
        ),
        "line": "line {start}",
        "lines": "lines {start}–{end}",
        "page": "p. {number}",
        "slide": "slide {number}",
        "cell": "cell {number}",
        "sheet": "sheet {number}",
        "chapter": "chapter {number}",
        "months": "January February March April May June July August September October November "
        "December",
        "limited_to": "in: {places}",
        "tagged": "tag {tag}",
        "since": "since {day}",
    },
}


def frame_language(language: str, default: str = "fr") -> str:
    """Return the language of the frame for a question in `language`."""
    return language if language in FRAMES else default


def line_range(start: int, end: int, language: str) -> str:
    """Return "ligne 12" or "lignes 12–14"."""
    texts = FRAMES[language]
    return texts["line" if start == end else "lines"].format(start=start, end=end)


def place_name(unit: Unit, page: int | None, start: int, end: int, language: str) -> str:
    """Return "p. 12" or "diapo 4" of an extracted text, "lignes 12–14" of a text with lines."""
    if page is not None and unit != "line":
        return FRAMES[language][unit].format(number=page)
    return line_range(start, end, language)


def citation_place(citation: Citation, language: str) -> str:
    """Return where a citation stands, as `place_name` says it."""
    return place_name(
        citation.unit, citation.page, citation.line_start, citation.line_end, language
    )


def attribution(author: str | None, date: str | None, language: str) -> str:
    """Return "Jeanne Martin, 12 mars 2024", as much of it as is known; empty for nothing."""
    names = _shortened(author or "", _LONGEST_NAME)
    return ", ".join(filter(None, (names, shown_date(date, language) if date else "")))


def shown_date(written: str, language: str) -> str:
    """Return a note's date in words: a day, a month or a year; as written where it is neither."""
    days = read_date(written)
    if days is None:
        return _shortened(written, _LONGEST_DATE)
    first, last = days
    if first.year != last.year:
        return f"{first.year}–{last.year}"
    if (last - first).days > 31:
        return str(first.year)
    month = FRAMES[language]["months"].split()[first.month - 1]
    if first != last:
        return f"{month} {first.year}"
    is_ordinal = language == "fr" and first.day == 1
    return f"{first.day}{'er' if is_ordinal else ''} {month} {first.year}"


def limits(filters: Filters, language: str) -> str:
    """Return "dans : reseaux, étiquette tp, depuis le 1er mars 2024"; empty for every note."""
    texts = FRAMES[language]
    names = [*filters.courses, *(re.sub(r"/\*$", "/", note) for note in filters.notes)]
    places = [_shortened(name, _LONGEST_NAME) for name in names]
    parts = [texts["limited_to"].format(places=" · ".join(places))] if places else []
    parts += [texts["tagged"].format(tag=_shortened(tag, _LONGEST_NAME)) for tag in filters.tags]
    if filters.since is not None:
        day = shown_date(filters.since.isoformat(), language)
        parts.append(texts["since"].format(day=day))
    return ", ".join(parts)


def _shortened(text: str, most: int) -> str:
    """Return a text as one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
