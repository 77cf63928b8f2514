"""The few words of an answer that are not quoted, in French and English."""

from __future__ import annotations

FRAMES = {
    "fr": {
        "no_answer": "Les notes ne répondent pas à cette question.",
        "no_notes": "Il n'y a encore aucune note à interroger.",
        "nearest": "Sections les plus proches :",
        "see_also": "Voir aussi :",
        "line": "ligne {start}",
        "lines": "lignes {start}–{end}",
    },
    "en": {
        "no_answer": "The notes do not answer this question.",
        "no_notes": "There are no notes to ask yet.",
        "nearest": "Nearest sections:",
        "see_also": "See also:",
        "line": "line {start}",
        "lines": "lines {start}–{end}",
    },
}


def frame_language(language: str, default: str = "fr") -> str:
    """Return the language of the frame for a question in `language`."""
    return language if language in FRAMES else default


def line_range(start: int, end: int, language: str) -> str:
    """Return "ligne 12" or "lignes 12–14"."""
    texts = FRAMES[language]
    return texts["line" if start == end else "lines"].format(start=start, end=end)
