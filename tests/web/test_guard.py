"""The guard attacked: floods, wrong names, other sites, large bodies, exposure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web.application import check_exposure
from assistant.web.guard import BODY_LIMIT, Guard
from assistant.web.hosts import Hosts
from assistant.web.limits import Limits, Rate, TokenBuckets, client_of

ADDRESS = "http://127.0.0.1:7860"
METHODS = ["GET", "POST"]


def guarded(**options: Any) -> TestClient:
    async def echo(request: Any) -> JSONResponse:
        return JSONResponse({"length": len(await request.body())})

    async def full(request: Any) -> JSONResponse:
        return JSONResponse({"detail": "Queue is full"}, status_code=503)

    routes = [
        Route("/gradio_api/queue/join", full, methods=["PUT"]),
        Route("/{path:path}", echo, methods=METHODS),
    ]
    return TestClient(Guard(Starlette(routes=routes), **options), base_url=ADDRESS)


@pytest.mark.parametrize(
    "path", ["/gradio_api/queue/join", "/gradio_api/call/ask", "/api/ask", "/teacher/login", "/mcp"]
)
def test_a_flood_is_stopped_on_every_route(path: str) -> None:
    client = guarded(limits=Limits(calls=Rate(5, 0.01)))
    replies = [client.post(path) for _ in range(7)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429] * 2
    assert 0 < int(replies[-1].headers["retry-after"]) <= 100
    assert "réessayez" in replies[-1].text
    english = client.post(path, headers={"accept-language": "en"})
    assert "try again" in english.text
    assert client.get(path).status_code == 200  # reading goes on


def test_pages_and_searches_are_limited_too() -> None:
    client = guarded(limits=Limits(calls=Rate(1, 0.01), requests=Rate(4, 0.01)))
    assert client.get("/notes?q=x").status_code == 200
    assert client.get("/notes?q=x").status_code == 429
    assert client.get("/notes").status_code == 200
    assert [client.get("/").status_code for _ in range(2)] == [200, 429]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80), st.integers(1, 5))
def test_no_client_gets_more_than_its_rate(pauses: list[float], burst: int) -> None:
    now = 0.0
    buckets = TokenBuckets(Rate(burst, 2.0), clock=lambda: now)
    taken = 0
    for pause in pauses:
        now += pause
        wait = buckets.take("one")
        taken += not wait
        assert 0 <= wait <= 0.5
    assert taken <= burst + 2.0 * now + 1e-6
    assert buckets.take("another") == 0


def test_addresses_of_one_subscriber_are_one_client() -> None:
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:2") != client_of("2001:db8:0:1::1")
    assert client_of("10.0.0.1") != client_of("10.0.0.2")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "evil.example:7860",
     "user@localhost", "localhost:port", "", "10.0.0.1", "localhost/x", "[::1", "127.0.0.1#x"],
)  # fmt: skip
def test_a_foreign_name_is_refused(host: str) -> None:
    assert guarded().get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "[::1]:7860", "127.0.0.1"])
def test_own_names_are_served(host: str) -> None:
    assert guarded().get("/x", headers={"host": host}).status_code == 200


def test_hosts_of_a_wide_server() -> None:
    hosts = Hosts.of("0.0.0.0", ["cours.example.org"])
    assert hosts.allow("cours.example.org") and hosts.allow("192.168.1.7:7860")
    assert not hosts.allow("evil.example")
    assert hosts.allow_origin("https://cours.example.org", "127.0.0.1:7860")
    assert not hosts.allow_origin("http://localhost:3000", "192.168.1.7:7860")


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
     {"origin": "http://127.0.0.1:7860.evil.example"}],
)  # fmt: skip
def test_another_site_changes_nothing(headers: dict[str, str]) -> None:
    client = guarded()
    assert client.post("/teacher/login", headers=headers).status_code == 403
    assert client.get("/notes/a.md", headers=headers).status_code == 200  # a followed link


def test_our_own_pages_and_programs_may_post() -> None:
    own = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}
    assert guarded().post("/api/ask", headers=own).status_code == 200
    assert guarded().post("/api/ask").status_code == 200


def test_bodies_are_counted_as_they_arrive_and_larger_where_said() -> None:
    client = guarded(larger_bodies={"/teacher/files": 3 * BODY_LIMIT})
    large = b"x" * (2 * BODY_LIMIT)

    def pieces() -> Iterator[bytes]:
        yield large[:BODY_LIMIT]
        yield large[BODY_LIMIT:]

    assert client.post("/api/ask", content=large).status_code == 413
    assert client.post("/api/ask", content=pieces()).status_code == 413
    assert client.post("/teacher/files", content=large).json() == {"length": len(large)}
    assert client.post("/teacher/files/x", content=large).status_code == 413
    assert client.post("/teacher/files", content=large * 2).status_code == 413


def test_a_full_queue_says_when_to_come_back() -> None:
    reply = guarded().put("/gradio_api/queue/join")
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "5"
    assert "questions attendent" in reply.json()["detail"]


def test_each_kind_of_page_has_its_policy() -> None:
    client = guarded()
    for path in ("/files/x.svg", "/conversations/x.html"):
        assert "sandbox" in client.get(path).headers["content-security-policy"]
    for path in ("/notes", "/notes/a.md", "/api/docs"):
        assert "unsafe" not in client.get(path).headers["content-security-policy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "cours.example.org"])
def test_a_wide_address_needs_a_password_or_force(host: str) -> None:
    with pytest.raises(SettingsError, match="ASSISTANT_PASSWORD"):
        check_exposure(host, Settings())
    check_exposure(host, Settings(password="secret"))
    check_exposure(host, Settings(), force=True)


def test_this_machine_alone_needs_none() -> None:
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        check_exposure(host, Settings())
    assert "secret" not in repr(Settings(password="secret"))


def test_the_settings_of_the_server_come_from_the_environment() -> None:
    found = Settings.from_environment(
        {"ASSISTANT_PASSWORD": "p", "ASSISTANT_WEB_HOSTS": "a.example, b.example,"}
    )
    assert (found.password, found.web_hosts) == ("p", ("a.example", "b.example"))
