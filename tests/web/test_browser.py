"""A student in headless Chromium: asks, follows a citation, meets a refusal, is attacked."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_course import FakeCourse
from kept_answers import FakeIndex
from running_chat import ROOT, running, wait_until_idle

from assistant.retrieval.filters import Filters
from assistant.settings import Settings
from assistant.web.keeping import Keeping

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
        wait_until_idle(self.page)


@contextlib.contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Watched]:
    options = {"locale": "fr-FR", "viewport": {"width": 1280, "height": 800}} | options
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT)
    page = context.new_page()
    watched = Watched(page)
    # A reload cuts off the stream that Gradio holds open, which it reports as an error.
    cut_off = re.compile(r"AbortError|signal is aborted|errored out")

    def complain(said: str) -> None:
        if not cut_off.search(said):
            watched.problems.append(said)

    page.on("console", lambda m: complain(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complain(str(error)))
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

        page.locator(".sources-back").click()
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
        student.page.locator("#panel .sources-hint").wait_for(timeout=WAIT)
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


# --- a conversation that is kept -----------------------------------------------------


@contextlib.contextmanager
def kept_chat(course: FakeCourse, folder: Path, **options: Any) -> Iterator[tuple[str, Keeping]]:
    """A chat that keeps conversations in a folder; opened again, it finds them there."""
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    keeping = Keeping.open(folder / "data", course=FakeIndex(), corpus=corpus, password="prof")
    with running(course, keeping=keeping, **options) as address:
        yield address, keeping
    keeping.close()


@pytest.fixture
def two_courses() -> FakeCourse:
    return FakeCourse(
        {
            "noyau/a.md": "# Noyau\n- un namespace isole les processus\n- un processus calcule\n",
            "reseau/b.md": "# Réseau\n- une adresse identifie une machine\n",
        }
    )


NAMESPACE, ADDRESS = "À quoi sert un namespace ?", "À quoi sert une adresse ?"


def _open_list(page: Any) -> None:
    page.locator("#menu .menu-open").click()
    page.locator(".drawer-title").first.wait_for(timeout=WAIT)


@pytest.mark.slow
def test_a_follow_up_says_how_it_was_understood(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    with (
        kept_chat(two_courses, tmp_path) as (address, keeping),
        opened(browser, address) as student,
    ):
        student.ask(NAMESPACE)
        page = student.page
        page.fill("#question textarea", "et une adresse ?")
        page.press("#question textarea", "Enter")
        understood = page.locator("#chat .message.bot small").first
        understood.wait_for(timeout=WAIT)
        assert understood.inner_text() == "Compris comme : à quoi sert une adresse ?"
        page.locator('#chat a[href="#src-2-1"]').click()
        assert "adresse" in page.locator("#panel mark").text_content()
        assert [asked.question for asked in keeping.feedback.asked()] == [
            "à quoi sert une adresse ?",
            NAMESPACE,
        ]
        assert two_courses.options[0] == {"refresh": False, "k": 5, "use_model": True}
        assert student.problems == []


@pytest.mark.slow
def test_reload_and_restart_lose_nothing(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    with kept_chat(two_courses, tmp_path) as (address, _), opened(browser, address) as student:
        student.ask(NAMESPACE)
        student.ask(ADDRESS)
        student.page.reload()
        student.page.locator("#panel .sources-question").wait_for(timeout=WAIT)
        for turn, word in ((1, "namespace"), (2, "adresse")):
            student.page.locator(f'#chat a[href="#src-{turn}-1"]').click()
            assert word in student.page.locator("#panel mark").text_content()
        cookies = student.page.context.cookies()
    with kept_chat(two_courses, tmp_path) as (address, _), opened(browser, address) as student:
        page = student.page
        assert page.locator("#chat .message.bot").count() == 0  # another browser
        page.context.add_cookies([{k: c[k] for k in ("name", "value", "domain", "path")}
                                  for c in cookies])  # fmt: skip
        page.reload()
        page.locator("#panel .sources-question").wait_for(timeout=WAIT)
        wait_until(lambda: page.locator("#chat .message.bot").count() == 2)
        page.locator('#chat a[href="#src-1-1"]').click()
        assert "namespace" in page.locator("#panel mark").text_content()
        student.ask("Que fait un processus ?")
        assert page.locator('#chat a[href="#src-3-1"]').count() == 1


@pytest.mark.slow
def test_conversations_are_listed_searched_renamed_exported_and_deleted(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    size = {"width": 360, "height": 740}
    with (
        kept_chat(two_courses, tmp_path) as (address, _),
        opened(browser, address, viewport=size) as student,
    ):
        page = student.page
        student.ask(NAMESPACE)
        page.locator("#new").click()
        page.locator("#chat .example").first.wait_for(timeout=WAIT)
        student.ask(ADDRESS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

        _open_list(page)
        titles = page.locator(".drawer-title")
        assert titles.all_inner_texts() == [ADDRESS, NAMESPACE]
        page.fill(".drawer-search", "namesp")
        page.wait_for_function("document.querySelectorAll('.drawer-title').length === 1")
        assert "namespace" in page.locator(".drawer-excerpt").inner_text()
        page.locator(".drawer-more summary").press("Enter")
        page.fill(".drawer-rename input", "<b>Isolation</b>")
        page.press(".drawer-rename input", "Enter")
        page.wait_for_function(
            "document.querySelector('.drawer-title').textContent === '<b>Isolation</b>'"
        )
        page.locator(".drawer-more summary").press("Enter")
        exported = page.locator(".drawer-export a").nth(2).get_attribute("href")
        saved = page.context.request.get(address + exported).json()
        assert saved["turns"][0]["citations"][0]["quote"] == "un namespace isole les processus"

        titles.first.press("Enter")
        page.locator("#chat .message.user", has_text="namespace").wait_for(timeout=WAIT)
        page.locator(".sources-question", has_text="namespace").wait_for(timeout=WAIT)
        page.locator('#chat a[href="#src-1-1"]').click()
        assert "namespace" in page.locator("#panel mark").text_content()

        _open_list(page)
        page.fill(".drawer-search", "")
        page.wait_for_function("document.querySelectorAll('.drawer-title').length === 2")
        row = page.locator(".drawer-list li", has_text="Isolation")
        row.locator("summary").press("Enter")
        row.locator(".drawer-erase").click()
        assert titles.count() == 2  # it asks first
        row.locator(".drawer-erase").click()
        page.wait_for_function("document.querySelectorAll('.drawer-title').length === 1")
        page.keyboard.press("Escape")
        page.locator("#chat .example").first.wait_for(timeout=WAIT)  # the one on show is gone
        assert student.problems == []


@pytest.mark.slow
def test_an_opinion_is_given_explained_and_taken_back(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    with (
        kept_chat(two_courses, tmp_path) as (address, keeping),
        opened(browser, address) as student,
    ):
        page = student.page
        student.ask(NAMESPACE)
        page.locator('.sources-vote[data-vote="false"]').press("Enter")
        page.fill(".sources-reason input", "trop court")
        page.press(".sources-reason input", "Enter")
        wait_until(lambda: [o.reason for o in keeping.feedback.opinions()] == ["trop court"])
        opinion = keeping.feedback.opinions()[0]
        assert (opinion.liked, opinion.question) == (False, NAMESPACE)
        assert opinion.citations[0].quote == "un namespace isole les processus"

        page.reload()
        chosen = page.locator('.sources-vote[aria-pressed="true"]')
        chosen.wait_for(timeout=WAIT)
        assert chosen.inner_text() == "Non"
        assert page.locator(".sources-reason input").input_value() == "trop court"
        chosen.click()
        wait_until(lambda: keeping.feedback.opinions() == [])
        assert student.problems == []


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT / 1000
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_settings_are_kept_and_decide_what_is_asked(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    model = Settings(llm_url="http://127.0.0.1:9/v1", llm_model="petit")
    with (
        kept_chat(two_courses, tmp_path, settings=model) as (address, _),
        opened(browser, address) as student,
    ):
        page = student.page
        page.locator("select[name=course]").select_option("reseau")
        page.locator("#settings button.menu-open").press("Enter")
        page.locator("select[name=sources]").select_option("12")
        page.locator("select[name=language]").select_option("en")
        page.locator("input[name=use_model]").uncheck()
        before = page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        page.locator("input[name=larger]").check()
        after = page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        assert float(after[:-2]) > float(before[:-2])
        page.locator("select[name=theme]").select_option("dark")
        assert page.evaluate("document.body.classList.contains('dark')")
        page.reload()
        page.locator("select[name=course]").wait_for(timeout=WAIT)
        assert page.locator("select[name=course]").input_value() == "reseau"
        assert page.evaluate("document.body.classList.contains('dark')")
        student.ask(ADDRESS)
        assert two_courses.options == [
            {
                "refresh": False,
                "k": 12,
                "use_model": False,
                "language": "en",
                "filters": Filters(courses=("reseau",)),
            }
        ]
        assert student.problems == []


@pytest.mark.slow
def test_the_choice_of_notes_opens_within_a_screen_that_is_scrolled(
    browser: Any, two_courses: FakeCourse, tmp_path: Path
) -> None:
    phone = {"width": 360, "height": 400}
    with (
        kept_chat(two_courses, tmp_path) as (address, _),
        opened(browser, address, viewport=phone) as student,
    ):
        page = student.page
        student.ask(ADDRESS)  # its sources make the page long
        page.evaluate("document.querySelector('.limit summary').scrollIntoView()")
        assert page.evaluate("scrollY") > 100
        page.locator(".limit summary").press("Enter")
        box = page.locator(".limit-box")
        box.wait_for()
        wait_until(lambda: box.bounding_box()["y"] >= 0)  # it opens upwards
        assert student.problems == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(360, 740), (640, 400), (1280, 800)])
def test_an_empty_conversation_is_shown_from_its_beginning(
    browser: Any, two_courses: FakeCourse, tmp_path: Path, size: tuple[int, int]
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    with (
        kept_chat(two_courses, tmp_path) as (address, _),
        opened(browser, address, viewport=viewport) as student,
    ):
        page = student.page
        page.locator("select[name=course]").wait_for()
        page.wait_for_timeout(1000)  # Gradio scrolls a conversation to its end, more than once
        above = page.evaluate(
            "document.querySelector('#chat .placeholder h2').getBoundingClientRect().top"
            " - document.querySelector('#chat').getBoundingClientRect().top"
        )
        assert above > 0
        if size[0] > 820:  # the whole page fits, whichever choices it offers
            tall = "document.documentElement.scrollHeight"
            assert page.evaluate(tall) == size[1]
            page.locator("select[name=course]").select_option("reseau")
            page.locator(".limited").wait_for()
            assert page.evaluate(tall) == size[1]


@pytest.mark.slow
def test_previous_next_and_the_note_itself(browser: Any, docker_chat: str) -> None:
    with opened(browser, docker_chat) as student:
        page = student.page
        student.ask("Quels conteneurs, quelles images ?")
        numbers = page.locator(".sources-numbers .sources-choice").count()
        assert numbers >= 2
        first = page.locator("#panel mark").text_content()
        assert page.locator(".sources-previous").is_disabled()
        page.locator(".sources-next").press("Enter")
        assert page.locator("#panel mark").text_content() != first
        page.locator(".sources-previous").press("Enter")
        assert page.locator("#panel mark").text_content() == first
        lines = page.locator(".sources-file").inner_text().rsplit(" ", 1)[1]
        with page.context.expect_page() as note:
            page.locator(".sources-open").click()
        url = note.value.url
        assert url.startswith(f"{docker_chat}/notes/docker.md?quote=")
        assert f"#L{lines.split('–')[0]}" in url
        marks = note.value.locator("[data-cited] mark[data-quote]")
        marks.first.wait_for(timeout=WAIT)
        assert "".join(marks.all_text_contents()).split() == first.split()


@pytest.mark.slow
def test_a_refusal_says_what_was_looked_for_and_how_to_go_on(
    browser: Any, docker_chat: str
) -> None:
    with opened(browser, docker_chat) as student:
        student.ask("Quelle est la capitale australienne ?")
        small = student.page.locator("#chat .message.bot small").all_inner_texts()
        assert small[0] == "Cherché : Quelle est la capitale australienne ?"
        assert small[1].startswith("Essayez")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(
    browser: Any, two_courses: FakeCourse, tmp_path: Path, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def check(page: Any) -> None:
        page.wait_for_function(  # colours fade in
            "document.getAnimations().every(one => one.playState !== 'running'"
            " || one.effect.getComputedTiming().endTime === Infinity)"
        )
        found = axe.run(page).response["violations"]
        assert [(v["id"], v["impact"], v["nodes"][0]["target"]) for v in found] == []

    with (
        kept_chat(two_courses, tmp_path) as (address, _),
        opened(browser, address, color_scheme=scheme) as student,
    ):
        page = student.page
        page.locator("#chat .examples[role=group]").wait_for()
        check(page)
        student.ask(NAMESPACE)
        page.locator(LINK).first.press("Enter")
        page.locator(".sources-vote").first.click()
        check(page)
        student.ask("Quelle est la capitale australienne ?")
        check(page)
        _open_list(page)
        page.locator(".drawer-more summary").click()
        check(page)
        page.keyboard.press("Escape")
        page.locator("#settings button.menu-open").click()
        check(page)


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
