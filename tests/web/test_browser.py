"""A student in headless Chromium: asks, follows a citation, meets a refusal, is attacked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_course import FakeCourse
from running_chat import ROOT, running

CGROUPS = "À quoi servent les cgroups ?"
LINK = '#chat a[href*="#src-"]'
WAIT = 60_000  # milliseconds; a laptop needs one second, a busy machine many


@dataclass
class Watched:
    """A page with everything it complained about or asked another machine for."""

    page: Any
    problems: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        before = self.page.locator("#chat .message.bot").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        self.page.locator("#chat .message.bot .md").nth(before).wait_for(timeout=WAIT)
        self.page.wait_for_function(
            "question => document.querySelector('.sources-question')?.textContent === question",
            arg=question,
            timeout=WAIT,
        )


@contextlib.contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Watched]:
    options = {"locale": "fr-FR", "viewport": {"width": 1280, "height": 800}} | options
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda m: watched.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    page.on("dialog", lambda dialog: (watched.problems.append("dialog"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            watched.outside.append(request.url)
            if not request.url.startswith((address, "data:", "blob:"))
            else None
        ),
    )
    page.goto(address)
    page.locator("#panel .sources-hint").wait_for(timeout=WAIT)
    try:
        yield watched
    finally:
        context.close()


def test_click_and_enter_on_a_citation_show_the_exact_span(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        page = student.page
        assert page.evaluate("document.documentElement.lang") == "fr"
        assert page.locator("h1").inner_text() == "Assistant de cours"
        student.ask(CGROUPS)
        page.locator(LINK).first.click()
        _check_cgroups_proof(page)

        page.locator(".sources-action").last.click()
        assert page.evaluate("document.activeElement.textContent") == "[1]"
        page.keyboard.press("Enter")
        _check_cgroups_proof(page)
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "[1]"
        assert student.problems == []
        assert student.outside == []


def _check_cgroups_proof(page: Any) -> None:
    line = (ROOT / "corpus" / "docker.md").read_text(encoding="utf-8").split("\n")[24]
    mark = page.locator("#panel mark")
    assert mark.text_content() in line
    assert "limiter l'accès aux ressources" in mark.text_content()
    assert page.evaluate("document.activeElement.tagName") == "MARK"
    assert page.locator(".sources-file").inner_text() == "docker.md · ligne 25"
    inside = page.evaluate(
        """() => { const m = document.querySelector('#panel mark').getBoundingClientRect();
        const p = document.querySelector('.sources-passage').getBoundingClientRect();
        return m.top >= p.top && m.top < p.bottom && m.top >= 0 && m.top < innerHeight; }"""
    )
    assert inside, "the highlighted span is scrolled into view"


def test_links_of_an_older_answer_keep_their_sources(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        student.ask(CGROUPS)
        student.ask("À quoi servent les namespaces ?")
        page = student.page
        page.locator('#chat a[href="#src-2-1"]').click()
        assert "namespaces" in page.locator("#panel mark").text_content()
        page.locator('#chat a[href="#src-1-1"]').click()
        assert "cgroups" in page.locator("#panel mark").text_content()


def test_an_example_question_is_one_click(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        student.page.locator("#chat .example").first.click()
        student.page.locator(LINK).first.wait_for(timeout=WAIT)
        assert student.page.locator(".sources-question").inner_text() == CGROUPS


def test_refusal_offers_the_nearest_sections(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        student.ask("Quelle est la capitale australienne ?")
        page = student.page
        assert "ne répondent pas" in page.locator("#chat .message.bot").inner_text()
        assert page.locator("#panel mark").count() == 0
        page.locator('#chat a[href="#src-1-s1"]').click()
        assert "Cours sur docker" in page.locator(".sources-passage").text_content()
        assert student.problems == []


def test_a_new_conversation_forgets(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        student.ask(CGROUPS)
        student.page.locator("#new").click()
        student.page.locator("#chat .example").first.wait_for(timeout=WAIT)
        assert student.page.locator("#panel mark").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_has_no_overflow(browser: Any, docker_chat: str, scheme: str) -> None:
    size = {"width": 390, "height": 844}
    with opened(browser, docker_chat, viewport=size, color_scheme=scheme) as student:
        student.ask(CGROUPS)
        student.page.locator(LINK).first.click()
        assert student.page.evaluate("document.documentElement.scrollWidth") <= 390
        top = student.page.locator("#panel mark").bounding_box()["y"]
        assert 0 <= top < 844
        dark = student.page.evaluate("document.body.classList.contains('dark')")
        assert dark == (scheme == "dark")


def test_english_when_the_browser_says_so_else_french(browser: Any, docker_chat: str) -> None:
    french = ("Assistant de cours", "fr", "Demander")
    english = ("Course assistant", "en", "Ask")
    for locale, expected in {"en-GB": english, "fr-CA": french, "de-DE": french}.items():
        with opened(browser, docker_chat, locale=locale) as student:
            page = student.page
            language = page.evaluate("document.documentElement.lang")
            send = page.locator("#send").inner_text().strip()
            assert (page.locator("h1").inner_text(), language, send) == expected


HOSTILE = """# Attaques ${alert(1)}
- Cette attaque ${alert(1)} <img src=x onerror="window.hit=1"> `<b>` [piège](javascript:alert(2))
- Autre attaque <form action="//evil.example"><input name=q></form> ![i](http://evil.example/i.png)
- Encore attaque `$<img src=x onerror=window.hit=1>$` </span><script>window.hit=1</script> [1] {{x}}
"""


def test_a_hostile_note_stays_text(browser: Any) -> None:
    with (
        running(FakeCourse({"a.md": HOSTILE})) as address,
        opened(browser, address) as student,
    ):
        question = "Quelle attaque <img src=x onerror=window.hit=1> ${alert(1)} **gras** ?"
        student.ask(question)
        page = student.page
        page.locator(LINK).nth(2).click()
        assert page.locator("#panel mark").text_content() == HOSTILE.split("\n")[3][2:]
        for unsafe in ("img", "form", "input", "script", "iframe", "strong"):
            assert page.locator(f"#chat .message-content {unsafe}").count() == 0, unsafe
            assert page.locator(f"#panel {unsafe}").count() == 0, unsafe
        assert page.locator("#chat .message-content a").count() == 3
        shown = page.locator("#chat .message.user").inner_text()
        assert shown == question
        assert "${alert(1)}" in page.locator("#chat .message.bot").inner_text()
        assert page.evaluate("window.hit") is None
        assert student.problems == []
        assert student.outside == []


def test_formulas_are_set_and_prices_are_not(browser: Any) -> None:
    note = "# Maths\n- La formule $a_1 < b$ compte.\n- La formule coûte 5 $ ou 6 $ selon $HOME.\n"
    with running(FakeCourse({"m.md": note})) as address, opened(browser, address) as student:
        student.ask("Quelle formule ?")
        student.page.locator("#chat .katex").first.wait_for(timeout=WAIT)
        assert student.page.locator("#chat .katex").count() == 1
        text = student.page.locator("#chat .message.bot").inner_text()
        assert "coûte 5 $ ou 6 $ selon $HOME." in text


@pytest.mark.slow
def test_the_real_assistant_answers_the_cgroups_question(browser: Any, tmp_path: Any) -> None:
    from assistant.assistant import Assistant
    from assistant.settings import Settings

    course = Assistant.open(Settings(corpus=ROOT / "corpus", index=tmp_path / "index"))
    course.refresh()
    with running(course) as address, opened(browser, address) as student:
        student.ask(CGROUPS)
        student.page.locator(LINK).first.click()
        assert "cgroups" in student.page.locator("#panel mark").text_content()
        assert student.problems == []
        assert student.outside == []
