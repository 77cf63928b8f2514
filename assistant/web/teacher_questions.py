"""What readers asked, counted by day and put together where it is nearly the same.

Questions are compared by their index terms: "À quoi sert un volume ?" and "c'est quoi les
volumes" are one group. Leaves out meaning: two ways to ask without a common word stay two.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from assistant.analysis import analyse, fold
from assistant.datatypes import Suggestion
from assistant.web.feedback import Asked, Opinion

SAME = 0.75  # shared terms of all terms, from which two questions are one
_NEAREST = 3  # sections shown for a group


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that are nearly the same."""

    question: str  # the wording used most, the newest of those used equally
    wordings: int
    count: int
    refused: int
    last: int  # seconds since the epoch, a whole hour
    confidence: float  # mean
    nearest: tuple[Suggestion, ...]  # the sections offered most


@dataclass(frozen=True, slots=True)
class Day:
    """What was asked on one day."""

    day: date
    answered: int
    refused: int


def gather(questions: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Positions of nearly the same (question, language), the most frequent first.

    Sets of terms with a Jaccard index of `SAME` or more share one of their rarest terms
    (prefix filtering, Bayardo et al. 2007), so that a word all questions hold costs nothing.
    """
    exact: dict[frozenset[str], list[int]] = defaultdict(list)
    for position, (question, language) in enumerate(questions):
        exact[_terms(question, language)].append(position)
    frequency = Counter(term for terms in exact for term in terms)
    members: list[list[int]] = []
    kept: list[frozenset[str]] = []
    by_term: dict[str, list[int]] = defaultdict(list)
    for terms, same in sorted(exact.items(), key=lambda pair: (-len(pair[1]), pair[1])):
        rarest = sorted(terms, key=lambda term: (frequency[term], term))
        probed = rarest[: len(terms) - math.ceil(SAME * len(terms)) + 1]
        near = [
            (len(terms & kept[index]) / len(terms | kept[index]), -index)
            for index in {index for term in probed for index in by_term[term]}
        ]
        if near and max(near)[0] >= SAME:
            members[-max(near)[1]].extend(same)
            continue
        for term in probed:
            by_term[term].append(len(kept))
        kept.append(terms)
        members.append(list(same))
    return sorted((sorted(same) for same in members), key=lambda same: (-len(same), same))


def group_questions(asked: Sequence[Asked]) -> list[Group]:
    """Groups of nearly the same questions, the largest first."""
    gathered = gather([(one.question, one.language) for one in asked])
    groups = [_group([asked[position] for position in same]) for same in gathered]
    return sorted(groups, key=lambda group: (-group.count, -group.last, group.question))


def group_opinions(opinions: Sequence[Opinion]) -> list[list[Opinion]]:
    """Opinions on answers to nearly the same question, the most frequent first."""
    gathered = gather([(opinion.question, "fr") for opinion in opinions])
    return [[opinions[position] for position in same] for same in gathered]


def count_days(hours: Iterable[tuple[int, bool]], days: int, today: date) -> list[Day]:
    """Count (hour, is it the first kind) by local day, for the last `days` days."""
    first: Counter[date] = Counter()
    second: Counter[date] = Counter()
    for hour, is_first in hours:
        (first if is_first else second)[datetime.fromtimestamp(hour).date()] += 1
    every = (today - timedelta(days=back) for back in range(days - 1, -1, -1))
    return [Day(day, first[day], second[day]) for day in every]


@lru_cache(maxsize=20_000)
def _terms(question: str, language: str) -> frozenset[str]:
    """The terms of a question; the question itself where it holds none."""
    found = frozenset(term.term for term in analyse(question, language))
    return found or frozenset([f" {' '.join(fold(question).split())}"])


def _group(same: list[Asked]) -> Group:
    wordings = Counter(" ".join(one.question.split()) for one in same)
    sections = Counter(near for one in same for near in one.nearest)
    return Group(
        question=wordings.most_common(1)[0][0],
        wordings=len(wordings),
        count=len(same),
        refused=sum(not one.answered for one in same),
        last=max(one.hour for one in same),
        confidence=sum(one.confidence for one in same) / len(same),
        nearest=tuple(section for section, _ in sections.most_common(_NEAREST)),
    )
