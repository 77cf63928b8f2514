"""The answer of a language model, sentence by sentence, each verified before it is shown.

`generate` yields what became of every sentence; nothing unverified leaves it. The caller
decided beforehand that the notes answer, and quotes them itself when nothing is left.
`Composition` numbers the places that are quoted and writes the text with [1], [2] …
What is left out: blocks of code, which are dropped; commands belong to quotations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assistant.answering.extractive import shown_prose
from assistant.answering.language_model import LanguageModel
from assistant.answering.prompt import NumberedPassage, messages
from assistant.answering.proof import cited
from assistant.answering.verification import CITATIONS, Fault, Support, Verifier
from assistant.datatypes import Citation, Note
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder
from assistant.sentences import split_sentences

_LATE_CITATION = re.compile(r"([.!?…]+)((?:[ \t]*\[\d+(?:\s*[,;]\s*\d+)*\])+)")
_BEGINS_WITHOUT_STOP = re.compile(r"(\[\d+\])[ \t]+(?=[A-ZÀ-Þ])")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_LIST_MARKER = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")
_LONGEST_PENDING = 2_000  # characters without an end: no sentence is that long
_MOST_QUOTED = 5  # places quoted for what was not proved: as many as sentences are asked for


@dataclass(frozen=True, slots=True)
class VerifiedSentence:
    """A sentence that its passages support."""

    text: str  # without citations and list marker
    is_item: bool  # of a list
    support: tuple[Support, ...]  # at least one place of a note


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that is not shown."""

    text: str  # as the model wrote it: never to be shown, only counted
    fault: Fault
    nearest: Support | None  # what it seems to restate, to be quoted in its place


def generate(
    question: str,
    passages: Sequence[NumberedPassage],
    *,
    model: LanguageModel,
    embedder: Embedder,
    codec: Codec,
    language: str,
) -> Iterator[VerifiedSentence | Dropped]:
    """Ask the model and verify what it writes; LanguageModelError when it fails.

    Sentences yielded before a failure are sound. Closing the iterator ends the request.
    """
    verifier = Verifier(passages, embedder, codec, language=language)
    for sentence in sentences(model.stream(messages(question, passages, language))):
        verdict = verifier.verify(sentence)
        if verdict.fault is not None:
            yield Dropped(sentence, verdict.fault, verdict.nearest)
        else:
            text = _LIST_MARKER.sub("", CITATIONS.sub("", sentence)).strip()
            yield VerifiedSentence(text, bool(_LIST_MARKER.match(sentence)), verdict.support)


def sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Yield whole sentences, with their citations, as the pieces of a text come in."""
    pending, is_code = "", False
    try:
        for piece in pieces:
            pending += piece
            *lines, pending = pending.split("\n")
            for line in lines:
                if _FENCE.match(line):
                    is_code = not is_code
                elif not is_code:
                    yield from _split(line)
            is_endless = len(pending) > _LONGEST_PENDING  # then only the line's end ends it
            if not (is_code or is_endless or _FENCE.match(pending)):
                whole = _split(pending)
                # The last may go on, and the one before it may still get its citation.
                if len(whole) > 1 and not whole[-1].lstrip().startswith("["):
                    yield from whole[:-1]
                    space = pending[len(pending.rstrip()) :]
                    pending = whole[-1] + space
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    if not is_code and not _FENCE.match(pending):
        yield from _split(pending)


def _split(line: str) -> list[str]:
    text = _LATE_CITATION.sub(r"\2\1", line)
    text = _BEGINS_WITHOUT_STOP.sub(r"\1. ", text)
    return [text[start:end] for start, end in split_sentences(text, 0, len(text))]


@dataclass(slots=True)
class Composition:
    """A growing answer: its text, and the places that it quotes, by number."""

    places: list[Support] = field(default_factory=list)
    text: str = ""
    quoted: int = 0  # places quoted in place of what the model wrote

    def quote(self, place: Support, note: Note) -> None:
        """Append a sentence or item of a note as it stands, unless it is cited already."""
        if self.quoted == _MOST_QUOTED or any(place.overlaps(known) for known in self.places):
            return
        self.quoted += 1
        text = shown_prose(note.text[place.start : place.end])
        self.add(VerifiedSentence(text, False, (place,)))

    def add(self, sentence: VerifiedSentence) -> None:
        """Append a sentence with its citations."""
        numbers = []
        for support in sentence.support:
            same = [
                n for n, known in enumerate(self.places, start=1)
                if (known.note_id, known.start, known.end)
                == (support.note_id, support.start, support.end)
            ]  # fmt: skip
            if not same:
                self.places.append(support)
            numbers.append(same[0] if same else len(self.places))
        marks = " ".join(f"[{number}]" for number in dict.fromkeys(numbers))
        before = "" if not self.text else "\n- " if sentence.is_item else " "
        if sentence.is_item and not self.text:
            before = "- "
        elif not sentence.is_item and "\n- " in f"\n{self.text}".rsplit("\n\n", 1)[-1]:
            before = "\n\n"
        self.text += f"{before}{sentence.text} {marks}"


def cite_places(places: Sequence[Support], notes: dict[str, Note]) -> tuple[Citation, ...]:
    """Return the citations of a composition; each quote is a slice of its note."""
    return tuple(
        cited(notes[p.note_id], number, p.start, p.end, p.headings, p.score)
        for number, p in enumerate(places, start=1)
    )
