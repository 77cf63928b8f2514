"""A reader's conversation: asking, keeping, finding again, and telling what one thinks.

Everything behind the page's events, without Gradio. What cannot be stored is logged, and
the answer is shown all the same. A reader whose browser keeps no cookie is answered and
nothing is kept. Leaves out how the page is laid out.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from assistant.answering.conversation import Turn as Spoken
from assistant.answering.conversation import remember
from assistant.answering.frames import limits
from assistant.datatypes import Answer, Note
from assistant.errors import AssistantError, FilterError, QuestionError, SettingsError
from assistant.index.store import NoteLabels
from assistant.retrieval.dates import read_date
from assistant.retrieval.filters import Filters
from assistant.web import sources
from assistant.web.conversations import Turn
from assistant.web.feedback import rate
from assistant.web.keeping import Keeping
from assistant.web.markdown import escape_all
from assistant.web.memory import TURNS_SHOWN, Memory, ShownTurn
from assistant.web.reader_settings import ReaderSettings
from assistant.web.replies import lifting, shown_answer
from assistant.web.texts import TEXTS

QUESTION_LIMIT = 2000  # characters of a question
_MOST_CHOICES = 500  # notes or tags sent to a page to choose from; others can be typed

log = logging.getLogger(__name__)


class Course(Protocol):
    """What the chat needs of the assistant."""

    def ask(self, question: str) -> Answer: ...
    def stream(
        self,
        question: str,
        *,
        k: int = ...,
        refresh: bool = ...,
        language: str | None = ...,
        filters: Filters = ...,
        conversation: Sequence[Spoken] = ...,
        use_model: bool = ...,
    ) -> Iterator[Answer]: ...
    def status(self) -> Any: ...
    def note(self, note_id: str) -> Note: ...
    def labels(self) -> list[NoteLabels]: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What the page shows of a turn: its answer as safe Markdown, and its panel."""

    turn: ShownTurn
    panel: dict[str, Any]


def check_question(question: object, language: str) -> str:
    """The question without surrounding space, or QuestionError in the reader's language."""
    text = question.strip() if isinstance(question, str) else ""
    if not text:
        raise QuestionError(TEXTS[language]["empty"])
    if len(text) > QUESTION_LIMIT:
        message = TEXTS[language]["too_long"].format(length=len(text), limit=QUESTION_LIMIT)
        raise QuestionError(message)
    return text


class Conversing:
    """What one application does for its readers."""

    def __init__(self, course: Course, keeping: Keeping | None) -> None:
        self.course = course
        self._keeping = keeping

    def session(self, cookie_header: str) -> str | None:
        """The reader's name in a Cookie header; None where nothing is to be kept."""
        return self._keeping.sessions.of(cookie_header) if self._keeping else None

    # --- asking ----------------------------------------------------------------------

    def ask(
        self,
        memory: Memory,
        question: str,
        *,
        session: str | None,
        settings: ReaderSettings,
        language: str,
    ) -> Iterator[Reply]:
        """Yield the reply to a checked question as it grows; the last is kept and remembered."""
        number = memory.last + 1
        answer = None
        try:
            stream = self.course.stream(
                question, refresh=False, conversation=memory.leaned_on(), **settings.options()
            )
            for answer in stream:
                yield self._reply(number, "", answer, language)
            assert answer is not None  # a stream ends with its whole answer
            kept = self._keep(memory, question, answer, session)
            if kept is not None:
                number = max(number, kept.number)
            reply = self._reply(number, kept.id if kept else "", answer, language)
        except FilterError as error:
            limited_to = limits(settings.filters, language)
            said = TEXTS[language]["filter_empty"].format(reason=error, limits=limited_to)
            reply = _failed(number, question, f"{escape_all(said)}\n\n{lifting(language)}")
        except QuestionError as error:
            reply = _failed(number, question, escape_all(str(error)))
        except AssistantError as error:
            # The line names folders and commands: it is for whoever runs the course.
            log.error("question not answered: %s", error)
            reply = _failed(number, question, TEXTS[language]["error"])
        except Exception:
            log.exception("question not answered")
            reply = _failed(number, question, TEXTS[language]["error"])
        memory.add(reply.turn)
        memory.begun = True
        yield reply

    def _reply(self, number: int, answer_id: str, answer: Answer, language: str) -> Reply:
        panel = sources.panel(number, answer, self.course.note, language, answer_id=answer_id)
        text = shown_answer(number, answer, panel["nearest"])
        return Reply(ShownTurn(number, escape_all(answer.question), text, remember(answer)), panel)

    def _keep(
        self, memory: Memory, question: str, answer: Answer, session: str | None
    ) -> Turn | None:
        """Store a turn and log its question for the teacher; None where it is not stored."""
        keeping = self._keeping
        if keeping is None:
            return None
        understood = answer.standalone or question
        turn = None
        try:
            if session is not None:
                turn = keeping.conversations.add(
                    session, memory.conversation, question, answer, standalone=understood
                )
                memory.conversation = turn.conversation
            if answer.answered or answer.suggestions:  # else it was thanks, or there are no notes
                keeping.feedback.log(understood, answer)
        except SettingsError as error:
            log.error("turn not kept: %s", error)
        return turn

    # --- finding again ---------------------------------------------------------------

    def latest(self, session: str | None, language: str) -> tuple[Memory, list[dict[str, Any]]]:
        """The conversation to show when the page is opened, with the panels of its turns."""
        if self._keeping is not None and session is not None:
            try:
                found = self._keeping.conversations.latest(session)
                if found is not None:
                    return self.opened(session, found.id, language)
            except (KeyError, AssistantError) as error:
                log.error("no conversation restored: %s", error)
        return Memory(begun=True), []

    def opened(
        self, session: str | None, conversation: str, language: str
    ) -> tuple[Memory, list[dict[str, Any]]]:
        """A kept conversation with the panels of its turns; KeyError without it."""
        if self._keeping is None or session is None:
            raise KeyError(conversation)
        memory, panels = Memory(conversation, begun=True), []
        note = cache(self.course.note)
        for turn in self._keeping.conversations.turns(session, conversation)[-TURNS_SHOWN:]:
            panel = sources.panel(
                turn.number,
                turn.answer,
                note,
                language,
                answer_id=turn.id,
                opinion=self._keeping.feedback.opinion(turn.id),
            )
            shown = shown_answer(turn.number, turn.answer, panel["nearest"])
            asked = remember(turn.answer)
            memory.add(ShownTurn(turn.number, escape_all(turn.question), shown, asked))
            panels.append(panel)
        return memory, panels

    def kept(self, session: str | None, words: str = "") -> list[dict[str, Any]]:
        """The reader's conversations, or those with these words, for the list."""
        if self._keeping is None or session is None:
            return []
        store = self._keeping.conversations
        try:
            found = store.search(session, words) if words.strip() else store.of(session)
        except SettingsError as error:
            log.error("no list of conversations: %s", error)
            return []
        return [
            {
                "id": known.id,
                "title": known.title,
                "updated": known.updated,
                "turns": known.turns,
                "excerpt": known.excerpt,
            }
            for known in found
        ]

    def rename(self, session: str | None, conversation: str, title: str) -> None:
        """Give a conversation another title; one that is not there stays so."""
        if self._keeping is not None and session is not None:
            with suppress(KeyError):
                self._keeping.conversations.rename(session, conversation, title)

    def delete(self, session: str | None, conversation: str) -> None:
        """Forget a conversation; one that is not there stays so."""
        if self._keeping is not None and session is not None:
            with suppress(KeyError):
                self._keeping.conversations.delete(session, conversation)

    def rate(self, session: str | None, answer_id: str, liked: bool | None, reason: str) -> None:
        """Keep what the reader thinks of an answer of theirs; None takes it back."""
        if self._keeping is not None and session is not None:
            with suppress(KeyError):
                stores = self._keeping.conversations, self._keeping.feedback
                rate(*stores, session, answer_id, liked, reason)

    # --- the course ------------------------------------------------------------------

    def choices(self) -> dict[str, Any]:
        """What an answer can be limited to: only what would leave some notes out.

        `notes` holds folders, with "/" at their end, before notes; `tags` the most frequent
        first; `dated` says whether any note has a date.
        """
        try:
            labels = self.course.labels()
        except AssistantError:
            labels = []
        courses = sorted({note.course for note in labels} - {""})
        folders = {note.id.rpartition("/")[0] for note in labels} - {"", *courses}
        notes = [*sorted(f"{folder}/" for folder in folders), *(note.id for note in labels)]
        tags = Counter(tag for note in labels for tag in dict.fromkeys(note.tags))
        ordered = sorted(tags, key=lambda tag: (-tags[tag], tag))
        return {
            "courses": courses if len(courses) > 1 else [],
            "notes": notes[:_MOST_CHOICES] if len(labels) > 1 else [],
            "tags": ordered[:_MOST_CHOICES],
            "dated": any(note.date and read_date(note.date) for note in labels),
        }

    def index_line(self, language: str) -> str:
        """Notes, passages, model, freshness and progress, as one line of text."""
        words = TEXTS[language]
        try:
            if self._keeping is None:
                state = self.course.status()
                counts, changed = (state.notes, state.chunks), int(state.stale)
            else:
                known = self._keeping.index.state()
                state, counts = known, (known.notes, known.passages)
                changed = len(known.changed) or int(known.rebuild is not None)
        except AssistantError as error:
            log.error("no state of the index: %s", error)
            return words["unavailable"]
        parts = [
            f"{counts[0]} {words['note' if counts[0] < 2 else 'notes']}",
            f"{counts[1]} {words['passage' if counts[1] < 2 else 'passages']}",
            f"{words['model']} {state.model.split('@')[0]}",  # without the weights' digest
        ]
        return " · ".join([*parts, self._freshness(changed, words)])

    def _freshness(self, changed: int, words: Any) -> str:
        progress = self._keeping.index.progress if self._keeping else None
        if progress is not None and progress.running:
            done = f" {progress.done}/{progress.total}" if progress.total else ""
            return f"{words['refreshing']}{done}"
        if not changed:
            return str(words["fresh"])
        return str(words["changed" if changed > 1 else "changed_one"]).format(count=changed)


def _failed(number: int, question: str, text: str) -> Reply:
    panel = sources.failed_panel(number, question)
    return Reply(ShownTurn(number, escape_all(question), text, None), panel)


def page_of(panels: Sequence[dict[str, Any]], language: str, *, fresh: bool) -> dict[str, Any]:
    """The value of the panel's component: `fresh` forgets the panels it had before."""
    return {
        "panels": list(panels),
        "fresh": fresh,
        "labels": dict(TEXTS[language]),
        "language": language,
    }
