"""Whatever a server does, the client yields text or raises one error with its reason."""

from __future__ import annotations

import pytest
import scripted_model as scripted

from assistant.answering.language_model import (
    REASONS,
    Failure,
    LanguageModel,
    LanguageModelError,
    find_local_ollama,
    is_loopback,
)

KEY = "sk-secret-4242"
ASKED = [{"role": "user", "content": "?"}]


def model(url, **options):
    waits = {"connect_seconds": 1.0, "read_seconds": 0.3, "backoff_seconds": 0.01, **options}
    return LanguageModel(url, "small", KEY, **waits)


def test_a_stream_comes_in_pieces_and_whole():
    text = "Docker est écrit en Go [1]. 😀 Fin."
    with scripted.serving(scripted.streams(text)) as server:
        pieces = list(model(server.url).stream(ASKED))
        assert len(pieces) > 3 and "".join(pieces) == text
        ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert body["stream"] is True and body["messages"] == ASKED and body["model"] == "small"


def test_a_server_that_does_not_stream_is_understood():
    with scripted.serving(scripted.answers_whole) as server:
        assert list(model(server.url).stream(ASKED)) == ["Docker est écrit en Go [1]."]


@pytest.mark.parametrize(
    ("script", "failure", "requests"),
    [
        (scripted.fails(500), Failure.SERVER, 3),
        (scripted.fails(503), Failure.SERVER, 3),
        (scripted.fails(429), Failure.BUSY, 3),
        (scripted.fails(429, Retry_After="3600"), Failure.BUSY, 1),
        (scripted.fails(401), Failure.REFUSED, 1),
        (scripted.fails(404), Failure.UNKNOWN, 1),
        (scripted.fails(400), Failure.REQUEST, 1),
        (scripted.stalls, Failure.SLOW, 1),
        (scripted.disconnects, Failure.BROKEN_OFF, 1),
        (scripted.streams(""), Failure.EMPTY, 1),
        (scripted.streams(" \n "), Failure.EMPTY, 1),
        (scripted.sends("{not json"), Failure.NONSENSE, 1),
        (scripted.sends("[1, 2]"), Failure.NONSENSE, 1),
        (scripted.sends('{"choices": [{"delta": {"content": 7}}]}'), Failure.NONSENSE, 1),
        (scripted.sends('{"choices": 7}'), Failure.NONSENSE, 1),
        (scripted.sends('{"error": {"message": "out of memory"}}'), Failure.SERVER, 3),
        (scripted.answers_html, Failure.NONSENSE, 1),
    ],
)
def test_every_fault_is_one_error(script, failure, requests):
    with scripted.serving(script) as server:
        with pytest.raises(LanguageModelError) as caught:
            list(model(server.url).stream(ASKED))
        assert len(server.requests) == requests
    assert caught.value.failure is failure
    for language in ("fr", "en"):
        assert caught.value.reason(language) == REASONS[language][failure] != ""
    assert KEY not in repr(caught.value) and caught.value.__cause__ is None


def test_a_busy_server_is_asked_again_when_it_says():
    waits = []
    with scripted.serving(
        scripted.fails(429, Retry_After="2"), scripted.fails(500), scripted.streams("Oui.")
    ) as server:
        assert "".join(model(server.url).stream(ASKED, sleep=waits.append)) == "Oui."
    assert waits[0] == 2.0 and 0.01 <= waits[1] <= 0.02


def test_no_server_is_unreachable():
    with scripted.serving(scripted.stalls) as server:
        url = server.url
    with pytest.raises(LanguageModelError) as caught:
        list(model(url).stream(ASKED))
    assert caught.value.failure is Failure.UNREACHABLE


def test_a_slow_stream_ends_at_the_deadline():
    with (
        scripted.serving(scripted.streams("a" * 900, size=1, pause=0.02)) as server,
        pytest.raises(LanguageModelError) as caught,
    ):
        list(model(server.url, total_seconds=0.2).stream(ASKED))
    assert caught.value.failure is Failure.SLOW


def test_closing_the_generator_closes_the_connection():
    with scripted.serving(scripted.streams("mot " * 500, size=4, pause=0.005)) as server:
        pieces = model(server.url).stream(ASKED)
        assert next(pieces)
        pieces.close()
        assert server.is_broken_off.wait(2.0)


def test_the_key_is_in_no_repr():
    assert KEY not in repr(model("http://127.0.0.1:1/v1"))


def test_no_proxy_is_used_on_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with scripted.serving(scripted.streams("Oui.")) as server:
        assert "".join(model(server.url).stream(ASKED)) == "Oui."
    assert is_loopback("http://localhost:1/v1") and is_loopback("http://[::1]:1/v1")
    assert not is_loopback("http://127.0.0.1.exemple.fr/v1")


def test_a_local_ollama_is_found():
    with scripted.serving(scripted.stalls) as server:
        assert find_local_ollama(server.url[:-3]) == ["mistral:7b", "qwen3:4b"]
        server.tags = {"other": 1}
        assert find_local_ollama(server.url[:-3]) == []
        gone = server.url[:-3]
    assert find_local_ollama(gone) == []
