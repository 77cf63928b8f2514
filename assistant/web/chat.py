"""The chat page: its blocks, and which event calls what.

What happens behind an event is in `conversing`. The conversation lives on the server, in
the session's state: the page receives it and never sends it, so forged turns have no way
in. Gradio is imported at the top, because it reads the types of event handlers: this
module is imported only when a page is built.
"""

from __future__ import annotations

import html
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any

import gradio as gr
from gradio.events import api

from assistant.datatypes import Answer
from assistant.errors import AssistantError, QuestionError, SettingsError
from assistant.web import sources
from assistant.web.conversing import (
    QUESTION_LIMIT,
    Conversing,
    Course,
    check_question,
    page_of,
)
from assistant.web.keeping import Keeping
from assistant.web.markdown import escape_all
from assistant.web.memory import Memory
from assistant.web.reader_settings import SOURCES, ReaderSettings
from assistant.web.texts import TEXTS, choose_language

AT_ONCE = 4  # questions answered at the same time
WAITING = 64  # questions that may wait; more are told to come back
PAGES_REMEMBERED = 1_000  # at about 60 kB; one used longest ago finds its turns in the store
INDEX_LINE_SECONDS = 20  # between two looks at the index

# Never with a value in them, as in `sources`.
MENU = '<button type="button" class="menu-open" hidden></button><dialog class="drawer"></dialog>'
PLACE = '<p class="place"></p>'
SETTINGS = '<div class="settings-bar"></div><dialog class="drawer settings"></dialog>'

log = logging.getLogger(__name__)


def language_of(request: gr.Request) -> str:
    """The language of the page for this reader."""
    return choose_language(request.headers.get("accept-language", ""))


def told(event: gr.EventData, name: str) -> str:
    """A text that our script sent with an event; empty where it is none."""
    sent = event._data.get(name) if isinstance(event._data, dict) else None
    return sent if isinstance(sent, str) else ""


def script(name: str) -> str:
    """One of our scripts, as Gradio runs it for a component."""
    return files("assistant.web").joinpath(name).read_text(encoding="utf-8")


def build_chat(
    course: Course,
    examples: Sequence[str],
    *,
    answer_as_json: Callable[[Answer], dict[str, Any]],
    keeping: Keeping | None = None,
    has_model: bool = False,
) -> tuple[gr.Blocks, gr.I18n]:
    """Lay out the page and connect its events; only `ask` is offered to programs.

    `has_model` says whether a language model may write, so that readers can do without.
    """
    translate = gr.I18n(**{code: dict(words) for code, words in TEXTS.items()})
    conversing = Conversing(course, keeping)

    def session_of(request: gr.Request) -> str | None:
        return conversing.session(request.headers.get("cookie", ""))

    def begin(request: gr.Request) -> dict[Any, Any]:
        language = language_of(request)
        memory, panels = conversing.latest(session_of(request), language)
        return {
            remembered: memory,
            chat: memory.messages(),
            panel_view: page_of(panels, language, fresh=True),
            index_view: index_line(request),
            place_view: {"labels": dict(TEXTS[language])},
            menu_view: menu_of(memory, request) | {"conversations": []},  # sent when it is opened
            settings_view: {
                "labels": dict(TEXTS[language]),
                **conversing.choices(),
                "written_in": language,
                "counts": list(SOURCES),
                "model": has_model,
                "teacher": keeping is not None,
            },
        }

    def menu_of(memory: Memory, request: gr.Request, words: str = "") -> dict[str, Any]:
        language, session = language_of(request), session_of(request)
        return {
            "labels": dict(TEXTS[language]),
            "language": language,
            "kept": session is not None,
            "current": memory.conversation,
            "conversations": conversing.kept(session, words),
        }

    def find(memory: Memory, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        return menu_of(memory, request, told(event, "words"))

    def choose(memory: Memory, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        language = language_of(request)
        try:
            memory, panels = conversing.opened(session_of(request), told(event, "id"), language)
        except (KeyError, AssistantError) as error:
            log.error("conversation not opened: %s", error)
            return {notice: html.escape(TEXTS[language]["not_opened"])}
        return {
            remembered: memory,
            chat: memory.messages(),
            panel_view: page_of(panels, language, fresh=True),
            notice: "",
        }

    def rename(memory: Memory, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        try:
            conversing.rename(session_of(request), told(event, "id"), told(event, "title"))
        except SettingsError as error:
            log.error("conversation not renamed: %s", error)
        return menu_of(memory, request, told(event, "words"))

    def erase(memory: Memory, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        gone = told(event, "id")
        try:
            conversing.delete(session_of(request), gone)
        except SettingsError as error:
            log.error("conversation not deleted: %s", error)
            return {notice: html.escape(TEXTS[language_of(request)]["error"])}
        if gone != memory.conversation:
            return {menu_view: menu_of(memory, request, told(event, "words"))}
        begun = forget(request)
        return begun | {menu_view: menu_of(begun[remembered], request, told(event, "words"))}

    def index_line(request: gr.Request) -> str:
        return html.escape(conversing.index_line(language_of(request)))

    def respond(
        question: str, memory: Memory, chosen: Any, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        language, session = language_of(request), session_of(request)
        if not memory.begun:  # the server was started anew under an open page
            memory, _ = conversing.latest(session, language)
        before = memory.messages()
        # Each step gives every component a value: Gradio makes a new component for one
        # that is left out, and keeps it as long as the session.
        view = {
            notice: "",
            chat: before,
            panel_view: page_of([], language, fresh=False),
            index_view: index_line(request),
        }
        try:
            text = check_question(question, language)
        except QuestionError as error:
            yield view | {notice: html.escape(str(error))}
            return
        asked = {"role": "user", "content": escape_all(text)}
        yield view | {chat: [*before, asked], taken: time.time_ns()}
        for reply in conversing.ask(
            memory,
            text,
            session=session,
            settings=ReaderSettings.read(chosen),
            language=language,
        ):
            answered = {"role": "assistant", "content": reply.turn.answer}
            view[chat] = [*before, asked, answered]
            view[panel_view] = page_of([reply.panel], language, fresh=False)
            yield view
        yield view | {
            chat: memory.messages(),
            remembered: memory,
            index_view: index_line(request),
        }

    def pick(choice: gr.SelectData) -> str:
        return str(choice.value["text"])

    def forget(request: gr.Request) -> dict[Any, Any]:
        return {
            remembered: Memory(begun=True),
            chat: [],
            panel_view: page_of([], language_of(request), fresh=True),
            notice: "",
        }

    def rate(event: gr.EventData, request: gr.Request) -> str:
        liked = event._data.get("liked") if isinstance(event._data, dict) else None
        opinion = liked if isinstance(liked, bool) else None
        try:
            conversing.rate(
                session_of(request), told(event, "answer"), opinion, told(event, "reason")
            )
        except SettingsError as error:
            log.error("opinion not kept: %s", error)
            return html.escape(TEXTS[language_of(request)]["not_kept"])
        return ""

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
        remembered = gr.State(Memory())
        taken = gr.State(0)  # when the last question was taken from the queue
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
                place_view = gr.HTML(
                    elem_id="place",
                    html_template=PLACE,
                    js_on_load=script("place.js"),
                    apply_default_css=False,
                )
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
                with gr.Row(elem_id="tools"):
                    again = gr.Button(
                        translate("new"), variant="secondary", size="sm", scale=0, elem_id="new"
                    )
                    menu_view = gr.HTML(
                        elem_id="menu",
                        html_template=MENU,
                        js_on_load=script("menu.js"),
                        apply_default_css=False,
                    )
                    settings_view = gr.HTML(
                        elem_id="settings",
                        html_template=SETTINGS,
                        js_on_load=script("settings.js"),
                        apply_default_css=False,
                    )
            with gr.Column(scale=2, min_width=300, elem_id="proof"):
                panel_view = gr.HTML(
                    elem_id="panel",
                    html_template=sources.TEMPLATE,
                    js_on_load=script("sources.js"),
                    apply_default_css=False,
                )
        question = [box, remembered, settings_view]
        changed = [notice, chat, panel_view, index_view, remembered, taken]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking = private | {
            "concurrency_limit": AT_ONCE,
            "concurrency_id": "ask",
            "show_progress": "minimal",
            "show_progress_on": place_view,
        }
        at_once = private | {"queue": False}
        # Each counts, and the later one holds: Gradio would drop what is sent meanwhile.
        in_turn = private | {
            "trigger_mode": "multiple",
            "concurrency_limit": 1,
            "concurrency_id": "kept",
        }
        shown = [remembered, chat, panel_view, notice]
        page.load(
            begin, None, [*shown, index_view, place_view, menu_view, settings_view], **private
        )
        gr.on([box.submit, send.click], respond, question, changed, **asking)
        chat.example_select(pick, None, box, **private).then(respond, question, changed, **asking)
        taken.change(None, None, box, js="() => ''", **private)  # what is typed later stays
        again.click(forget, None, shown, **private)
        menu_view.find(find, remembered, menu_view, **in_turn)
        menu_view.choose(choose, remembered, shown, **at_once)
        menu_view.rename(rename, remembered, menu_view, **in_turn)
        menu_view.erase(erase, remembered, [*shown, menu_view], **in_turn)
        panel_view.rate(rate, None, notice, **in_turn)
        gr.Timer(INDEX_LINE_SECONDS).tick(index_line, None, index_view, **at_once)
        api(ask, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="ask")
    page.state_session_capacity = PAGES_REMEMBERED
    page.queue(max_size=WAITING, api_open=False)
    return page, translate
