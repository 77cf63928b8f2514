"""A course of several notes for the tests of the reader and of programs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fake_course import FakeCourse

from assistant.answering.conversation import Turn
from assistant.datatypes import Answer, Chunk, Hit, Note, Signals
from assistant.index.store import NoteLabels
from assistant.places import line_starts


class FakeLibrary:
    """Answers as FakeCourse does; a passage is a line that shares a word with the question."""

    def __init__(self, texts: Mapping[str, str], **about: Any) -> None:
        self.texts = dict(texts)
        self.about = about  # further fields of every note
        self.course = FakeCourse(texts)
        self.options: list[dict[str, Any]] = []
        self.searched: list[dict[str, Any]] = []  # the options of each search

    def ask(self, question: str, *, conversation: Sequence[Turn] = (), **options: Any) -> Answer:
        self.options.append(options)
        *_, answer = self.course.stream(question, conversation=conversation)
        return answer

    def status(self) -> Any:
        return self.course.status()

    def notes(self) -> list[tuple[str, str]]:
        return [(note_id, f"Titre de {note_id}") for note_id in sorted(self.texts)]

    def labels(self) -> list[NoteLabels]:
        by = self.about.get("date"), self.about.get("author")
        return [
            NoteLabels(row, note_id, (), by[0], title, by[1])
            for row, (note_id, title) in enumerate(self.notes())
        ]

    def note(self, note_id: str) -> Note:
        text = self.texts[note_id]
        digest = hashlib.sha256(text.encode()).hexdigest()
        title = f"Titre de {note_id}"
        return Note(note_id, title, "fr", text, digest, Path(note_id), **self.about)

    def search(self, question: str, *, k: int = 8, **options: Any) -> tuple[Hit, ...]:
        self.searched.append(options)
        words = set(question.lower().split())
        found = []
        for note_id, text in sorted(self.texts.items()):
            for start, line in zip(line_starts(text), text.split("\n"), strict=True):
                if words & set(line.lower().split()):
                    chunk = Chunk(note_id, 0, start, start + len(line), (), line)
                    rank = len(found) + 1
                    found.append(Hit(chunk, note_id, rank, 1 / rank, Signals(0.5, 1.0)))
        return tuple(found[:k])
