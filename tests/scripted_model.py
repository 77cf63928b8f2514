"""A local server that plays an OpenAI-compatible endpoint, good or bad, by a script.

Each request takes the next script of the list; the last one stays.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), json.loads(body)))
        scripts = self.server.scripts
        try:
            (scripts.pop(0) if len(scripts) > 1 else scripts[0])(self)
        except (BrokenPipeError, ConnectionResetError):
            self.server.is_broken_off.set()

    def do_GET(self) -> None:
        self.reply(200, "application/json", json.dumps(self.server.tags).encode())

    def reply(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def send(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def say(self, text: str) -> None:
        self.send(json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": None}]}))

    def end(self) -> None:
        self.send(json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]}))
        self.send("[DONE]")

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripts: list[Script]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts = scripts
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.is_broken_off = threading.Event()
        self.tags: Any = {"models": [{"name": "mistral:7b"}, {"name": "qwen3:4b"}]}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def serving(*scripts: Script) -> Iterator[Server]:
    server = Server([*scripts])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def streams(text: str, *, size: int = 7, pause: float = 0.0) -> Script:
    """The text in pieces, a role first and a comment between, as servers do."""

    def script(handler: Handler) -> None:
        handler.begin()
        handler.send(json.dumps({"choices": [{"delta": {"role": "assistant", "content": None}}]}))
        handler.wfile.write(b": keep-alive\n\n")
        for start in range(0, len(text), size):
            handler.say(text[start : start + size])
            time.sleep(pause)
        handler.end()

    return script


def fails(status: int, **headers: str) -> Script:
    return lambda handler: handler.reply(status, "application/json", b'{"error": "no"}', **headers)


def sends(*data: str) -> Script:
    """Raw events."""

    def script(handler: Handler) -> None:
        handler.begin()
        for one in data:
            handler.send(one)

    return script


def stalls(handler: Handler) -> None:
    """Say no more, for as long as the reader stays."""
    handler.begin()
    handler.say("Docker ")
    handler.connection.settimeout(60)
    handler.rfile.read(1)


def disconnects(handler: Handler) -> None:
    handler.begin()
    handler.say("Docker est ")
    handler.close_connection = True


def answers_whole(handler: Handler) -> None:
    """One JSON document, from a server that does not stream."""
    body = {"choices": [{"message": {"content": "Docker est écrit en Go [1]."}}]}
    handler.reply(200, "application/json", json.dumps(body).encode())


def answers_html(handler: Handler) -> None:
    handler.reply(200, "text/html", b"<html>Bienvenue</html>")
