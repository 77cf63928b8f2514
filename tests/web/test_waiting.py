"""Students who wait see their place in the queue, until their answer begins."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fake_course import FakeCourse
from running_chat import running

from assistant.datatypes import Answer
from assistant.web import chat

pytestmark = pytest.mark.slow
WAIT = 60_000  # milliseconds; a laptop needs one second, a busy machine many
QUESTION = "Que fait un namespace ?"


class SlowCourse(FakeCourse):
    """Begins an answer when it is let: `free.release()` lets one begin."""

    def __init__(self) -> None:
        super().__init__({"a.md": "# Noyau\n- un namespace isole les processus\n"})
        self.free = threading.Semaphore(0)
        self.begun = 0

    def stream(self, question: str, **options: Any) -> Iterator[Answer]:
        self.begun += 1
        assert self.free.acquire(timeout=120)
        yield from super().stream(question, **options)

    def wait_until_begun(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while self.begun < count:
            assert time.monotonic() < deadline, self.begun
            time.sleep(0.02)


@pytest.fixture
def course() -> Iterator[SlowCourse]:
    course = SlowCourse()
    yield course
    course.free.release(200)  # no thread is left waiting


def ask_without_page(address: str, count: int) -> list[int]:
    """Put questions in the page's queue as programs; give the statuses of the replies."""
    events = httpx.get(f"{address}/config", timeout=30).json()["dependencies"]
    respond = next(e["id"] for e in events if any(t[1] == "submit" for t in e["targets"]))
    return [
        httpx.post(
            f"{address}/gradio_api/queue/join",
            json={"data": [QUESTION, None, None], "fn_index": respond, "session_hash": f"s{n}"},
            timeout=30,
        ).status_code
        for n in range(count)
    ]


@contextlib.contextmanager
def student(browser: Any, address: str, locale: str = "fr-FR") -> Iterator[Any]:
    context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.locator("#panel .sources-hint").wait_for()
    try:
        yield page
    finally:
        context.close()


def ask(page: Any) -> None:
    page.fill("#question textarea", QUESTION)
    page.press("#question textarea", "Enter")


def wait_for_place(page: Any, told: str) -> None:
    page.wait_for_function(
        "told => (document.querySelector('#place .place')?.checkVisibility()"
        " ? document.querySelector('#place .place').innerText : '') === told",
        arg=told,
    )


def test_who_waits_sees_a_place_that_moves_up_and_goes(browser: Any, course: SlowCourse) -> None:
    with (
        running(course) as address,
        student(browser, address) as first,
        student(browser, address) as second,
        student(browser, address, "en-GB") as third,
    ):
        assert set(ask_without_page(address, chat.AT_ONCE)) == {200}
        course.wait_until_begun(chat.AT_ONCE)
        ask(first)
        wait_for_place(first, "Votre question est la prochaine.")
        ask(second)
        wait_for_place(second, "Votre question est 2e dans la file…")
        ask(third)
        wait_for_place(third, "Your question is number 3 in the queue…")
        assert not third.locator("#place .progress-text").is_visible()  # Gradio's own line

        course.free.release()  # one answer: the first page's question begins
        wait_for_place(first, "")
        wait_for_place(second, "Votre question est la prochaine.")
        wait_for_place(third, "Your question is number 2 in the queue…")
        assert first.locator("#chat .message.user").inner_text() == QUESTION
        first.wait_for_function("document.querySelector('#question textarea').value === ''")
        first.fill("#question textarea", "Et un cgroup ?")

        course.free.release(20)
        for page in (first, second, third):
            page.locator('#chat a[href*="#src-"]').first.wait_for()
            wait_for_place(page, "")
        first.locator("#panel .sources-question").wait_for()
        typed = first.locator("#question textarea").input_value()
        assert typed == "Et un cgroup ?"  # what was typed while the answer came


def test_who_finds_the_queue_full_is_told_when_to_come_back(
    browser: Any, course: SlowCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "WAITING", 2)
    with running(course) as address, student(browser, address) as page:
        assert set(ask_without_page(address, chat.AT_ONCE)) == {200}
        course.wait_until_begun(chat.AT_ONCE)
        assert ask_without_page(address, 3) == [200, 200, 429]
        ask(page)
        page.get_by_text("Beaucoup de questions attendent déjà : réessayez dans 5 s.").wait_for()
        wait_for_place(page, "")
        assert page.locator("#question textarea").input_value() == QUESTION  # nothing is lost

        course.free.release(20)
        course.wait_until_begun(chat.AT_ONCE + 2)
        page.press("#question textarea", "Enter")
        page.locator('#chat a[href*="#src-"]').first.wait_for()
