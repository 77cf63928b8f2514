"""The answer in the notes' own words, or the refusal: from what was found to an Answer.

confidence against caution -> evidence -> quotations -> citations compared with the files on
disk. A refusal names the nearest sections. Retrieval, and the model that may write the
answer instead (`written`), are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.answering.about_the_note import is_about_the_course, quote_front_matter
from assistant.answering.answer_type import can_answer
from assistant.answering.evidence import find_evidence
from assistant.answering.extractive import CITABLE, Quotation, choose_quotations, cite, compose
from assistant.answering.frames import FRAMES
from assistant.answering.proof import verify
from assistant.datatypes import Answer, Hit, Note, Suggestion
from assistant.places import line_at
from assistant.retrieval.found import Retrieval
from assistant.stopwatch import Stopwatch

NoteOf = Callable[[str], Note | None]  # a note by its id
Linked = Callable[[Sequence[str]], tuple[tuple[str, str], ...]]  # (id, title) by ids of notes

_SUGGESTIONS = 3
_KNOWN = 0.95  # confidence in what the front matter says of its own note


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer is made from: what was found, and the notes it stands in."""

    question: str
    frame: str  # language of the words around the quotations
    retrieval: Retrieval
    certainty: float  # that the notes answer
    hits: tuple[Hit, ...]
    note_of: NoteOf
    linked: Linked


def quoted(reading: Reading, *, caution: float, corpus: Path, watch: Stopwatch) -> Answer:
    """Return what the notes say, word for word; a refusal where they do not surely answer.

    Raises StaleCitationError where a quotation is no longer in the file under `corpus`.
    """
    retrieval, certainty = reading.retrieval, reading.certainty
    notes: dict[str, Note] = {}
    if about := _about_the_note(reading.note_of, retrieval, notes):
        quotations, certainty = [about], max(certainty, _KNOWN)
    elif certainty >= caution:
        quotations = _quotations(reading.note_of, retrieval, notes)
    else:
        quotations = []
    watch.ends("evidence")
    if quotations and not about and not can_answer(reading.question, quotations[0].text(notes)):
        quotations, certainty = [], min(certainty, caution / 2)
    if not quotations:
        texts = FRAMES[reading.frame]
        refusal = texts["no_answer"] if retrieval.chunks else texts["no_notes"]
        nearest = _suggestions(reading.note_of, retrieval)
        watch.ends("compose")
        return Answer(
            reading.question, reading.frame, False, certainty, refusal, (), reading.hits, nearest
        )
    text = compose(quotations, notes)
    see_also = reading.linked(list(dict.fromkeys(q.note_id for q in quotations)))
    watch.ends("compose")
    citations = cite(quotations, notes)
    verify(citations, notes, corpus)
    watch.ends("verify")
    return Answer(
        reading.question,
        reading.frame,
        True,
        certainty,
        text,
        citations,
        reading.hits,
        see_also=see_also,
    )


def _quotations(note_of: NoteOf, retrieval: Retrieval, notes: dict[str, Note]) -> list[Quotation]:
    """Choose what to quote; the notes it stands in are added to `notes`."""
    evidence = find_evidence(retrieval)
    for found in evidence[:CITABLE]:
        note_id = found.passage.stored.chunk.note_id
        if note := note_of(note_id):
            notes[note_id] = note
    return choose_quotations(evidence, notes, retrieval.question.text)


def _about_the_note(
    note_of: NoteOf, retrieval: Retrieval, notes: dict[str, Note]
) -> Quotation | None:
    """Quote the front matter of the nearest note where the question is about the course."""
    if not retrieval.passages or not is_about_the_course(retrieval.question.text):
        return None
    best = retrieval.passages[0]
    note = note_of(best.stored.chunk.note_id)
    if note is None:
        return None
    notes[note.id] = note
    return quote_front_matter(retrieval.question.text, best, note)


def _suggestions(note_of: NoteOf, retrieval: Retrieval) -> tuple[Suggestion, ...]:
    """Return the sections of the best passages, each once."""
    found: dict[tuple[str, tuple[str, ...]], Suggestion] = {}
    for passage in retrieval.passages:
        chunk = passage.stored.chunk
        key = (chunk.note_id, chunk.headings)
        if key in found:
            continue
        note = note_of(chunk.note_id)
        if note is None:
            continue
        line = line_at(note, chunk.start)
        found[key] = Suggestion(chunk.note_id, passage.stored.title, chunk.headings, line)
        if len(found) == _SUGGESTIONS:
            break
    return tuple(found.values())
