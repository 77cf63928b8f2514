"""Citations made from a note, and compared with it again before an answer is shown.

A citation is what its note says at two offsets: made in one place, and true only as long as
making it again gives the same. The note itself is compared with its file by hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from assistant.datatypes import Citation, Note
from assistant.places import line_at, place_at


class StaleCitationError(Exception):
    """A note is no longer what a citation was made from; `str(error)` is its id."""


def cited(
    note: Note, number: int, start: int, end: int, headings: tuple[str, ...], score: float
) -> Citation:
    """Return the citation of `note.text[start:end]`, with its lines and page."""
    place = place_at(note, start)
    unit = place.unit if place else "line"
    return Citation(
        number=number,
        note_id=note.id,
        title=note.title,
        headings=headings,
        start=start,
        end=end,
        line_start=line_at(note, start),
        line_end=line_at(note, max(start, end - 1)),
        page=place.number if place and unit != "line" else None,
        quote=note.text[start:end],
        score=score,
        unit=unit,
        author=note.author,
        date=note.date,
    )


def verify(citations: Sequence[Citation], notes: Mapping[str, Note], corpus: Path) -> None:
    """Compare every citation with its note, and the note with its file as it is now.

    A number out of order, offsets outside of the note, a quotation, title, line or page that
    is not there, and a file that changed all raise: none of them is ever shown.
    """
    checked: set[str] = set()
    for number, citation in enumerate(citations, start=1):
        note = notes.get(citation.note_id)
        if note is None or citation.number != number or not _is_true(citation, note):
            raise StaleCitationError(citation.note_id)
        if note.id in checked:
            continue
        try:
            digest = sha256((corpus / note.id).read_bytes()).hexdigest()
        except OSError as error:
            raise StaleCitationError(citation.note_id) from error
        if digest != note.sha256:
            raise StaleCitationError(citation.note_id)
        checked.add(note.id)


def _is_true(citation: Citation, note: Note) -> bool:
    start, end = citation.start, citation.end
    if not 0 <= start < end <= len(note.text):
        return False
    again = cited(note, citation.number, start, end, citation.headings, citation.score)
    return again == citation
