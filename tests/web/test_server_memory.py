"""A server that is asked for hours holds no more than what its readers' pages need."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fake_course import FakeCourse
from running_chat import running

from assistant.web import chat

QUESTION = "Que fait un namespace ?"


class Reader:
    """Asks as the page does, each time to the end of the answer."""

    def __init__(self, address: str, session: str) -> None:
        self.address, self.session = address, session
        events = httpx.get(f"{address}/config", timeout=60).json()["dependencies"]
        self.respond = next(e["id"] for e in events if any(t[1] == "submit" for t in e["targets"]))

    def ask(self, question: str = QUESTION) -> dict[str, Any]:
        """The last message: the answer is complete."""
        httpx.post(
            f"{self.address}/gradio_api/queue/join",
            json={
                "data": [question, None, None],
                "fn_index": self.respond,
                "session_hash": self.session,
            },
            timeout=60,
        ).raise_for_status()
        events = f"{self.address}/gradio_api/queue/data?session_hash={self.session}"
        with httpx.stream("GET", events, timeout=60) as stream:
            for line in stream.iter_lines():
                if "process_completed" in line:
                    message: dict[str, Any] = json.loads(line.removeprefix("data:"))
                    assert message["success"]
                    return message
        raise AssertionError("no answer")


@pytest.fixture
def address() -> Iterator[str]:
    note = "# Noyau\n- un namespace isole les processus\n- un cgroup limite les ressources\n"
    with running(FakeCourse({"a.md": note})) as address:
        yield address


def living(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def test_turns_leave_no_components_behind(address: str) -> None:
    from gradio.blocks import Block

    reader = Reader(address, "talker")
    for _ in range(3):
        reader.ask()
    before = living(Block)
    for turn in range(12):
        reader.ask("" if turn % 3 == 0 else QUESTION)  # a question refused at once leaves none too
    assert living(Block) <= before + 2  # of what is being let go of


def test_pages_beyond_the_limit_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio.state_holder import SessionState

    monkeypatch.setattr(chat, "PAGES_REMEMBERED", 4)
    with running(FakeCourse({"a.md": "# Noyau\n- un namespace isole\n"})) as address:
        before = living(SessionState)
        for number in range(12):
            Reader(address, f"page-{number}").ask()
        assert living(SessionState) <= before + 4 + 1  # and the one that comes in


def test_answers_are_not_counted_in_a_table_that_grows(address: str) -> None:
    from gradio.queueing import Queue

    reader = Reader(address, "counted")
    for _ in range(5):
        reader.ask()
    queues = [thing for thing in gc.get_objects() if isinstance(thing, Queue)]
    assert queues
    assert all(len(queue.event_analytics) <= 1 for queue in queues)
    assert all(queue.cached_event_analytics_summary == {"functions": {}} for queue in queues)
