"""A running chat over a given course, and a browser to read it with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from fake_course import FakeCourse
from running_chat import ROOT, running

BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def docker_course() -> FakeCourse:
    text = (ROOT / "corpus" / "docker.md").read_text(encoding="utf-8")
    return FakeCourse({"docker.md": text})


@pytest.fixture(scope="module")
def docker_chat(docker_course: FakeCourse) -> Iterator[str]:
    with running(docker_course) as address:
        yield address


@pytest.fixture(scope="module")  # its event loop ends with it: others run theirs
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: no browser test"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium` runs this test")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        yield opened
        opened.close()
