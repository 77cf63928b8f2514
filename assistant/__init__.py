"""A course assistant: ask questions about course notes and get cited, proved answers.

Ask:      Assistant, Settings, Answer, Citation, Hit, Suggestion
Index:    Note, Chunk, Span, RefreshReport, Skipped, Status
Errors:   AssistantError, from which all others come (see `assistant.errors`)

Names are imported when they are first used, so that `assistant --help` loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.assistant import Assistant, Status
    from assistant.datatypes import (
        Answer,
        Chunk,
        Citation,
        Hit,
        Note,
        RefreshReport,
        Skipped,
        Span,
        Suggestion,
    )
    from assistant.errors import AssistantError
    from assistant.settings import Settings

__version__ = "0.1.0"

_HOMES = {
    "assistant.assistant": ("Assistant", "Status"),
    "assistant.datatypes": (
        "Answer",
        "Chunk",
        "Citation",
        "Hit",
        "Note",
        "RefreshReport",
        "Skipped",
        "Span",
        "Suggestion",
    ),
    "assistant.errors": ("AssistantError",),
    "assistant.settings": ("Settings",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Assistant",
    "AssistantError",
    "Chunk",
    "Citation",
    "Hit",
    "Note",
    "RefreshReport",
    "Settings",
    "Skipped",
    "Span",
    "Status",
    "Suggestion",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'assistant' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
