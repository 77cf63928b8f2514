"""A client for any OpenAI-compatible endpoint: Ollama, llama.cpp, vLLM, LM Studio, Mistral …

It streams pieces of text and maps whatever goes wrong to one error with one line that says
why. It tries again (exponential backoff with jitter, bounded, `Retry-After` honoured) only
while nothing has been received. Closing the generator closes the connection. The key goes
into one header and nowhere else. What is left out: tools, images, several choices.
"""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.errors import AssistantError

if TYPE_CHECKING:
    import httpx

OLLAMA_URL = "http://127.0.0.1:11434"
_LONGEST_REPLY = 20_000  # characters; a model that never stops is stopped
_LONGEST_LINE = 1_000_000  # characters of one event


class Failure(StrEnum):
    """What can go wrong with a language model."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    BROKEN_OFF = "broken_off"
    REFUSED = "refused"  # 401, 403: the key
    UNKNOWN = "unknown"  # 404: the address or the model
    BUSY = "busy"  # 429
    SERVER = "server"  # 5xx, or an error told inside the stream
    REQUEST = "request"  # any other status
    NONSENSE = "nonsense"  # not the protocol
    EMPTY = "empty"


REASONS = {
    "fr": {
        Failure.UNREACHABLE: "Le modèle de langue est injoignable.",
        Failure.SLOW: "Le modèle de langue met trop de temps à répondre.",
        Failure.BROKEN_OFF: "La liaison avec le modèle de langue s'est rompue.",
        Failure.REFUSED: "Le modèle de langue refuse la clé : vérifiez ASSISTANT_LLM_KEY.",
        Failure.UNKNOWN: "Modèle ou adresse inconnus : vérifiez ASSISTANT_LLM_URL et "
        "ASSISTANT_LLM_MODEL.",
        Failure.BUSY: "Le modèle de langue est trop sollicité.",
        Failure.SERVER: "Le serveur du modèle de langue est en panne.",
        Failure.REQUEST: "Le modèle de langue n'accepte pas la demande.",
        Failure.NONSENSE: "La réponse du modèle de langue est illisible.",
        Failure.EMPTY: "Le modèle de langue n'a rien répondu.",
    },
    "en": {
        Failure.UNREACHABLE: "The language model cannot be reached.",
        Failure.SLOW: "The language model takes too long to reply.",
        Failure.BROKEN_OFF: "The connection to the language model broke off.",
        Failure.REFUSED: "The language model refuses the key: check ASSISTANT_LLM_KEY.",
        Failure.UNKNOWN: "Unknown model or address: check ASSISTANT_LLM_URL and "
        "ASSISTANT_LLM_MODEL.",
        Failure.BUSY: "The language model is overloaded.",
        Failure.SERVER: "The language model's server is failing.",
        Failure.REQUEST: "The language model does not accept the request.",
        Failure.NONSENSE: "The language model's reply cannot be read.",
        Failure.EMPTY: "The language model replied nothing.",
    },
}


class LanguageModelError(AssistantError):
    """The language model failed; `reason("en")` says why in one line."""

    def __init__(self, failure: Failure, *, retry_after: float | None = None) -> None:
        """Nothing of the request is kept: it holds the key."""
        super().__init__(REASONS["fr"][failure])
        self.failure = failure
        self.retry_after = retry_after  # seconds that the server asks to wait

    def reason(self, language: str) -> str:
        """Return one line in French or English."""
        return REASONS.get(language, REASONS["fr"])[self.failure]


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Where a model is, and how long to wait for it."""

    url: str  # base, as "http://127.0.0.1:11434/v1"
    name: str
    key: str = field(default="", repr=False)
    connect_seconds: float = 5.0
    read_seconds: float = 60.0  # between two pieces; a small machine reads the prompt slowly
    total_seconds: float = 180.0
    tries: int = 3
    backoff_seconds: float = 0.5  # before the second try, doubled for each further one
    longest_wait_seconds: float = 10.0

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int = 500,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[str]:
        """Yield the reply piece by piece; LanguageModelError when it fails."""
        deadline = time.monotonic() + self.total_seconds
        for attempt in range(1, self.tries + 1):
            received = False
            try:
                for piece in self._once(messages, max_tokens, deadline):
                    received = True
                    yield piece
                return
            except LanguageModelError as error:
                again = error.failure in (Failure.UNREACHABLE, Failure.BUSY, Failure.SERVER)
                again |= error.failure is Failure.BROKEN_OFF
                wait = self._wait(attempt, error.retry_after)
                too_late = time.monotonic() + wait > deadline or wait > self.longest_wait_seconds
                if received or not again or attempt == self.tries or too_late:
                    raise
            sleep(wait)

    def _wait(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        return float(self.backoff_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))

    def _once(
        self, messages: Sequence[dict[str, str]], max_tokens: int, deadline: float
    ) -> Iterator[str]:
        import httpx

        body = {
            "model": self.name, "messages": list(messages), "stream": True,
            "temperature": 0, "max_tokens": max_tokens,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx.Timeout(self.read_seconds, connect=self.connect_seconds)
        address = f"{self.url.rstrip('/')}/chat/completions"
        try:
            with (
                httpx.Client(timeout=timeout, trust_env=not is_loopback(self.url)) as client,
                client.stream("POST", address, json=body, headers=headers) as response,
            ):
                _check_status(response)
                yield from _pieces(response, deadline)
        except httpx.TimeoutException:
            raise LanguageModelError(Failure.SLOW) from None
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
            raise LanguageModelError(Failure.BROKEN_OFF) from None
        except httpx.DecodingError:
            raise LanguageModelError(Failure.NONSENSE) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            raise LanguageModelError(Failure.UNREACHABLE) from None


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine; no proxy of the environment is used for it."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_local_ollama(url: str = OLLAMA_URL, *, seconds: float = 0.3) -> list[str]:
    """Return the models of an Ollama on this machine, to be offered; none where there is none."""
    import httpx

    try:
        with httpx.Client(timeout=seconds, trust_env=False) as client:
            models = client.get(f"{url}/api/tags").raise_for_status().json()["models"]
        return [str(model["name"]) for model in models]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    failures = {401: Failure.REFUSED, 403: Failure.REFUSED, 404: Failure.UNKNOWN, 429: Failure.BUSY}
    failure = failures.get(status, Failure.SERVER if status >= 500 else Failure.REQUEST)
    try:
        wait = max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        wait = None
    raise LanguageModelError(failure, retry_after=wait)


def _pieces(response: httpx.Response, deadline: float) -> Iterator[str]:
    """Read server-sent events, or the one JSON document of a server that does not stream."""
    if "text/event-stream" not in response.headers.get("content-type", ""):
        piece = _content(_parsed(response.read().decode("utf-8", "replace")), "message")
        if not piece.strip():
            raise LanguageModelError(Failure.EMPTY)
        yield piece[:_LONGEST_REPLY]
        return
    length, is_said, is_ended = 0, False, False
    for line in response.iter_lines():
        if time.monotonic() > deadline:
            raise LanguageModelError(Failure.SLOW)
        if not line.startswith("data:"):
            continue  # a comment that keeps the connection alive, an event's name
        data = line[5:].strip()
        if data == "[DONE]":
            is_ended = True
            break
        if len(data) > _LONGEST_LINE:
            raise LanguageModelError(Failure.NONSENSE)
        event = _parsed(data)
        if piece := _content(event, "delta"):
            is_said |= bool(piece.strip())
            length += len(piece)
            yield piece
            if length > _LONGEST_REPLY:
                return
        is_ended |= any(choice.get("finish_reason") for choice in event.get("choices", []))
    if not is_said:
        raise LanguageModelError(Failure.EMPTY if is_ended else Failure.BROKEN_OFF)
    if not is_ended:
        raise LanguageModelError(Failure.BROKEN_OFF)


def _parsed(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError:
        raise LanguageModelError(Failure.NONSENSE) from None
    if not isinstance(event, dict):
        raise LanguageModelError(Failure.NONSENSE)
    if "error" in event:
        raise LanguageModelError(Failure.SERVER)
    return event


def _content(event: dict[str, Any], part: str) -> str:
    try:
        choices = event["choices"]
        content = choices[0].get(part, {}).get("content") if choices else None
    except (KeyError, IndexError, AttributeError, TypeError):
        raise LanguageModelError(Failure.NONSENSE) from None
    if content is not None and not isinstance(content, str):
        raise LanguageModelError(Failure.NONSENSE)
    return content or ""
