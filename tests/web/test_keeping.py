"""The whole application with its data folder: cookies, policies and limits fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_course import FakeCourse
from kept_answers import FakeIndex, answered
from starlette.testclient import TestClient

from assistant.settings import Settings
from assistant.web.application import build_application
from assistant.web.guard import BODY_LIMIT
from assistant.web.keeping import Keeping
from assistant.web.session import COOKIE


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "corpus").mkdir()
    opened = Keeping.open(
        folder / "data", course=FakeIndex(), corpus=folder / "corpus", password="prof"
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser(keeping: Keeping) -> TestClient:
    app = build_application(
        FakeCourse({"a.md": "# A\n"}), answer_as_json=lambda _: {}, settings=Settings(),
        keeping=keeping,
    )  # fmt: skip
    return TestClient(app, base_url="http://127.0.0.1")


def test_the_chat_gives_a_session_that_owns_its_exports(
    browser: TestClient, keeping: Keeping
) -> None:
    page = browser.get("/")
    assert page.status_code == 200 and "nosniff" in page.headers["x-content-type-options"]
    session = keeping.sessions.of(f"{COOKIE}={browser.cookies[COOKIE]}")
    assert session is not None
    turn = keeping.conversations.add(session, None, "q", answered("q"))
    export = browser.get(f"/conversations/{turn.conversation}.html")
    assert export.status_code == 200
    policy = export.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script-src" not in policy
    browser.cookies.clear()
    assert browser.get(f"/conversations/{turn.conversation}.html").status_code == 404


def test_the_teachers_page_runs_its_own_script_alone(browser: TestClient) -> None:
    page = browser.get("/teacher")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert 'name="referrer" content="same-origin"' in page.text
    for name in ("page.css", "page.js"):
        assert browser.get(f"/teacher/{name}").status_code == 200


def test_the_upload_alone_takes_large_bodies(browser: TestClient) -> None:
    token = re.search(r'name="token" value="([^"]+)"', browser.get("/teacher").text)
    assert token
    browser.post("/teacher/login", data={"token": token[1], "password": "prof"})
    token = re.search(r'name="token" value="([^"]+)"', browser.get("/teacher").text)
    assert token
    head = {"X-Form-Token": token[1]}
    batch = browser.post("/teacher/batch", headers=head).json()["batch"]
    large = b"# Titre\n" + b"mot " * BODY_LIMIT
    sent = browser.post(
        "/teacher/files", params={"batch": batch, "name": "a.md"}, content=large, headers=head
    )
    assert sent.json()["result"] == "ready"
    for path in ("/teacher/refresh", "/teacher/batch", "/teacher/files/x", "/teacher/login"):
        assert browser.post(path, content=large, headers=head).status_code == 413


def test_a_data_folder_opens_again_with_everything(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    sessions = []
    for _ in range(2):
        keeping = Keeping.open(
            tmp_path / "data", course=FakeIndex(), corpus=tmp_path / "corpus", password=None
        )
        sessions.append(keeping.sessions)
        keeping.close()
    assert sessions[1].of(f"{COOKIE}={sessions[0].cookie('anna')}") == "anna"
