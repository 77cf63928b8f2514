"""A reader's conversation behind the page: kept, found again, private, and robust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_course import FakeCourse
from hypothesis import given
from hypothesis import strategies as st
from kept_answers import FakeIndex, report

from assistant.datatypes import Answer, Citation
from assistant.errors import FilterError, SettingsError
from assistant.retrieval.filters import Filters
from assistant.web import sources
from assistant.web.conversing import Conversing
from assistant.web.keeping import Keeping
from assistant.web.memory import TURNS_SHOWN, Memory
from assistant.web.metrics import MeasuredCourse, Metrics
from assistant.web.reader_settings import SOURCES, ReaderSettings
from assistant.web.replies import shown_answer
from assistant.web.texts import TEXTS

NOTE = "# Noyau\n- un namespace isole les processus\n- un processus calcule\n"
QUESTION = "À quoi sert un namespace ?"


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    (tmp_path / "corpus").mkdir()
    opened = Keeping.open(
        tmp_path / "data", course=FakeIndex(), corpus=tmp_path / "corpus", password=None
    )
    yield opened
    opened.close()


@pytest.fixture
def conversing(keeping: Keeping) -> Conversing:
    return Conversing(FakeCourse({"a.md": NOTE}), keeping)


def ask(conversing: Conversing, memory: Memory, question: str, session: str | None = "one") -> Any:
    settings = ReaderSettings()
    *_, last = conversing.ask(memory, question, session=session, settings=settings, language="fr")
    return last


def test_a_conversation_is_found_again_with_its_panels(conversing: Conversing) -> None:
    memory = Memory(begun=True)
    first = ask(conversing, memory, QUESTION)
    second = ask(conversing, memory, "Que calcule un processus ?")
    restored, panels = conversing.latest("one", "fr")
    assert restored == memory
    assert [panel["turn"] for panel in panels] == [1, 2]
    assert [panel["sources"] for panel in panels] == [
        first.panel["sources"],
        second.panel["sources"],
    ]
    assert panels[0]["answer"] == first.panel["answer"] != ""


def test_a_conversation_belongs_to_one_session(conversing: Conversing) -> None:
    ask(conversing, memory := Memory(begun=True), QUESTION)
    assert memory.conversation is not None
    assert conversing.latest("two", "fr") == (Memory(begun=True), [])
    for session in ("two", None):
        assert conversing.kept(session) == []
        conversing.delete(session, memory.conversation)
        conversing.rename(session, memory.conversation, "volé")
        with pytest.raises(KeyError):
            conversing.opened(session, memory.conversation, "fr")
    assert [known["title"] for known in conversing.kept("one")] == [QUESTION]


def test_without_a_session_the_answer_is_shown_and_only_the_question_is_counted(
    conversing: Conversing, keeping: Keeping
) -> None:
    reply = ask(conversing, Memory(begun=True), QUESTION, session=None)
    assert "namespace isole" in reply.turn.answer
    assert reply.panel["answer"] == ""
    assert [asked.question for asked in keeping.feedback.asked()] == [QUESTION]


def test_what_cannot_be_stored_is_answered_and_numbers_stay_apart(
    conversing: Conversing, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(begun=True)
    ask(conversing, memory, QUESTION)
    with monkeypatch.context() as broken:
        broken.setattr(type(keeping.conversations), "add", _full)
        reply = ask(conversing, memory, QUESTION)
    assert "namespace isole" in reply.turn.answer
    ask(conversing, memory, QUESTION)
    numbers = [turn.number for turn in memory.turns]
    assert len(set(numbers)) == 3
    assert len(conversing.kept("one")) == 1


def _full(*_: Any, **__: Any) -> None:
    raise SettingsError("disque plein")


def test_thanks_are_not_a_question_for_the_teacher(
    conversing: Conversing, keeping: Keeping
) -> None:
    thanks = Answer("merci", "fr", False, 0.0, "Avec plaisir.", (), ())
    conversing.course = _Fixed([thanks])
    reply = ask(conversing, Memory(begun=True), "merci")
    assert reply.turn.answer == "Avec plaisir."
    assert keeping.feedback.asked() == []


class _Fixed(FakeCourse):
    """Streams given answers, or raises."""

    def __init__(self, answers: list[Answer], failure: Exception | None = None) -> None:
        super().__init__({"a.md": NOTE}, failure)
        self.answers = answers

    def stream(self, question: str, **options: Any) -> Iterator[Answer]:
        yield from self.answers
        if self.failure:
            raise self.failure


def test_a_growing_answer_is_stored_and_counted_once(
    conversing: Conversing, keeping: Keeping
) -> None:
    whole = FakeCourse({"a.md": NOTE}).ask(QUESTION)
    growing = [replace(whole, text="Début [1]"), replace(whole, text="Début [1] et fin [1]")]
    metrics = Metrics()
    conversing.course = MeasuredCourse(_Fixed(growing), metrics)
    memory = Memory(begun=True)
    replies = list(
        conversing.ask(memory, QUESTION, session="one", settings=ReaderSettings(), language="fr")
    )
    assert replies[0].turn.answer == "Début [[1]](#src-1-1)"
    assert len(memory.turns) == 1
    assert conversing.kept("one")[0]["turns"] == 1
    answered = metrics.registry.get_sample_value(
        "assistant_questions_total", {"outcome": "answered"}
    )
    assert answered == 1


def test_a_course_that_left_is_told_and_other_failures_are_not_detailed(
    conversing: Conversing,
) -> None:
    conversing.course = _Fixed([], FilterError("Aucun cours « x » : il y a y."))
    memory = Memory(begun=True)
    assert "il y a y." in ask(conversing, memory, QUESTION).turn.answer
    conversing.course = _Fixed([], RuntimeError("/secret"))
    assert ask(conversing, memory, QUESTION).turn.answer == TEXTS["fr"]["error"]
    assert memory.leaned_on() == []
    assert conversing.kept("one") == []


def test_only_the_last_turns_are_on_the_page(conversing: Conversing) -> None:
    memory = Memory(begun=True)
    for _ in range(TURNS_SHOWN + 3):
        ask(conversing, memory, QUESTION)
    assert [turn.number for turn in memory.turns] == list(range(4, TURNS_SHOWN + 4))
    assert conversing.latest("one", "fr")[0].turns == memory.turns


def test_the_index_line_counts_notes_that_changed(keeping: Keeping) -> None:
    index = keeping.index._course
    assert isinstance(index, FakeIndex)
    conversing = Conversing(FakeCourse({"a.md": NOTE}), keeping)
    assert conversing.index_line("fr") == "2 notes · 7 passages · modèle e5 · à jour"
    index.checked = report(changed=("a.md",), added=("b.md", "c.md"))
    keeping.index.forget()
    assert conversing.index_line("fr").endswith("3 notes ont changé")
    assert conversing.index_line("en").endswith("3 notes have changed")


def test_courses_are_offered_where_there_are_several() -> None:
    one = FakeCourse({"a/x.md": "", "y.md": ""})
    two = FakeCourse({"b/x.md": "", "a/x.md": "", "y.md": ""})
    assert Conversing(one, None).choices()["courses"] == []
    assert Conversing(two, None).choices()["courses"] == ["a", "b"]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(SOURCES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
_NAMES = ("sources", "language", "use_model", "course")


@given(_ANYTHING | st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _ANYTHING)))
def test_whatever_a_browser_sends_the_settings_are_ours(value: Any) -> None:
    settings = ReaderSettings.read(value)
    assert settings.sources in SOURCES
    assert type(settings.sources) is int
    assert settings.language in (None, "fr", "en")
    assert isinstance(settings.course, str)
    assert isinstance(settings.use_model, bool)


def test_settings_become_options() -> None:
    value = {"sources": 8, "language": "en", "use_model": False, "course": "réseau"}
    assert ReaderSettings.read(value).options() == {
        "k": 8,
        "use_model": False,
        "language": "en",
        "filters": Filters(courses=("réseau",)),
    }


def test_an_answer_shows_how_it_was_understood_written_and_where_to_go_on() -> None:
    answer = Answer(
        "et <b> ?", "fr", True, 0.9, "Un mot [1].", (), (), standalone="à quoi sert <b> ?",
        see_also=(("c/é (1).md", "Titre [x](http://e)"),), model="petit <i>", notice="une ligne",
    )  # fmt: skip
    assert shown_answer(2, answer, []).split("\n\n") == [
        "<small>Compris comme : à quoi sert &#60;b&#62; ?</small>",
        "Un mot &#91;1&#93;.",
        "Voir aussi : [Titre &#91;x&#93;(http&#58;//e)](/notes/c/%C3%A9%20%281%29.md)",
        "<small>Rédigé par petit &#60;i&#62; ; chaque phrase est prouvée par les notes.</small>",
        "<small>une ligne</small>",
    ]


@pytest.mark.parametrize(
    ("unit", "place", "english"),
    [("page", "p. 12", "p. 12"), ("slide", "diapo 12", "slide 12"),
     ("cell", "cellule 12", "cell 12"), ("sheet", "feuille 12", "sheet 12"),
     ("chapter", "chapitre 12", "chapter 12")],
)  # fmt: skip
def test_a_place_is_named_by_its_unit(unit: Any, place: str, english: str) -> None:
    cited = Citation(1, "a.md", "A", (), 0, 7, 3, 3, 12, "# Noyau", unit=unit)
    answer = Answer("q", "fr", True, 0.9, "# Noyau [1]", (cited,), ())
    note = FakeCourse({"a.md": NOTE}).note
    assert sources.panel(1, answer, note, "fr")["sources"][0]["place"] == place
    assert sources.panel(1, answer, note, "en")["sources"][0]["place"] == english
