"""A course for the tests of the chat: it answers with the lines that share a word.

A pure function of the notes and the question, without model or index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.answering.conversation import Turn, standalone
from assistant.answering.frames import limits
from assistant.datatypes import Answer, Citation, Note, Suggestion
from assistant.index.store import NoteLabels
from assistant.retrieval.filters import EVERYTHING


@dataclass(frozen=True)
class FakeStatus:
    notes: int
    chunks: int
    model: str = "fake"
    stale: bool = False


class FakeCourse:
    """Quotes up to three lines that hold a long word of the question, in note order."""

    def __init__(
        self,
        notes: Mapping[str, str],
        failure: Exception | None = None,
        *,
        tags: Sequence[str] = (),
        author: str | None = None,
        date: str | None = None,
    ) -> None:
        self.texts = dict(notes)
        self.tags, self.author, self.date = tuple(tags), author, date  # of every note
        self.failure = failure
        self.questions: list[str] = []
        self.options: list[dict[str, Any]] = []  # of each question that was streamed

    def status(self) -> FakeStatus:
        return FakeStatus(len(self.texts), sum(len(t.splitlines()) for t in self.texts.values()))

    def note(self, note_id: str) -> Note:
        text = self.texts[note_id]
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Note(note_id, note_id, "fr", text, digest, Path(note_id))

    def labels(self) -> list[NoteLabels]:
        return [
            NoteLabels(row, note_id, self.tags, self.date, note_id, self.author)
            for row, note_id in enumerate(self.texts)
        ]

    def notes(self) -> list[tuple[str, str]]:
        return [(note_id, note_id) for note_id in self.texts]

    def stream(
        self, question: str, *, conversation: Sequence[Turn] = (), **options: Any
    ) -> Iterator[Answer]:
        """Completes a follow-up as the assistant does, then answers line by line."""
        self.options.append(options)
        limited_to = limits(options.get("filters", EVERYTHING), "fr")
        understood = standalone(question, conversation)
        answer = replace(
            self.ask(understood.text),
            question=question,
            standalone=understood.text if understood.changed else "",
            limited_to=limited_to,
        )
        lines = answer.text.split("\n\n")
        for count in range(2, len(lines)):
            yield replace(answer, text="\n\n".join(lines[:count]))
        yield answer

    def ask(self, question: str, **_: Any) -> Answer:
        self.questions.append(question)
        if self.failure:
            raise self.failure
        words = {word for word in re.findall(r"\w{5,}", question.lower())} - {"docker"}
        citations: list[Citation] = []
        for note_id, text in self.texts.items():
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
                            author=self.author,
                            date=self.date,
                        )
                    )
                start += len(line) + 1
        suggestions = tuple(Suggestion(note_id, note_id, ("Début",), 1) for note_id in self.texts)
        if not citations:
            return Answer(
                question, "fr", False, 0.1, "Les notes ne répondent pas.", (), (), suggestions
            )
        text = "D'après les notes :\n\n" + "\n\n".join(
            f"> {citation.quote} [{citation.number}]" for citation in citations
        )
        return Answer(question, "fr", True, 0.9, text, tuple(citations), ())
