"""The note reader: a list of the notes, every note whole, images of the corpus.

Pages are made here, on the server, and need no script but to mark the lines an address
names and to scroll to them. Reading needs no model; only the search for passages asks the
retrieval.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from rapidfuzz import fuzz, process

from assistant.analysis import fold
from assistant.answering.frames import attribution
from assistant.datatypes import Hit, Note
from assistant.errors import AssistantError
from assistant.index.store import NoteLabels
from assistant.places import line_at
from assistant.web.addresses import FILES, NOTES, note_url
from assistant.web.corpus_images import find_image
from assistant.web.notes_html import mark_lines, render_note
from assistant.web.quote_marks import mark_quote, quoted_slice
from assistant.web.reader_texts import READER_TEXTS
from assistant.web.sources import heading_path
from assistant.web.texts import choose_language

if TYPE_CHECKING:
    from jinja2 import Environment

QUERY_LIMIT = 300  # characters
PASSAGES = 8  # shown by a search
EXCERPT = 240  # characters of a passage

_STATIC = {"reader.css": "text/css", "look.js": "text/javascript", "reader.js": "text/javascript"}
_LINES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_TOC_DEPTH = 3

log = logging.getLogger(__name__)


class Library(Protocol):
    """What the reader needs of the assistant."""

    def notes(self) -> list[tuple[str, str]]: ...
    def labels(self) -> list[NoteLabels]: ...
    def note(self, note_id: str) -> Note: ...
    def search(self, question: str, *, k: int) -> Sequence[Hit]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A note in a list."""

    id: str
    title: str
    by: str = ""  # author and date, where known

    @property
    def address(self) -> str:
        return note_url(self.id)

    @property
    def course(self) -> str:
        return self.id.split("/", 1)[0] if "/" in self.id else ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage found by a search."""

    address: str
    path: str
    place: str
    text: str


def reader_routes(library: Library, corpus: Path) -> APIRouter:
    """The pages of the reader; `corpus` is the folder that images are read from."""
    router = APIRouter(include_in_schema=False)

    @router.get(NOTES)
    def list_notes(request: Request, q: str = "") -> HTMLResponse:
        language = _language(request)
        words = READER_TEXTS[language]
        query = " ".join(q.split())[:QUERY_LIMIT]
        try:
            entries = [
                Entry(note.id, note.title, attribution(note.author, note.date, language))
                for note in library.labels()
            ]
        except AssistantError as error:
            return _unavailable(language, error)
        passages: list[Passage] = []
        message = "" if entries else words["none_yet"]
        if query and entries:
            entries = _named(entries, query)
            try:
                passages = _passages(library, query, words["line"])
            except AssistantError as error:
                log.error("passages not searched: %s", error)
                message = words["no_passages"]
            if not entries and not passages:
                message = words["none_found"]
        return page(
            "reader_list.html", language, query=query, message=message, passages=passages,
            courses=_by_course(entries), at_list=not query,
        )  # fmt: skip

    @router.get(NOTES + "/{note_id:path}")
    def read_note(request: Request, note_id: str, L: str = "", quote: str = "") -> HTMLResponse:
        language = _language(request)
        words = READER_TEXTS[language]
        try:
            entries = [Entry(*note) for note in library.notes()]
            note = library.note(note_id)
        except AssistantError as error:
            return _unavailable(language, error)
        except KeyError:
            return page(
                "reader_list.html", language, status=404, message=words["unknown"],
                courses=_by_course(_nearest(entries, note_id)), query="", passages=[],
            )  # fmt: skip
        ids = tuple(entry.id for entry in entries)
        names = tuple(words[unit] for unit in ("page", "slide", "cell", "sheet", "chapter"))
        rendered = render_note(note, ids, names)
        if cited := quoted_slice(note, quote):
            said = words["quote_begins"], words["quote_ends"]
            rendered = mark_quote(rendered, note, *cited, said)
        elif lines := _LINES.fullmatch(L):
            rendered = mark_lines(rendered, int(lines[1]), int(lines[2] or lines[1]))
        from markupsafe import Markup

        outermost = min((heading.level for heading in rendered.headings), default=1)
        shown = [h for h in rendered.headings if h.level - outermost < _TOC_DEPTH]
        at = ids.index(note.id) if note.id in ids else 0
        by = attribution(note.author, note.date, language)
        return page(
            "reader_note.html", language, note=note, html=Markup(rendered.html),
            has_title=any(heading.level == 1 for heading in rendered.headings),
            headings=shown if len(shown) > 1 else [], outermost=outermost,
            about=" · ".join(filter(None, (by, ", ".join(note.tags)))),
            matter_lines=note.text.count("\n", 0, note.body_start),
            file=note.id.removeprefix(f"{note.course}/"),
            previous=entries[at - 1] if at else None,
            next=entries[at + 1] if at + 1 < len(entries) else None,
        )  # fmt: skip

    @router.get(FILES + "/{path:path}")
    def read_file(path: str) -> Response:
        found = find_image(corpus, path)
        if found is None:
            return Response("", status_code=404)
        file, kind = found
        return FileResponse(file, media_type=kind, headers={"Cache-Control": "private, max-age=60"})

    @router.get("/reader/{name}")
    def read_static(name: str) -> Response:
        if name not in _STATIC:
            return Response("", status_code=404)
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(_static(name), media_type=_STATIC[name], headers=kept)

    return router


def _language(request: Request) -> str:
    return choose_language(request.headers.get("accept-language", ""))


def page(template: str, language: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of ours from its template, every value escaped."""
    known = {"query": "", "message": "", "passages": [], "courses": [], "at_list": False}
    words = READER_TEXTS[language]
    values = known | values | {"language": language, "words": words, "version": _version()}
    written = _templates().get_template(template).render(**values)
    return HTMLResponse(written, status_code=status, headers={"Vary": "Accept-Language"})


def _unavailable(language: str, error: AssistantError) -> HTMLResponse:
    log.error("notes not listed: %s", error)  # names folders: for whoever runs the course
    message = READER_TEXTS[language]["unavailable"]
    return page("reader_list.html", language, status=503, message=message, query="", courses=[])


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = str(files("assistant.web"))
    # Every value is escaped; a missing one is an error but where a template asks for it.
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


@cache
def _static(name: str) -> bytes:
    return files("assistant.web").joinpath(name).read_bytes()


@cache
def _version() -> str:
    """Of the styles and the scripts, so that browsers may keep them for good."""
    return hashlib.sha256(b"".join(_static(name) for name in _STATIC)).hexdigest()[:12]


def _by_course(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    ordered = sorted(entries, key=lambda entry: (fold(entry.course), fold(entry.id)))
    return [(course, list(found)) for course, found in groupby(ordered, lambda e: e.course)]


def _named(entries: list[Entry], query: str) -> list[Entry]:
    """The notes whose title or path holds every word of a query."""
    words = fold(query).split()
    return [e for e in entries if all(word in fold(f"{e.title} {e.id}") for word in words)]


def _nearest(entries: list[Entry], note_id: str, most: int = 5) -> list[Entry]:
    """The notes whose path is most like the one that does not exist."""
    ids = {entry.id: fold(entry.id) for entry in entries}
    found = process.extract(fold(note_id[:QUERY_LIMIT]), ids, scorer=fuzz.WRatio, limit=most)
    near = {note_id for _, score, note_id in found if score >= 60}
    return [entry for entry in entries if entry.id in near]


def _passages(library: Library, query: str, line_word: str) -> list[Passage]:
    found = []
    for hit in library.search(query, k=PASSAGES):
        chunk = hit.chunk
        try:
            note = library.note(chunk.note_id)
        except KeyError:  # removed since it was found
            continue
        first, last = line_at(note, chunk.start), line_at(note, max(chunk.start, chunk.end - 1))
        text = " ".join(chunk.text.split())
        found.append(
            Passage(
                note_url(chunk.note_id, first, last),
                heading_path(hit.title, chunk.headings),
                f"{chunk.note_id}, {line_word} {first}",
                text[:EXCERPT] + ("…" if len(text) > EXCERPT else ""),
            )
        )
    return found
