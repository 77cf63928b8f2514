"""Questions about the course itself: who wrote it, and when.

The answer stands in the front matter, which is part of the note's text and can be quoted
like any line of it, but is no passage. Only a question that asks this of "ce cours", "ces notes"
or "le document", in so many words, is one of these.
"""

from __future__ import annotations

import re

from assistant.answering.evidence import Evidence
from assistant.answering.extractive import Quotation
from assistant.datatypes import Note, Span
from assistant.retrieval.found import Passage

_COURSE = (
    r"\W+(?:(?:de |d['’]|of )?(?:ce|cette|ces|le|les|du|des|this|these|the)\s+)"
    r"(?:cours|notes?|document|course)\b"
)
_MADE = r"(?:[ée]crit|rédigé|fait|publié|mis à jour)e?s?"
_AUTHOR = re.compile(
    rf"^\W*(?:qui (?:a|ont) {_MADE}|par qui (?:a|ont) été {_MADE}|"
    r"qui (?:est|sont) (?:l['’]|les )?(?:auteur|autrice|auteure)s?|who (?:wrote|made)|"
    rf"who (?:is|are) the authors?){_COURSE}|^\W*(?:auteur|autrice|author)s?{_COURSE}",
    re.I,
)
_DATE = re.compile(
    rf"^\W*(?:de quand date(?:nt)?|de quelle (?:date|année) (?:est|sont|date|datent)|"
    rf"quelle est la date|quand (?:a|ont) été {_MADE}|when (?:was|were)|"
    rf"what is the date|date){_COURSE}",
    re.I,
)
_ASKED = (
    (
        _AUTHOR,
        re.compile(r"^[ \t]*[\"']?(?:authors?|auteurs?)[\"']?[ \t]*[:=][ \t]*(?=\S)", re.I | re.M),
    ),
    (_DATE, re.compile(r"^[ \t]*[\"']?date[\"']?[ \t]*[:=][ \t]*(?=\S)", re.I | re.M)),
)


def is_about_the_course(question: str) -> bool:
    """Whether a question asks who wrote the course, the notes or the document, or when."""
    return any(asks.search(question) for asks, _ in _ASKED)


def quote_front_matter(question: str, passage: Passage, note: Note) -> Quotation | None:
    """Return the line of the front matter that answers a question about the course, if one does."""
    for asks, line in _ASKED:
        if asks.search(question) and (found := line.search(note.text, 0, note.body_start)):
            end = note.text.find("\n", found.end())
            stop = len(note.text[:end].rstrip()) if end >= 0 else note.body_start
            span = Span(found.start(), stop, "sentence")
            return Quotation(Evidence(passage, span, 1.0, 1.0), span.start, span.end, (span,))
    return None
