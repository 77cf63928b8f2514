"""Notes made from bytes as the corpus makes them, for tests of what comes after."""

from __future__ import annotations

from pathlib import Path

from assistant.datatypes import Note
from assistant.reading.corpus import CorpusFile, read_bytes


def note_of(note_id: str, data: bytes) -> Note:
    """Return the note of a file; fail when it is skipped."""
    note = read_bytes(CorpusFile(note_id, Path(note_id), ""), data)
    assert isinstance(note, Note), note
    return note
