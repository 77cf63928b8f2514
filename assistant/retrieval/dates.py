"""Dates as people write them in front matter: a small parser, day before month.

It reads ISO dates and times, 15/02/2021, "15 février 2021", "February 15, 2021", a month
or a year alone. Left out: other languages, relative dates, years of two digits. General
parsers were tried for size: dateutil knows no French, dateparser brings 200 locales.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from assistant.analysis import fold

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "fev feb", "mar", "avr apr", "mai may", "juin jun", "juil jul", "aou aug", "sep",
         "oct", "nov", "dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?![\d/.-])")
_SCHOOL_YEAR = re.compile(r"(\d{4})[-/](\d{4})(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_IN_WORDS = re.compile(r"(?:(?<!\d)(\d{1,2})(?:er|st|nd|rd|th)?[ -])?([a-z]{3,9})\.?[ -](\d{4})\b")
_MONTH_DAY = re.compile(r"\b([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b")


def read_date(written: str) -> tuple[date, date] | None:
    """Return the first and the last day that a date may stand for; None if it is none.

    "2021" is all of that year, "2021-2022" both, "février 2021" all of that month.
    """
    text = " ".join(fold(written).split())
    if match := _SCHOOL_YEAR.match(text):
        first, last = _days(int(match[1]), None, None), _days(int(match[2]), None, None)
        return (first[0], last[1]) if first and last else None
    if match := _COMPACT.match(text) or _YEAR_FIRST.match(text):
        return _days(int(match[1]), match[2], match[3])
    if match := _DAY_FIRST.search(text):
        day, month = match[1], match[2]
        if int(month) > 12 >= int(day):  # as written in America
            day, month = month, day
        return _days(int(match[3]), month, day)
    for pattern, day_group, month_group in ((_MONTH_DAY, 2, 1), (_IN_WORDS, 1, 2)):
        for match in pattern.finditer(text):
            if known := _month(match[month_group]):
                return _days(int(match[3]), str(known), match[day_group])
    return None


def _month(word: str) -> int | None:
    return _MONTHS.get(word[:4]) or _MONTHS.get(word[:3])


def _days(year: int, month: str | None, day: str | None) -> tuple[date, date] | None:
    """Return the first and last day of a year, a month or a day."""
    try:
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            first = date(year, int(month), 1)
            return first, first.replace(day=monthrange(year, int(month))[1])
        return (only := date(year, int(month), int(day))), only
    except ValueError:  # no such day
        return None
