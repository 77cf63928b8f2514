"""The panel of sources: its data, its constant template and the script that fills it.

The template never holds a value: Gradio evaluates `${…}` found in values placed in a
template as JavaScript, so note text reaches the page only as JSON, and the script
writes it with `textContent`. Leaves out Markdown rendering on purpose: a proof shows
the note's characters as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assistant.answering.frames import attribution, citation_place, line_range, place_name
from assistant.datatypes import Answer, Citation, Hit, Note, Suggestion
from assistant.places import line_at, place_at
from assistant.web.addresses import citation_url, note_url
from assistant.web.texts import TEXTS

CONTEXT = 1200  # characters shown at most on each side of a quotation
TEMPLATE = '<section class="sources" aria-labelledby="sources-heading"></section>'


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a note around a span: `before + quote + after` is a slice of the note."""

    before: str
    quote: str
    after: str
    starts_inside: bool  # whether the section began earlier
    ends_inside: bool  # whether the section goes on


def anchor(turn: int, source: int | str) -> str:
    """The address of a source; unique in a conversation, so old links stay true."""
    return f"#src-{turn}-{source}"


def excerpt(
    text: str,
    start: int,
    end: int,
    *,
    heading: str = "",
    body_start: int = 0,
    context: int = CONTEXT,
) -> Excerpt:
    """Cut the section around `text[start:end]`, at whole lines where it is not too long.

    The section begins at the last line before the span that holds `heading`, else where
    the text after the front matter begins; it ends before the next Markdown heading.
    """
    begin = _section_start(text, start, heading, min(body_start, start))
    finish = _section_end(text, end)
    first = begin if start - begin <= context else _next_line(text, start - context, start)
    last = finish if finish - end <= context else _line_end(text, end, end + context)
    before, after = text[first:start], text[end:last]
    return Excerpt(
        before=before.lstrip("\n"),
        quote=text[start:end],
        after=after.rstrip(),
        starts_inside=first > begin,
        ends_inside=last < finish,
    )


def panel(
    turn: int,
    answer: Answer,
    note: Callable[[str], Note],
    language: str,
    *,
    answer_id: str = "",
    opinion: tuple[bool, str] | None = None,
) -> dict[str, Any]:
    """The panel's data for one turn, as JSON values.

    `note` gives the text a citation was checked against, and raises KeyError for a note
    that has left the course since. Without `answer_id` no opinion is asked for; `opinion`
    is what the reader said before: liked or not, and why.
    """
    return {
        "turn": turn,
        "question": answer.standalone or answer.question,
        "sources": [_cited(turn, citation, note, language) for citation in answer.citations],
        "nearest": []
        if answer.citations
        else [
            _near(turn, position, suggestion, note, language)
            for position, suggestion in enumerate(answer.suggestions, start=1)
        ],
        "found": _found(turn, answer, note, language) if answer.citations else [],
        "answer": answer_id,
        "opinion": None if opinion is None else {"liked": opinion[0], "reason": opinion[1]},
    }


def failed_panel(turn: int, question: str) -> dict[str, Any]:
    """The panel of a turn that has no answer."""
    return {
        "turn": turn,
        "question": question,
        "sources": [],
        "nearest": [],
        "found": [],
        "answer": "",
        "opinion": None,
    }


def heading_path(title: str, headings: tuple[str, ...]) -> str:
    """Title and headings as one line, outermost first, without saying a name twice."""
    return " › ".join(dict.fromkeys(part for part in (title, *headings) if part))


def _cited(
    turn: int, citation: Citation, note: Callable[[str], Note], language: str
) -> dict[str, Any]:
    place = citation_place(citation, language)
    try:
        source = note(citation.note_id)
    except KeyError:
        source = None
    shown = Excerpt("", citation.quote, "", False, False)
    # The quotation was proved when the answer was made; should the note have changed
    # in between, the quotation alone is shown rather than a wrong surrounding.
    if source is not None and source.text[citation.start : citation.end] == citation.quote:
        shown = excerpt(
            source.text,
            citation.start,
            citation.end,
            heading=citation.headings[-1] if citation.headings else "",
            body_start=source.body_start,
        )
    path = heading_path(citation.title, citation.headings)
    by = attribution(citation.author, citation.date, language)
    described = ", ".join(filter(None, (path, by, citation.note_id, place)))
    return {
        "anchor": anchor(turn, citation.number),
        "label": str(citation.number),
        "title": citation.title,
        "headings": list(citation.headings),
        "file": citation.note_id,
        "place": place,
        "by": by,
        "before": shown.before,
        "quote": shown.quote,
        "after": shown.after,
        "cut_before": shown.starts_inside,
        "cut_after": shown.ends_inside,
        "copy": f"« {citation.quote.strip()} » ({described})",
        "open": citation_url(citation) if source is not None else "",
    }


def _near(
    turn: int,
    position: int,
    suggestion: Suggestion,
    note: Callable[[str], Note],
    language: str,
) -> dict[str, Any]:
    opened = note_url(suggestion.note_id, suggestion.line_start)
    try:
        source = note(suggestion.note_id)
    except KeyError:
        after, cut, opened, by = TEXTS[language]["section_unread"], False, "", ""
    else:
        start = _offset_of_line(source.text, suggestion.line_start)
        first_line = source.text.find("\n", start)
        end = len(source.text) if first_line < 0 else first_line
        shown = excerpt(source.text, start, end, body_start=start)
        after, cut = shown.quote + shown.after, shown.ends_inside
        by = attribution(source.author, source.date, language)
    return {
        "anchor": anchor(turn, f"s{position}"),
        "path": heading_path(suggestion.title, suggestion.headings),
        "label": "",
        "title": suggestion.title,
        "headings": list(suggestion.headings),
        "file": suggestion.note_id,
        "place": line_range(suggestion.line_start, suggestion.line_start, language),
        "by": by,
        "before": "",
        "quote": "",
        "after": after,
        "cut_before": False,
        "cut_after": cut,
        "copy": "",
        "open": opened,
    }


def _found(
    turn: int, answer: Answer, note: Callable[[str], Note], language: str
) -> list[dict[str, Any]]:
    """The passages found beside those quoted: no proof, but near the question."""
    beside = [
        hit
        for hit in answer.hits
        if not any(
            hit.chunk.note_id == cited.note_id
            and hit.chunk.start < cited.end
            and cited.start < hit.chunk.end
            for cited in answer.citations
        )
    ]
    wanted = max(0, len(answer.hits) - len(answer.citations))
    shown = [_passage(turn, hit, note, language) for hit in beside[:wanted]]
    return [entry for entry in shown if entry is not None]


def _passage(
    turn: int, hit: Hit, note: Callable[[str], Note], language: str
) -> dict[str, Any] | None:
    chunk = hit.chunk
    try:
        source = note(chunk.note_id)
    except KeyError:
        return None
    start, end = line_at(source, chunk.start), line_at(source, max(chunk.start, chunk.end - 1))
    place = place_at(source, chunk.start)
    page = None if place is None or place.unit == "line" else place.number
    return {
        "anchor": anchor(turn, f"h{hit.rank}"),
        "label": "",
        "title": hit.title,
        "headings": list(chunk.headings),
        "file": chunk.note_id,
        "place": place_name(place.unit if place else "line", page, start, end, language),
        "by": attribution(hit.author, hit.date, language),
        "before": "",
        "quote": "",
        "after": chunk.text,
        "cut_before": False,
        "cut_after": False,
        "copy": "",
        "open": note_url(chunk.note_id, start, end),
    }


def _section_start(text: str, start: int, heading: str, floor: int) -> int:
    """Offset of the line that holds `heading`, looking upwards from `start`."""
    found = text.rfind(heading, floor, start) if heading else -1
    return floor if found < 0 else text.rfind("\n", floor, found) + 1 or floor


def _section_end(text: str, end: int) -> int:
    """Offset of the next heading line after `end` that is outside a code fence."""
    position = text.find("\n", end)
    fenced = text.count("\n```", 0, end) % 2 == 1
    while position >= 0:
        line = text[position + 1 : position + 8]
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and line.startswith("#") and line.lstrip("#").startswith(" "):
            return position + 1
        position = text.find("\n", position + 1)
    return len(text)


def _next_line(text: str, position: int, limit: int) -> int:
    """Start of the first line that begins at or after `position`, `limit` at most."""
    found = text.find("\n", position, limit)
    return position if found < 0 else found + 1


def _line_end(text: str, floor: int, position: int) -> int:
    """End of the last whole line before `position`, or `position` within one long line."""
    found = text.rfind("\n", floor, position)
    return position if found < 0 else found


def _offset_of_line(text: str, number: int) -> int:
    """Offset at which line `number` begins; the first line is 1."""
    offset = 0
    for _ in range(number - 1):
        found = text.find("\n", offset)
        if found < 0:
            break
        offset = found + 1
    return offset
