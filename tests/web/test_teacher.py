"""The teacher's page behind the real guard: who may, what is shown, what is taken."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from kept_answers import HOSTILE, FakeIndex, answered, refused, report, skipped
from starlette.testclient import TestClient

from assistant.web.feedback import rate
from assistant.web.guard import BODY_LIMIT, Guard
from assistant.web.keeping import Keeping
from assistant.web.session import SessionCookies
from assistant.web.teacher import FILES, _inert
from assistant.web.teacher_login import COOKIE, FORM_COOKIE

PASSWORD = "mot de passe de l'enseignante"
NOTE = "# Réseau\n\nUn réseau relie des machines.\n".encode()
UPLOAD = 2 * 2**20


class Page(HTMLParser):
    """Elements, attributes and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


class Site:
    """A server with a teacher's page, and browsers for it."""

    def __init__(self, folder: Path, password: str | None = PASSWORD) -> None:
        self.corpus = folder / "corpus"
        self.corpus.mkdir()
        self.course = FakeIndex()
        self.course.go.set()
        self.keeping = Keeping.open(
            folder / "data", course=self.course, corpus=self.corpus, password=password
        )
        app = FastAPI()
        for router in self.keeping.routers():
            app.include_router(router)
        app.add_middleware(SessionCookies, sessions=self.keeping.sessions)
        app.add_middleware(Guard, larger_bodies={FILES: UPLOAD})
        self.app = app

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url="http://127.0.0.1", headers={"accept-language": "fr"})

    def teacher(self) -> tuple[TestClient, str]:
        """A browser that is logged in, and the token of its page."""
        browser = self.browser()
        assert log_in(browser).status_code == 200
        return browser, token_of(browser)


def token_of(browser: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', browser.get("/teacher").text)
    assert found
    return found[1]


def log_in(browser: TestClient, password: str = PASSWORD) -> Any:
    return browser.post("/teacher/login", data={"token": token_of(browser), "password": password})


def send(browser: TestClient, token: str, name: str, data: Any, batch: str) -> Any:
    return browser.post(
        FILES, params={"batch": batch, "name": name}, content=data,
        headers={"X-Form-Token": token},
    )  # fmt: skip


def begin(browser: TestClient, token: str) -> str:
    return str(browser.post("/teacher/batch", headers={"X-Form-Token": token}).json()["batch"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.keeping.close()


CHANGES = ["logout", "refresh", "batch", "files?batch=x&name=a.md", "publish", "discard"]
READS = ["index.json", "questions.csv", "opinions.csv"]


def test_students_see_a_login_and_nothing_else(site: Site) -> None:
    site.keeping.feedback.log("question secrète", refused("x"))
    student = site.browser()
    page = student.get("/teacher")
    assert page.status_code == 200 and 'type="password"' in page.text
    assert "secrète" not in page.text and "page.js" not in page.text
    for path in READS:
        assert student.get(f"/teacher/{path}").status_code == 403
    token = token_of(student)  # of the login form
    for path in CHANGES:
        for headers in ({}, {"X-Form-Token": token}):
            reply = student.post(f"/teacher/{path}", headers=headers, data={"token": token})
            assert reply.status_code == 403, path
    assert site.course.refreshes == 0
    assert list(site.corpus.rglob("*")) == []


def test_without_a_password_the_page_says_how_to_set_one(tmp_path: Path) -> None:
    site = Site(tmp_path, password=None)
    browser = site.browser()
    page = browser.get("/teacher")
    assert "ASSISTANT_PASSWORD" in page.text and "<form" not in page.text
    for path in [*CHANGES, "login"]:
        assert browser.post(f"/teacher/{path}").status_code == 403
    english = browser.get("/teacher", headers={"accept-language": "en"}).text
    assert '<html lang="en">' in english and "Without a password" in english


def test_login_and_logout(site: Site) -> None:
    browser = site.browser()
    assert log_in(browser, "faux").status_code == 401
    reply = log_in(browser)
    assert reply.status_code == 200 and "Quitter" in reply.text
    (given,) = [r.headers["set-cookie"] for r in reply.history if "set-cookie" in r.headers]
    assert "HttpOnly" in given and "SameSite=Strict" in given and "Path=/teacher" in given
    copied = browser.cookies.get(COOKIE)
    browser.post("/teacher/logout", data={"token": token_of(browser)})
    assert 'type="password"' in browser.get("/teacher").text
    thief = site.browser()
    thief.cookies.set(COOKIE, copied or "", path="/teacher")
    assert thief.get("/teacher/index.json").status_code == 403


def test_cookies_are_secure_over_https(site: Site) -> None:
    browser = TestClient(site.app, base_url="https://127.0.0.1")
    assert "; Secure" in browser.get("/teacher").headers["set-cookie"]


def test_every_change_needs_the_token_of_its_own_login(site: Site) -> None:
    teacher, token = site.teacher()
    other, other_token = site.teacher()
    assert other.get("/teacher/index.json").status_code == 200
    for path in CHANGES:
        for wrong in ("", "x", other_token, token[:-1]):
            form = teacher.post(f"/teacher/{path}", data={"token": wrong})
            header = teacher.post(f"/teacher/{path}", headers={"X-Form-Token": wrong})
            assert (form.status_code, header.status_code) == (403, 403), path
    assert site.course.refreshes == 0
    assert teacher.post("/teacher/refresh", data={"token": token}).status_code == 200


def test_a_login_form_of_another_browser_is_refused(site: Site) -> None:
    attacker, victim = site.browser(), site.browser()
    token = token_of(attacker)
    victim.get("/teacher")
    reply = victim.post("/teacher/login", data={"token": token, "password": PASSWORD})
    assert reply.status_code == 403 and "expiré" in reply.text
    bare = site.browser()
    bare.cookies.set(FORM_COOKIE, "", path="/teacher")
    assert bare.post("/teacher/login", data={"password": PASSWORD}).status_code == 403


def test_another_site_cannot_post(site: Site) -> None:
    teacher, token = site.teacher()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        reply = teacher.post("/teacher/refresh", data={"token": token}, headers=headers)
        assert reply.status_code == 403
    assert site.course.refreshes == 0


def test_guessing_is_stopped(site: Site) -> None:
    browser = site.browser()
    token = token_of(browser)
    statuses = [
        browser.post("/teacher/login", data={"token": token, "password": str(n)}).status_code
        for n in range(20)
    ]
    assert statuses == [401] * 3 + [429] * 17
    locked = browser.post("/teacher/login", data={"token": token, "password": PASSWORD})
    assert locked.status_code == 429 and int(locked.headers["retry-after"]) >= 1
    assert "Trop d'essais" in Page(locked.text).text


def fill(site: Site) -> None:
    keeping = site.keeping
    for question in (HOSTILE, "À quoi sert un volume ?", "a quoi servent les volumes"):
        keeping.feedback.log(question, refused(question, HOSTILE))
    keeping.feedback.log("Qu'est-ce qu'une image ?", answered("x"))
    evil = answered("x", HOSTILE, text=f"{HOSTILE} [1]")
    turn = keeping.conversations.add("anna", None, HOSTILE, evil)
    rate(keeping.conversations, keeping.feedback, "anna", turn.id, False, HOSTILE)


def test_the_page_shows_what_was_asked_and_nothing_of_it_runs(site: Site) -> None:
    fill(site)
    site.course.checked = report(added=(HOSTILE,), skipped=skipped(HOSTILE))
    teacher, _ = site.teacher()
    reply = teacher.get("/teacher?days=7")
    page = Page(reply.text)
    assert page.tags.count("script") == 1 and page.tags.count("svg") == 2
    assert not {"img", "iframe", "object", "style"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert page.text.count(HOSTILE) >= 6
    links = [value for name, value in page.attributes if name == "href"]
    assert "/notes/cours/noyau.md#L3" in links
    assert all(link.startswith(("/", "#")) for link in links)
    assert "À quoi sert un volume ?" in page.text or "a quoi servent les volumes" in page.text
    assert "2 formulations" in page.text
    assert "1 note a changé depuis." in page.text
    words = next(value for name, value in page.attributes if name == "data-words")
    assert json.loads(words)["publish"]
    assert "no-store" in reply.headers["cache-control"]
    english = teacher.get("/teacher", headers={"accept-language": "en"}).text
    assert '<html lang="en">' in english and "Questions without an answer" in english


def test_the_numbers_are_those_that_were_logged(site: Site) -> None:
    fill(site)
    teacher, _ = site.teacher()
    text = " ".join(Page(teacher.get("/teacher").text).text.split())
    assert "4 posées 3 sans réponse (75 %) 0 appréciées 1 critiquées" in text
    chart = re.search(r'aria-label="Questions par jour : ([^"]+)"', teacher.get("/teacher").text)
    assert chart and chart[1] == "1 avec réponse, 3 sans réponse"


@pytest.mark.parametrize("days", ["0", "-1", "99999999999", "7'--", "<script>", "", "7.0"])
def test_a_period_is_one_of_those_offered(site: Site, days: str) -> None:
    teacher, _ = site.teacher()
    page = teacher.get("/teacher", params={"days": days})
    assert page.status_code == 200 and 'days=30#questions-title" aria-current' in page.text


def test_csv_holds_no_formula(site: Site) -> None:
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1+1", "|cmd", "\r=1", '";=1;"']
    for formula in formulas:
        site.keeping.feedback.log(formula, refused("x", formula))
        site.keeping.feedback.give(formula, formula, answered("x", formula), False, formula)
    teacher, _ = site.teacher()
    for name, rows in (("questions.csv", 10), ("opinions.csv", 10)):
        reply = teacher.get(f"/teacher/{name}")
        assert reply.headers["content-type"].startswith("text/csv")
        assert reply.content.startswith(b"\xef\xbb\xbf")
        table = list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig")), delimiter=";"))
        assert len(table) == rows + 1
        for row in table:
            for cell in row:
                assert not re.match(r"\s*[=+\-@|＝＋－＠\t\r]", cell), cell
    assert [_inert(c) for c in ("=1", "a=1", "", "'", "12", "-5")] == [
        "'=1", "a=1", "", "'", "12", "'-5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "questions", "opinions"),
    [
        (
            "",
            "Heure;Question;Réponse;Confiance;Sections les plus proches",
            "Heure;Appréciée;Raison;Question;Réponse;Sources citées",
        ),
        (
            "en-GB",
            "Hour;Question;Answer;Confidence;Nearest sections",
            "Hour;Liked;Reason;Question;Answer;Cited sources",
        ),
    ],
)
def test_csv_speaks_the_language_of_the_page(
    site: Site, language: str, questions: str, opinions: str
) -> None:
    site.keeping.feedback.give("1", "q", answered("q", "r"), False, "court")
    teacher, _ = site.teacher()
    for name, heads in (("questions", questions), ("opinions", opinions)):
        reply = teacher.get(f"/teacher/{name}.csv", headers={"accept-language": language})
        lines = reply.content.decode("utf-8-sig").splitlines()
        assert lines[0] == heads
    assert lines[1].split(";")[1] == ("no" if language else "non")


def test_a_refresh_is_followed_to_its_end(site: Site) -> None:
    site.course.go.clear()
    site.course.refreshed = report(changed=("a.md",))
    teacher, token = site.teacher()
    assert teacher.post("/teacher/refresh", headers={"X-Form-Token": token}).status_code == 202
    deadline = time.monotonic() + 10
    while teacher.get("/teacher/index.json").json()["stage"] != "lecture":
        assert time.monotonic() < deadline
    assert teacher.get("/teacher").status_code == 200
    site.course.go.set()
    while (told := teacher.get("/teacher/index.json").json())["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert told["report"]["changed"] == ["a.md"]


def test_files_are_checked_put_in_place_and_indexed(site: Site) -> None:
    (site.corpus / "old.md").write_bytes(b"# Vieux\n")
    teacher, token = site.teacher()
    batch = begin(teacher, token)
    assert send(teacher, token, "réseau.md", NOTE, batch).json() == {
        "name": "réseau.md", "result": "ready", "reason": "",
    }  # fmt: skip
    assert send(teacher, token, "old.md", NOTE, batch).json()["result"] == "exists"
    refused_file = send(teacher, token, "../x.md", NOTE, batch).json()
    assert refused_file["result"] == "refused" and refused_file["reason"]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("cours/a.md", NOTE)
        archive.writestr("../b.md", NOTE)
    lines = send(teacher, token, "tout.zip", written.getvalue(), batch).text.splitlines()
    assert [json.loads(line)["result"] for line in lines] == ["ready", "refused"]
    assert {p.name for p in site.corpus.glob("*.md")} == {"old.md"}
    assert site.course.refreshes == 0
    done = teacher.post(
        "/teacher/publish", json={"batch": batch, "replace": []}, headers={"X-Form-Token": token}
    )
    assert {o["name"]: o["result"] for o in done.json()["outcomes"]} == {
        "cours/a.md": "placed", "old.md": "exists", "réseau.md": "placed",
    }  # fmt: skip
    assert (site.corpus / "réseau.md").read_bytes() == NOTE
    assert (site.corpus / "old.md").read_bytes() == b"# Vieux\n"
    deadline = time.monotonic() + 10
    while site.course.refreshes != 1:
        assert time.monotonic() < deadline
    again = teacher.post("/teacher/publish", json={"batch": batch}, headers={"X-Form-Token": token})
    assert again.status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 50_000, b'{"replace": 1}', b"\xff"])
def test_what_is_no_wish_is_refused(site: Site, body: bytes) -> None:
    teacher, token = site.teacher()
    reply = teacher.post("/teacher/publish", content=body, headers={"X-Form-Token": token})
    assert reply.status_code == 422


def test_bytes_are_counted_as_they_arrive(site: Site) -> None:
    teacher, token = site.teacher()
    batch = begin(teacher, token)
    piece = b"a" * 65_536

    def chunked() -> Iterator[bytes]:
        for _ in range(UPLOAD // len(piece) + 2):
            yield piece

    assert send(teacher, token, "a.md", b"a" * (UPLOAD + 1), batch).status_code == 413
    assert send(teacher, token, "a.md", chunked(), batch).status_code == 413
    assert [p for p in site.corpus.rglob("*") if p.is_file()] == []
    large = teacher.post("/teacher/login", content=b"a" * (BODY_LIMIT + 1))
    assert large.status_code == 413
    assert send(teacher, token, "a.md", NOTE, "unknown").status_code == 404
    assert send(teacher, token, "a.md", NOTE, "../../x").status_code == 404


def test_the_route_itself_bounds_a_body(tmp_path: Path) -> None:
    site = Site(tmp_path)
    object.__setattr__(site.keeping.uploads.limits, "body_bytes", 1000)
    teacher, token = site.teacher()
    assert send(teacher, token, "a.md", b"a" * 1001, begin(teacher, token)).status_code == 413
    assert [p for p in site.corpus.rglob("*") if p.is_file()] == []


def test_a_student_is_refused_before_the_body_is_read(site: Site) -> None:
    async def ask() -> tuple[int, int]:
        read = 0
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"a" * 1000, "more_body": True}

        async def send_back(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http", "method": "POST", "path": FILES, "raw_path": FILES.encode(),
            "query_string": b"batch=x&name=a.md", "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1",
            "server": ("127.0.0.1", 80), "root_path": "",
        }  # fmt: skip
        await site.app(scope, receive, send_back)
        return statuses[0], read

    assert asyncio.run(ask()) == (403, 0)
    assert not site.corpus.joinpath(".incoming").exists()


def test_two_teachers_do_not_mix_their_files(site: Site) -> None:
    one, one_token = site.teacher()
    two, two_token = site.teacher()
    batches = begin(one, one_token), begin(two, two_token)
    threads = [
        threading.Thread(target=send, args=(b, t, f"{n}{i}.md", NOTE, batch))
        for i in range(5)
        for n, b, t, batch in (("a", one, one_token, batches[0]), ("b", two, two_token, batches[1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = one.post(
        "/teacher/publish", json={"batch": batches[0]}, headers={"X-Form-Token": one_token}
    )
    assert [o["name"] for o in done.json()["outcomes"]] == [f"a{i}.md" for i in range(5)]
