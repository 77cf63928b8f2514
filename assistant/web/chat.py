"""The chat page: its blocks, and what happens when a question is asked.

The conversation lives here, on the server, in the session's state. The page receives
it and never sends it: forged turns have no way in. Leaves out keeping conversations
after the page is closed. Gradio is imported at the top, because it reads the types of
event handlers: this module is imported only when a page is built.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr
from gradio.events import api

from assistant.datatypes import Answer, Note
from assistant.errors import AssistantError, QuestionError
from assistant.web import sources
from assistant.web.markdown import escape_all, render_answer
from assistant.web.texts import TEXTS, choose_language

QUESTION_LIMIT = 2000  # characters of a question
TURNS_KEPT = 100  # turns shown; older ones leave the page
AT_ONCE = 4  # questions answered at the same time
WAITING = 64  # questions that may wait; more are told to come back

log = logging.getLogger(__name__)


class State(Protocol):
    """What the page says of the index."""

    @property
    def notes(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def stale(self) -> bool: ...


class Course(Protocol):
    """What the chat needs of the assistant."""

    def ask(self, question: str) -> Answer: ...
    def status(self) -> State: ...
    def note(self, note_id: str) -> Note: ...


@dataclass(slots=True)
class Conversation:
    """The turns of one reader, as safe Markdown: (question, answer)."""

    turns: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0  # turns since the beginning: the number of the last one

    def add(self, question: str, answer: str) -> None:
        """Append a turn, letting the oldest go beyond `TURNS_KEPT`."""
        self.turns.append((question, answer))
        del self.turns[:-TURNS_KEPT]

    def messages(self) -> list[dict[str, str]]:
        """The conversation as the chat component takes it."""
        return [
            {"role": role, "content": content}
            for turn in self.turns
            for role, content in zip(("user", "assistant"), turn, strict=True)
        ]


def check_question(question: object, language: str) -> str:
    """The question without surrounding space, or QuestionError in the reader's language."""
    text = question.strip() if isinstance(question, str) else ""
    if not text:
        raise QuestionError(TEXTS[language]["empty"])
    if len(text) > QUESTION_LIMIT:
        message = TEXTS[language]["too_long"].format(length=len(text), limit=QUESTION_LIMIT)
        raise QuestionError(message)
    return text


def reply(course: Course, turn: int, question: str, language: str) -> tuple[str, dict[str, Any]]:
    """Answer a checked question: safe Markdown for the chat, and the panel's data."""
    try:
        answer = course.ask(question)
        panel = sources.panel(turn, answer, course.note, language)
    except AssistantError as error:
        # The line names folders and commands: it is for whoever runs the course.
        log.error("question not answered: %s", error)
        return TEXTS[language]["error"], sources.empty_panel(language) | {"turn": turn}
    except Exception:
        log.exception("question not answered")
        return TEXTS[language]["error"], sources.empty_panel(language) | {"turn": turn}
    numbers = {citation.number for citation in answer.citations}
    text = render_answer(
        answer.text,
        [citation.quote for citation in answer.citations],
        lambda number: sources.anchor(turn, number) if number in numbers else None,
    )
    if panel["nearest"]:
        links = [f"- [{escape_all(near['path'])}]({near['anchor']})" for near in panel["nearest"]]
        text = "\n".join([text, "", TEXTS[answer.language]["nearest"], "", *links])
    return text, panel


def index_line(course: Course, language: str) -> str:
    """Notes, passages, model and freshness, as one line of HTML."""
    words = TEXTS[language]
    try:
        state = course.status()
    except AssistantError as error:
        log.error("no state of the index: %s", error)
        return html.escape(words["unavailable"])
    counted = [
        f"{state.notes} {words['note' if state.notes < 2 else 'notes']}",
        f"{state.chunks} {words['passage' if state.chunks < 2 else 'passages']}",
        f"{words['model']} {state.model.split('@')[0]}",  # without the weights' digest
        words["stale" if state.stale else "fresh"],
    ]
    return " · ".join(html.escape(part) for part in counted)


def build_chat(
    course: Course,
    examples: Sequence[str],
    *,
    answer_as_json: Callable[[Answer], dict[str, Any]],
) -> tuple[gr.Blocks, gr.I18n]:
    """Lay out the page and connect its events; only `ask` is offered to programs."""
    translate = gr.I18n(**{code: dict(words) for code, words in TEXTS.items()})

    def language_of(request: gr.Request) -> str:
        return choose_language(request.headers.get("accept-language", ""))

    def begin(request: gr.Request) -> tuple[dict[str, Any], str]:
        language = language_of(request)
        return sources.empty_panel(language), index_line(course, language)

    def respond(
        question: str, conversation: Conversation, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        language = language_of(request)
        try:
            text = check_question(question, language)
        except QuestionError as error:
            yield {notice: html.escape(str(error))}
            return
        conversation.asked += 1
        shown = escape_all(text)
        asked = {"role": "user", "content": shown}
        yield {box: "", notice: "", chat: [*conversation.messages(), asked]}
        answer, panel = reply(course, conversation.asked, text, language)
        conversation.add(shown, answer)
        yield {
            chat: conversation.messages(),
            panel_view: panel,
            index_view: index_line(course, language),
            memory: conversation,
        }

    def pick(choice: gr.SelectData) -> str:
        return str(choice.value["text"])

    def forget(request: gr.Request) -> tuple[Conversation, list[Any], dict[str, Any], str]:
        return Conversation(), [], sources.empty_panel(language_of(request)), ""

    def ask(question: str, request: gr.Request) -> dict[str, Any]:
        """Answer a question about the course with quotations proved against its notes."""
        language = language_of(request)
        try:
            return answer_as_json(course.ask(check_question(question, language)))
        except QuestionError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except AssistantError as error:
            log.error("question not answered: %s", error)
            raise gr.Error(TEXTS[language]["error"], print_exception=False) from None

    with gr.Blocks(title=TEXTS["fr"]["title"], analytics_enabled=False) as page:
        memory = gr.State(Conversation())
        with gr.Row(elem_id="top"):
            gr.Markdown(translate("heading"), elem_id="title", container=False)
            index_view = gr.HTML(elem_id="index-state")
        with gr.Row(elem_id="course"):
            with gr.Column(scale=3, min_width=320, elem_id="talk"):
                chat = gr.Chatbot(
                    elem_id="chat",
                    label=translate("conversation"),
                    show_label=False,
                    container=False,
                    height=None,
                    buttons=[],
                    feedback_options=None,
                    allow_tags=False,
                    sanitize_html=True,
                    group_consecutive_messages=False,
                    latex_delimiters=[
                        {"left": "$$", "right": "$$", "display": True},
                        {"left": "$", "right": "$", "display": False},
                    ],
                    placeholder=str(translate("placeholder_block")),
                    examples=[{"text": example} for example in examples],
                )
                notice = gr.HTML(elem_id="notice")
                with gr.Row(elem_id="entry"):
                    box = gr.Textbox(
                        elem_id="question",
                        label=translate("question"),
                        show_label=False,
                        placeholder=translate("placeholder"),
                        max_length=QUESTION_LIMIT,
                        lines=1,
                        max_lines=6,
                        scale=1,
                        min_width=120,
                        container=False,
                        autofocus=True,
                    )
                    send = gr.Button(
                        translate("send"), variant="primary", scale=0, min_width=124, elem_id="send"
                    )
                again = gr.Button(
                    translate("new"), variant="secondary", size="sm", scale=0, elem_id="new"
                )
            with gr.Column(scale=2, min_width=300, elem_id="proof"):
                panel_view = gr.HTML(
                    elem_id="panel",
                    html_template=sources.TEMPLATE,
                    js_on_load=sources.script(),
                    apply_default_css=False,
                )
        changed = [box, notice, chat, panel_view, index_view, memory]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking = private | {"concurrency_limit": AT_ONCE, "concurrency_id": "ask"}
        page.load(begin, None, [panel_view, index_view], **private)
        gr.on([box.submit, send.click], respond, [box, memory], changed, **asking)
        chat.example_select(pick, None, box, **private).then(
            respond, [box, memory], changed, **asking
        )
        again.click(forget, None, [memory, chat, panel_view, notice], **private)
        api(ask, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="ask")
    page.queue(max_size=WAITING, api_open=False)
    return page, translate
