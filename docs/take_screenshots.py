"""Take the pictures of the README: the chat on a laptop, on a phone and in the dark.

Run `python docs/take_screenshots.py`; it needs playwright and Chromium, serves the
course of this repository on a free port, and writes docs/images/.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
QUESTION = "À quoi servent les cgroups ?"
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


def take(browser: Any, address: str, name: str, size: dict[str, int], scheme: str) -> None:
    """Ask the question, open its first citation, and save the picture."""
    context = browser.new_context(
        viewport=size, color_scheme=scheme, locale="fr-FR", device_scale_factor=1
    )
    page = context.new_page()
    page.goto(address)
    page.locator("#panel .sources-hint").wait_for(timeout=60_000)
    page.fill("#question textarea", QUESTION)
    page.press("#question textarea", "Enter")
    link = page.locator('#chat a[href*="#src-"]').first
    link.wait_for(timeout=60_000)
    page.wait_for_timeout(800)
    if name != "chat-phone":
        link.click()
    page.wait_for_timeout(400)
    page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")
    context.close()


def main() -> None:
    """Serve the course, take every picture, stop."""
    from playwright.sync_api import sync_playwright

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as index, sync_playwright() as playwright:
        command = [sys.executable, "-m", "assistant", "serve", "--port", str(port)]
        server = subprocess.Popen([*command, "--index", index], cwd=ROOT)
        try:
            wait_for(f"{address}/healthz")
            chromium = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            take(browser, address, "chat", LAPTOP, "light")
            take(browser, address, "chat-phone", PHONE, "light")
            take(browser, address, "chat-dark", LAPTOP, "dark")
            browser.close()
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
