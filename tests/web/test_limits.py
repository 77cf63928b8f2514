"""Limiting the chat to some notes, and who wrote them: what the page is sent and shows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fake_course import FakeCourse
from fake_library import FakeLibrary
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from running_chat import running, wait_until_idle

from assistant.errors import FilterError
from assistant.retrieval.filters import Filters
from assistant.web.conversations import answer_from_json, answer_to_json
from assistant.web.conversing import Conversing
from assistant.web.memory import Memory
from assistant.web.reader import reader_routes
from assistant.web.reader_settings import ReaderSettings
from assistant.web.sources import panel

NOTES = {
    "noyau/a.md": "# Noyau\n- un namespace isole les processus\n",
    "reseau/tp/b.md": "# Réseau\n- une adresse identifie une machine\n",
}
CHOSEN = {"course": "reseau", "note": "reseau/tp/", "tag": "tp", "since": "2024-01-01"}
WAIT = 60_000  # milliseconds


def test_choices_of_a_browser_become_filters() -> None:
    assert ReaderSettings.read(CHOSEN).options()["filters"] == Filters(
        ("reseau",), ("reseau/tp/*",), ("tp",), date(2024, 1, 1)
    )


@pytest.mark.parametrize("name", ["course", "note", "tag", "since"])
@given(value=st.none() | st.integers() | st.text() | st.text(min_size=501) | st.lists(st.text()))
def test_whatever_a_browser_sends_a_filter_is_a_name_or_a_day(name: str, value: Any) -> None:
    filters = ReaderSettings.read({name: value}).filters
    for kept in (*filters.courses, *filters.notes, *filters.tags):
        assert kept.isprintable()
        assert 0 < len(kept) <= 501
    assert filters.since is None or filters.since == date.fromisoformat(value)


def test_only_what_the_corpus_has_is_offered() -> None:
    plain = Conversing(FakeCourse({"a.md": ""}), None).choices()
    assert plain == {"courses": [], "notes": [], "tags": [], "dated": False}
    course = FakeCourse(NOTES, tags=("tp",), date="mars 2024")
    assert Conversing(course, None).choices() == {
        "courses": ["noyau", "reseau"],
        "notes": ["reseau/tp/", "noyau/a.md", "reseau/tp/b.md"],
        "tags": ["tp"],
        "dated": True,
    }
    assert not Conversing(FakeCourse(NOTES, date="un jour"), None).choices()["dated"]


def _asked(course: FakeCourse, question: str, language: str = "fr") -> str:
    settings = ReaderSettings.read(CHOSEN)
    conversing = Conversing(course, None)
    *_, reply = conversing.ask(
        Memory(), question, session=None, settings=settings, language=language
    )
    return reply.turn.answer


def test_an_answer_says_what_it_was_limited_to_and_a_refusal_offers_to_lift_it() -> None:
    answer = _asked(FakeCourse(NOTES), "une adresse ?")
    assert "étiquette tp, depuis le 1er janvier 2024</small>" in answer
    assert "#lift-filter" not in answer
    refusal = _asked(FakeCourse(NOTES), "rien du tout")
    assert "Seules ces notes ont été interrogées" in refusal
    assert "[Lever le filtre](#lift-filter)" in refusal


def test_a_filter_that_no_note_passes_is_one_line_with_the_way_out() -> None:
    nothing = FakeCourse(NOTES, FilterError("Aucune note « <b> » : il y a a.md."))
    french, english = _asked(nothing, "une adresse ?"), _asked(nothing, "une adresse ?", "en")
    assert french.startswith("Aucune note")
    assert "<b>" not in french
    assert french.endswith("[Lever le filtre](#lift-filter)")
    assert english.startswith("No note matches this filter")
    assert english.endswith("[Lift the filter](#lift-filter)")


def test_author_and_date_stand_beside_a_source() -> None:
    course = FakeCourse(NOTES, author="Jeanne Martin", date="2024-03-12")
    answer = course.ask("une adresse ?")
    for kept in (answer, answer_from_json(answer_to_json(answer))):
        source = panel(1, kept, course.note, "fr")["sources"][0]
        assert source["by"] == "Jeanne Martin, 12 mars 2024"
        assert "Jeanne Martin, 12 mars 2024, reseau/tp/b.md" in source["copy"]
    unknown = FakeCourse(NOTES)
    source = panel(1, unknown.ask("une adresse ?"), unknown.note, "fr")["sources"][0]
    assert source["by"] == ""


def test_the_reader_shows_author_and_date(tmp_path: Path) -> None:
    library = FakeLibrary(NOTES, author="Jeanne <b>", date="2024-03-12")
    app = FastAPI()
    app.include_router(reader_routes(library, tmp_path))
    client = TestClient(app)
    listed, read = client.get("/notes").text, client.get("/notes/noyau/a.md").text
    assert "noyau/a.md — Jeanne &lt;b&gt;, 12 mars 2024" in listed
    assert "Jeanne &lt;b&gt;, 12 mars 2024" in read
    english = client.get("/notes/noyau/a.md", headers={"Accept-Language": "en"}).text
    assert "12 March 2024" in english


def _ask(page: Any, question: str) -> None:
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.locator(".sources-question", has_text=question).wait_for()
    wait_until_idle(page)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
def test_a_reader_limits_the_chat_and_lifts_it(browser: Any, width: int) -> None:
    course = FakeCourse(NOTES, tags=("tp",), author="Jeanne Martin", date="2024-03-12")
    with running(course) as address:
        context = browser.new_context(locale="fr-FR", viewport={"width": width, "height": 740})
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.goto(address)
        page.locator(".limit summary").press("Enter")
        page.locator("input[name=note]").fill("reseau/tp/")
        page.locator("select[name=tag]").select_option("tp")
        page.locator("input[name=since]").fill("2024-01-01")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert not page.locator(".limit-box").is_visible()
        page.reload()
        told = "Limité à : reseau/tp/, étiquette tp, depuis le 1er janvier 2024"
        page.get_by_text(told, exact=True).wait_for()
        box = page.locator(".limited").bounding_box()
        assert box["y"] + box["height"] <= 740, "seen without scrolling"
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        _ask(page, "À quoi sert une adresse ?")
        page.get_by_text("Jeanne Martin, 12 mars 2024", exact=True).wait_for()
        filters = Filters((), ("reseau/tp/*",), ("tp",), date(2024, 1, 1))
        assert course.options[-1]["filters"] == filters
        _ask(page, "rien du tout")
        page.locator('#chat a[href$="#lift-filter"]').click()
        page.locator(".limited").wait_for(state="hidden")
        _ask(page, "une adresse encore ?")
        page.locator("#chat .message.bot .md").nth(2).wait_for()
        assert "filters" not in course.options[-1]
        context.close()
