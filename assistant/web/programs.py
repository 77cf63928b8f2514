"""What other programs may ask: /api, /healthz, /metrics, and a page that lists them.

A question waits for its turn among a few that are answered at once; where too many wait
already, it is told so and when to come back, and never left hanging. Nothing is kept of a
conversation: a program that asks a follow-up tells what was said before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from assistant.answering.conversation import Turn, recall
from assistant.cli_output import hit_as_json
from assistant.errors import AssistantError, FilterError, QuestionError
from assistant.retrieval.filters import Filters
from assistant.web.addresses import note_url
from assistant.web.guard import BUSY_SECONDS, MESSAGES
from assistant.web.metrics import MeasuredCourse, Metrics
from assistant.web.reader import page as written_page
from assistant.web.texts import TEXTS, choose_language

AT_ONCE = 4  # questions of programs answered at the same time
WAITING = 64  # that may wait; more are told to come back
_LONGEST_NAME = 100  # characters of the name of a field that is refused

log = logging.getLogger(__name__)


class Question(BaseModel):
    """A question, and which notes it is asked of."""

    model_config = ConfigDict(extra="forbid")

    question: str
    k: Annotated[int, Field(ge=1, le=100, description="passages to look at")] = 8
    course: list[str] = Field(default=[], max_length=20, description="first folders")
    note: list[str] = Field(default=[], max_length=20, description="ids, names or patterns")
    tag: list[str] = Field(default=[], max_length=20)
    since: date | None = Field(default=None, description="notes of this day or later")

    def options(self) -> dict[str, Any]:
        """The same as arguments of the assistant; filters only where there are some."""
        filters = Filters(tuple(self.course), tuple(self.note), tuple(self.tag), self.since)
        return {"k": self.k} if filters.is_empty else {"k": self.k, "filters": filters}


class Said(BaseModel):
    """A question asked before, with the text of its answer."""

    model_config = ConfigDict(extra="forbid")

    question: str
    answer: Annotated[str, Field(description="`text` of the reply")] = ""


class AskedQuestion(Question):
    """A question to be answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "question": "et ses limites ?",
                "conversation": [
                    {
                        "question": "Que fait un namespace ?",
                        "answer": "Un namespace isole les processus. [1]",
                    }
                ],
            }
        }
    )

    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None
    conversation: list[Said] = Field(
        default=[],
        description="what was said before, the latest last, so that a follow-up is understood; "
        "the last 8 turns are read, and the reply says in `standalone` what was understood",
    )


class Problem(BaseModel):
    """Why a request is refused."""

    detail: Annotated[str, Field(description="one line")]


def recalled(conversation: Sequence[Said]) -> list[Turn]:
    """The turns of a conversation as a program tells it."""
    return recall([(said.question, said.answer) for said in conversation])


class OneLineRoute(APIRoute):
    """A route that says in one line what is wrong with a request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_say(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise HTTPException(422, in_one_line(error)) from None

        return handle_or_say


def in_one_line(error: RequestValidationError) -> str:
    """The first thing that is wrong: "conversation[0].answer: Input should be a valid string"."""
    first = error.errors()[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    name = " ".join(place.removeprefix(".body").lstrip(".").split())[:_LONGEST_NAME]
    is_read = name != "" and first["type"] != "json_invalid"
    return f"{name if is_read else 'JSON'}: {first['msg']}"


class Turns:
    """A few questions at once; some wait, and more are refused."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; raise OverflowError where too many wait already."""
        if self._inside >= self._most:
            raise OverflowError
        self._inside += 1
        try:
            async with self._free:
                yield
        finally:
            self._inside -= 1


def program_routes(
    course: MeasuredCourse,
    metrics: Metrics,
    *,
    answer_as_json: Callable[[Any], dict[str, Any]],
    turns: Turns,
) -> APIRouter:
    """The routes for programs."""
    router = APIRouter(route_class=OneLineRoute)
    wrong: dict[int | str, dict[str, Any]] = {422: {"model": Problem}}

    async def run(request: Request, call: Callable[[], Any]) -> Any:
        language = choose_language(request.headers.get("accept-language", ""))
        try:
            async with turns.turn():
                return await run_in_threadpool(call)
        except OverflowError:
            line = MESSAGES[language]["busy"].format(seconds=BUSY_SECONDS)
            headers = {"Retry-After": str(BUSY_SECONDS)}
            raise HTTPException(429, line, headers=headers) from None
        except (QuestionError, FilterError) as error:
            raise HTTPException(422, str(error)) from None
        except AssistantError as error:
            log.error("not answered: %s", error)  # names folders: for whoever runs the course
            raise HTTPException(503, TEXTS[language]["error"]) from None

    @router.post(
        "/api/ask",
        summary="Answer a question, or a follow-up, with proved quotations",
        responses=wrong,
    )
    async def ask(asked: AskedQuestion, request: Request) -> dict[str, Any]:
        options = asked.options()
        if asked.language:
            options["language"] = asked.language

        def reply() -> Any:
            turns = recalled(asked.conversation)
            return course.ask(asked.question, conversation=turns, **options)

        return answer_as_json(await run(request, reply))

    @router.post("/api/search", summary="The nearest passages, without an answer", responses=wrong)
    async def search(asked: Question, request: Request) -> list[dict[str, Any]]:
        found = await run(request, lambda: course.search(asked.question, **asked.options()))
        return [hit_as_json(hit) for hit in found]

    @router.get("/api/notes", summary="Every note")
    async def notes(request: Request) -> list[dict[str, str]]:
        found = await run(request, course.notes)
        return [{"id": i, "title": title, "address": note_url(i)} for i, title in found]

    @router.get("/api/notes/{note_id:path}", summary="One note, its text whole")
    async def note(note_id: str, request: Request) -> dict[str, Any]:
        try:
            found = await run(request, lambda: course.note(note_id))
        except KeyError:
            language = choose_language(request.headers.get("accept-language", ""))
            raise HTTPException(404, TEXTS[language]["section_unread"]) from None
        return note_as_json(found)

    @router.get("/healthz", summary="Whether the server is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    def figures() -> Response:
        return Response(metrics.written(course), media_type=CONTENT_TYPE_LATEST)

    def schema() -> dict[str, Any]:
        return get_openapi(title=TEXTS["en"]["title"], version="1", routes=router.routes)

    @router.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(schema())

    @router.get("/api/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        language = choose_language(request.headers.get("accept-language", ""))
        operations = [
            (method.upper(), path, operation["summary"])
            for path, methods in schema()["paths"].items()
            for method, operation in methods.items()
        ]
        return written_page("api_docs.html", language, operations=operations)

    return router


def note_as_json(note: Any) -> dict[str, Any]:
    """A note without the path of its file on this machine."""
    kept = {key: value for key, value in asdict(note).items() if key != "source"}
    return {**kept, "address": note_url(note.id)}
