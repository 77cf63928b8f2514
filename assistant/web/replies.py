"""An answer as the chat shows it: safe Markdown around the notes' own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.answering.frames import FRAMES
from assistant.datatypes import Answer
from assistant.web import sources
from assistant.web.addresses import note_url
from assistant.web.markdown import escape_all, render_answer
from assistant.web.texts import TEXTS

LIFT = "#lift-filter"  # followed by settings.js


def shown_answer(turn: int, answer: Answer, nearest: Sequence[dict[str, Any]]) -> str:
    """The answer of a turn with its links; after a refusal, with what helps to go on.

    `nearest` are the sections of the turn's panel.
    """
    words, frames = TEXTS[answer.language], FRAMES[answer.language]
    numbers = {citation.number for citation in answer.citations}
    parts = []
    if answer.standalone:
        parts.append(_small(frames["understood"].format(question=answer.standalone)))
    if answer.limited_to and answer.answered:
        parts.append(_small(answer.limited_to))
    parts.append(
        render_answer(
            answer.text,
            [citation.quote for citation in answer.citations],
            lambda number: sources.anchor(turn, number) if number in numbers else None,
        )
    )
    if answer.limited_to and not answer.answered:
        said = words["only_in"].format(limits=answer.limited_to)
        parts.append(f"{_small(said)} {lifting(answer.language)}")
    if nearest:
        if not answer.standalone:
            parts.append(_small(words["searched"].format(question=answer.question)))
        parts.append(words["nearest"])
        links = [f"- [{escape_all(near['path'])}]({near['anchor']})" for near in nearest]
        parts.append("\n".join(links))
        parts.append(_small(words["rephrase"]))
    if answer.see_also:
        links = [f"[{escape_all(title)}]({note_url(i)})" for i, title in answer.see_also]
        parts.append(f"{frames['see_also']} {' · '.join(links)}")
    if answer.model:
        parts.append(_small(words["written_by"].format(model=answer.model)))
    if answer.notice:
        parts.append(_small(answer.notice))
    return "\n\n".join(parts)


def lifting(language: str) -> str:
    """The link that lifts the filter: every note is asked again."""
    return f"[{TEXTS[language]['lift']}]({LIFT})"


def _small(text: str) -> str:
    return f"<small>{escape_all(text)}</small>"
