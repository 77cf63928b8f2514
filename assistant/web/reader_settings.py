"""What a reader chose for their answers, read from what their browser sends.

The choices live in the browser; anything in them that is not one of ours is ignored.
Larger text and the theme never leave the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from assistant.retrieval.filters import Filters
from assistant.web.texts import TEXTS

SOURCES = (3, 5, 8, 12)  # passages to show, cited or only found
_LONGEST_NAME = 500  # characters of a course, a note or a tag


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The choices that an answer depends on."""

    sources: int = 5
    language: str | None = None  # of the answer; None follows the question
    use_model: bool = True
    course: str = ""  # first folder of the notes to ask; empty for all
    note: str = ""  # id, name or pattern of a note, or a folder with "/" at its end
    tag: str = ""
    since: date | None = None

    @staticmethod
    def read(value: object) -> ReaderSettings:
        """The choices in a browser's value, whatever it is."""
        if not isinstance(value, dict):
            return ReaderSettings()
        sources, language = value.get("sources"), value.get("language")
        return ReaderSettings(
            sources=sources if type(sources) is int and sources in SOURCES else 5,
            language=language if isinstance(language, str) and language in TEXTS else None,
            use_model=value.get("use_model") is not False,
            course=_name(value.get("course")),
            note=_name(value.get("note")),
            tag=_name(value.get("tag")),
            since=_day(value.get("since")),
        )

    def options(self) -> dict[str, Any]:
        """The same as arguments of the assistant."""
        options: dict[str, Any] = {"k": self.sources, "use_model": self.use_model}
        if self.language:
            options["language"] = self.language
        if not self.filters.is_empty:
            options["filters"] = self.filters
        return options

    @property
    def filters(self) -> Filters:
        """The notes to ask."""
        note = f"{self.note}*" if self.note.endswith("/") else self.note
        courses, notes, tags = ((name,) if name else () for name in (self.course, note, self.tag))
        return Filters(courses, notes, tags, self.since)


def _name(value: object) -> str:
    """A name in one line; empty where it is none, or far longer than any."""
    name = value.strip() if isinstance(value, str) else ""
    return name if len(name) <= _LONGEST_NAME and name.isprintable() else ""


def _day(value: object) -> date | None:
    """A day as the date field of a browser sends it."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
