"""Exports: they prove themselves, belong to one browser, and hold nothing that runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from kept_answers import HOSTILE, answered, refused
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from assistant.web.conversations import Conversations
from assistant.web.exports import as_html, as_markdown, export_routes
from assistant.web.session import COOKIE, Sessions

QUOTE = "un espace de noms\nisole ```les``` processus"


@pytest.fixture
def store(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path)


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(b"s" * 64)


@pytest.fixture
def client(store: Conversations, sessions: Sessions) -> TestClient:
    app = FastAPI()
    app.include_router(export_routes(store, sessions))
    return TestClient(app)


def headers(sessions: Sessions, session: str, language: str = "fr") -> dict[str, str]:
    return {"cookie": f"{COOKIE}={sessions.cookie(session)}", "accept-language": language}


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_form_carries_quotes_files_and_lines(
    client: TestClient, store: Conversations, sessions: Sessions
) -> None:
    id_ = store.add("anna", None, "Qu'isole-t-il ?", answered("x", QUOTE)).conversation
    store.add("anna", id_, "et lui ?", refused("x"), standalone="et le noyau ?")
    mine = headers(sessions, "anna")
    markdown = client.get(f"/conversations/{id_}.md", headers=mine)
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert "attachment" in markdown.headers["content-disposition"]
    assert f"````text\n{QUOTE}\n````" in markdown.text
    assert "cours/noyau.md, lignes 3–4" in markdown.text
    assert "compris comme : et le noyau ?" in markdown.text
    assert re.search(r"Conversation du \d{1,2}(er)? [a-zéû]+ \d{4} avec", markdown.text)
    page = client.get(f"/conversations/{id_}.html", headers=headers(sessions, "anna", "en"))
    assert "inline" in page.headers["content-disposition"]
    assert '<html lang="en">' in page.text and "@media print" in page.text
    shown = Elements(page.text)
    assert QUOTE in shown.text and "cours/noyau.md, lines 3–4" in shown.text
    assert "Nearest sections" in shown.text
    values = json.loads(client.get(f"/conversations/{id_}.json", headers=mine).text)
    assert [turn["standalone"] for turn in values["turns"]] == ["Qu'isole-t-il ?", "et le noyau ?"]
    citation = values["turns"][0]["citations"][0]
    assert (citation["note"], citation["line_start"], citation["quote"]) == (
        "cours/noyau.md", 3, QUOTE,
    )  # fmt: skip
    assert values["turns"][1]["suggestions"][0]["line_start"] == 3


@pytest.mark.parametrize("kind", ["md", "html", "json"])
def test_nobody_else_gets_it(
    client: TestClient, store: Conversations, sessions: Sessions, kind: str
) -> None:
    id_ = store.add("anna", None, "secret", answered("x")).conversation
    assert client.get(f"/conversations/{id_}.{kind}", headers=headers(sessions, "anna")).is_success
    forged = {"cookie": f"{COOKIE}=anna"}
    for other in ({}, headers(sessions, "bob"), forged):
        refusal = client.get(f"/conversations/{id_}.{kind}", headers=other)
        assert refusal.status_code == 404
        assert "secret" not in refusal.text
    for name in ("x.exe", f"{id_}.pdf", "..%2F..%2Fsecret.md", f"{id_}.md%00", "%27.json"):
        reply = client.get(f"/conversations/{name}", headers=headers(sessions, "anna"))
        assert reply.status_code == 404


def test_nothing_of_a_reader_or_a_note_becomes_an_element(store: Conversations) -> None:
    evil = answered("x", HOSTILE)
    link = "[a](javascript:alert(1)) ![b](https://evil.example/x.png) <https://evil.example>"
    evil = replace(evil, text=f"{HOSTILE}\n\n{link}\n\n[r]: https://evil.example\n\n[r]")
    turn = store.add("anna", None, HOSTILE, evil, standalone=HOSTILE + " ?")
    store.add("anna", turn.conversation, "x", refused("x", HOSTILE))
    store.rename("anna", turn.conversation, HOSTILE)
    conversation, turns = store.of("anna")[0], store.turns("anna", turn.conversation)
    page = Elements(as_html(conversation, turns, "fr"))
    assert not {"script", "img", "a", "form", "iframe", "link"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    assert page.tags.count("h1") == 1 and HOSTILE in page.text
    written = as_markdown(conversation, turns, "fr")
    rendered = Elements(MarkdownIt("commonmark", {"html": True}).render(written))
    assert not {"script", "img", "form", "iframe"} & set(rendered.tags)
    assert not [v for n, v in rendered.attributes if n == "href" and "javascript" in (v or "")]
    assert HOSTILE in rendered.text


def test_markdown_keeps_code_as_it_is(store: Conversations) -> None:
    code = "```sh\ncat <file >out\n```\n\n`a<b` et a < b"
    turn = store.add("anna", None, "q", replace(answered("x"), text=code))
    written = as_markdown(store.of("anna")[0], [turn], "fr")
    assert "```sh\ncat <file >out\n```" in written
    assert "`a<b` et a \\< b" in written


def test_a_title_cannot_split_the_header(
    client: TestClient, store: Conversations, sessions: Sessions
) -> None:
    id_ = store.add("anna", None, 'a"\r\nSet-Cookie: x=1; é 日本', answered("x")).conversation
    reply = client.get(f"/conversations/{id_}.md", headers=headers(sessions, "anna"))
    assert "set-cookie" not in reply.headers
    assert reply.headers["content-disposition"].startswith(
        'attachment; filename="a-set-cookie-x-1-e.md"; filename*=UTF-8'
    )
