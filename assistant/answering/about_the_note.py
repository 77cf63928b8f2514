"""Questions about the course itself: who wrote it, and when.

The answer stands in the front matter, which is part of the note's text and can be quoted
like any line of it, but is no passage. Only a question that names the course, the notes or
the document is one of these.
"""

from __future__ import annotations

import re

from assistant.answering.evidence import Evidence
from assistant.answering.extractive import Quotation
from assistant.datatypes import Note, Span
from assistant.retrieval.found import Passage

_COURSE = re.compile(
    r"\b(?:ce|le|du|ces|les|des|this|the) (?:\w+ )?(?:cours|notes?|document|page|course)\b", re.I
)
_ASKED = (
    (
        re.compile(r"\b(?:auteurs?|autrices?|authors?)\b|\bqui (?:a|ont) (?:[ée]crit|rédigé|fait)"
                   r"|\b(?:écrit|rédigé|fait) par qui|\bwho (?:wrote|made)", re.I),
        re.compile(r"^[ \t]*[\"']?(?:authors?|auteurs?)[\"']?[ \t]*[:=][ \t]*(?=\S)", re.I | re.M),
    ),
    (
        re.compile(r"\b(?:date|quand|when)\b|\bquelle année", re.I),
        re.compile(r"^[ \t]*[\"']?date[\"']?[ \t]*[:=][ \t]*(?=\S)", re.I | re.M),
    ),
)  # fmt: skip


def is_about_the_course(question: str) -> bool:
    """Whether a question names the course, the notes or the document."""
    return bool(_COURSE.search(question))


def quote_front_matter(question: str, passage: Passage, note: Note) -> Quotation | None:
    """Return the line of the front matter that answers a question about the course, if one does."""
    for asks, line in _ASKED:
        if asks.search(question) and (found := line.search(note.text, 0, note.body_start)):
            end = note.text.find("\n", found.end())
            stop = len(note.text[:end].rstrip()) if end >= 0 else note.body_start
            span = Span(found.start(), stop, "sentence")
            return Quotation(Evidence(passage, span, 1.0, 1.0), span.start, span.end, (span,))
    return None
