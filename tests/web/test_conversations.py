"""Conversations: nobody reads another's, nothing is lost by a kill, searches are data."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from clock import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_answers import HOSTILE, answered, refused

from assistant.errors import SettingsError
from assistant.web.conversations import (
    Conversations,
    Keep,
    answer_from_json,
    answer_to_json,
    title_of,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000_000.0)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Conversations:
    return Conversations(tmp_path, clock=clock)


def test_a_turn_comes_back_as_it_was_also_after_a_restart(
    store: Conversations, tmp_path: Path, clock: Clock
) -> None:
    first = store.add("anna", None, "Qu'est-ce ?", answered("Qu'est-ce ?"))
    second = store.add(
        "anna", first.conversation, "et lui ?", refused("x"), standalone="Et le noyau ?"
    )
    store.close()
    again = Conversations(tmp_path, clock=clock)
    turns = again.turns("anna", first.conversation)
    assert turns == [first, second]
    assert turns[0].answer == answered("Qu'est-ce ?")
    assert [turn.number for turn in turns] == [1, 2]
    assert turns[1].standalone == "Et le noyau ?"
    assert turns[1].answer.suggestions == refused("x").suggestions
    latest = again.latest("anna")
    assert latest is not None and (latest.title, latest.turns) == ("Qu'est-ce ?", 2)


def test_another_session_sees_changes_and_deletes_nothing(store: Conversations) -> None:
    turn = store.add("anna", None, "secret de noyau", answered("secret"))
    for session in ("bob", "", "ann", "anna%", "' OR 1=1 --"):
        assert store.of(session) == []
        assert store.latest(session) is None
        assert store.search(session, "secret") == []
        for attempt in (
            lambda s: store.turns(s, turn.conversation),
            lambda s: store.get(s, turn.conversation),
            lambda s: store.turn(s, turn.id),
            lambda s: store.rename(s, turn.conversation, "pris"),
            lambda s: store.delete(s, turn.conversation),
        ):
            with pytest.raises(KeyError):
                attempt(session)
    other = store.add("bob", turn.conversation, "je m'invite", answered("x"))
    assert other.conversation != turn.conversation
    assert [t.question for t in store.turns("anna", turn.conversation)] == ["secret de noyau"]
    assert store.get("anna", turn.conversation).title == "secret de noyau"


def test_rename_and_delete(store: Conversations, tmp_path: Path) -> None:
    kept = store.add("anna", None, "premier", answered("x")).conversation
    gone = store.add("anna", None, "motunique", answered("x")).conversation
    assert store.rename("anna", kept, "  Mon\ntitre \x00 ").title == "Mon titre"
    assert store.rename("anna", kept, " \n ").title == "Mon titre"
    assert [c.id for c in store.search("anna", "titre")] == [kept]
    store.delete("anna", gone)
    with pytest.raises(KeyError):
        store.delete("anna", gone)
    assert store.search("anna", "motunique") == []
    assert [c.id for c in store.of("anna")] == [kept]
    store.close()
    kept_bytes = b"".join(path.read_bytes() for path in tmp_path.glob("conversations.sqlite*"))
    assert b"motunique" not in kept_bytes and b"premier" in kept_bytes


def test_search_ignores_accents_and_takes_beginnings_and_says_where(store: Conversations) -> None:
    one = store.add("anna", None, "La sécurité du démon ?", answered("x", "rien ici"))
    store.add("anna", one.conversation, "suite", answered("x", "une forêt de processus"))
    two = store.add("anna", None, "Autre chose", answered("x", "l'été"))
    assert [c.id for c in store.search("anna", "SECURITE demon")] == [one.conversation]
    assert [c.id for c in store.search("anna", "foret proc")] == [one.conversation]
    assert "forêt" in store.search("anna", "foret")[0].excerpt
    assert store.search("anna", "sécurité forêt") == []  # not in one turn
    assert [c.id for c in store.search("anna", "autre ch")] == [two.conversation]


@pytest.mark.parametrize(
    "words",
    ['"', '" OR "a', "question:x", "a NEAR b", "*", "a*", "-x", "(", "a AND", "^a", "NOT", "%",
     "'; DROP TABLE turns; --", "\0", "\ud800", "{a b}: c", "a + b", "", "x" * 100_000],
)  # fmt: skip
def test_a_search_is_never_syntax(store: Conversations, words: str) -> None:
    store.add("anna", None, "le noyau", answered("x", "rien"))
    assert store.search("anna", words) == []
    assert len(store.of("anna")) == 1


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(st.characters(), min_size=1, max_size=60))
def test_any_question_can_be_kept_found_and_read(store: Conversations, question: str) -> None:
    turn = store.add("anna", None, question, answered(question, question))
    read = store.turn("anna", turn.id)
    expected = question.encode("utf-8", "replace").decode().replace("\0", " ")
    assert read.question == expected
    store.search("anna", question)


def test_hostile_text_is_kept_as_text(store: Conversations) -> None:
    turn = store.add("anna", None, HOSTILE, answered(HOSTILE, HOSTILE))
    assert store.turn("anna", turn.id).question == HOSTILE
    assert store.turn("anna", turn.id).answer.citations[0].quote == HOSTILE


def test_limits_drop_the_oldest(tmp_path: Path, clock: Clock) -> None:
    keep = Keep(turns=3, conversations=2, all_turns=100, days=10)
    store = Conversations(tmp_path, keep=keep, clock=clock)
    long = store.add("anna", None, "0", answered("0")).conversation
    for number in range(1, 6):
        clock.now += 1
        store.add("anna", long, str(number), answered("x"))
    assert [(t.number, t.question) for t in store.turns("anna", long)] == [
        (4, "3"), (5, "4"), (6, "5"),
    ]  # fmt: skip
    for title in ("b", "c"):
        clock.now += 1
        store.add("anna", None, title, answered("x"))
    assert [c.title for c in store.of("anna")] == ["c", "b"]


def test_untouched_conversations_are_dropped_touched_ones_stay(
    tmp_path: Path, clock: Clock
) -> None:
    store = Conversations(tmp_path, keep=Keep(days=10), clock=clock)
    store.add("anna", None, "abandonnée", answered("x"))
    kept = store.add("bob", None, "suivie", answered("x")).conversation
    clock.now += 9 * 24 * 3600
    store.add("bob", kept, "encore", answered("x"))
    clock.now += 2 * 24 * 3600
    store.add("carl", None, "autre", answered("x"))
    assert store.of("anna") == []
    assert [c.turns for c in store.of("bob")] == [2]


def test_the_file_is_bounded_whoever_fills_it(tmp_path: Path, clock: Clock) -> None:
    store = Conversations(tmp_path, keep=Keep(all_turns=20), clock=clock)
    for number in range(50):
        clock.now += 3600
        store.add(f"session{number}", None, "q", answered("x"))
    alive = [n for n in range(50) if store.of(f"session{n}")]
    assert alive == list(range(30, 50))


def test_an_answer_of_another_version_is_still_read() -> None:
    kept = json.loads(answer_to_json(answered("q")))
    kept["new_field"] = 1
    kept["citations"][0]["new_field"] = 2
    del kept["see_also"], kept["citations"][0]["score"]
    read = answer_from_json(json.dumps(kept))
    assert read.citations[0].quote == answered("q").citations[0].quote
    assert read.see_also == ()


def test_titles_are_one_printable_line_cut_between_words() -> None:
    assert title_of("a\u202eb\n\tc\0") == "a b c"
    assert title_of("mot " * 100).endswith("mot…")
    assert len(title_of("mot " * 100)) <= 80
    assert title_of("x" * 200) == "x" * 79 + "…"


def test_many_threads_write_one_conversation(store: Conversations) -> None:
    conversation = store.add("anna", None, "0", answered("x")).conversation

    def write() -> None:
        for _ in range(20):
            store.add("anna", conversation, "q", answered("x"))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [t.number for t in store.turns("anna", conversation)] == list(range(1, 122))


def test_a_killed_process_loses_no_turn_that_was_added(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\nfrom kept_answers import answered\n"
        "from assistant.web.conversations import Conversations\n"
        "store = Conversations(Path(sys.argv[1]))\nconversation = None\n"
        "for number in range(25):\n"
        "    turn = store.add('anna', conversation, str(number), answered('x'))\n"
        "    conversation = turn.conversation\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(Path(__file__).parent)], cwd=ROOT
    )
    assert done.returncode == -9
    store = Conversations(tmp_path)
    (conversation,) = store.of("anna")
    assert [t.question for t in store.turns("anna", conversation.id)] == [
        str(number) for number in range(25)
    ]


def test_a_file_that_is_no_database_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "conversations.sqlite").write_bytes(b"not a database, far from it" * 200)
    with pytest.raises(SettingsError, match="ASSISTANT_DATA"):
        Conversations(tmp_path)
