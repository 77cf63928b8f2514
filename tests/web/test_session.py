"""The session cookie: nobody can make one, and the page gives it once."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from assistant.errors import SettingsError
from assistant.web import session as session_module
from assistant.web.data_folder import open_data_folder, secret_of
from assistant.web.session import COOKIE, LIFE, SessionCookies, Sessions, cookie_value

SECRET = b"s" * 64


def client_of(sessions: Sessions, address: str = "http://testserver") -> TestClient:
    def who(request: Request) -> PlainTextResponse:
        return PlainTextResponse(sessions.of(request.headers.get("cookie", "")) or "nobody")

    app = Starlette(routes=[Route("/", who), Route("/who", who)])
    return TestClient(SessionCookies(app, sessions), base_url=address)


def test_the_page_gives_a_cookie_once_and_it_names_the_browser() -> None:
    browser = client_of(Sessions(SECRET))
    first = browser.get("/")
    line = first.headers["set-cookie"]
    assert "HttpOnly" in line and "SameSite=Lax" in line and f"Max-Age={LIFE}" in line
    assert "Secure" not in line and "Path=/;" in line
    assert "no-store" in first.headers["cache-control"]
    name = browser.get("/who").text
    assert name != "nobody"
    assert "set-cookie" not in browser.get("/").headers
    assert browser.get("/who").text == name
    assert client_of(Sessions(SECRET)).get("/who").headers.get("set-cookie") is None


def test_the_cookie_is_secure_over_https() -> None:
    line = client_of(Sessions(SECRET), "https://testserver").get("/").headers["set-cookie"]
    assert line.endswith("; Secure")


def _other(signature: str) -> str:
    return ("A" if signature[0] != "A" else "B") + signature[1:]


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: "anna",
        # The first letter of the signature: some bits of the last one mean nothing.
        lambda good: good.rpartition(".")[0] + "." + _other(good.rpartition(".")[2]),
        lambda good: good.split(".", 1)[1],
        lambda good: "",
        lambda good: good + "." + good,
        lambda good: URLSafeTimedSerializer(b"other", salt="session").dumps("anna"),
        lambda good: URLSafeTimedSerializer(SECRET, salt="teacher").dumps("anna"),
        lambda good: URLSafeTimedSerializer(SECRET, salt="session").dumps(["anna"]),
        lambda good: "x" * 100_000,
        lambda good: "é\udcff",
    ],
)
def test_a_forged_cookie_is_nobody(forge: Any) -> None:
    sessions = Sessions(SECRET)
    good = sessions.cookie("anna")
    assert sessions.of(f"a=b; {COOKIE}={good}; c=d") == "anna"
    assert sessions.of(f"{COOKIE}={forge(good)}") is None


def test_a_cookie_ends_and_is_renewed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(SECRET)
    header = f"{COOKIE}={sessions.cookie('anna')}"
    assert not sessions.needs_renewal(header)
    real = session_module.time.time
    monkeypatch.setattr("time.time", lambda: real() + 2 * 24 * 3600)
    assert sessions.needs_renewal(header)
    renewed = client_of(sessions).get("/", headers={"cookie": header}).headers["set-cookie"]
    assert sessions.of(renewed.split(";")[0]) == "anna"
    monkeypatch.setattr("time.time", lambda: real() + LIFE + 2)
    assert sessions.of(header) is None


def test_cookie_value_reads_one_name() -> None:
    assert cookie_value(f"x{COOKIE}=1; {COOKIE}=2", COOKIE) == "2"
    assert cookie_value("", COOKIE) is None


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path / "a" / "data")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(secret_of(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(found[0]) == 64
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    (folder / "secret").chmod(0o644)
    assert secret_of(folder) == found[0]
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    (folder / "secret").write_text("")
    with pytest.raises(SettingsError, match="supprimez-le"):
        secret_of(folder)


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(SettingsError, match="ASSISTANT_DATA"):
        open_data_folder(tmp_path / "data")
