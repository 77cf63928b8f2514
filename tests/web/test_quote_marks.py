"""The words of a quotation, marked in its rendered note: exactly, harmlessly, in bounded time."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any

import pytest
from fake_library import FakeLibrary
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from running_chat import running

from assistant.datatypes import Citation, Note, Place
from assistant.web.addresses import citation_url
from assistant.web.notes_html import render_note
from assistant.web.quote_marks import LONGEST, mark_quote, quoted_slice
from assistant.web.reader import reader_routes

NAMES = ("Page", "Diapositive", "Cellule", "Feuille", "Chapitre")
SAID = ("début", "fin")
MARK = re.compile(r"<mark data-quote[^>]*>(.*?)</mark>", re.S)


def made(text: str, **about: Any) -> Note:
    return Note("a.md", "A", "fr", text, "0", Path("a.md"), **about)


def marked(text: str, quote: str, **about: Any) -> str:
    """The page of a note with the first occurrence of a quotation marked."""
    note, start = made(text, **about), text.index(quote)
    page = render_note(note, ("a.md",), NAMES)
    return mark_quote(page, note, start, start + len(quote), SAID).html


def words_marked(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", "".join(MARK.findall(page))))


def cited(quote: str, text: str) -> Citation:
    start = text.index(quote)
    first = text.count("\n", 0, start) + 1
    last = first + quote.count("\n")
    return Citation(
        1, "cours/é#.md", "A", (), start, start + len(quote), first, last, None, quote
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "quote", "shown"),
    [
        ("Avant. Le **noyau** isole les `processus`. Après.",
         "Le **noyau** isole les `processus`.", "Le noyau isole les processus."),
        ("- un\n- [deux](http://deux.fr/un) trois\n", "[deux](http://deux.fr/un)", "deux"),
        ("| a | b |\n|---|---|\n| un | *deux* |\n| un | trois |\n", "| un | trois |", "untrois"),
        ("Soit. $\\alpha$ est petit. Et $x$ non.", "$\\alpha$ est petit.", "α est petit."),
        ("a &amp; b < c. Suite a & b.", "Suite a & b.", "Suite a & b."),
        ("# Un _titre_ long\n\ncorps\n", "titre_ long", "titre long"),
        ("```python\nx = 1\ny = 2  # deux\n```\n", "y = 2", "y = 2"),
        ("le mot, le mot, le mot. le mot", "le mot. le mot", "le mot. le mot"),
        ("---\na: b\n---\n- [x] fait\n- [ ] à faire\n", "à faire", "à faire"),
        ("l'<kbd>Entrée</kbd> valide. Fin", "l'<kbd>Entrée</kbd> valide.", "l'Entrée valide."),
        ("Les objets:\n-- Une **image** lue\n-- Un volume\n", "Une **image** lue", "Une image lue"),
        ("un\ndeux trois\nquatre\n", "trois\nquatre", "trois\nquatre"),
    ],
)  # fmt: skip
def test_the_words_of_a_quotation_are_marked_and_no_other(
    text: str, quote: str, shown: str
) -> None:
    assert words_marked(marked(text, quote)) == shown


FRAGMENTS = st.tuples(
    st.sampled_from(["{}", "**{}**", "*{}*", "`{}`", "[{}](http://x.example/mot)", "~~{}~~"]),
    st.sampled_from(["alpha", "beta", "mot", "Le noyau", "un, deux", "x < y", "é & è", "fin."]),
)


@given(st.lists(FRAGMENTS, min_size=1, max_size=12), st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_markup_is_around_the_same_words_are_marked(
    fragments: list[tuple[str, str]], data: st.DataObject
) -> None:
    # A number sets every fragment apart, so that one alignment alone is right.
    named = [(shape, f"{words} n{at}") for at, (shape, words) in enumerate(fragments)]
    first = data.draw(st.integers(0, len(named) - 1))
    last = data.draw(st.integers(first, len(named) - 1))
    written = [shape.format(words) for shape, words in named]
    quote = " ".join(written[first : last + 1])
    text = "\n\n".join(["# Titre", " ".join(written), "autre mot"])
    shown = words_marked(marked(text, quote))
    expected = " ".join(words for _, words in named[first : last + 1])
    assert shown.split() == expected.split()


def test_a_quotation_of_several_blocks_is_marked_in_each() -> None:
    page = marked("un\n\n- deux\n- trois\n\nquatre\n", "- deux\n- trois")
    assert MARK.findall(page) == ["deux", "trois"]
    assert page.count('data-cited="exact"') == 2
    assert page.count("data-begins=") == page.count("data-ends=") == 1
    assert page.index("data-begins=") < page.index("data-ends=")


def test_lines_of_the_source_of_an_extracted_note_are_followed() -> None:
    text = "un deux\n\ntrois quatre\n"
    places = (Place(0, "line", 40), Place(9, "line", 57))
    assert words_marked(marked(text, "quatre", places=places)) == "quatre"
    assert words_marked(marked(text, "deux", places=places)) == "deux"


@given(st.text(alphabet="<>/=\"' `$[]()!#-\\&;:|abmarkmath*_\n", max_size=100), st.data())
@settings(max_examples=300, deadline=None)
def test_marks_change_nothing_else_of_a_hostile_note(text: str, data: st.DataObject) -> None:
    note = made(text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if not text[start:end].strip():
        return
    page = render_note(note, ("a.md",), NAMES)
    found = mark_quote(page, note, start, end, ("<d>", '"')).html
    bare = re.sub(r'<mark data-quote=""[^>]*>', "", found)
    for added in (' data-cited="exact"', ' data-cited=""'):
        bare = bare.replace(added, "")
    assert bare.replace("</mark>", "") == page.html.replace("</mark>", "")


@pytest.mark.parametrize(
    "block",
    ["a b " * 50_000, "a " * LONGEST, " ".join(f"m{n % 40}" for n in range(LONGEST)),
     "**a** " * LONGEST, "<b>" * 5_000 + "a b", r"\_" * (LONGEST // 2 - 2)],
)  # fmt: skip
def test_no_block_takes_long(block: str) -> None:
    note = made("x " + block + " y z")
    page = render_note(note, ("a.md",), NAMES)
    started = time.thread_time()  # what others do on this machine counts for nothing
    found = mark_quote(page, note, 1, len(note.text) - 2, SAID).html
    assert time.thread_time() - started < 5
    assert "data-cited" in found


@pytest.fixture
def note_client(tmp_path: Path) -> TestClient:
    app = FastAPI()
    app.include_router(reader_routes(FakeLibrary({"cours/é#.md": TEXT}), tmp_path))
    return TestClient(app)


TEXT = "# Noyau\n\nAvant. Un namespace isole. Après.\n"


def test_the_address_of_a_citation_marks_its_words(note_client: TestClient) -> None:
    address = citation_url(cited("Un namespace isole.", TEXT))
    assert re.fullmatch(r"/notes/cours/%C3%A9%23\.md\?quote=16-35-[0-9a-f]{8}#L3", address)
    page = note_client.get(address).text
    assert words_marked(page) == "Un namespace isole."
    assert 'data-begins="Début du passage cité : "' in page and 'tabindex="-1"' in page


@pytest.mark.parametrize(
    "quote", ["", "16-35", "16-35-00000000", "0-999999999-0a0a0a0a", "35-16-e3b0c442",
              "0-0-e3b0c442", "999999999-999999999-e3b0c442", "<script>", "-1-3-00000000"],
)  # fmt: skip
def test_nothing_is_marked_that_the_note_does_not_say_there(
    note_client: TestClient, quote: str
) -> None:
    reply = note_client.get("/notes/cours/é%23.md", params={"quote": quote})
    assert reply.status_code == 200 and "data-quote" not in reply.text
    assert quoted_slice(made(TEXT), quote) is None


def test_lines_are_marked_where_the_quotation_is_gone(note_client: TestClient) -> None:
    reply = note_client.get("/notes/cours/é%23.md?quote=16-35-00000000&L=3-3")
    assert 'data-cited=""' in reply.text and "data-quote" not in reply.text


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_words_of_a_citation(browser: Any, scheme: str) -> None:
    filler = "\n\n".join(f"ligne numéro {n}" for n in range(80))
    line = "Avant. Un **namespace** isole les `processus`. Après, la suite."
    text = f"# T\n\n## Un\n\n{filler}\n\n{line}\n\n## Deux\n\n{filler}\n"
    address = citation_url(cited("Un **namespace** isole les `processus`.", text))
    address = address.replace("cours/%C3%A9%23.md", "a.md")
    with running(FakeLibrary({"a.md": text})) as server:
        context = browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 640})
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(server + address)
        marks = page.locator("[data-cited=exact] mark[data-quote]")
        marks.first.wait_for()
        assert "".join(marks.all_inner_texts()) == "Un namespace isole les processus."
        page.locator("mark[data-begins]:focus").wait_for()
        for _ in range(100):  # it scrolls
            box = marks.first.bounding_box()
            if 0 <= box["y"] < 600:
                break
            page.wait_for_timeout(50)
        assert 0 <= box["y"] < 600
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        colours = page.evaluate(
            "['mark[data-quote]', '[data-cited]'].map(s => "
            "getComputedStyle(document.querySelector(s)).backgroundColor)"
        )
        assert colours[0] != colours[1]
        assert contrast(page, "mark[data-quote]", "mark[data-quote]") >= 4.5
        assert contrast(page, "[data-cited]", "[data-cited]") >= 4.5
        page.locator(".toc summary").click()
        page.locator(".toc a", has_text="Deux").click()
        page.locator("h2[data-cited]").wait_for()
        assert page.locator("[data-cited]").count() == 1
        context.close()
    assert problems == []


@pytest.mark.slow
def test_a_citation_of_the_front_matter_marks_what_the_page_says_of_the_note(
    browser: Any,
) -> None:
    text = "---\nauthor: Ada\ndate: 2024\n---\n# T\n\nun\n"
    about = {"author": "Ada", "date": "2024", "body_start": text.index("# T")}
    with running(FakeLibrary({"a.md": text}, **about)) as server:
        page = browser.new_page()
        page.goto(server + citation_url(cited("author: Ada", text)).replace("cours/%C3%A9%23", "a"))
        page.locator("[data-cited]:focus").wait_for()
        (shown,) = page.locator("[data-cited]").all_inner_texts()
        assert "Ada" in shown and "2024" in shown
        page.close()


def contrast(page: Any, ink: str, paper: str) -> float:
    """The contrast of WCAG 2.1 between the text of one element and the ground of another."""

    def luminance(selector: str, which: str) -> float:
        colour = page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{which}")
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(ink, "color"), luminance(paper, "backgroundColor")])
    return (light + 0.05) / (dark + 0.05)
