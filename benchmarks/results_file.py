"""Keeps `benchmarks/RESULTS.md`: every script replaces its own sections, by heading."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def replace_section(heading: str, lines: Iterable[str], *, path: Path = RESULTS) -> None:
    """Put `lines` under `heading`, in place of the section that has it, or at the end.

    `heading` is a whole line, such as "## Peers"; a section ends where the next "## "
    begins. "# Results" is what comes before the first. Other sections keep their words
    and their order.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = [part.strip("\n") for part in re.split(r"^(?=## )", text, flags=re.M)]
    sections = [part for part in sections if part]
    new = "\n".join((heading, "", *lines)).rstrip("\n")
    places = [n for n, part in enumerate(sections) if part.partition("\n")[0] == heading]
    if places:
        sections[places[0]] = new
    else:
        sections.append(new)
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
