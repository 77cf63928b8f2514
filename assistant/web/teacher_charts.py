"""Counts by day as an SVG drawn on the server: no script, no library.

Bars of two kinds stacked, a scale of at most three lines, a day written now and then.
Colours are classes of `teacher_page.css`. Numbers and texts are escaped by Markup.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from assistant.web.teacher_questions import Day

_WIDTH, _HEIGHT = 720, 180
_LEFT, _BOTTOM, _TOP = 44, 24, 10


def bars(days: Sequence[Day], *, title: str, first: str, second: str) -> Markup:
    """Two counts a day as stacked bars; `first` stands below, `second` above it."""
    most = max((day.answered + day.refused for day in days), default=0)
    step = _step(most)
    top = max(step, step * math.ceil(most / step))
    height = _HEIGHT - _TOP - _BOTTOM
    slot = (_WIDTH - _LEFT) / max(1, len(days))
    bar = max(1.0, slot - min(4.0, slot * 0.3))
    total_first, total_second = sum(d.answered for d in days), sum(d.refused for d in days)
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, f"{title} : {total_first} {first}, {total_second} {second}"
        )
    ]
    for value in range(0, top + 1, step):
        y = _TOP + height * (1 - value / top)
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="scale" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH, y, y, _LEFT - 6, y + 4, value)
        )
    every = math.ceil(len(days) / 8)
    for index, day in enumerate(days):
        x = _LEFT + index * slot
        base = float(_TOP + height)
        name = day.day.strftime("%d/%m")
        for count, kind, word in (
            (day.answered, "first", first),
            (day.refused, "second", second),
        ):
            if count:
                tall = height * count / top
                base -= tall
                parts.append(
                    Markup(
                        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                        "<title>{}</title></rect>"
                    ).format(kind, x, base, bar, tall, f"{name} : {count} {word}")
                )
        if index % every == 0:
            parts.append(
                Markup('<text class="scale" x="{:.1f}" y="{}">{}</text>').format(
                    x, _HEIGHT - 6, name
                )
            )
    return Markup("").join([*parts, Markup("</svg>")])


def _step(most: int) -> int:
    """1, 2 or 5 times a power of ten, so that three lines or fewer reach `most`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * 3 >= most:
                return factor * power
        power *= 10
