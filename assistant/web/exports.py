"""A conversation to take away: Markdown, a page to print, JSON.

Each carries the quotations with their files and lines, so that it proves itself without
this server. Nothing of a question or a note becomes an element of the page: Markdown is
rendered without HTML, links and images. Leaves out PDF: a browser prints the page as one.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from assistant.analysis import fold
from assistant.answering.frames import attribution, citation_place, line_range, shown_date
from assistant.datatypes import Citation, Suggestion
from assistant.web.sources import heading_path
from assistant.web.texts import choose_language

if TYPE_CHECKING:
    from fastapi import APIRouter
    from markdown_it import MarkdownIt

    from assistant.web.conversations import Conversation, Conversations, Turn
    from assistant.web.session import Sessions

TEXTS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "sources": "Sources",
        "nearest": "Sections les plus proches",
        "understood": "compris comme : {question}",
        "made": "Conversation du {date} avec l'assistant de cours",
        "absent": "Cette conversation n'existe pas, ou n'est pas de ce navigateur.",
    },
    "en": {
        "sources": "Sources",
        "nearest": "Nearest sections",
        "understood": "understood as: {question}",
        "made": "Conversation of {date} with the course assistant",
        "absent": "This conversation does not exist, or is not this browser's.",
    },
}

_CODE_OR_MARKUP = re.compile(
    r"(?P<code>^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^(?P=fence)|\Z)|`[^`\n]+`)|<|\](?=\(|\[)",
    re.M | re.S,
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2a33; --soft: #55636e; --line: #dedbd2;
  --paper: #ffffff; --teal: #0d5c63; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --soft: #a4b0ba; --line: #323b43;
  --paper: #14181c; --teal: #7fcbd2; } }
body { font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  color: var(--ink); background: var(--paper); max-width: 46rem; margin: 2rem auto;
  padding: 0 1.2rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; margin-bottom: .2rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; white-space: pre-wrap; break-after: avoid; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
blockquote { margin: .6rem 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--teal); }
pre { white-space: pre-wrap; padding: .7rem .9rem; border: 1px solid var(--line);
  border-radius: 6px; font-size: .9rem; }
figure { margin: .8rem 0; break-inside: avoid; }
figure pre { margin: .3rem 0 0; font-family: inherit; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .2rem .6rem; }
section + section { border-top: 1px solid var(--line); margin-top: 2rem; }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --teal: #0d5c63; }
  body { margin: 0; max-width: none; font-size: 10.5pt; } @page { margin: 2cm; } }
"""


def as_markdown(conversation: Conversation, turns: list[Turn], language: str) -> str:
    """The conversation as Markdown; text of readers and notes shows as it was."""
    words = TEXTS[language]
    parts = [
        f"# {_plain(conversation.title)}",
        words["made"].format(date=_day(conversation, language)),
    ]
    for turn in turns:
        parts.append(f"## {_plain(' '.join(turn.question.split()))}")
        if turn.standalone != turn.question:
            understood = words["understood"].format(question=" ".join(turn.standalone.split()))
            parts.append(f"*{_plain(understood)}*")
        if turn.answer.limited_to:
            parts.append(f"*{_plain(turn.answer.limited_to)}*")
        parts.append(_without_markup(turn.answer.text.strip()))
        if turn.answer.citations:
            parts.append(f"### {words['sources']}")
        for citation in turn.answer.citations:
            parts.append(f"[{citation.number}] {_plain(_source(citation, language))}")
            parts.append(_fenced(citation.quote))
        if turn.answer.suggestions:
            parts.append(f"### {words['nearest']}")
            parts.append(
                "\n".join(f"- {_plain(_near(s, language))}" for s in turn.answer.suggestions)
            )
    return "\n\n".join(parts) + "\n"


def as_html(conversation: Conversation, turns: list[Turn], language: str) -> str:
    """The conversation as one page without scripts, ready to print."""
    words = TEXTS[language]
    title = html.escape(conversation.title)
    made = words["made"].format(date=_day(conversation, language))
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{title}</h1>",
        f'<p class="soft">{html.escape(made)}</p>',
    ]
    for turn in turns:
        parts.append(f"<section>\n<h2>{html.escape(turn.question)}</h2>")
        if turn.standalone != turn.question:
            understood = words["understood"].format(question=turn.standalone)
            parts.append(f'<p class="soft">{html.escape(understood)}</p>')
        if turn.answer.limited_to:
            parts.append(f'<p class="soft">{html.escape(turn.answer.limited_to)}</p>')
        parts.append(_markdown().render(turn.answer.text))
        if turn.answer.citations:
            parts.append(f"<h3>{words['sources']}</h3>")
        for citation in turn.answer.citations:
            source = html.escape(f"[{citation.number}] {_source(citation, language)}")
            quoted = html.escape(citation.quote)
            parts.append(f"<figure><figcaption>{source}</figcaption><pre>{quoted}</pre></figure>")
        if turn.answer.suggestions:
            near = "".join(
                f"<li>{html.escape(_near(s, language))}</li>" for s in turn.answer.suggestions
            )
            parts.append(f"<h3>{words['nearest']}</h3>\n<ul>{near}</ul>")
        parts.append("</section>")
    parts.append("</main>\n</body>\n</html>\n")
    return "\n".join(parts)


def as_json(conversation: Conversation, turns: list[Turn]) -> dict[str, Any]:
    """The conversation as JSON values; `note`, lines and offsets as on the command line."""
    return {
        "title": conversation.title,
        "created": _time(conversation.created),
        "updated": _time(conversation.updated),
        "turns": [
            {
                "question": turn.question,
                "standalone": turn.standalone,
                "asked": _time(turn.created),
                "language": turn.answer.language,
                "answered": turn.answer.answered,
                "confidence": round(turn.answer.confidence, 4),
                "text": turn.answer.text,
                "limited_to": turn.answer.limited_to,
                "citations": [_with_note(citation) for citation in turn.answer.citations],
                "suggestions": [_with_note(near) for near in turn.answer.suggestions],
            }
            for turn in turns
        ],
    }


def export_routes(conversations: Conversations, sessions: Sessions) -> APIRouter:
    """`/conversations/<id>.md`, `.html` and `.json`, for the browser that had it alone."""
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response

    router = APIRouter(include_in_schema=False)

    def export(request: Request) -> Response:
        language = choose_language(request.headers.get("accept-language", ""))
        session = sessions.of(request.headers.get("cookie", ""))
        conversation_id = request.path_params["conversation"]
        kind = request.path_params["kind"]
        try:
            if session is None or kind not in ("md", "html", "json"):
                raise KeyError(conversation_id)
            conversation = conversations.get(session, conversation_id)
            turns = conversations.turns(session, conversation_id)
        except KeyError:
            return PlainTextResponse(TEXTS[language]["absent"], 404)
        if kind == "md":
            text, media = as_markdown(conversation, turns, language), "text/markdown"
        elif kind == "html":
            text, media = as_html(conversation, turns, language), "text/html"
        else:
            text = json.dumps(as_json(conversation, turns), ensure_ascii=False, indent=2)
            media = "application/json"
        headers = {
            "Content-Disposition": _disposition(conversation.title, kind),
            "Cache-Control": "private, no-store",
        }
        return Response(text, media_type=f"{media}; charset=utf-8", headers=headers)

    router.add_route("/conversations/{conversation}.{kind}", export, methods=["GET"])
    return router


def _disposition(title: str, kind: str) -> str:
    """A page opens in the browser, a file is saved, both under the conversation's title."""
    plain = re.sub(r"[^a-z0-9]+", "-", fold(title)).strip("-")[:60] or "conversation"
    saved = "inline" if kind == "html" else "attachment"
    return f"{saved}; filename=\"{plain}.{kind}\"; filename*=UTF-8''{quote(title)}.{kind}"


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    return parser.disable(["image", "link", "autolink", "reference", "html_block", "html_inline"])


def _plain(text: str) -> str:
    """Text in which Markdown reads no markup."""
    return re.sub(r"([\\`*_\[\]<>&#|~$!])", r"\\\1", text)


def _without_markup(text: str) -> str:
    """Markdown in which a note's HTML, links and images are plain characters."""
    return _CODE_OR_MARKUP.sub(lambda found: found["code"] or "\\" + found[0], text)


def _fenced(quote_text: str) -> str:
    """A quotation in a fence longer than any it holds."""
    longest = max((len(run) for run in re.findall(r"`+", quote_text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{quote_text.rstrip()}\n{fence}"


def _source(citation: Citation, language: str) -> str:
    place = citation_place(citation, language)
    path = heading_path(citation.title, citation.headings)
    by = attribution(citation.author, citation.date, language)
    return " — ".join(filter(None, (path, f"{citation.note_id}, {place}", by)))


def _near(suggestion: Suggestion, language: str) -> str:
    place = line_range(suggestion.line_start, suggestion.line_start, language)
    path = heading_path(suggestion.title, suggestion.headings)
    return f"{path} — {suggestion.note_id}, {place}"


def _with_note(value: Citation | Suggestion) -> dict[str, Any]:
    return {"note" if key == "note_id" else key: field for key, field in asdict(value).items()}


def _day(conversation: Conversation, language: str) -> str:
    return shown_date(datetime.fromtimestamp(conversation.created).strftime("%Y-%m-%d"), language)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
