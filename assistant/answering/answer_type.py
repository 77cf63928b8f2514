"""Whether a text can hold the answer to a question that asks for a date, a number or a name.

"En quelle année", "combien" and "qui a inventé" need something that most sentences about
the same topic lack. A necessary condition, nothing more: a date in the text need not be
the one asked for. Where every text is full of dates and names, as in an
encyclopedia, this hardly helps and costs a few right answers; the notes of a course hold few
of either, and there it refuses "qui a créé Docker ?".
"""

from __future__ import annotations

import re

from assistant.analysis import fold
from assistant.answering.question_kind import QuestionKind, question_kind
from assistant.message_spelling import spelt

_MONTHS = (
    "janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|"
    "décembre|decembre|january|february|march|april|june|july|august|september|october|"
    "november|december"
)
_DATE = re.compile(
    rf"\b1\d{{3}}\b|\b20\d\d\b|\b(?:{_MONTHS}|siècles?|siecles?|centur(?:y|ies))\b"
    r"|\d+\s*(?:ans?|av|ap|years?)\b|\d{1,2}/\d{1,2}/\d{2,4}|\d\s?h(?:eures?)?\b",
    re.I,
)
_NUMBER = re.compile(
    r"\d|\b(?:une? seule?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quinze|vingt|"
    r"trente|quarante|cinquante|soixante|cent|mille|millions?|milliards?|moitié|tiers|quart|"
    r"double|triple|one|two|three|four|five|six|seven|eight|nine|ten|hundred|"
    r"thousand|half)\b",
    re.I,
)
_ASKS_DATE = re.compile(
    r"\b(?:quelle|en quelle|à quelle|what|which) (?:année|annee|date|époque|year)\b"
    r"|^\W*(?:depuis |jusqu['’]à )?quand (?:a|ont|est|sont|fut|furent|était|a-t|s['’]est)\b"
    r"|^\W*when (?:was|were|did)\b",
    re.I,
)
_ASKS_NUMBER = re.compile(r"\bcombien\b|\bhow (?:many|much)\b", re.I)
_ASKS_PERSON = re.compile(
    r"\bqui (?:a|ont|fut|furent)\b|\bpar qui\b|^\W*who (?!is\b|are\b|can\b|does\b)\w+", re.I
)
_CAPITAL = r"[A-ZÀ-Þ][\w'’-]+"
_NAMES = (  # a full name; who something was made by; who did it
    re.compile(rf"\b({_CAPITAL})\s+(?:(?:de|du|des|van|von|le|la|of|the)\s+|d['’])?({_CAPITAL})"),
    re.compile(rf"(?<!permet )\b(?:par|by|chez|selon|de|d['’])\s+({_CAPITAL})"),  # not a verb
    re.compile(rf"\b({_CAPITAL})\s+(?:a|ont|fut|has|was)\b"),
)
_CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1|`[^`\n]+`", re.S | re.M)


def can_answer(question: str, text: str) -> bool:
    """Whether `text` holds a date, number or name where `question` asks for one."""
    question = spelt(question)
    kind = question_kind(question)
    if kind is QuestionKind.WHEN and _ASKS_DATE.search(question):
        return bool(_DATE.search(text))
    if kind is QuestionKind.QUANTITY and _ASKS_NUMBER.search(question):
        return bool(_NUMBER.search(text))
    if kind is QuestionKind.WHO and _ASKS_PERSON.search(question):
        return _names_someone(question, text)
    return True


def _names_someone(question: str, text: str) -> bool:
    """Whether a word inside a sentence is a name that the question does not hold."""
    known = [word for word in map(fold, re.findall(r"\w+", question)) if len(word) > 3]
    prose = _CODE.sub(" ", text)
    return any(
        not any(word in fold(name) for word in known for name in found.groups())
        for pattern in _NAMES
        for found in pattern.finditer(prose)
    )
