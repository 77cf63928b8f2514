"""The web application: the chat behind a guard, and a page that says it is alive.

The guard is one ASGI layer around everything: it counts the bytes of a body as they
arrive, refuses uploads, sends the security headers, and gives the page the language of
its reader. Leaves out logins and limits on how often one reader may ask.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import socket
import threading
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import SettingsError
from assistant.settings import limit_threads
from assistant.web.texts import TEXTS, choose_language, example_questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from assistant.assistant import Assistant
    from assistant.settings import Settings
    from assistant.web.chat import Course

HOST = "127.0.0.1"
PORT = 7860
BODY_LIMIT = 64 * 1024  # bytes of a request; a question of 2,000 characters needs 8,000
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'; base-uri 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Read by Gradio and the Hub's client when they are imported: nothing calls out.
OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}

_HEADING = re.compile(r"^#{1,3} +(.+?)[ #]*$", re.MULTILINE)


class Guard:
    """ASGI layer before every route: body limit, refused routes, headers, language."""

    # Gradio routes that write files on this machine; the chat needs none of them.
    REFUSED = ("/gradio_api/upload", "/gradio_api/deep_link")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it is refused here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(send)
        if scope["path"].startswith(self.REFUSED):
            await _answer(send, 404, "not found")
            return
        body = _CountedBody(scope, receive, send)
        if body.announced > BODY_LIMIT:
            await _answer(send, 413, "request too large")
            return
        if scope["path"] == "/":
            page = _Page(scope, body.send)
            await self.app(scope, body.receive, page.send)
        else:
            await self.app(scope, body.receive, body.send)


class _CountedBody:
    """Counts the bytes of a body as they arrive, whatever length was announced."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._arrived = 0
        self._refused = False
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        self.announced = int(lengths[0]) if lengths and lengths[0].isdigit() else 0

    async def receive(self) -> Message:
        if self._refused:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._arrived += len(message.get("body", b""))
        if self._arrived > BODY_LIMIT:
            self._refused = True
            await _answer(self._send, 413, "request too large")
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if not self._refused:  # else the reader was answered already
            await self._send(message)


class _Page:
    """Gives the page its reader's language before any script runs.

    Gradio writes `lang="en"` into every page and asks the browser alone for the
    language of its own words; readers of other languages would get a mixture.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        headers = dict(scope["headers"])
        self._language = choose_language(headers.get(b"accept-language", b"").decode("latin-1"))
        self._send = send
        self._start: MutableMapping[str, Any] = {}
        self._body = b""
        self._is_page = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name == b"content-type"]
            self._is_page = any(kind.startswith(b"text/html") for kind in kinds)
            self._start = message
            if self._is_page:
                return
        if not self._is_page:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._translated(self._body.decode("utf-8")).encode("utf-8")
        kept = [pair for pair in self._start["headers"] if pair[0] != b"content-length"]
        kept += [(b"content-length", str(len(body)).encode()), (b"vary", b"Accept-Language")]
        await self._send({**self._start, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})

    def _translated(self, page: str) -> str:
        language = self._language
        title = TEXTS[language]["title"]
        script = (
            f'<script>Object.defineProperty(navigator, "language", {{value: "{language}"}});'
            f'Object.defineProperty(navigator, "languages", {{value: ["{language}"]}});'
            f"</script><title>{title}</title>"
        )
        page = page.replace('lang="en"', f'lang="{language}"', 1)
        return page.replace("<head>", f"<head>{script}", 1)


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [
                (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
            ]
            names = {name for name, _ in added}
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
            message = {**message, "headers": kept + added}
        await send(message)

    return guarded


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def build_application(
    course: Course,
    *,
    examples: Iterable[str] = (),
    answer_as_json: Callable[[Any], dict[str, Any]],
) -> FastAPI:
    """The whole web application over an assistant, ready for an ASGI server."""
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    import gradio as gr
    from fastapi import FastAPI

    from assistant.web.chat import build_chat
    from assistant.web.theme import calm_theme

    app = FastAPI(title=TEXTS["en"]["title"], docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    page, translate = build_chat(course, list(examples), answer_as_json=answer_as_json)
    resources = Path(str(files("assistant.web")))
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=calm_theme(),
        css_paths=resources / "style.css",
        i18n=translate,
        favicon_path=str(resources / "favicon.png"),
        footer_links=["settings"],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        max_file_size=BODY_LIMIT,
    )
    app.add_middleware(Guard)
    return app


def serve(host: str, port: int, settings: Settings) -> None:
    """Bring the index up to date, then serve the chat until it is interrupted.

    Raises AssistantError where the notes, the index or the model cannot be used, and
    SettingsError where the address cannot be listened on.
    """
    limit_threads()
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    listening = _listen(host, port)
    # Gradio takes seconds to import, and so does the model to load: side by side.
    importing = threading.Thread(target=importlib.import_module, args=("gradio",), daemon=True)
    importing.start()

    from assistant.assistant import Assistant
    from assistant.cli_output import answer_as_json, model_progress, refresh_progress

    course = Assistant.open(settings, model_progress=model_progress())
    with refresh_progress() as progress:
        course.refresh(progress)
    course.ask("?", refresh=False)  # loads the model: the first reader does not wait for it
    importing.join()
    import uvicorn

    app = build_application(
        course, examples=example_questions(_headings(course)), answer_as_json=answer_as_json
    )
    shown = f"[{host}]" if ":" in host else host
    print(f"{TEXTS['fr']['title']} : http://{shown}:{port}", flush=True)
    config = uvicorn.Config(app, log_level="warning", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything slow is done, so that a clash is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # an early browser waits instead of being refused
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"L'adresse {host}:{port} ne peut pas être ouverte ({error.strerror}) : "
            "choisissez-en une autre avec « assistant serve --port 7861 »."
        ) from error
    return listening


def _headings(course: Assistant, notes_read: int = 20) -> Iterator[str]:
    """Markdown headings of the first notes, for example questions."""
    for note_id, _ in course.notes()[:notes_read]:
        yield from _HEADING.findall(course.note(note_id).text)
