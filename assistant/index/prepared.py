"""Notes read and chunked, on their way into the index, kept in a temporary file.

All notes of a refresh enter the index in one transaction, after their passages are
embedded. Meanwhile they wait on disk, so that memory holds one note, not the corpus. The
file has no name where the system allows it: a killed refresh leaves nothing.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant import analysis, chunking
from assistant.datatypes import Chunk, Note
from assistant.embedding.protocol import Embedder
from assistant.index.lexical import fts_terms
from assistant.index.schema import mapped_errors
from assistant.index.store import passage_hash


@dataclass(frozen=True, slots=True)
class PreparedNote:
    """A note with the rows of its chunks."""

    note: Note
    signature: str
    rows: list[tuple[Chunk, bytes, str]]  # chunk, passage hash, analysed terms
    words: set[tuple[str, str]]  # met in the chunks, with their terms


def prepare(note: Note, signature: str, embedder: Embedder) -> PreparedNote:
    """Chunk a note and analyse its chunks."""
    rows = []
    words = set()
    for chunk in chunking.chunk_note(note, embedder.count_tokens, window=embedder.max_tokens):
        text = chunking.passage_text(note.title, chunk)
        terms = analysis.analyse(text, note.language)
        rows.append((chunk, passage_hash(text), fts_terms(terms)))
        words |= {(term.word, term.term) for term in terms}
    return PreparedNote(note, signature, rows, words)


class PreparedNotes:
    """A row of prepared notes on disk: written once, then read as often as needed."""

    def __init__(self, folder: Path) -> None:
        """Open an empty one in `folder`, whose disk has room for the index anyway."""
        self.ids: set[str] = set()
        self._held = 0  # notes in the file, those left out too
        self.hashes: set[bytes] = set()  # of all passages
        self._folder = folder
        with mapped_errors(folder):
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, suffix=".tmp")  # noqa: SIM115

    def add(self, item: PreparedNote) -> None:
        """Append a note."""
        self.ids.add(item.note.id)
        self._held += 1
        self.hashes.update(passage for _, passage, _ in item.rows)
        with mapped_errors(self._folder):
            pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
            self._file.flush()  # a full disk is told here

    def __iter__(self) -> Iterator[PreparedNote]:
        """Read the notes in the order they came."""
        self._file.seek(0)
        for _ in range(self._held):
            item: PreparedNote = pickle.load(self._file)
            if item.note.id in self.ids:
                yield item

    def leave_out(self, missing: Set[bytes]) -> None:
        """Forget the notes with a passage among `missing`."""
        self.ids -= {
            item.note.id for item in self if any(passage in missing for _, passage, _ in item.rows)
        }

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):  # what a full disk refused is written again by closing
            self._file.close()
