"""Authors, dates and filters in words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.frames import FRAMES, attribution, limits, shown_date
from assistant.retrieval.filters import EVERYTHING, Filters


@pytest.mark.parametrize(
    ("written", "french", "english"),
    [
        ("2024-03-12", "12 mars 2024", "12 March 2024"),
        ("2024-03-12T08:30:00Z", "12 mars 2024", "12 March 2024"),
        ("01/08/2023", "1er août 2023", "1 August 2023"),
        ("February 15, 2021", "15 février 2021", "15 February 2021"),
        ("février 2021", "février 2021", "February 2021"),
        ("2020", "2020", "2020"),
        ("2021-2022", "2021–2022", "2021–2022"),
        ("rentrée prochaine", "rentrée prochaine", "rentrée prochaine"),
    ],
)
def test_a_date_is_shown_in_the_language_of_the_page(
    written: str, french: str, english: str
) -> None:
    assert (shown_date(written, "fr"), shown_date(written, "en")) == (french, english)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_is_shown_as_itself(day: date) -> None:
    number, month, year = shown_date(day.isoformat(), "fr").split()
    assert int(number.removesuffix("er")) == day.day
    assert FRAMES["fr"]["months"].split().index(month) + 1 == day.month
    assert int(year) == day.year


def test_an_attribution_holds_what_is_known() -> None:
    assert attribution("Jeanne Martin", "2024-03-12", "fr") == "Jeanne Martin, 12 mars 2024"
    assert attribution("Jeanne\n Martin", None, "fr") == "Jeanne Martin"
    assert attribution(None, "2024-03-12", "en") == "12 March 2024"
    assert attribution(None, None, "fr") == ""


@given(st.text(), st.text())
def test_an_attribution_is_one_short_line(author: str, written: str) -> None:
    said = attribution(author, written, "fr")
    assert len(said) <= 80 + 2 + 30
    assert len(said.splitlines()) <= 1


def test_filters_are_told_in_one_line() -> None:
    filters = Filters(("reseaux",), ("tp/*", "a.md"), ("examen",), date(2025, 9, 1))
    assert limits(filters, "fr") == (
        "dans : reseaux · tp/ · a.md, étiquette examen, depuis le 1er septembre 2025"
    )
    assert limits(Filters(since=date(2025, 9, 2)), "en") == "since 2 September 2025"
    assert limits(EVERYTHING, "fr") == ""
