"""Who a browser is: nobody, but the same nobody as yesterday.

A random name in a signed cookie finds a browser's conversations again; nothing else is
known of a reader. The cookie is given with the chat's page, because Gradio's events
cannot set one. Leaves out accounts: another browser is another reader.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from itsdangerous import BadData, URLSafeTimedSerializer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "assistant_session"
LIFE = 180 * 24 * 3600  # seconds; as long as a conversation is kept without being touched
_RENEWED_AFTER = 24 * 3600  # seconds of a cookie's age
_LONGEST = 4_096  # characters of a Cookie header's value that are looked at


def cookie_value(header: str, name: str) -> str | None:
    """The value of one cookie of a Cookie header; None without it."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and len(value) <= _LONGEST:
            return value.strip('"')
    return None


def set_cookie(
    name: str, value: str, *, seconds: int, secure: bool, path: str = "/", strict: bool = False
) -> str:
    """The Set-Cookie header of a cookie that no script can read; `value` is URL-safe."""
    site = "Strict" if strict else "Lax"  # Lax: a link from elsewhere finds the conversation
    line = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={site}"
    return f"{line}; Secure" if secure else line


class Sessions:
    """Makes and reads session cookies."""

    def __init__(self, secret: bytes) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="session")

    def new(self) -> str:
        """A name for a browser that has none."""
        return secrets.token_urlsafe(18)

    def cookie(self, session: str) -> str:
        """The signed value that carries a name."""
        return str(self._signer.dumps(session))

    def of(self, cookie_header: str) -> str | None:
        """The name in a Cookie header; None where there is none that was signed here."""
        read = self._read(cookie_header)
        return read[0] if read else None

    def needs_renewal(self, cookie_header: str) -> bool:
        """Whether the cookie is more than a day old, so that its life begins again."""
        read = self._read(cookie_header)
        return read is not None and read[1] > _RENEWED_AFTER

    def _read(self, cookie_header: str) -> tuple[str, float] | None:
        """The name and the age in seconds of the cookie."""
        value = cookie_value(cookie_header, COOKIE)
        if value is None or not value.isascii():
            return None
        try:
            session, made = self._signer.loads(value, max_age=LIFE, return_timestamp=True)
        except BadData:
            return None
        age = time.time() - made.timestamp()
        return (session, age) if isinstance(session, str) else None


class SessionCookies:
    """ASGI layer that gives a cookie with the page of the chat to a browser without one."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; add Set-Cookie to the page where it is needed."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers = [v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"cookie"]
        header = "; ".join(headers)
        session = self._sessions.of(header)
        if session is not None and not self._sessions.needs_renewal(header):
            await self.app(scope, receive, send)
            return
        line = set_cookie(
            COOKIE,
            self._sessions.cookie(session or self._sessions.new()),
            seconds=LIFE,
            secure=scope.get("scheme") == "https",
        )

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [
                    (b"set-cookie", line.encode("latin-1")),
                    (b"cache-control", b"private, no-store"),
                ]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self.app(scope, receive, with_cookie)
