"""Jupyter notebooks: Markdown cells as they are, code cells fenced, with the cell's number.

Read as plain JSON: the format (nbformat 4, and the worksheets of 3) needs no more. Left
out: the outputs, which are data and pictures, and pictures embedded in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from assistant.reading.assembling import assemble, fenced
from assistant.reading.extracted import Extracted, UnreadableNoteError

CELLS = 20_000
_EMBEDDED = re.compile(r"data:[\w/+.;=-]{0,100},[^)\s\"'<>]{100,}")  # in Markdown or HTML
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.M)
_FRONT_MATTER = re.compile(r"\s*---\s")


def read_notebook(data: bytes, name: str) -> Extracted:
    """Read an .ipynb file; raise UnreadableNoteError with the reason."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableNoteError(
            "abîmé ou incomplet (carnet Jupyter) : ouvrez-le dans Jupyter et enregistrez-le à "
            "nouveau"
        ) from error
    if not isinstance(notebook, dict):
        raise UnreadableNoteError("n'est pas un carnet Jupyter malgré son nom")
    cells = _list(notebook.get("cells"))
    for sheet in _list(notebook.get("worksheets")):
        cells = cells + _list(_mapping(sheet).get("cells"))
    if not cells and "cells" not in notebook and "worksheets" not in notebook:
        raise UnreadableNoteError("n'est pas un carnet Jupyter malgré son nom")
    if len(cells) > CELLS:
        raise UnreadableNoteError(f"trop long (plus de {CELLS} cellules) : découpez-le")
    metadata = _mapping(notebook.get("metadata"))
    kernel, info = _mapping(metadata.get("kernelspec")), _mapping(metadata.get("language_info"))
    language = re.sub(r"[^\w+#-]", "", str(info.get("name") or kernel.get("language") or ""))
    text, places = assemble(enumerate(_contents(cells, language), 1), "cell")
    if not text:
        raise UnreadableNoteError("ne contient aucun texte")
    title = metadata.get("title")
    authors = [_mapping(author).get("name") for author in _list(metadata.get("authors"))]
    return Extracted(
        text=text,
        title=" ".join(title.split())[:300] or None if isinstance(title, str) else None,
        author=", ".join(author for author in authors if isinstance(author, str)) or None,
        places=places,
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _contents(cells: list[Any], language: str) -> Iterator[str]:
    """Yield what is kept of each cell, in order; empty for a cell that says nothing."""
    for cell in map(_mapping, cells):
        source = cell.get("source", cell.get("input", ""))
        content = "".join(part for part in _list(source) if isinstance(part, str)) or (
            source if isinstance(source, str) else ""
        )
        kind = cell.get("cell_type")
        if not content.strip():
            yield ""
        elif kind == "code":
            yield fenced(content, language)
        elif kind == "heading":  # of nbformat 3
            level = cell.get("level")
            yield "#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + " " + content
        elif kind == "raw" and _FRONT_MATTER.match(content):
            yield ""  # settings of Quarto
        else:
            yield _closed(_EMBEDDED.sub("", content))


def _closed(content: str) -> str:
    """Close a fence left open, which would swallow the cells after it."""
    mark = ""
    for match in _FENCE.finditer(content):
        if not mark:
            mark = match[1]
        elif match[1][0] == mark[0] and len(match[1]) >= len(mark):
            mark = ""
    return f"{content.rstrip()}\n{mark}" if mark else content
