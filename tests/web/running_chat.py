"""Serve a chat for a test, in a thread, on a free port."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.web.application import build_application
from assistant.web.texts import DOCKER_EXAMPLES

ROOT = Path(__file__).parents[2]


def wait_until_idle(page: Any) -> None:
    """Wait for the end of an answer: Gradio drops a question that is sent before it."""
    page.locator("#place .wrap.hide").wait_for(state="attached")


@contextlib.contextmanager
def running(course: Any, **options: Any) -> Iterator[str]:
    """Serve the chat of a course on a free port of 127.0.0.1; give its address.

    `options` are more arguments of `build_application`.
    """
    import uvicorn

    app = build_application(
        course,
        examples=DOCKER_EXAMPLES,
        answer_as_json=lambda answer: {"text": answer.text},
        **options,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
