"""One ASGI layer around every route: who may call, how often, and how much.

It checks the name it was called by, refuses what other sites send, limits how often one
client calls, counts the bytes of a body as they arrive, refuses uploads that nothing
here takes, sends the security headers, and gives the page the language of its reader.
Leaves out logins.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from assistant.web.hosts import Hosts
from assistant.web.limits import Limits, TokenBuckets, client_of
from assistant.web.texts import TEXTS, choose_language

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 64 * 1024  # bytes of a request; a question of 2,000 characters needs 8,000
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'"
)
READER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TEACHER_POLICY = f"{READER_POLICY}; connect-src 'self'"
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
# By the beginning of the path; Gradio's page needs what `PAGE_POLICY` gives, ours do not.
POLICIES = (
    ("/files/", FILE_POLICY),
    ("/conversations/", FILE_POLICY),
    ("/teacher", TEACHER_POLICY),
    ("/notes", READER_POLICY),
    ("/reader/", READER_POLICY),
    ("/api/", READER_POLICY),
)
MESSAGES: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "host": (
            "Ce serveur ne répond pas sous ce nom : ouvrez-le par son adresse, ou ajoutez le nom "
            "à ASSISTANT_WEB_HOSTS."
        ),
        "origin": "Cette demande vient d'un autre site : elle est refusée.",
        "often": "Trop de demandes à la fois : réessayez dans {seconds} s.",
        "busy": "Beaucoup de questions attendent déjà : réessayez dans {seconds} s.",
        "large": "La demande est trop grande : {limit} Ko au plus.",
        "absent": "Il n'y a rien à cette adresse.",
    },
    "en": {
        "host": (
            "This server does not answer to that name: open it by its address, or add the name "
            "to ASSISTANT_WEB_HOSTS."
        ),
        "origin": "This request comes from another site: it is refused.",
        "often": "Too many requests at once: try again in {seconds} s.",
        "busy": "Many questions are waiting already: try again in {seconds} s.",
        "large": "The request is too large: {limit} KB at most.",
        "absent": "There is nothing at this address.",
    },
}
BUSY_SECONDS = 5  # after which a full queue is worth another try

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROGRAM_PATHS = ("/api/", "/gradio_api/", "/mcp")  # answered in JSON


class Guard:
    """ASGI layer before every route."""

    # Gradio routes that write files on this machine; the chat needs none of them.
    REFUSED = ("/gradio_api/upload", "/gradio_api/deep_link")

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Hosts | None = None,
        limits: Limits | None = None,
        larger_bodies: Mapping[str, int] | None = None,
    ) -> None:
        """`larger_bodies`: bytes allowed at exact paths that take more than `BODY_LIMIT`."""
        self.app = app
        self._hosts = hosts or Hosts()
        self._limits = limits or Limits()
        self._larger_bodies = dict(larger_bodies or {})
        self._calls = TokenBuckets(self._limits.calls)
        self._requests = TokenBuckets(self._limits.requests)
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it is refused here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no route speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        request = _Request(scope)
        send = _with_headers(send, request.path)
        if not request.is_for(self._hosts):
            await request.refuse(send, 421, "host")
            return
        if request.is_from_another_site(self._hosts):
            await request.refuse(send, 403, "origin")
            return
        client = client_of(scope["client"][0] if scope.get("client") else None)
        wait = self._requests.take(client)
        if request.computes:
            wait = max(wait, self._calls.take(client))
        if self._open[client] >= self._limits.open_at_once:
            wait = max(wait, BUSY_SECONDS)
        if wait:
            await request.refuse(send, 429, "often", seconds=math.ceil(wait))
            return
        self._open[client] += 1
        try:
            await self._pass_on(request, receive, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    async def _pass_on(self, request: _Request, receive: Receive, send: Send) -> None:
        if request.path.startswith(self.REFUSED):
            await request.refuse(send, 404, "absent")
            return
        body = _CountedBody(request, receive, send, self._larger_bodies)
        if body.announced > body.limit:
            await body.refuse()
            return
        with contextlib.suppress(ClientDisconnect):  # refused in the middle, or gone by itself
            await self._answer(request, body)

    async def _answer(self, request: _Request, body: _CountedBody) -> None:
        if request.path == "/":
            page = _Page(request.language, body.send)
            await self.app(request.scope, body.receive, page.send)
        elif request.path == "/gradio_api/queue/join":
            queue = _Queue(request, body.send)
            await self.app(request.scope, body.receive, queue.send)
        else:
            await self.app(request.scope, body.receive, body.send)


class _Request:
    """What the guard reads of a request, and how it answers one that it refuses."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self._headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            self._headers.setdefault(name.lower(), []).append(value.decode("latin-1"))
        self.language = choose_language(self.header(b"accept-language"))

    def header(self, name: bytes) -> str:
        """The first value of a header, empty without one."""
        return self._headers.get(name, [""])[0]

    @property
    def computes(self) -> bool:
        """Whether it changes something or asks for more than a page that lies ready."""
        searches = self.path == "/notes" and b"q=" in self.scope.get("query_string", b"")
        return self.scope["method"] not in _SAFE_METHODS or searches

    def is_for(self, hosts: Hosts) -> bool:
        named = self._headers.get(b"host", [])
        return len(named) == 1 and hosts.allow(named[0])

    def is_from_another_site(self, hosts: Hosts) -> bool:
        """Whether another site's page sends it; a link followed from there is none."""
        if self.scope["method"] in _SAFE_METHODS:
            return False
        if self.header(b"sec-fetch-site") in ("cross-site", "same-site"):
            return True
        origins = self._headers.get(b"origin", [])
        host = self.header(b"host")
        return not all(hosts.allow_origin(origin, host) for origin in origins)

    async def refuse(self, send: Send, status: int, reason: str, **values: int) -> None:
        """Answer with one line in the reader's language; JSON where a program asks."""
        line = MESSAGES[self.language][reason].format(**values)
        if self.path.startswith(_PROGRAM_PATHS):
            kind = b"application/json"
            body = json.dumps({"detail": line}, ensure_ascii=False).encode()
        else:
            kind, body = b"text/plain; charset=utf-8", line.encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if "seconds" in values:
            headers.append((b"retry-after", str(values["seconds"]).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _CountedBody:
    """Counts the bytes of a body as they arrive, whatever length was announced."""

    def __init__(
        self, request: _Request, receive: Receive, send: Send, larger: Mapping[str, int]
    ) -> None:
        self._request, self._receive, self._send = request, receive, send
        self._arrived = 0
        self._refused = False
        self.limit = larger.get(request.path, BODY_LIMIT)
        length = request.header(b"content-length")
        self.announced = int(length[:15]) if length.isascii() and length.isdigit() else 0

    async def refuse(self) -> None:
        await self._request.refuse(self._send, 413, "large", limit=self.limit // 1024)

    async def receive(self) -> Message:
        if self._refused:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._arrived += len(message.get("body", b""))
        if self._arrived > self.limit:
            self._refused = True
            await self.refuse()
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if not self._refused:  # else the reader was answered already
            await self._send(message)


class _Queue:
    """Tells a full queue in words: Gradio's page shows the line of a 429, not of a 503."""

    def __init__(self, request: _Request, send: Send) -> None:
        self._request, self._send = request, send
        self._full = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 503:
            self._full = True
            await self._request.refuse(self._send, 429, "busy", seconds=BUSY_SECONDS)
        if not self._full:
            await self._send(message)


class _Page:
    """Gives the page its reader's language before any script runs.

    Gradio writes `lang="en"` into every page and asks the browser alone for the
    language of its own words; readers of other languages would get a mixture.
    """

    def __init__(self, language: str, send: Send) -> None:
        self._language = language
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


def _with_headers(send: Send, path: str) -> Send:
    policy = next((rule for start, rule in POLICIES if path.startswith(start)), PAGE_POLICY)
    added = [
        (name.lower().encode(), value.encode())
        for name, value in {"Content-Security-Policy": policy, **SECURITY_HEADERS}.items()
    ]
    names = {name for name, _ in added}

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
            message = {**message, "headers": kept + added}
        await send(message)

    return guarded
