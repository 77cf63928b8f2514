"""The note reader: lines, links, images, hostile notes and hostile addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fake_library import FakeLibrary
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from running_chat import running

from assistant.datatypes import Note, Place
from assistant.web.addresses import note_url
from assistant.web.application import build_application
from assistant.web.notes_html import mark_lines, render_note
from assistant.web.reader import reader_routes

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
NAMES = ("Page", "Diapositive", "Cellule", "Feuille", "Chapitre")
NOTE = """---
title: Titre
---
# Conteneurs
Un *namespace* isole
les processus.

- premier
- second
  - dedans

| a | b |
|---|--:|
| 1 | 2 |

```python
x = 1
y = 2
```
"""
HOSTILE = """# H <script>alert(1)</script>
${alert(1)} {{7*7}} [x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,x)
<img src=x onerror=alert(1)> <a href="javascript:alert(1)">k</a> <svg onload=alert(1)>
<iframe src=/>

<form action="/teacher/logout"><input></form> <style>*{}</style>
<p style="x" onclick="x" id=L1>
![r](http://evil.example/p.png)
![s](../../etc/passwd.png) [t](/teacher) [u](../../../x.md)
$\\text{</mtext></math><img src=x onerror=alert(1)>}$ $\\href{javascript:alert(1)}{x}$
```html" onmouseover="alert(1)
<script>alert(2)</script>
```
[[<script>alert(1)</script>]] ![[a.svg|<b onclick=x>]] <details ontoggle=alert(1)>
"""


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def made(text: str, **about: Any) -> Note:
    return Note("cours/a.md", "A", "fr", text, "0", Path("a.md"), **about)


def rendered(text: str, ids: tuple[str, ...] = ("cours/a.md",), **about: Any) -> str:
    return render_note(made(text, **about), ids, NAMES).html


def assert_harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag not in {"script", "iframe", "svg", "form", "input", "style", "object", "link"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src"):
            address = attributes.get(name) or "#"
            assert re.match(r"#|https?://|mailto:|/notes/|/files/", address), address
        if tag == "img":
            assert (attributes.get("src") or "/files/").startswith("/files/")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "cours" / ".git").mkdir(parents=True)
    (folder / "cours" / "p é.png").write_bytes(PNG)
    (folder / "cours" / "s.svg").write_text("<svg xmlns='x'><script>alert(1)</script></svg>")
    (folder / "cours" / "page.png").write_text("<html><script>alert(1)</script>")
    (folder / "cours" / "a.md").write_text(NOTE)
    (folder / "cours" / ".hidden.png").write_bytes(PNG)
    (folder / "cours" / ".git" / "x.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "hidden.png").symlink_to(folder / "cours" / ".hidden.png")
    return folder


@pytest.fixture
def client(corpus: Path) -> Iterator[TestClient]:
    texts = {"cours/a.md": NOTE, "cours/b.md": "# B\nun volume garde\n", "autre/c.md": HOSTILE}
    app = FastAPI()
    app.include_router(reader_routes(FakeLibrary(texts), corpus))
    with TestClient(app) as opened:
        yield opened


def test_every_block_knows_its_lines() -> None:
    html = rendered(NOTE, body_start=NOTE.index("# Cont"))
    assert '<h1 data-l="4-4" id="L4">' in html
    assert '<p data-l="5-6" id="L5">' in html
    assert 'data-l="8-8" id="L8">premier' in html
    assert 'data-l="10-10" id="L10">dedans' in html
    assert '<tr data-l="14-14" id="L14">' in html
    assert re.search(r'data-l="18-18" id="L18">.*y', html)
    assert "title: Titre" not in html


def test_bullets_as_people_type_them_are_items_of_their_lines() -> None:
    html = rendered(
        "Les objets:\n-- Une **image**\nsuite\n--- Un volume\n\n- a\n  -- b\n\nUn -- deux\n"
    )
    words = re.findall(r"<(p|span) data-l=\"([\d-]+)\"[^>]*>(.*?)</\1>", html, re.S)
    assert words == [
        ("p", "1-1", "Les objets:"),
        ("span", "2-3", "Une <strong>image</strong>\nsuite"),
        ("span", "4-4", "Un volume"),
        ("span", "6-6", "a"),
        ("span", "7-7", "b"),
        ("p", "9-9", "Un -- deux"),
    ]
    assert html.count("<li>") == 4


def test_cited_lines_are_marked_and_no_other() -> None:
    page = render_note(made(NOTE), ("cours/a.md",), NAMES)
    marked = [a for _, a in Elements(mark_lines(page, 6, 8).html).found if "data-cited" in a]
    assert [a["data-l"] for a in marked] == ["5-6", "8-8"]


@given(
    st.lists(st.sampled_from(["alpha", "", "- item", "# Titre", "> cite", "1. un"]), max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_a_word_is_shown_in_a_block_of_its_own_line(lines: list[str]) -> None:
    html = rendered("\n".join([*lines, "", "# reperage"]))
    assert f'data-l="{len(lines) + 2}-{len(lines) + 2}"' in html


def test_a_hostile_note_is_shown_and_does_nothing() -> None:
    html = rendered(HOSTILE, ("cours/a.md",))
    assert_harmless(html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "${alert(1)}" in html
    assert "passwd" not in html


@given(st.text(alphabet="<>/=\"' `$[]()!#-\\&;:abimgsrconerrorscriptmathtext\n", max_size=120))
@settings(max_examples=300, deadline=None)
def test_no_text_becomes_a_harmful_element(text: str) -> None:
    assert_harmless(rendered(text))


def test_links_and_images_lead_to_pages_of_this_server() -> None:
    ids = ("cours/a.md", "cours/b.md", "autre/c.md")
    html = rendered(
        "[1](b.md#Le%20Titre) [2](../autre/c.md) [[c|mot]] [[b#L3]] ![i](p%20é.png) "
        "[3](absent.md) ![r](https://example.org/x.png)",
        ids,
    )
    assert 'href="/notes/cours/b.md#le-titre"' in html
    assert 'href="/notes/autre/c.md"' in html and ">mot</a>" in html
    assert 'href="/notes/cours/b.md#L3"' in html
    assert 'src="/files/cours/p%20%C3%A9.png"' in html
    assert "absent.md" not in html
    assert "<img" in html and 'src="https' not in html


def test_formulas_are_mathml_and_wrong_ones_their_source() -> None:
    html = rendered(r"$\frac{a}{b}$ et $x^$ mais 5$ et $HOME")
    assert "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>" in html
    assert '<code class="formula">x^</code>' in html
    assert "$HOME" in html


def test_pages_of_an_extracted_note_are_set_apart() -> None:
    text = "un\n\ndeux\n"
    html = rendered(text, places=(Place(0, "page", 1), Place(4, "page", 2)))
    assert html.index(">Page 1<") < html.index("un") < html.index(">Page 2<") < html.index("deux")


def test_the_pages_of_the_reader(client: TestClient) -> None:
    listed = client.get("/notes").text
    assert listed.index("<h2>autre") < listed.index("<h2>cours")
    assert 'href="/notes/cours/a.md"' in listed and '<html lang="fr">' in listed
    found = client.get("/notes", params={"q": "volume"}).text
    assert 'href="/notes/cours/b.md#L2"' in found and "cours/a.md" not in found
    note = client.get("/notes/cours/b.md", headers={"accept-language": "en"}).text
    assert '<html lang="en">' in note and '<article lang="fr">' in note
    assert 'rel="prev" href="/notes/cours/a.md"' in note
    assert 'data-cited=""' in client.get("/notes/cours/b.md?L=2-2").text
    assert client.get("/reader/reader.js").headers["content-type"].startswith("text/javascript")
    hostile = client.get("/notes", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in hostile


def test_the_whole_application_searches_the_notes() -> None:
    library = FakeLibrary({"a.md": "# A\nun volume garde ses octets\n", "b.md": "# B\nrien\n"})
    app = build_application(library, answer_as_json=vars)
    client = TestClient(app, base_url="http://127.0.0.1:7860")
    found = client.get("/notes", params={"q": "{volume} volume"})
    assert found.status_code == 200
    assert 'href="/notes/a.md#L2"' in found.text and "b.md" not in found.text
    assert "<h1>Résultats pour «\u00a0{volume} volume\u00a0»</h1>" in found.text
    assert library.searched == [{"refresh": False}]  # the server follows the notes by itself
    english = client.get("/notes?q=volume", headers={"accept-language": "en"}).text
    assert "<h1>Results for “volume”</h1>" in english


@pytest.mark.parametrize(
    "path",
    ["absent.md", "../a.md", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "a%00.md", "cours/B.md"],
)
def test_an_unknown_note_is_a_helpful_404(client: TestClient, path: str) -> None:
    reply = client.get(f"/notes/{path}")
    assert reply.status_code == 404
    if "etc" not in path and "text/html" in reply.headers["content-type"]:
        assert 'href="/notes"' in reply.text
    if path == "cours/B.md":
        assert 'href="/notes/cours/b.md"' in reply.text


def test_an_image_is_sent_as_what_it_is(client: TestClient) -> None:
    reply = client.get("/files/cours/p%20%C3%A9.png")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    assert client.get("/files/cours/s.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        "cours/page.png", "cours/a.md", "cours/.hidden.png", "cours/.git/x.png", "out.png",
        "hidden.png", "..%2fsecret.png", "%2e%2e/secret.png", "cours/..%2f..%2fsecret.png",
        "cours//p.png", "a%00.png", "%2fetc%2fpasswd", "..%5csecret.png", "C:%5cx.png", "cours", "",
    ],
)  # fmt: skip
def test_nothing_else_is_sent(client: TestClient, path: str) -> None:
    reply = client.get(f"/files/{path}")
    assert reply.status_code == 404
    assert PNG not in reply.content


def test_the_address_of_lines() -> None:
    assert note_url("cours/p é#.md", 12, 14) == "/notes/cours/p%20%C3%A9%23.md#L12-L14"
    assert note_url("a.md", 3, 3) == "/notes/a.md#L3"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_note_looks_as_its_reader_chose_in_the_chat(browser: Any, scheme: str) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    grounds = {"light": "rgb(246, 245, 241)", "dark": "rgb(20, 24, 28)"}
    look = """(({backgroundColor}, {fontSize}) => [backgroundColor, fontSize])(
        getComputedStyle(document.body), getComputedStyle(document.documentElement))"""
    keep = 'localStorage.setItem(\'assistant-settings\', \'{"theme": "%s", "larger": true}\')'
    with running(FakeLibrary({"a.md": "# T\n"})) as address:
        page = browser.new_page(color_scheme=scheme)
        page.goto(f"{address}/notes/a.md")
        assert page.evaluate(look) == [grounds[scheme], "16px"]
        page.evaluate(keep % other)
        page.reload()
        assert page.evaluate(look) == [grounds[other], "19.2px"]
        page.evaluate("localStorage.setItem('assistant-settings', '[')")
        page.reload()
        assert page.evaluate(look) == [grounds[scheme], "16px"]
        page.close()


@pytest.mark.slow
def test_a_link_to_lines_marks_them_in_a_browser(browser: Any) -> None:
    text = "# T\n\n" + "\n\n".join(f"ligne numéro {n}" for n in range(200)) + "\n"
    with running(FakeLibrary({"a.md": text})) as address:
        page = browser.new_page(viewport={"width": 360, "height": 640})
        problems: list[str] = []
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(f"{address}/notes/a.md#L203-L205")
        page.wait_for_selector("[data-cited]")
        assert page.locator("[data-cited]").all_inner_texts() == [
            "ligne numéro 100",
            "ligne numéro 101",
        ]
        top, bottom = -1, -1
        for _ in range(100):  # it scrolls; the policy of the page lets no waiting function in
            top, bottom = page.evaluate(
                "(({top, bottom}) => [top, bottom])"
                "(document.querySelector('[data-cited]').getBoundingClientRect())"
            )
            if 0 <= top < bottom <= 640:
                break
            page.wait_for_timeout(50)
        assert 0 <= top < bottom <= 640
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.close()
    assert problems == []
