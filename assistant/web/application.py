"""The web application: chat, note reader and routes for programs, behind one guard.

Leaves out what each of them does: here they are only put together and served.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import os
import re
import socket
import threading
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import SettingsError, system_reason
from assistant.settings import Settings, limit_threads
from assistant.web.guard import BODY_LIMIT, Guard
from assistant.web.hosts import Hosts, is_loopback
from assistant.web.keeping import Keeping
from assistant.web.limits import Limits
from assistant.web.session import SessionCookies
from assistant.web.texts import TEXTS, example_questions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    import uvicorn
    from fastapi import APIRouter, FastAPI
    from starlette.applications import Starlette

    from assistant.assistant import Assistant
    from assistant.web.conversing import Course
    from assistant.web.metrics import MeasuredCourse
    from assistant.web.programs import Turns

HOST = "127.0.0.1"
PORT = 7860
SECONDS_TO_END = 3  # for answers under way, once the server is told to stop
# Read by Gradio and the Hub's client when they are imported: nothing calls out.
OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
# Read by Gradio when a page's queue is made: it would count every question in a table that
# it draws up anew after each answer, for a page of figures that is off here.
UNCOUNTED = {
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
}

_HEADING = re.compile(r"^#{1,3} +(.+?)[ #]*$", re.MULTILINE)


def build_application(
    course: Course,
    *,
    examples: Iterable[str] = (),
    answer_as_json: Callable[[Any], dict[str, Any]],
    settings: Settings | None = None,
    host: str = HOST,
    limits: Limits | None = None,
    routers: Iterable[APIRouter] = (),
    larger_bodies: Mapping[str, int] | None = None,
    keeping: Keeping | None = None,
) -> FastAPI:
    """The whole web application over an assistant, ready for an ASGI server.

    `host` is the address it will listen on; `routers` are more routes to offer, and
    `larger_bodies` the bytes allowed at exact paths that take more than `BODY_LIMIT`.
    `keeping` holds what lies on the server: with it come exports and the teacher's page.
    """
    for name, value in (OFFLINE | UNCOUNTED).items():
        os.environ.setdefault(name, value)
    import gradio as gr
    from fastapi import FastAPI

    from assistant.web.chat import build_chat
    from assistant.web.metrics import MeasuredCourse, Metrics
    from assistant.web.programs import Turns, program_routes
    from assistant.web.reader import reader_routes
    from assistant.web.theme import calm_theme

    settings = settings or Settings()
    metrics = Metrics()
    measured = MeasuredCourse(course, metrics)
    turns = Turns()
    mcp = _mcp_application(measured, turns, answer_as_json)

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.router.lifespan_context(mcp) if mcp else contextlib.nullcontext():
            yield

    app = FastAPI(
        title=TEXTS["en"]["title"],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=running,
    )
    app.include_router(reader_routes(measured, settings.corpus))
    app.include_router(
        program_routes(measured, metrics, answer_as_json=answer_as_json, turns=turns)
    )
    kept_routers = keeping.routers() if keeping else ()
    for router in (*routers, *kept_routers):
        app.include_router(router)
    if mcp:
        app.router.routes.extend(mcp.routes)

    page, translate = build_chat(
        measured,
        list(examples),
        answer_as_json=answer_as_json,
        keeping=keeping,
        has_model=settings.llm_url is not None,
    )
    resources = Path(str(files("assistant.web")))
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=calm_theme(),
        css_paths=resources / "style.css",
        i18n=translate,
        favicon_path=str(resources / "favicon.png"),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        max_file_size=BODY_LIMIT,
    )
    if keeping:
        app.add_middleware(SessionCookies, sessions=keeping.sessions)
    app.add_middleware(
        Guard,
        hosts=Hosts.of(host, settings.web_hosts),
        limits=limits,
        larger_bodies={**(larger_bodies or {}), **(keeping.larger_bodies() if keeping else {})},
    )
    return app


def _mcp_application(
    course: MeasuredCourse, turns: Turns, answer_as_json: Callable[[Any], dict[str, Any]]
) -> Starlette | None:
    """The routes of /mcp; None where the extra `mcp` is not installed."""
    if importlib.util.find_spec("mcp") is None:
        return None
    from mcp.server.transport_security import TransportSecuritySettings

    from assistant.web.mcp_tools import mcp_server

    return mcp_server(course, turns, answer_as_json).streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=BODY_LIMIT,
        # The guard checks Host and Origin before every route, by the names it knows.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def check_exposure(host: str, settings: Settings, *, force: bool = False) -> None:
    """Raise SettingsError for an address others can reach while no password is set."""
    if is_loopback(host) or settings.password or force:
        return
    raise SettingsError(
        f"L'adresse {host} ouvre le cours à d'autres machines sans mot de passe : réglez "
        "ASSISTANT_PASSWORD, ou ajoutez --force."
    )


def serve(host: str, port: int, settings: Settings, *, force: bool = False) -> None:
    """Bring the index up to date, then serve the chat until it is interrupted.

    Raises AssistantError where the notes, the index or the model cannot be used, and
    SettingsError where the address cannot be listened on, or not without a password.
    """
    check_exposure(host, settings, force=force)
    limit_threads()
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    listening = _listen(host, port)
    # Gradio takes seconds to import, and so does the model to load: side by side.
    importing = threading.Thread(target=importlib.import_module, args=("gradio",), daemon=True)
    importing.start()

    from assistant.assistant import Assistant
    from assistant.cli_output import answer_as_json, model_progress, refresh_progress
    from assistant.watching import Watcher

    course = Assistant.open(settings, model_progress=model_progress())
    keeping = Keeping.open(
        settings.data, course=course, corpus=settings.corpus, password=settings.password
    )
    with refresh_progress() as progress:
        course.refresh(progress)
    course.ask("?", refresh=False)  # loads the model: the first reader does not wait for it
    importing.join()
    app = build_application(
        course,
        examples=example_questions(_headings(course)),
        answer_as_json=answer_as_json,
        settings=settings,
        host=host,
        keeping=keeping,
    )
    shown = f"[{host}]" if ":" in host else host
    print(f"{TEXTS['fr']['title']} : http://{shown}:{port}", flush=True)
    watcher = Watcher(course, told=lambda _: keeping.index.forget())
    watcher.start()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server_of(app).run(sockets=[listening])
    finally:
        watcher.stop()
        keeping.close()


def server_of(app: FastAPI) -> uvicorn.Server:
    """The server of an application, which ends soon after it is told to.

    Every open page holds a stream that ends with the page only: it is cut off.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_no_stream_cut_off)
    return uvicorn.Server(config)


def _is_no_stream_cut_off(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything slow is done, so that a clash is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # an early browser waits instead of being refused
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"L'adresse {host}:{port} ne peut pas être ouverte ({system_reason(error)}) : "
            "choisissez-en une autre avec « assistant serve --port 7861 »."
        ) from error
    return listening


def _headings(course: Assistant, notes_read: int = 20) -> Iterator[str]:
    """Markdown headings of the first notes, for example questions."""
    for note_id, _ in course.notes()[:notes_read]:
        yield from _HEADING.findall(course.note(note_id).text)
