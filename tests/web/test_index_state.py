"""The index's state is compared once for all; a refresh tells how far it is and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable

from kept_answers import FakeIndex, report, skipped

from assistant.errors import CorpusError
from assistant.web.index_state import KEPT_SECONDS, IndexKeeper, progress_as_json


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_state_is_compared_once_in_a_while() -> None:
    now = [0.0]
    changed = report(added=("b.md",), renamed=(("x", "c.md"),), removed=("a.md",),
                     skipped=skipped("scanné"))  # fmt: skip
    course = FakeIndex(checked=changed)
    keeper = IndexKeeper(course, clock=lambda: now[0])
    state = keeper.state()
    assert (state.notes, state.passages, state.model) == (2, 7, "e5")
    assert state.changed == ("a.md", "b.md", "c.md")
    assert state.skipped[0].reason == "scanné"
    now[0] += KEPT_SECONDS - 1
    keeper.state()
    assert course.checks == 1
    now[0] += 2
    keeper.state()
    assert course.checks == 2
    keeper.forget()
    keeper.state()
    assert course.checks == 3


def test_a_refresh_runs_aside_and_tells_its_progress_and_report() -> None:
    course = FakeIndex(refreshed=report(added=("n.md",), skipped=skipped("illisible")))
    keeper = IndexKeeper(course)
    keeper.refresh()
    wait_for(lambda: keeper.progress.stage == "lecture")
    told = progress_as_json(keeper.progress)
    assert (told["running"], told["done"], told["total"], told["note"]) == (True, 1, 4, "a.md")
    assert keeper.state().notes == 2  # readable meanwhile
    course.go.set()
    wait_for(lambda: not keeper.progress.running)
    told = progress_as_json(keeper.progress)
    assert told["report"]["added"] == ["n.md"]
    assert told["report"]["skipped"] == [{"note": "scan.pdf", "reason": "illisible"}]
    keeper.state()
    assert course.checks == 2  # the refresh made the first comparison old


def test_a_refresh_asked_for_meanwhile_follows() -> None:
    course = FakeIndex()
    keeper = IndexKeeper(course)
    for _ in range(5):
        keeper.refresh()
    course.go.set()
    wait_for(lambda: not keeper.progress.running)
    assert course.refreshes == 2


def test_a_failure_is_told_and_the_next_refresh_runs() -> None:
    for failure, line in (
        (CorpusError("dossier absent : créez-le"), "dossier absent : créez-le"),
        (RuntimeError("/secret/path"), "Erreur inattendue : le journal du serveur en dit plus."),
    ):
        course = FakeIndex(failure=failure)
        course.go.set()
        keeper = IndexKeeper(course)
        keeper.refresh()
        wait_for(lambda keeper=keeper: bool(keeper.progress.error))
        assert keeper.progress.error == line
        course.failure = None
        keeper.refresh()
        wait_for(lambda keeper=keeper: keeper.progress.report is not None)
