"""The teacher's login: one password, cookies that end, and a brake on guessing.

Every attempt counts before the password is looked at, so that many at once gain nothing.
A client waits longer after each failure and is locked after ten; all clients together
have a slow bucket, because an attacker may have many addresses. Sessions are rows, so
that a logout holds and a new password ends them all. Leaves out accounts: who knows the
password is the teacher.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer

from assistant.web.data_folder import Database
from assistant.web.limits import Rate, TokenBuckets

COOKIE = "assistant_teacher"
FORM_COOKIE = "assistant_form"  # ties the login form to the browser that was shown it
LIFE = 8 * 3600  # seconds of a login
FREE_FAILURES = 2  # that cost no wait
LOCKED_AFTER = 10  # failures
LOCK_SECONDS = 900.0
_FORGIVEN_AFTER = 3600.0  # seconds without a failure
_MOST_CLIENTS = 10_000  # remembered; the one that failed longest ago is forgotten first
_MOST_LOGINS = 100
_ALL_CLIENTS = Rate(burst=60, per_second=0.5)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS logins (
    digest TEXT PRIMARY KEY, password TEXT NOT NULL, ends REAL NOT NULL
) STRICT;
"""


class WrongPasswordError(Exception):
    """The password is not the teacher's."""


class TooManyAttemptsError(Exception):
    """No attempt is taken for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Brake:
    """Slows down whoever guesses. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, when
        self._everyone = TokenBuckets(_ALL_CLIENTS, clock)
        self._lock = threading.Lock()

    def begin(self, client: str) -> None:
        """Count an attempt as failed; TooManyAttemptsError where the client has to wait."""
        with self._lock:
            now = self._clock()
            count, when = self._failures.get(client, (0, now))
            if now - when > _FORGIVEN_AFTER:
                count = 0
            if (wait := when + _wait_after(count) - now) > 0:
                raise TooManyAttemptsError(wait)
            if (wait := self._everyone.take("")) > 0:
                raise TooManyAttemptsError(wait)
            self._failures[client] = (count + 1, now)
            self._failures.move_to_end(client)
            if len(self._failures) > _MOST_CLIENTS:
                self._failures.popitem(last=False)

    def succeeded(self, client: str) -> None:
        """Forget the failures of a client that knew the password."""
        with self._lock:
            self._failures.pop(client, None)

    def __len__(self) -> int:
        return len(self._failures)


def _wait_after(failures: int) -> float:
    """Seconds to wait after so many failures: 0, 0, 0, 1, 2, 4 … then the lock."""
    if failures >= LOCKED_AFTER:
        return LOCK_SECONDS
    return 0.0 if failures <= FREE_FAILURES else float(2 ** (failures - FREE_FAILURES - 1))


class Logins:
    """Who is logged in, and the tokens of their forms. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        secret: bytes,
        password: str | None,
        *,
        clock: Callable[[], float] = time.time,
        brake: Brake | None = None,
    ) -> None:
        """Keep logins in `teacher.sqlite`; without a password nobody can log in."""
        self._secret = secret
        self._password = _digest(secret, password) if password else None
        self._clock = clock
        self._brake = Brake() if brake is None else brake
        self._cookies = URLSafeTimedSerializer(secret, salt="teacher")
        self._forms = URLSafeTimedSerializer(secret, salt="teacher-form")
        self._database = Database(folder / "teacher.sqlite", _SCHEMA)

    @property
    def is_open(self) -> bool:
        """Whether a password is set, so that a login is possible."""
        return self._password is not None

    def enter(self, client: str, password: str) -> str:
        """The signed cookie of a new login.

        Raises TooManyAttemptsError, whatever the password, and WrongPasswordError.
        """
        self._brake.begin(client)
        given = _digest(self._secret, password)
        if self._password is None or not hmac.compare_digest(given, self._password):
            raise WrongPasswordError
        self._brake.succeeded(client)
        login = secrets.token_urlsafe(24)
        now = self._clock()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM logins WHERE ends < ?", (now,))
            connection.execute(
                "INSERT INTO logins VALUES (?, ?, ?)",
                (_digest(self._secret, login), self._password, now + LIFE),
            )
            connection.execute(
                "DELETE FROM logins WHERE digest NOT IN "
                "(SELECT digest FROM logins ORDER BY ends DESC LIMIT ?)",
                (_MOST_LOGINS,),
            )
        return str(self._cookies.dumps(login))

    def check(self, cookie: str | None) -> str | None:
        """The login a cookie stands for; None where it is forged, ended or left."""
        if cookie is None or self._password is None:
            return None
        try:
            login = self._cookies.loads(cookie, max_age=LIFE)
        except BadData:
            return None
        if not isinstance(login, str):
            return None
        rows = self._database.rows(
            "SELECT 1 FROM logins WHERE digest = ? AND password = ? AND ends >= ?",
            (_digest(self._secret, login), self._password, self._clock()),
        )
        return login if rows else None

    def leave(self, login: str) -> None:
        """End a login, whoever still holds its cookie."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM logins WHERE digest = ?", (_digest(self._secret, login),)
            )

    def form_token(self, holder: str) -> str:
        """The token of a form shown to the holder of a login, or of a form cookie."""
        return str(self._forms.dumps(_digest(self._secret, holder)))

    def is_form_token(self, token: str, holder: str | None) -> bool:
        """Whether a form was shown to this holder within the life of a login."""
        if not holder:
            return False
        try:
            shown_to = self._forms.loads(token, max_age=LIFE)
        except BadData:
            return False
        return hmac.compare_digest(str(shown_to), _digest(self._secret, holder))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _digest(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
