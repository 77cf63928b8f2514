"""The teacher's page in a browser: by keyboard, with files, narrow, in both themes."""

from __future__ import annotations

import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from kept_answers import FakeIndex, answered, refused, report

from assistant.web.guard import Guard
from assistant.web.keeping import Keeping
from assistant.web.teacher import FILES

pytestmark = pytest.mark.slow
PASSWORD = "mot de passe"
LONG = "Comment installer Podman sur macOS sans les droits d'administration ? " * 3


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "ancien.md").write_text("# Ancien\n")
    return folder


@pytest.fixture
def address(tmp_path: Path, corpus: Path) -> Iterator[str]:
    import uvicorn

    course = FakeIndex(refreshed=report(added=("a.md",)))
    course.go.set()
    keeping = Keeping.open(tmp_path / "data", course=course, corpus=corpus, password=PASSWORD)
    for question in (LONG, "a/" * 200, "À quoi sert un volume ?"):
        keeping.feedback.log(question, refused(question))
    keeping.feedback.give("1", LONG, answered(LONG), False, "trop long")
    app = FastAPI()
    for router in keeping.routers():
        app.include_router(router)
    app.add_middleware(Guard, larger_bodies={FILES: keeping.uploads.limits.body_bytes})
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    keeping.close()


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def open_page(browser: Any, address: str, **options: Any) -> tuple[Any, list[str]]:
    """The page of a teacher who logged in by keyboard, and what its scripts complained of."""
    page = browser.new_context(locale="fr-FR", **options).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/teacher")
    page.set_default_timeout(60_000)
    page.wait_for_selector("#password:focus")  # without a click
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#refresh")
    page.wait_for_load_state("load")  # with its script
    return page, complaints


def test_files_are_sent_replaced_and_indexed(
    browser: Any, address: str, corpus: Path, tmp_path: Path
) -> None:
    page, complaints = open_page(browser, address)
    (tmp_path / "a<b>.md").write_text("# Mauvais nom\n")
    (tmp_path / "ancien.md").write_text("# Nouveau\n")
    with zipfile.ZipFile(tmp_path / "tout.zip", "w") as archive:
        archive.writestr("semaine/cours.md", "# Cours\n")
        archive.writestr("../x.md", "# X\n")
    names = ("a<b>.md", "ancien.md", "tout.zip")
    page.set_input_files("#files", [tmp_path / name for name in names])
    expected = ("a<b>.md\trefusé", "ancien.md\texiste déjà", "semaine/cours.md\tprêt")
    for outcome in (*expected, "../x.md\trefusé"):  # each is told when it is known
        wait_for(lambda outcome=outcome: outcome in page.inner_text("#outcomes"))
    wait_for(lambda: page.locator("#outcomes tr").count() == 4)
    assert not (corpus / "semaine").exists()
    page.get_by_label("Remplacer").check()
    wait_for(lambda: page.is_enabled("#publish"))
    page.click("#publish")
    wait_for(lambda: "Mise à jour terminée" in page.inner_text("#refresh-said"))
    assert (corpus / "ancien.md").read_text() == "# Nouveau\n"
    assert (corpus / "semaine" / "cours.md").read_text() == "# Cours\n"
    assert "ancien.md\tremplacé" in page.inner_text("#outcomes")
    assert complaints == []


def test_the_index_is_refreshed_by_keyboard(browser: Any, address: str) -> None:
    page, complaints = open_page(browser, address)
    page.focus("#refresh button")
    page.keyboard.press("Enter")
    wait_for(lambda: "1 ajoutée(s)" in page.inner_text("#refresh-said"))
    assert complaints == []


def test_a_refresh_asked_for_before_the_script_came_is_told(browser: Any, address: str) -> None:
    page, complaints = open_page(browser, address)
    page.evaluate("document.getElementById('refresh').submit()")  # past the script, as a form
    wait_for(lambda: "1 ajoutée(s)" in page.inner_text("#refresh-said"))
    assert page.url == f"{address}/teacher"
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_narrow_screen(browser: Any, address: str, scheme: str) -> None:
    size = {"width": 360, "height": 740}
    page, complaints = open_page(browser, address, viewport=size, color_scheme=scheme)
    wait_for(lambda: page.evaluate("document.documentElement.scrollWidth") == 360)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 245, 241)", "dark": "rgb(20, 24, 28)"}[scheme]
    assert complaints == []


def test_leaving_ends_the_login(browser: Any, address: str) -> None:
    page, _ = open_page(browser, address)
    page.get_by_role("button", name="Quitter l'espace enseignant").click()
    page.wait_for_selector("#password")
    page.goto(f"{address}/teacher")
    assert page.locator("#refresh").count() == 0
