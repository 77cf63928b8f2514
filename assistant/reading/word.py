"""DOCX: headings, paragraphs, lists, tables, notes, code and formulas as Markdown.

python-docx, because it is the library for this format: pure Python, kept, MIT. Its parser
expands no entities. Left out: headers and footers, comments, deleted text, tables of
contents, numbers of headings, fonts and pictures, whose alternative texts are kept. Word
lays pages out on screen only, so there are no page numbers.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assistant.reading.archive import open_archive, parse_xml
from assistant.reading.assembling import escaped, join_blocks, list_indent, printable
from assistant.reading.damage import reading
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.office_formula import linear
from assistant.reading.properties import sensible_date, sensible_title
from assistant.reading.table import markdown_table

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_ALT = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
# Deleted and moved text, instructions of fields, and what draws.
_SKIPPED = {f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "rPr", "pPr", "tblPr")}
_CODE_STYLE = re.compile(r"code|source|verbatim|preformatted|préformaté|listing|console", re.I)
_MONO_FONT = re.compile(r"mono|courier|consol|menlo", re.I)
_HEADING_STYLE = re.compile(r"(?:heading|titre) (\d)$", re.I)
_LIST_STYLE = re.compile(r"list (bullet|number)(?: (\d))?$", re.I)


@dataclass(frozen=True, slots=True)
class _Style:
    """What a paragraph style and those it is based on say."""

    name: str
    heading: int = 0  # level, 0 for none
    list_id: str | None = None
    depth: int = 0  # of the item, 0 for the outermost


@dataclass(slots=True)
class _Reader:
    """The document's parts that paragraphs refer to, and what has been counted so far."""

    styles: dict[str, _Style]
    default_style: str
    bullets: dict[tuple[str, int], bool]  # (list, depth) -> whether it has no numbers
    footnotes: dict[str, _Element]
    counters: Counter[tuple[str, int]] = field(default_factory=Counter)
    indents: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # ids met since the last block


def read_docx(data: bytes, name: str) -> Extracted:
    """Read a DOCX; raise UnreadableNoteError with the reason."""
    archive = open_archive(data, "DOCX", "word/document.xml")
    archive.close()
    with reading("DOCX"):
        import docx

        document = docx.Document(io.BytesIO(data))
        reader = _Reader(
            *_styles(document), _bullets(document), _notes(document, "footnotes", "endnotes")
        )
        text = printable(join_blocks(_blocks(document.element.body, reader)))
        properties = document.core_properties
        title, author = properties.title, properties.author
        date = properties.modified or properties.created
    if not text.strip():
        raise UnreadableNoteError("ne contient aucun texte")
    return Extracted(
        text=text + "\n",
        title=sensible_title(title, name),
        author=None if author in ("", "python-docx") else author,
        date=sensible_date(date),
    )


def _styles(document: Document) -> tuple[dict[str, _Style], str]:
    """Resolve every paragraph style along those it is based on; and name the default one."""
    elements = {
        str(style.get(f"{_W}styleId")): style
        for style in document.styles.element.iterfind(f"{_W}style")
    }
    found: dict[str, _Style] = {}
    for style_id in elements:
        name, heading, list_id, depth = "", 0, None, 0
        current: Any = elements[style_id]
        for _ in range(12):  # a chain may be a circle
            own = _value(current, "name") or ""
            name = name or own
            if not heading and (match := _HEADING_STYLE.match(own)):
                heading = int(match[1])
            elif not heading and own.lower() == "title":
                heading = 1
            level = _value(current, "pPr/outlineLvl")
            if not heading and level is not None and level.isdigit() and int(level) < 9:
                heading = int(level) + 1
            if list_id is None:
                list_id = _value(current, "pPr/numPr/numId")
                depth = _number(_value(current, "pPr/numPr/ilvl"))
            if match := _LIST_STYLE.match(own):  # "List Bullet 2" has a list of its own
                list_id = list_id or match[1].lower()
                depth = depth or int(match[2] or 1) - 1
            parent = _value(current, "basedOn")
            if parent is None or parent not in elements:
                break
            current = elements[parent]
        found[style_id] = _Style(name, min(heading, 6), list_id, depth)
    default = next(
        (
            style_id
            for style_id, style in elements.items()
            if style.get(f"{_W}default") == "1" and style.get(f"{_W}type") == "paragraph"
        ),
        "",
    )
    return found, default


def _bullets(document: Document) -> dict[tuple[str, int], bool]:
    try:
        numbering: Any = document.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return {}
    abstract = {
        (str(definition.get(f"{_W}abstractNumId")), _number(level.get(f"{_W}ilvl"))): _value(
            level, "numFmt"
        )
        in ("bullet", "none")
        for definition in numbering.iterfind(f"{_W}abstractNum")
        for level in definition.iterfind(f"{_W}lvl")
    }
    found = {}
    for instance in numbering.iterfind(f"{_W}num"):
        target = _value(instance, "abstractNumId")
        for (definition_id, depth), is_bullet in abstract.items():
            if definition_id == target:
                found[str(instance.get(f"{_W}numId")), depth] = is_bullet
    return found


def _notes(document: Document, *kinds: str) -> dict[str, _Element]:
    """Return footnotes and endnotes by kind and id, from parts that python-docx leaves raw."""
    found = {}
    for relation in document.part.rels.values():
        kind = relation.reltype.rsplit("/", 1)[-1]
        if kind in kinds and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                if note.get(f"{_W}type") is None:  # not a separator
                    found[kind[:-1] + str(note.get(f"{_W}id"))] = note
    return found


def _value(element: Any, path: str) -> str | None:
    found = element.find("/".join(_W + name for name in path.split("/")))
    return None if found is None else found.get(f"{_W}val")


def _number(value: str | None) -> int:
    return min(int(value), 8) if value and value.isdigit() else 0


def _blocks(container: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    """Yield (kind, Markdown) of the paragraphs and tables inside, and of their notes."""
    for element in container:
        if element.tag == f"{_W}p":
            yield from _paragraph(element, reader)
        elif element.tag == f"{_W}tbl":
            yield from _table(element, reader)
        elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
            yield from _blocks(element, reader)
        for note_id in reader.notes:
            note = reader.footnotes.get(note_id)
            words = "" if note is None else _words(note, reader, nested=True)
            if words:
                yield "note", f"[^{_label(note_id)}]: {words}"
        reader.notes.clear()


def _label(note_id: str) -> str:
    return note_id.replace("footnote", "").replace("endnote", "fin")


def _paragraph(paragraph: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    properties = paragraph.find(f"{_W}pPr")
    style_id = _value(paragraph, "pPr/pStyle") or reader.default_style
    style = reader.styles.get(style_id, _Style(""))
    if style.name.lower().startswith(("toc ", "table of")):
        return
    content = _content(paragraph, reader)
    boxes = [box for box in paragraph.iter(f"{_W}txbxContent") if not _in_fallback(box)]
    stripped = content.strip()
    own_level = _value(paragraph, "pPr/outlineLvl")
    heading = int(own_level) + 1 if own_level and own_level in "012345678" else style.heading
    list_id = None if properties is None else _value(properties, "numPr/numId")
    depth = style.depth
    if list_id is not None:
        depth = _number(_value(properties, "numPr/ilvl"))
    else:
        list_id = style.list_id
    if _is_code(paragraph, style, content):
        yield "code", content.rstrip()
    elif not stripped:
        yield "empty", ""
    elif heading and len(stripped) < 300:
        reader.indents.clear()
        yield "heading", "#" * min(heading, 6) + " " + " ".join(stripped.split())
    elif list_id not in (None, "0"):
        yield "item", _item(str(list_id), depth, stripped, reader)
    else:
        reader.indents.clear()
        yield "text", escaped(stripped)
    for box in boxes:
        yield from _blocks(box, reader)


def _in_fallback(element: Any) -> bool:
    return any(ancestor.tag == _FALLBACK for ancestor in element.iterancestors())


def _is_code(paragraph: Any, style: _Style, content: str) -> bool:
    if not content.strip():
        return bool(_CODE_STYLE.search(style.name))
    if style.heading:
        return False
    if _CODE_STYLE.search(style.name):
        return True
    fonts = [
        fonts.get(f"{_W}ascii") or ""
        for run in paragraph.iter(f"{_W}r")
        if run.find(f"{_W}t") is not None
        for fonts in [run.find(f"{_W}rPr/{_W}rFonts")]
        if fonts is not None
    ]
    runs = [run for run in paragraph.iter(f"{_W}r") if run.find(f"{_W}t") is not None]
    return bool(runs) and len(fonts) == len(runs) and all(map(_MONO_FONT.search, fonts))


def _item(list_id: str, depth: int, content: str, reader: _Reader) -> str:
    """Return a list item with its bullet or number, under the items above it."""
    indent = list_indent(depth, reader.indents)
    is_bullet = reader.bullets.get(
        (list_id, depth), reader.bullets.get((list_id, 0), list_id != "number")
    )
    for deeper in range(depth + 1, 9):
        reader.counters.pop((list_id, deeper), None)
    reader.counters[list_id, depth] += 1
    marker = "-" if is_bullet else f"{reader.counters[list_id, depth]}."
    return f"{indent}{marker} " + " ".join(content.split())


def _content(element: Any, reader: _Reader) -> str:
    """Return the text of a paragraph as it is seen: fields' results, not deleted text."""
    parts: list[str] = []
    for child in element:
        tag = child.tag
        if tag in _SKIPPED or not isinstance(tag, str):
            continue
        if tag == f"{_W}t":
            parts.append(child.text or "")
        elif tag in (f"{_W}tab", f"{_W}ptab"):
            parts.append("\t")
        elif tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif tag == f"{_W}noBreakHyphen":
            parts.append("-")
        elif tag in (f"{_W}footnoteReference", f"{_W}endnoteReference"):
            note_id = tag.removeprefix(_W).removesuffix("Reference") + str(child.get(f"{_W}id"))
            if note_id in reader.footnotes:
                reader.notes.append(note_id)
                parts.append(f"[^{_label(note_id)}]")
        elif tag == _MATH:
            parts.append(f"${linear(child)}$" if linear(child) else "")
        elif tag == _ALT:
            if alternative := " ".join((child.get("descr") or "").split()):
                parts.append(f"![{alternative}]()")
        elif tag not in (_FALLBACK, f"{_W}txbxContent"):
            parts.append(_content(child, reader))
    return "".join(parts)


def _words(container: Any, reader: _Reader, *, nested: bool = False) -> str:
    """Return all paragraphs inside on one line, as a cell or a note shows them."""
    kept = [
        _content(paragraph, reader)
        for paragraph in container.iter(f"{_W}p")
        if nested or not _in_fallback(paragraph)
    ]
    return " ".join(" ".join(kept).split())


def _table(table: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    """Yield a table; one of a single column is a frame around blocks of its own."""
    rows = [list(row.iterfind(f"{_W}tc")) for row in table.iterfind(f"{_W}tr")]
    if max(map(len, rows), default=0) <= 1:
        for row in rows:
            for cell in row:
                yield from _blocks(cell, reader)
        return
    cells: list[list[str]] = []
    for row in rows:
        texts: list[str] = []
        for cell in row:
            merged = cell.find(f"{_W}tcPr/{_W}vMerge")
            above = cells[-1] if cells else []
            if merged is not None and merged.get(f"{_W}val") != "restart" and cells:
                texts.append(above[len(texts)] if len(texts) < len(above) else "")
            else:
                texts.append(_words(cell, reader))
            span = _value(cell, "tcPr/gridSpan")
            texts += [""] * (min(int(span), 50) - 1 if span and span.isdigit() else 0)
        cells.append(texts)
    yield "table", markdown_table(cells)
