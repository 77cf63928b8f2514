"""The teacher's page: what was asked, what the notes lack, the index, new notes.

Behind one password. Every form and every call that changes something carries the token
of its login. The page is made on the server and can be read without its script, which
only shows progress and sends files. Leaves out editing and removing notes.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from assistant.errors import AssistantError
from assistant.reading.corpus import READERS
from assistant.web.addresses import note_url
from assistant.web.feedback import Asked, Feedback, Opinion
from assistant.web.index_state import IndexKeeper, progress_as_json
from assistant.web.limits import client_of
from assistant.web.session import cookie_value, set_cookie
from assistant.web.sources import heading_path
from assistant.web.teacher_charts import bars
from assistant.web.teacher_login import (
    COOKIE,
    FORM_COOKIE,
    LIFE,
    Logins,
    TooManyAttemptsError,
    WrongPasswordError,
)
from assistant.web.teacher_questions import count_days, group_opinions, group_questions
from assistant.web.teacher_texts import TEACHER_TEXTS
from assistant.web.texts import choose_language
from assistant.web.uploads import Outcome, RefusedUploadError, Uploads

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Template

PAGE = "/teacher"
FILES = "/teacher/files"  # the one route whose body may be as large as an upload
PUBLISH = "/teacher/publish"
PERIODS = (7, 30, 90, 365)  # days
_GROUPED = 5_000  # newest questions that are put together; all are counted
_SHOWN = 40  # groups or answers in a table
_PASSWORD_LENGTH = 1_000  # characters looked at
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

log = logging.getLogger(__name__)


class TeacherPages:
    """The routes under `/teacher`."""

    def __init__(
        self, index: IndexKeeper, feedback: Feedback, logins: Logins, uploads: Uploads
    ) -> None:
        self._index = index
        self._feedback = feedback
        self._logins = logins
        self._uploads = uploads

    def router(self) -> APIRouter:
        """All routes, for the application to include."""
        router = APIRouter(include_in_schema=False)
        for path, endpoint, method in (
            (PAGE, self.page, "GET"),
            (f"{PAGE}/login", self.login, "POST"),
            (f"{PAGE}/logout", self.logout, "POST"),
            (f"{PAGE}/index.json", self.index_json, "GET"),
            (f"{PAGE}/refresh", self.refresh, "POST"),
            (f"{PAGE}/questions.csv", self.questions_csv, "GET"),
            (f"{PAGE}/opinions.csv", self.opinions_csv, "GET"),
            (f"{PAGE}/batch", self.begin_batch, "POST"),
            (FILES, self.receive, "POST"),
            (PUBLISH, self.publish, "POST"),
            (f"{PAGE}/discard", self.discard, "POST"),
            (f"{PAGE}/page.css", _resource("teacher_page.css", "text/css"), "GET"),
            (f"{PAGE}/page.js", _resource("teacher_page.js", "text/javascript"), "GET"),
        ):
            router.add_route(path, endpoint, methods=[method])
        return router

    # --- the page and its login ------------------------------------------------------

    def page(self, request: Request) -> Response:
        """The page of who is logged in, else the login, else how to open it."""
        login = self._login(request)
        if login is None:
            return self._login_page(request)
        words = _words(request)
        days = _period(request)
        since = _since(days)
        asked, opinions = self._feedback.asked(since), self._feedback.opinions(since)
        groups = group_questions(asked[:_GROUPED])
        refused = group_questions([one for one in asked if not one.answered][:_GROUPED])
        disliked = [opinion for opinion in opinions if not opinion.liked]
        today = date.today()
        state, problem = None, ""
        try:
            state = self._index.state()
        except AssistantError as error:
            problem = words["unavailable"].format(error=error)
        limits = self._uploads.limits
        return self._render(
            request,
            token=self._logins.form_token(login),
            state=state,
            problem=problem,
            running=self._index.progress.running,
            days=days,
            periods=PERIODS,
            kinds=", ".join(sorted(READERS)),
            limits={"file": limits.file_bytes // 2**20, "body": limits.body_bytes // 2**20},
            body_bytes=limits.body_bytes,
            asked=len(asked),
            unanswered=sum(not one.answered for one in asked),
            liked=len(opinions) - len(disliked),
            disliked=group_opinions(disliked)[:_SHOWN],
            disliked_count=len(disliked),
            groups=groups[:_SHOWN],
            groups_left=len(groups) - _SHOWN,
            refused=refused[:_SHOWN],
            refused_left=len(refused) - _SHOWN,
            questions_chart=bars(
                count_days(((one.hour, one.answered) for one in asked), days, today),
                title=words["chart_questions"],
                first=words["answered"],
                second=words["without"],
            ),
            opinions_chart=bars(
                count_days(((one.hour, one.liked) for one in opinions), days, today),
                title=words["chart_opinions"],
                first=words["liked"],
                second=words["disliked"],
            ),
        )

    def _login_page(self, request: Request, message: str = "", status: int = 200) -> Response:
        """The login form, tied to this browser by a cookie of its own."""
        holder = cookie_value(_cookies(request), FORM_COOKIE)
        new_holder = None if holder else secrets.token_urlsafe(18)
        token = self._logins.form_token(holder or new_holder or "")
        response = self._render(request, status=status, token=token, message=message)
        if new_holder is not None:
            _give_cookie(request, response, FORM_COOKIE, new_holder)
        return response

    def _render(self, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
        language = choose_language(request.headers.get("accept-language", ""))
        page = _template().render(
            language=language,
            words=TEACHER_TEXTS[language],
            is_open=self._logins.is_open,
            hour=_hour_in(language),
            note_url=note_url,
            heading_path=heading_path,
            **values,
        )
        headers = {"Cache-Control": "private, no-store", "Vary": "Accept-Language, Cookie"}
        return HTMLResponse(page, status, headers)

    async def login(self, request: Request) -> Response:
        """Compare the password; a cookie of eight hours where it is right."""
        words = _words(request)
        form = await _form(request)
        holder = cookie_value(_cookies(request), FORM_COOKIE)
        if not self._logins.is_form_token(form.get("token", ""), holder):
            return await run_in_threadpool(self._login_page, request, words["expired"], 403)
        client = client_of(request.client.host if request.client else None)
        password = form.get("password", "")[:_PASSWORD_LENGTH]
        try:
            cookie = await run_in_threadpool(self._logins.enter, client, password)
        except TooManyAttemptsError as error:
            seconds = int(error.seconds) + 1
            message = words["wait"].format(seconds=seconds)
            response = await run_in_threadpool(self._login_page, request, message, 429)
            response.headers["Retry-After"] = str(seconds)
            return response
        except WrongPasswordError:
            return await run_in_threadpool(self._login_page, request, words["wrong"], 401)
        response = RedirectResponse(PAGE, 303)
        _give_cookie(request, response, COOKIE, cookie)
        return response

    async def logout(self, request: Request) -> Response:
        """End this login for everybody who holds its cookie."""
        login = await self._changing(request, (await _form(request)).get("token", ""))
        await run_in_threadpool(self._logins.leave, login)
        response = RedirectResponse(PAGE, 303)
        response.delete_cookie(COOKIE, path=PAGE, httponly=True, samesite="strict")
        return response

    # --- the index -------------------------------------------------------------------

    def index_json(self, request: Request) -> Response:
        """How far the refresh is; polled by the page."""
        self._teacher(request)
        return JSONResponse(progress_as_json(self._index.progress), headers=_UNKEPT)

    async def refresh(self, request: Request) -> Response:
        """Begin a refresh: from a form, back to the page that follows it; from its script, 202."""
        header = request.headers.get("x-form-token")
        token = header if header is not None else (await _form(request)).get("token", "")
        await self._changing(request, token)
        self._index.refresh()
        if header is None:
            return RedirectResponse(f"{PAGE}#refreshed", 303)
        return JSONResponse({"running": True}, 202)

    # --- questions as CSV ------------------------------------------------------------

    def questions_csv(self, request: Request) -> Response:
        """Every question of the period, newest first."""
        self._teacher(request)
        words = _words(request)
        asked = self._feedback.asked(_since(_period(request)))
        heads = ("head_hour", "question", "head_outcome", "head_confidence", "nearest")
        rows = (_question_row(one, words) for one in asked)
        return _csv("questions", tuple(words[head] for head in heads), rows)

    def opinions_csv(self, request: Request) -> Response:
        """Every opinion of the period, newest first."""
        self._teacher(request)
        words = _words(request)
        opinions = self._feedback.opinions(_since(_period(request)))
        heads = (
            "head_hour", "head_liked", "head_reason", "question", "head_outcome", "head_citations"
        )  # fmt: skip
        rows = (_opinion_row(one, words) for one in opinions)
        return _csv("opinions", tuple(words[head] for head in heads), rows)

    # --- new notes -------------------------------------------------------------------

    async def begin_batch(self, request: Request) -> Response:
        """A batch for the files to come."""
        await self._changing(request, request.headers.get("x-form-token", ""))
        return JSONResponse({"batch": await run_in_threadpool(self._uploads.begin)})

    async def receive(self, request: Request) -> Response:
        """Take one file or archive as the raw body; one line of JSON for each outcome.

        Who may send is decided before a byte is read, and bytes are counted as they come.
        """
        await self._changing(request, request.headers.get("x-form-token", ""))
        batch, name = request.query_params.get("batch", ""), request.query_params.get("name", "")
        try:
            path = await run_in_threadpool(self._uploads.receiving, batch)
        except KeyError:
            raise HTTPException(404, _words(request)["unknown_batch"]) from None
        except RefusedUploadError as error:
            return _lines([Outcome(name, "refused", str(error))])
        try:
            too_large = await _write_body(request, path, self._uploads.limits.body_bytes)
        except (OSError, ClientDisconnect):
            path.unlink(missing_ok=True)
            log.warning("an upload did not arrive whole")
            raise HTTPException(400, _words(request)["failed"]) from None
        if too_large:
            path.unlink(missing_ok=True)
            raise HTTPException(413, _words(request)["too_large"])
        return _lines(self._added(batch, name, path))

    def _added(self, batch: str, name: str, path: Path) -> Iterator[Outcome]:
        try:
            yield from self._uploads.add(batch, name, path)
        except KeyError:  # dropped while its file was sent
            path.unlink(missing_ok=True)
            yield Outcome(name, "refused", TEACHER_TEXTS["fr"]["unknown_batch"])

    async def publish(self, request: Request) -> Response:
        """Put the batch in place, then refresh the index."""
        await self._changing(request, request.headers.get("x-form-token", ""))
        wish = await _json(request)
        replace = wish.get("replace", [])
        if not isinstance(replace, list):
            raise HTTPException(422, "replace")
        chosen = {name for name in replace if isinstance(name, str)}
        try:
            outcomes = await run_in_threadpool(
                self._uploads.publish, str(wish.get("batch", "")), chosen
            )
        except KeyError:
            raise HTTPException(404, _words(request)["unknown_batch"]) from None
        self._index.forget()
        if any(outcome.result in ("placed", "replaced") for outcome in outcomes):
            self._index.refresh()
        return JSONResponse({"outcomes": [_outcome(outcome) for outcome in outcomes]})

    async def discard(self, request: Request) -> Response:
        """Forget a batch."""
        await self._changing(request, request.headers.get("x-form-token", ""))
        wish = await _json(request)
        await run_in_threadpool(self._uploads.discard, str(wish.get("batch", "")))
        return JSONResponse({})

    # --- who may ---------------------------------------------------------------------

    def _login(self, request: Request) -> str | None:
        return self._logins.check(cookie_value(_cookies(request), COOKIE))

    def _teacher(self, request: Request) -> str:
        """The login of a request; 403 without one."""
        login = self._login(request)
        if login is None:
            raise HTTPException(403, _words(request)["refused"])
        return login

    async def _changing(self, request: Request, token: str) -> str:
        """The login of a request that changes something; 403 without its form's token."""
        login = await run_in_threadpool(self._teacher, request)
        if not self._logins.is_form_token(token, login):
            raise HTTPException(403, _words(request)["expired"])
        return login


_UNKEPT = {"Cache-Control": "private, no-store"}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = files("assistant.web").joinpath("teacher_page.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def _resource(name: str, media: str) -> Callable[[Request], Response]:
    content = files("assistant.web").joinpath(name).read_bytes()
    return lambda _: Response(content, media_type=media, headers={"Cache-Control": "no-cache"})


def _cookies(request: Request) -> str:
    return request.headers.get("cookie", "")


def _give_cookie(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    line = set_cookie(name, value, seconds=LIFE, secure=secure, path=PAGE, strict=True)
    response.headers.append("Set-Cookie", line)


def _words(request: Request) -> dict[str, str]:
    return dict(TEACHER_TEXTS[choose_language(request.headers.get("accept-language", ""))])


def _period(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return next((days for days in PERIODS if str(days) == asked), 30)


def _since(days: int) -> float:
    """The beginning of the first of the last `days` days, seconds since the epoch."""
    midnight = datetime.combine(date.today(), datetime.min.time()).timestamp()
    return midnight - 24 * 3600 * (days - 1)


def _hour_in(language: str) -> Callable[[int], str]:
    shape = "%d/%m/%Y %H:%M" if language == "fr" else "%Y-%m-%d %H:%M"
    return lambda seconds: datetime.fromtimestamp(seconds).strftime(shape)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form; the guard bounds its size."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


async def _json(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(422, "JSON")
    return value


async def _write_body(request: Request, path: Path, limit: int) -> bool:
    """Write a body as it arrives; true where it was larger than `limit` bytes."""
    arrived = 0
    with path.open("xb") as file:
        async for piece in request.stream():
            arrived += len(piece)
            if arrived > limit:
                return True
            await run_in_threadpool(file.write, piece)
    return False


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"name": outcome.name, "result": outcome.result, "reason": outcome.reason}


def _lines(outcomes: Iterable[Outcome]) -> StreamingResponse:
    """Each outcome as a line of JSON, sent when it is known."""
    written = (json.dumps(_outcome(outcome)) + "\n" for outcome in outcomes)
    return StreamingResponse(written, media_type="application/x-ndjson", headers=_UNKEPT)


def _question_row(asked: Asked, words: dict[str, str]) -> tuple[str, ...]:
    near = " | ".join(
        f"{heading_path(n.title, n.headings)} ({n.note_id}:{n.line_start})" for n in asked.nearest
    )
    answered = words["answered"] if asked.answered else words["without"]
    return (_iso(asked.hour), asked.question, answered, f"{asked.confidence:.2f}", near)


def _opinion_row(opinion: Opinion, words: dict[str, str]) -> tuple[str, ...]:
    cited = " | ".join(f"{c.note_id}:{c.line_start}-{c.line_end}" for c in opinion.citations)
    liked = words["yes"] if opinion.liked else words["no"]
    return (
        _iso(opinion.hour), liked, opinion.reason, opinion.question, opinion.answer, cited
    )  # fmt: skip


def _iso(hour: int) -> str:
    return datetime.fromtimestamp(hour).isoformat(timespec="minutes")


def _csv(name: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Response:
    """A table that a French spreadsheet opens by itself: semicolons, UTF-8 with its mark."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(heads)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', **_UNKEPT}
    content = written.getvalue().encode("utf-8-sig")
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, full-width signs included."""
    first = unicodedata.normalize("NFKC", cell.lstrip())[:1]
    starts_so = first in _FORMULA if first else False
    return f"'{cell}" if starts_so or cell.startswith(_FORMULA) else cell
