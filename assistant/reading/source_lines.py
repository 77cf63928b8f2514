"""Writing the text of a note line by line, each line with its line in the source."""

from __future__ import annotations

from assistant.datatypes import Place, Unit
from assistant.reading.assembling import fence_for, printable


class SourceLines:
    """A text that grows by lines; `number` is the source line (or slide) each stems from."""

    def __init__(self, unit: Unit = "line") -> None:
        self._unit = unit
        self._parts: list[str] = []
        self._places: list[Place] = []
        self._length = 0
        self._blank = True

    def add(self, line: str, number: int) -> None:
        """Add one line; a text with line breaks is added as lines that follow each other."""
        for index, part in enumerate(printable(line).split("\n")):
            here = number + index if self._unit == "line" else number
            if not part.strip():
                self.blank()
                continue
            if not self._places or self._places[-1].number != here:
                self._places.append(Place(self._length, self._unit, max(here, 1)))
            self._append(part.rstrip())
            self._blank = False

    def code(self, text: str, number: int, language: str = "") -> None:
        """Add a fenced block; its first line is that of the source, blank lines are kept."""
        fence = fence_for(text)
        lines = printable(text).split("\n")
        while lines and not lines[0].strip():
            lines.pop(0)
            number += 1
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            return
        self.blank()
        self.add(fence + language, number)
        for index, line in enumerate(lines):
            if line.strip():
                self.add(line, number + index if self._unit == "line" else number)
            else:
                self._append("")
        self.add(fence, number + len(lines) - 1 if self._unit == "line" else number)
        self.blank()

    def blank(self) -> None:
        """End a block: one blank line, whatever number of times it is asked for."""
        if not self._blank:
            self._append("")
            self._blank = True

    def _append(self, line: str) -> None:
        self._parts.append(line)
        self._length += len(line) + 1

    def finish(self) -> tuple[str, tuple[Place, ...]]:
        """Return the text and its places."""
        text = "\n".join(self._parts).rstrip("\n")
        return text + "\n" * bool(text), tuple(p for p in self._places if p.start < len(text))
