"""What a reader chose for their answers, read from what their browser sends.

The choices live in the browser; anything in them that is not one of ours is ignored.
Larger text and the theme never leave the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.retrieval.filters import Filters
from assistant.web.texts import TEXTS

SOURCES = (3, 5, 8, 12)  # passages to show, cited or only found
_LONGEST_COURSE = 200  # characters of the name of a folder


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The choices that an answer depends on."""

    sources: int = 5
    language: str | None = None  # of the answer; None follows the question
    use_model: bool = True
    course: str = ""  # first folder of the notes to ask; empty for all

    @staticmethod
    def read(value: object) -> ReaderSettings:
        """The choices in a browser's value, whatever it is."""
        if not isinstance(value, dict):
            return ReaderSettings()
        sources, language, course = (value.get(k) for k in ("sources", "language", "course"))
        is_course = isinstance(course, str) and len(course) <= _LONGEST_COURSE
        return ReaderSettings(
            sources=sources if type(sources) is int and sources in SOURCES else 5,
            language=language if isinstance(language, str) and language in TEXTS else None,
            use_model=value.get("use_model") is not False,
            course=str(course) if is_course else "",
        )

    def options(self) -> dict[str, Any]:
        """The same as arguments of the assistant."""
        options: dict[str, Any] = {"k": self.sources, "use_model": self.use_model}
        if self.language:
            options["language"] = self.language
        if self.course:
            options["filters"] = Filters(courses=(self.course,))
        return options
