"""Take the pictures of the README: chat, refusal, conversations, note, teacher's page.

Run `python docs/take_screenshots.py`; it needs playwright and Chromium, serves the
course of this repository on a free port, and writes docs/images/.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
QUESTION, FOLLOW_UP = "À quoi servent les cgroups ?", "et les namespaces ?"
ANOTHER, UNANSWERED = "C'est quoi une image Docker ?", "Combien coûte Docker Desktop ?"
PASSWORD = "mot de passe"
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
WAIT = 60_000  # milliseconds


def main() -> None:
    """Serve the course, take every picture, stop."""
    from playwright.sync_api import sync_playwright

    with serving() as address, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        picture_chat(browser, address, "chat", LAPTOP, "light")
        picture_chat(browser, address, "chat-phone", PHONE, "light")
        picture_chat(browser, address, "chat-dark", LAPTOP, "dark")
        picture_refusal_and_conversations(browser, address)
        picture_note(browser, address)
        picture_teacher(browser, address)
        browser.close()


def picture_chat(browser: Any, address: str, name: str, size: dict[str, int], scheme: str) -> None:
    """A question, a follow-up, and the passage that answers it."""
    with page_of(browser, size, scheme) as page:
        begin(page, address)
        ask(page, QUESTION)
        if name != "chat-phone":
            ask(page, FOLLOW_UP)
            page.locator('#chat a[href="#src-2-1"]').first.click()
        save(page, name)


def picture_refusal_and_conversations(browser: Any, address: str) -> None:
    """What the notes do not answer, then the drawer of conversations."""
    with page_of(browser, LAPTOP, "light") as page:
        begin(page, address)
        ask(page, QUESTION)
        ask(page, UNANSWERED)
        save(page, "refusal")
        page.locator("#new").click()
        page.locator("#chat .example").first.wait_for(timeout=WAIT)
        ask(page, ANOTHER)
        page.locator("#menu .menu-open").click()
        page.locator(".drawer-title").nth(1).wait_for(timeout=WAIT)
        page.locator(".drawer-more summary").first.click()
        save(page, "conversations")


def picture_note(browser: Any, address: str) -> None:
    """A note, opened at the lines of a citation."""
    with page_of(browser, LAPTOP, "light") as page:
        page.goto(f"{address}/notes/docker.md#L25")
        page.locator("[data-cited]").first.wait_for(timeout=WAIT)
        save(page, "note")


def picture_teacher(browser: Any, address: str) -> None:
    """What students asked, for the teacher who logged in."""
    with page_of(browser, LAPTOP, "light") as page:
        page.goto(f"{address}/teacher")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.locator("#refresh").wait_for(timeout=WAIT)
        save(page, "teacher")


@contextmanager
def page_of(browser: Any, size: dict[str, int], scheme: str) -> Iterator[Any]:
    """A page of a reader who was never here."""
    context = browser.new_context(
        viewport=size, color_scheme=scheme, locale="fr-FR", device_scale_factor=1
    )
    yield context.new_page()
    context.close()


def begin(page: Any, address: str) -> None:
    """Open the chat."""
    page.goto(address)
    page.locator("#panel .sources-hint").wait_for(timeout=WAIT)


def ask(page: Any, question: str) -> None:
    """Ask, and wait for the whole answer."""
    before = page.locator("#chat .message.bot").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.locator("#chat .message.bot .md").nth(before).wait_for(timeout=WAIT)
    page.wait_for_timeout(900)


def save(page: Any, name: str) -> None:
    """Write the picture once colours and scrolling are at rest."""
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png")


@contextmanager
def serving() -> Iterator[str]:
    """The course of this repository, with an index and a data folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "assistant", "serve", "--port", str(port)]
        own = {
            "ASSISTANT_CORPUS": str(ROOT / "corpus"),
            "ASSISTANT_INDEX": f"{folder}/index",
            "ASSISTANT_DATA": f"{folder}/data",
            "ASSISTANT_PASSWORD": PASSWORD,
        }
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own})
        try:
            wait_for(f"{address}/healthz")
            yield address
        finally:
            server.terminate()
            server.wait()


def wait_for(address: str, seconds: float = 180) -> None:
    """Wait until the chat answers; RuntimeError when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=30).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise RuntimeError(f"nothing answers on {address}")


if __name__ == "__main__":
    main()
