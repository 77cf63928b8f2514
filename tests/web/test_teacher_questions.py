"""Grouping, counting and drawing what was asked."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from kept_answers import HOSTILE, refused

from assistant.web.feedback import Asked, Opinion
from assistant.web.teacher_charts import bars
from assistant.web.teacher_questions import (
    SAME,
    Day,
    count_days,
    gather,
    group_opinions,
    group_questions,
)
from assistant.web.teacher_texts import TEACHER_TEXTS


def asked(question: str, hour: int = 0, answered: bool = True, near: str = "") -> Asked:
    nearest = refused("x", near).suggestions if near else ()
    return Asked(hour, question, "fr", answered, 0.5, nearest)


def test_nearly_identical_questions_are_one_group() -> None:
    groups = group_questions(
        [
            asked("À quoi sert un volume Docker ?", 3600),
            asked("a quoi servent les volumes docker", 7200, answered=False, near="A"),
            asked("C'est quoi les volumes de Docker ?", 0),
            asked("À quoi sert un volume Docker ?", 0, answered=False, near="A"),
            asked("Comment arrêter un conteneur ?"),
            asked("Comment démarrer un conteneur ?"),
            asked("???"),
            asked(" ??? "),
        ]
    )
    assert [(g.question, g.count, g.refused, g.last, g.wordings) for g in groups[:2]] == [
        ("À quoi sert un volume Docker ?", 4, 2, 7200, 3),
        ("???", 2, 0, 0, 1),
    ]
    assert [near.title for near in groups[0].nearest] == ["A"]
    assert {g.question for g in groups[2:]} == {
        "Comment arrêter un conteneur ?", "Comment démarrer un conteneur ?",
    }  # fmt: skip


def test_opinions_are_put_together_by_their_question() -> None:
    def opinion(question: str, reason: str) -> Opinion:
        return Opinion(0, False, reason, question, "réponse", ())

    first, second, third = (
        opinion("Une image ?", "a"),
        opinion("À quoi sert un volume ?", "b"),
        opinion("a quoi servent les volumes", "c"),
    )
    assert group_opinions([first, second, third]) == [[second, third], [first]]


@given(st.lists(st.text(max_size=30), max_size=30))
def test_no_question_is_lost_or_counted_twice(questions: list[str]) -> None:
    groups = group_questions([asked(question) for question in questions])
    assert sum(group.count for group in groups) == len(questions)


@given(st.lists(st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=8), max_size=25))
def test_gathering_agrees_with_comparing_each_with_each(questions: list[list[str]]) -> None:
    words = {letter: f"mot{letter.lower()}" * 2 for letter in "ABCDEFGH"}
    texts = [" ".join(words[letter] for letter in question) for question in questions]
    sets: dict[frozenset[str], list[int]] = {}
    for position, question in enumerate(questions):
        sets.setdefault(frozenset(question), []).append(position)
    groups: list[tuple[frozenset[str], list[int]]] = []
    for terms, positions in sorted(sets.items(), key=lambda pair: (-len(pair[1]), pair[1])):
        scores = [len(terms & seed) / len(terms | seed) for seed, _ in groups]
        if scores and max(scores) >= SAME:
            groups[scores.index(max(scores))][1].extend(positions)
        else:
            groups.append((terms, list(positions)))
    expected = sorted(sorted(positions) for _, positions in groups)
    assert sorted(gather([(text, "fr") for text in texts])) == expected


def test_days_are_local_and_complete() -> None:
    today = date(2026, 3, 30)
    noon = int(datetime(2026, 3, 29, 12).timestamp())
    days = count_days([(noon, True), (noon, False), (noon, True), (0, True)], 3, today)
    assert days == [
        Day(date(2026, 3, 28), 0, 0), Day(date(2026, 3, 29), 2, 1), Day(today, 0, 0),
    ]  # fmt: skip


def test_bars_stand_on_each_other_in_proportion() -> None:
    days = [Day(date(2026, 1, 1) + timedelta(days=n), n, 2 * n) for n in range(30)]
    chart = ElementTree.fromstring(bars(days, title=HOSTILE, first="oui", second="non"))
    assert chart.attrib["aria-label"] == f"{HOSTILE} : 435 oui, 870 non"
    rects = chart.findall("rect")
    assert len(rects) == 58
    last_first, last_second = rects[-2:]
    height = float(last_first.attrib["height"]), float(last_second.attrib["height"])
    assert abs(height[1] - 2 * height[0]) < 0.2
    assert abs(
        float(last_second.attrib["y"]) + height[1] - float(last_first.attrib["y"])
    ) < 0.2  # fmt: skip
    assert all(float(r.attrib["y"]) >= 0 and 0 <= float(r.attrib["x"]) <= 720 for r in rects)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=400))
def test_a_chart_is_well_formed_whatever_the_counts(counts: list[tuple[int, int]]) -> None:
    days = [Day(date(2026, 1, 1) + timedelta(days=n), *pair) for n, pair in enumerate(counts)]
    chart = ElementTree.fromstring(bars(days, title="t", first="a", second="b"))
    assert 1 <= len(chart.findall("line")) <= 5
    assert all(float(r.attrib["height"]) <= 150 for r in chart.findall("rect"))


def test_both_languages_say_the_same() -> None:
    assert TEACHER_TEXTS["fr"].keys() == TEACHER_TEXTS["en"].keys()
