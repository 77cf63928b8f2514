"""The nouns of the course assistant, on one page.

Every journey (index, ask, search, evaluate) passes these frozen values along;
none of them knows how it is stored, scored or shown. Offsets are code points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

Unit = Literal["line", "page", "slide", "cell", "sheet", "chapter"]


@dataclass(frozen=True, slots=True)
class Place:
    """From `note.text[start]` to the next place, the text stands at this place of the file.

    Of a format whose text is extracted: a page, a slide, a cell, or a line of the source.
    """

    start: int  # offset in the note's text
    unit: Unit
    number: int  # 1 is the first


@dataclass(frozen=True, slots=True)
class Note:
    """One note as it was read: its text unchanged, and what is known of it."""

    id: str  # path relative to the corpus, with "/"
    title: str
    language: str  # ISO 639-1 code, such as "fr"
    text: str  # decoded text, unchanged; of PDF, slides and the like, the extracted text
    sha256: str  # of the file's bytes, hexadecimal
    source: Path  # the file itself
    author: str | None = None
    date: str | None = None  # as the note writes it
    body_start: int = 0  # where the text after the front matter begins
    tags: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()  # by start; none where the text is the file's own
    links: tuple[str, ...] = ()  # ids of files of the corpus it links to, found or not

    @property
    def course(self) -> str:
        """The first folder of the id; empty for a note that lies in none."""
        return self.id.split("/", 1)[0] if "/" in self.id else ""


@dataclass(frozen=True, slots=True)
class Span:
    """The smallest part of a note that can be quoted: `note.text[start:end]`.

    `lead` is the range of the line that introduces it (list, code, table header).
    """

    start: int
    end: int
    kind: Literal["sentence", "item", "row", "code"]
    lead: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a note: `note.text[start:end] == text`.

    `headings` (outermost first) and `lead_in` (the line that introduces a list, or
    the header row of a table) are context: embedded with the text, never part of it.
    """

    note_id: str
    ordinal: int  # 0, 1, 2 … in the order of the note
    start: int
    end: int
    headings: tuple[str, ...]
    text: str
    lead_in: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """What each leg of retrieval thought of a passage; higher is better."""

    dense: float  # cosine of question and passage vectors
    lexical: float  # BM25, 0 where no word is shared
    late: float = 0.0  # MaxSim: mean over question tokens of the best cosine


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question; rank 1 is the best, a higher score is better."""

    chunk: Chunk
    title: str  # of the note
    rank: int
    score: float
    signals: Signals
    duplicates: tuple[str, ...] = ()  # ids of notes holding nearly the same passage
    author: str | None = None  # of the note; None where unknown
    date: str | None = None  # as the note writes it


@dataclass(frozen=True, slots=True)
class Citation:
    """A proved quotation: `note.text[start:end] == quote`, compared with the file."""

    number: int  # 1, 2, 3 … as written [1] in the answer
    note_id: str
    title: str
    headings: tuple[str, ...]
    start: int
    end: int
    line_start: int  # 1 is the first line of the note
    line_end: int
    page: int | None  # number of the page, slide or cell; None where there are only lines
    quote: str
    score: float = 0.0  # of the span as evidence; higher is better
    unit: Unit = "line"  # what `page` counts
    author: str | None = None  # of the note; None where unknown
    date: str | None = None  # as the note writes it


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A section near the question, offered when the notes do not answer."""

    note_id: str
    title: str
    headings: tuple[str, ...]
    line_start: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question. Not answering is a normal result."""

    question: str
    language: str  # of the frame around the quotes: "fr" or "en"
    answered: bool
    confidence: float  # probability that the notes answer, 0 to 1
    text: str  # Markdown, with [1] after each quotation
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    suggestions: tuple[Suggestion, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    see_also: tuple[tuple[str, str], ...] = ()  # (id, title) of notes linked with those cited
    standalone: str = ""  # the question as a follow-up was understood; empty where it was complete
    model: str = ""  # name of the language model that wrote the text; empty: the notes' own words
    notice: str = ""  # one line about that model: why it is not used, or what was left out
    limited_to: str = ""  # the notes that were asked, in one line; empty for all of them


class Change(StrEnum):
    """What a refresh found of a note, against the index."""

    ADDED = "added"
    CHANGED = "changed"
    RENAMED = "renamed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of the corpus that is not indexed, and why, in one clear line."""

    note_id: str
    reason: str
    missing_library: str = ""  # the module whose absence is the reason; empty for any other


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, or with `--check` would do."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]  # (old id, new id)
    removed: tuple[str, ...]
    unchanged: int
    skipped: tuple[Skipped, ...]
    chunks: int  # passages in the index afterwards
    embedded: int  # passages embedded by this refresh
    seconds: float
    rebuilt: str | None = None  # why everything was indexed anew, if it was

    @property
    def is_stale(self) -> bool:
        """Whether the index differed from the notes before this refresh."""
        return bool(self.added or self.changed or self.renamed or self.removed or self.rebuilt)
