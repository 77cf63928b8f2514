"""A course for the tests of the chat: it answers with the lines that share a word.

A pure function of the notes and the question, without model or index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.datatypes import Answer, Citation, Note, Suggestion


@dataclass(frozen=True)
class FakeStatus:
    notes: int
    chunks: int
    model: str = "fake"
    stale: bool = False


class FakeCourse:
    """Quotes up to three lines that hold a long word of the question, in note order."""

    def __init__(self, notes: Mapping[str, str], failure: Exception | None = None) -> None:
        self.notes = dict(notes)
        self.failure = failure
        self.questions: list[str] = []

    def status(self) -> FakeStatus:
        return FakeStatus(len(self.notes), sum(len(t.splitlines()) for t in self.notes.values()))

    def note(self, note_id: str) -> Note:
        text = self.notes[note_id]
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Note(note_id, note_id, "fr", text, digest, Path(note_id))

    def ask(self, question: str) -> Answer:
        self.questions.append(question)
        if self.failure:
            raise self.failure
        words = {word for word in re.findall(r"\w{5,}", question.lower())} - {"docker"}
        citations: list[Citation] = []
        for note_id, text in self.notes.items():
            start, heading = 0, ""
            for number, line in enumerate(text.split("\n"), start=1):
                if line.startswith("#"):
                    heading = line.strip("# ")
                elif words & set(re.findall(r"\w+", line.lower())) and len(citations) < 3:
                    quote = line.lstrip("- ").rstrip()
                    at = start + line.index(quote)
                    headings = (heading,) if heading else ()
                    count = len(citations) + 1
                    citations.append(
                        Citation(
                            count,
                            note_id,
                            note_id,
                            headings,
                            at,
                            at + len(quote),
                            number,
                            number,
                            None,
                            quote,
                        )
                    )
                start += len(line) + 1
        suggestions = tuple(Suggestion(note_id, note_id, ("Début",), 1) for note_id in self.notes)
        if not citations:
            return Answer(
                question, "fr", False, 0.1, "Les notes ne répondent pas.", (), (), suggestions
            )
        text = "D'après les notes :\n\n" + "\n\n".join(
            f"> {citation.quote} [{citation.number}]" for citation in citations
        )
        return Answer(question, "fr", True, 0.9, text, tuple(citations), ())
