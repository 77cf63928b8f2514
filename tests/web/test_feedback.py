"""Feedback: one opinion an answer, no session anywhere, bounded in time and number."""

from __future__ import annotations

from pathlib import Path

import pytest
from clock import Clock
from kept_answers import HOSTILE, answered, refused

from assistant.web.conversations import Conversations
from assistant.web.feedback import REASON, Cited, Feedback, Keep, rate

HOUR = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000 * HOUR + 1234.5)


@pytest.fixture
def feedback(tmp_path: Path, clock: Clock) -> Feedback:
    return Feedback(tmp_path, clock=clock)


def test_a_question_is_logged_with_its_hour_and_nearest_sections(
    feedback: Feedback, clock: Clock
) -> None:
    feedback.log("Qu'est-ce ?", answered("x"))
    feedback.log(HOSTILE, refused("x"))
    latest, first = feedback.asked()
    assert (first.question, first.answered, first.confidence, first.nearest) == (
        "Qu'est-ce ?", True, 0.9, (),
    )  # fmt: skip
    assert (latest.question, latest.answered) == (HOSTILE, False)
    assert latest.nearest == refused("x").suggestions
    assert latest.hour == 1_000_000 * HOUR
    assert feedback.asked(since=clock.now + HOUR) == []


def test_a_change_of_mind_overwrites_and_can_be_taken_back(
    tmp_path: Path, feedback: Feedback
) -> None:
    conversations = Conversations(tmp_path)
    turn = conversations.add("anna", None, "et lui ?", answered("x", "la preuve"),
                             standalone="et le noyau ?")  # fmt: skip
    rate(conversations, feedback, "anna", turn.id, True)
    rate(conversations, feedback, "anna", turn.id, False, f"  faux{HOSTILE}" + "é" * 5000)
    (opinion,) = feedback.opinions()
    assert (opinion.liked, opinion.question) == (False, "et le noyau ?")
    assert opinion.reason.startswith(f"faux{HOSTILE}") and len(opinion.reason) == REASON
    assert opinion.citations == (Cited("cours/noyau.md", 3, 4, "la preuve"),)
    assert feedback.opinion(turn.id) == (False, opinion.reason)
    rate(conversations, feedback, "anna", turn.id, None)
    assert feedback.opinions() == [] and feedback.opinion(turn.id) is None


def test_nobody_judges_for_another(tmp_path: Path, feedback: Feedback) -> None:
    conversations = Conversations(tmp_path)
    turn = conversations.add("anna", None, "q", answered("x"))
    rate(conversations, feedback, "anna", turn.id, True)
    for session, answer_id in (("bob", turn.id), ("anna", "inventé"), ("anna", "' OR '1'='1")):
        for liked in (False, None):
            with pytest.raises(KeyError):
                rate(conversations, feedback, session, answer_id, liked)
    assert [opinion.liked for opinion in feedback.opinions()] == [True]


def test_no_session_is_written(tmp_path: Path, feedback: Feedback) -> None:
    (tmp_path / "other").mkdir()
    conversations = Conversations(tmp_path / "other")
    session = "session-name-of-anna"
    turn = conversations.add(session, None, "q", answered("x"))
    feedback.log("q", turn.answer)
    rate(conversations, feedback, session, turn.id, True)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("feedback.sqlite*"))
    assert session.encode() not in written


def test_the_old_and_the_many_are_dropped(tmp_path: Path, clock: Clock) -> None:
    feedback = Feedback(tmp_path, keep=Keep(days=10, questions=5, opinions=3), clock=clock)
    for number in range(10):
        clock.now += HOUR
        feedback.log(str(number), answered("x"))
        feedback.give(str(number), str(number), answered("x"), False, "")
    clock.now += HOUR
    feedback.log("10", answered("x"))
    assert [one.question for one in feedback.asked()] == ["10", "9", "8", "7", "6"]
    assert [one.question for one in feedback.opinions()] == ["9", "8", "7"]
    clock.now += 11 * 24 * HOUR
    feedback.log("neuf", answered("x"))
    assert [one.question for one in feedback.asked()] == ["neuf"]
    assert feedback.opinions() == []
