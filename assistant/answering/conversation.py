"""Follow-up questions made standalone from what was asked before, without a model.

"et ses limites ?", "pourquoi ?", "et pour les volumes ?" are completed with the topic of
the question before, or of its answer. A line that leans on what was said in a way that no
rule knows is looked for with that topic beside it. A question that is complete is returned
word for word: completing one wrongly is worse than leaving one alone. Nothing is read or
computed but the words of the questions and of the quotations, in about a millisecond.

A rule may take the wrong thing for the topic; the questions themselves, one after the
other, always hold the right one among others. `read_together` returns that second reading
of a follow-up, and `assistant.retrieval.readings` looks for both at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.analysis import analyse
from assistant.answering import english_follow_ups, french_follow_ups
from assistant.answering.frames import FRAMES
from assistant.answering.noun_phrases import unaccented
from assistant.answering.question_topic import COURTESY, Asked, plain, take_apart
from assistant.answering.spoken_of import apart, beside, leans, parted, shown
from assistant.datatypes import Answer
from assistant.language import detect_language

_MOST_TERMS = 60  # of one answer, kept for the next question
_MOST_SUBJECTS = 4
_SUBJECT_WORDS = 5
_MOST_TOGETHER = 3  # questions before a follow-up that are looked for with it
_LONGEST_TOGETHER = 1_200  # characters: the model would cut off the last line, the one asked
_MOST_TOLD = 8  # turns read of a conversation that is told
_LONGEST_TOLD = 2_000  # characters read of each of its questions and answers
_MARK = re.compile(r"\[\d+\]")
_REFUSALS = {frame[kind] for frame in FRAMES.values() for kind in ("no_answer", "no_notes")}


class Kind(StrEnum):
    """What the student's line is, next to the questions before."""

    COMPLETE = "complete"  # to be asked as it is
    FOLLOW_UP = "follow-up"  # was completed
    LANGUAGE = "language"  # asks for the same answer in another language
    COURTESY = "courtesy"  # thanks, greets or agrees: nothing to look for


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with as much of its answer as the next question may lean on.

    Plain values only: `dataclasses.asdict(turn)` is JSON, and `Turn(**values)` reads it.
    """

    question: str  # as asked
    standalone: str  # as it was understood
    answered: bool
    language: str = "fr"  # of the standalone question
    terms: Sequence[str] = ()  # index terms of the headings and quotations
    subjects: Sequence[str] = ()  # what the quotations speak of: noun phrases, the best first
    notes: Sequence[str] = ()  # ids of those quoted


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question as it is to be looked for."""

    text: str  # word for word as asked, unless `changed`
    changed: bool  # to be shown: "compris comme : …"
    kind: Kind
    language: str | None = None  # of the reply, when the student asked for one
    about: str = ""  # the topic it is looked for with, where no rule knows how to write it in

    @property
    def searched(self) -> str:
        """The text to look for."""
        return beside(self.text, self.about) if self.about else self.text

    @property
    def shown(self) -> str:
        """The text that the student sees, and that the next question leans on."""
        if not self.about:
            return self.text
        return shown(self.text, self.about, detect_language(self.text))


def remember(answer: Answer) -> Turn:
    """Return the turn that an answer adds to the history."""
    about = (f"{' '.join(c.headings[-2:])} {c.quote}" for c in answer.citations)
    return _turn(
        answer.question,
        answer.standalone or answer.question,
        answer.answered,
        " ".join(about),
        [citation.quote for citation in answer.citations],
        [citation.note_id for citation in answer.citations],
    )


def recall(told: Sequence[tuple[str, str]]) -> list[Turn]:
    """Return the turns of a conversation told by its questions and answers, the latest last.

    For whoever keeps the history themselves. Every question is completed from those before
    it, as it was when it was asked. Nothing told is taken for a proof: its words only lend
    the next question a topic. The last 8 turns are read, and 2,000 characters of each text;
    thanks and greetings are no turns.
    """
    turns: list[Turn] = []
    for asked, replied in told[-_MOST_TOLD:]:
        question, answer = _readable(asked), _readable(replied)
        understood = standalone(question, turns)
        if not question or understood.kind is Kind.COURTESY:
            continue
        answered = answer != "" and answer not in _REFUSALS
        quotes = [part.strip() for part in _MARK.split(answer)] if answered else []
        turns.append(_turn(question, understood.shown, answered, " ".join(quotes), quotes))
    return turns


def _readable(text: str) -> str:
    """Return what is read of a text, without what cannot be written as UTF-8."""
    text = text[:_LONGEST_TOLD].encode("utf-8", "replace").decode()
    return text.replace("\0", " ").strip()


def _turn(
    question: str,
    understood: str,
    answered: bool,
    about: str,
    quotes: Sequence[str],
    notes: Sequence[str] = (),
) -> Turn:
    """Return a turn whose answer was about these words, quoting these sentences."""
    language = detect_language(understood)
    terms = dict.fromkeys(term.term for term in analyse(about, language))
    subjects = dict.fromkeys(s for quote in quotes if (s := _subject(quote)))
    return Turn(
        question=question,
        standalone=understood,
        answered=answered,
        language=language,
        terms=tuple(terms)[:_MOST_TERMS],
        subjects=tuple(subjects)[:_MOST_SUBJECTS],
        notes=tuple(dict.fromkeys(notes)),
    )


_SAYS = re.compile(
    r"^\W*((?:(?:les?|la|une?|the|an?) |l['’])?[\w`*./ '’-]+?)\s*(?: (?:est|sont|"
    r"permet(?:tent)?|sert|servent|"
    r"contient|gère|désigne|définit|décrit|consiste|représente|is|are|allows?|manages?)\b|\s:)",
    re.I,
)


def _subject(quote: str) -> str | None:
    """Return what a quotation begins with, where it says something of it: "Les volumes"."""
    found = _SAYS.match(re.sub(r"[*_`]", "", quote[:200]))
    if not found:
        return None
    phrase = found[1].strip(" -")
    known = 0 < len(phrase.split()) <= _SUBJECT_WORDS and analyse(phrase, "fr")
    leans = re.match(
        r"(?:vous|tu|nous|je|chaque|voici|you|we|il|elle|ils|elles|on|ce|cela|c['’]|"
        r"cette|ces|it|this|exemple)\b",
        phrase,
        re.I,
    )
    if not known or leans:
        return None
    article = re.match(r"(?:les?|la|l['’]|une?|the|an?)\b", phrase, re.I)
    return phrase[0].lower() + phrase[1:] if article else phrase


_LANGUAGES = {
    "francais": "fr", "french": "fr", "anglais": "en", "english": "en", "allemand": "de",
    "german": "de", "espagnol": "es", "spanish": "es", "italien": "it", "italian": "it",
    "portugais": "pt", "portuguese": "pt", "neerlandais": "nl", "dutch": "nl",
}  # fmt: skip
_IN_LANGUAGE = re.compile(
    r"(?:(?:et|and|same|la meme(?: chose| reponse)?|pareil|reponds?(?:[- ]moi)?|"
    r"reponse|traduis(?:[- ](?:moi|le|la|ca))*|"
    r"traduction|redis(?:[- ](?:le|moi|ca))*|dis[- ](?:le|moi ca)|"
    r"(?:(?:est-ce que )?tu peux|peux[- ]tu|(?:can|could) you) (?:me |le |la |l'|"
    r"the )*(?:repondre|traduire|redire|dire|answer|translate|say)(?: (?:ca|cela|it|"
    r"that|this))?|"
    r"answer|reply|translate(?: it| that| this)?|say it|version) )?"
    rf"(?:en|in|into|to) (?P<l>{'|'.join(_LANGUAGES)})|version (?P<v>{'|'.join(_LANGUAGES)})"
)
_COURTESY = re.compile(rf"(?:{COURTESY}\b[\s,.!;:…]*)+", re.I)


def standalone(question: str, turns: Sequence[Turn]) -> Rewritten:
    """Return `question` as it can be asked without the `turns` before it, the last the latest.

    It is left alone, word for word, when there is no turn before it or it is complete.
    """
    complete = Rewritten(question, changed=False, kind=Kind.COMPLETE)
    asked = plain(question)
    if not asked:
        is_courtesy = "?" not in question and _COURTESY.fullmatch(question.strip())
        return Rewritten(question, False, Kind.COURTESY) if is_courtesy else complete
    if not turns:
        return complete
    if re.search(r"[.?!;]\s+\w", asked):
        return complete  # of several sentences
    last = turns[-1]
    folded = unaccented(asked)
    if found := _IN_LANGUAGE.fullmatch(folded):
        code = _LANGUAGES[found["l"] or found["v"]]
        line, topic = parted(last.standalone)
        return Rewritten(line, True, Kind.LANGUAGE, code, about=topic)
    before = _spoken_of(turns)
    if not before.topic:
        return complete
    earlier = take_apart(turns[-2].standalone, turns[-2].language) if len(turns) > 1 else None
    text = french_follow_ups.standalone(asked, before, last.subjects, earlier)
    is_french = text is not None
    if text is None:
        text = english_follow_ups.standalone(asked, before)
    if not text or plain(text).casefold() == asked.casefold():
        if not before.is_named or not leans(question):
            return complete
        topic = before.action or before.topics
        return Rewritten(question, True, Kind.FOLLOW_UP, about=topic)
    if text.startswith(before.text[:8]):
        is_french = before.language == "fr"
    line, topic = apart(text)
    line = _as_question(line, is_french=is_french, like=question.lstrip())
    return Rewritten(line, True, Kind.FOLLOW_UP, about=topic)


def _as_question(text: str, *, is_french: bool, like: str) -> str:
    """Return `text` with its final mark; its first letter is of the case that `like` begins with.

    What is looked for then differs from what the student writes by its words alone.
    """
    text = " ".join(text.split())
    first, second = text[0], text[1:2]
    if like[0].isupper():
        text = first.upper() + text[1:]
    elif not second.isupper() and not _is_name(text):
        text = first.lower() + text[1:]
    if re.match(r"(?:donne|plus de détails|give|more details|explique)\b", text, re.I):
        return text + "."
    return f"{text} ?" if is_french else f"{text}?"


def _spoken_of(turns: Sequence[Turn]) -> Asked:
    """Return the last question that names a topic; the last of all where none does."""
    asked = (take_apart(turn.standalone, turn.language, turn.terms) for turn in reversed(turns))
    last = next(asked)
    return last if last.is_named else next((a for a in asked if a.is_named), last)


def read_together(question: str, turns: Sequence[Turn]) -> str:
    """Return a follow-up after the questions that it leans on, in one line; "" without any.

    Those are the questions since the last complete one, at most 3 and 1,200 characters with
    the line, as they were asked. A line that asks for the answer in another language is read
    as the question it repeats.
    """
    before = [turn for turn in turns if plain(turn.question)]  # without thanks
    if before and _IN_LANGUAGE.fullmatch(unaccented(plain(question))):
        repeated = before.pop()
        if repeated.question == repeated.standalone:
            return ""
        return read_together(repeated.question, before)
    asked = [question]
    for turn in before[: -_MOST_TOGETHER - 1 : -1]:
        earlier = turn.question.strip().rstrip(" ?.!")
        if sum(map(len, asked)) + len(earlier) > _LONGEST_TOGETHER:
            break
        asked.insert(0, earlier)
        if turn.question == turn.standalone:
            break
    return " ? ".join(asked) if len(asked) > 1 else ""


_OPENS = re.compile(
    r"(?:quel|quoi|comment|pourquoi|donne|plus|explique|entre|parmi|peut|faut|give|more|what|how|"
    r"combien|où|qui)",
    re.I,
)


def _is_name(text: str) -> bool:
    """Whether a question begins with a name, as "Docker, c'est gratuit"."""
    word = re.match(r"[\w']+", text)
    known = word and (not analyse(word[0], "fr") or not analyse(word[0], "en"))
    return not known and not _OPENS.match(text)
