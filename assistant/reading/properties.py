"""Titles and dates that office programs write into files, when they mean something.

Left out: a title that is a file name or a program's default ("Microsoft Word - x.doc",
"Présentation PowerPoint"), which would stand above every citation of the note.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePath

_PROGRAM = re.compile(r"microsoft (?:office )?(?:word|powerpoint|excel)\s*-\s*", re.I)
_FILE = re.compile(r"\.(?:docx?|pptx?|xlsx?|od[tps]|pdf|tex|dvi|md|html?|rtf|indd|qxd)$", re.I)
_DEFAULT = re.compile(
    r"(?:présentation powerpoint|powerpoint[ -]presentation|diapositive \d+|slide \d+|untitled.*|"
    r"sans titre.*|document\d*|présentation\d*|presentation\d*|title|titre|word document|\W*)$",
    re.I,
)


def sensible_title(title: str | None, name: str) -> str | None:
    """Return the title a file gives itself, or None when it is no better than its name."""
    words = " ".join((title or "").split())[:300]
    stem = PurePath(name).stem
    if _PROGRAM.match(words) or _FILE.search(words) or _DEFAULT.match(words):
        return None
    return words if words.casefold() != stem.casefold() else None


def sensible_date(value: str | datetime | None) -> str | None:
    """Return a date as `2024-09-30`; a PDF writes `D:20240930…`. None when it is no date."""
    if isinstance(value, datetime):
        found = value
    else:
        match = re.match(r"(?:D:)?(\d{4})-?(\d\d)-?(\d\d)", value or "")
        try:
            found = datetime.min
            if match:
                found = datetime(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            return None
    return f"{found:%Y-%m-%d}" if 1980 < found.year < 2100 else None
