"""ODT and ODP: headings, lists, tables, notes, slides as Markdown.

Read with lxml from the two or three XML files that matter: odfpy, the library for these
formats, has had no release for years and builds the same tree in slow Python. Left out:
headers and footers, tracked deletions, comments, generated tables of contents and
pictures, whose titles and descriptions are kept. An ODT knows no page numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from assistant.reading.archive import open_archive, parse_xml
from assistant.reading.assembling import (
    assemble,
    escaped,
    join_blocks,
    list_indent,
    printable,
)
from assistant.reading.damage import reading
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.mathml import latex
from assistant.reading.properties import sensible_date, sensible_title
from assistant.reading.table import COLUMNS, markdown_table

if TYPE_CHECKING:
    from lxml.etree import _Element

SLIDES = 5000
_NAMESPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "presentation": "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "meta": "urn:oasis:names:tc:opendocument:xmlns:meta:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
}
_CODE_STYLE = re.compile(r"preformatted|code|source|verbatim|listing", re.I)
_REPEATED_ROWS = 1000
_DEEPEST = 8  # levels of lists


def _name(prefixed: str) -> str:
    prefix, local = prefixed.split(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


_P, _H, _LIST, _TABLE = map(_name, ("text:p", "text:h", "text:list", "table:table"))
_FRAME, _GROUP, _NOTE = map(_name, ("draw:frame", "draw:g", "text:note"))
_MATH = "{http://www.w3.org/1998/Math/MathML}math"
_STYLE_NAME = _name("text:style-name")
_SKIPPED = set(
    map(
        _name,
        (
            "text:tracked-changes",
            "text:table-of-content",
            "text:alphabetical-index",
            "text:sequence-decls",
            "office:annotation",
            "office:forms",
            "presentation:notes",
            "svg:title",
            "svg:desc",
        ),
    )
)


@dataclass(slots=True)
class _Reader:
    """What the styles say, the archive for formulas, and the notes met in a block."""

    archive: ZipFile
    parents: dict[str, str]  # paragraph style -> the one it is based on
    numbered: dict[str, set[int]]  # list style -> its levels that have numbers
    notes: list[str] = field(default_factory=list)
    note_count: int = 0


def read_odt(data: bytes, name: str) -> Extracted:
    """Read an ODT; raise UnreadableNoteError with the reason."""
    with reading("ODT"):
        archive, body = _open(data, "ODT", "text")
        reader = _reader(archive)
        text = printable(join_blocks(_blocks(body, reader)))
        title, author, date = _metadata(archive)
    if not text.strip():
        raise UnreadableNoteError("ne contient aucun texte")
    return Extracted(text=text + "\n", title=sensible_title(title, name), author=author, date=date)


def read_odp(data: bytes, name: str) -> Extracted:
    """Read an ODP; raise UnreadableNoteError with the reason."""
    with reading("ODP"):
        archive, body = _open(data, "ODP", "presentation")
        reader = _reader(archive)
        pages = list(body.iterfind(_name("draw:page")))
        if len(pages) > SLIDES:
            raise UnreadableNoteError(f"trop long (plus de {SLIDES} diapos) : découpez-le")
        slides = ((number, _slide(page, number, reader)) for number, page in enumerate(pages, 1))
        text, places = assemble(slides, "slide")
        title, author, date = _metadata(archive)
    if not text:
        raise UnreadableNoteError("ne contient aucun texte, seulement des images")
    return Extracted(
        text=text, title=sensible_title(title, name), author=author, date=date, places=places
    )


def _open(data: bytes, kind: str, body: str) -> tuple[ZipFile, Any]:
    archive = open_archive(data, kind, "content.xml")
    if "META-INF/manifest.xml" in archive.namelist():
        manifest = archive.read("META-INF/manifest.xml")
        if b"encryption-data" in manifest:
            raise UnreadableNoteError(
                "protégé par un mot de passe : enregistrez-en une copie sans mot de passe"
            )
    root = parse_xml(archive.read("content.xml"))
    found = root.find(f"{_name('office:body')}/{_name('office:' + body)}")
    if found is None:
        raise UnreadableNoteError(
            f"n'est pas un fichier {kind} malgré son nom : vérifiez le fichier et son suffixe"
        )
    return archive, found


def _reader(archive: ZipFile) -> _Reader:
    parents: dict[str, str] = {}
    numbered: dict[str, set[int]] = {}
    for member in ("styles.xml", "content.xml"):
        if member not in archive.namelist():
            continue
        root = parse_xml(archive.read(member))
        for style in root.iter(_name("style:style")):
            parent = style.get(_name("style:parent-style-name"), "")
            parents[style.get(_name("style:name"), "")] = parent
        for style in root.iter(_name("text:list-style")):
            numbered[style.get(_name("style:name"), "")] = {
                int(level.get(_name("text:level"), "1"))
                for level in style.iterfind(_name("text:list-level-style-number"))
                if level.get(_name("style:num-format"))
            }
    return _Reader(archive, parents, numbered)


def _metadata(archive: ZipFile) -> tuple[str | None, str | None, str | None]:
    if "meta.xml" not in archive.namelist():
        return None, None, None
    root = parse_xml(archive.read("meta.xml"))

    def first(*names: str) -> str | None:
        for name in names:
            for element in root.iter(_name(name)):
                if element.text and element.text.strip():
                    return " ".join(element.text.split())[:300]
        return None

    author = first("meta:initial-creator", "dc:creator")
    return first("dc:title"), author, sensible_date(first("dc:date", "meta:creation-date"))


def _blocks(container: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    """Yield (kind, Markdown) of what stands inside, in order."""
    for element in container:
        tag = element.tag
        if not isinstance(tag, str) or tag in _SKIPPED:
            continue
        if tag == _H:
            level = element.get(_name("text:outline-level"), "1")
            words = " ".join(_content(element, reader).split())
            if words:
                depth = min(max(int(level), 1), 6) if level.isdigit() else 1
                yield "heading", "#" * depth + " " + words
        elif tag == _P:
            yield from _paragraph(element, reader)
        elif tag == _LIST:
            yield from _list(element, reader, 1, "", [])
        elif tag == _TABLE:
            yield from _table(element, reader)
        else:
            yield from _blocks(element, reader)
        yield from (("note", note) for note in reader.notes)
        reader.notes.clear()


def _paragraph(element: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    style = element.get(_STYLE_NAME, "")
    names = [style]
    while len(names) < 10 and (parent := reader.parents.get(names[-1])):
        names.append(parent)
    content = _content(element, reader)
    if any(map(_CODE_STYLE.search, names)):
        yield "code", content
    elif content.strip():
        if "Title" in names:
            yield "heading", "# " + " ".join(content.split())
        else:
            yield "text", escaped(content.strip())
    for box in element.iter(_name("draw:text-box")):
        if not any(above.tag in (_NOTE, _name("draw:text-box")) for above in _above(box, element)):
            yield from _blocks(box, reader)


def _above(element: Any, top: Any) -> Iterator[Any]:
    for ancestor in element.iterancestors():
        if ancestor is top:
            return
        yield ancestor


def _list(
    element: Any, reader: _Reader, level: int, style: str, indents: list[float]
) -> Iterator[tuple[str, str]]:
    style = element.get(_STYLE_NAME, style)
    is_numbered = level in reader.numbered.get(style, ())
    number = 0
    for item in element:
        if item.tag not in (_name("text:list-item"), _name("text:list-header")):
            continue
        first = True
        for child in item:
            if child.tag == _LIST:
                if level < _DEEPEST:
                    yield from _list(child, reader, level + 1, style, indents)
            elif child.tag == _H:
                yield from _blocks([child], reader)  # numbered headings lie in lists
            elif words := " ".join(_content(child, reader).split()):
                indent = list_indent(level, indents)
                if first:
                    number += 1
                    marker = f"{number}. " if is_numbered else "- "
                    yield "item", indent + marker + words
                    first = False
                else:  # a second paragraph of the item
                    yield "item", indent + "  " + words


def _table(table: Any, reader: _Reader) -> Iterator[tuple[str, str]]:
    rows: list[list[str]] = []
    elements = list(table.iter(_name("table:table-row")))
    single = all(len(row.findall(_name("table:table-cell"))) <= 1 for row in elements)
    if single:  # a frame around blocks
        for row in elements:
            for cell in row.iterfind(_name("table:table-cell")):
                yield from _blocks(cell, reader)
        return
    for row in elements:
        if any(above.tag == _TABLE for above in _above(row, table)):
            continue  # of a table inside a cell, whose words the cell already has
        cells: list[str] = []
        for cell in row:
            repeated = cell.get(_name("table:number-columns-repeated"), "1")
            words = " ".join(" ".join(_content(p, reader) for p in cell.iter(_P, _H)).split())
            times = min(int(repeated), COLUMNS) if repeated.isdigit() else 1
            cells += [words] * times
        repeated = row.get(_name("table:number-rows-repeated"), "1")
        times = min(int(repeated), _REPEATED_ROWS) if repeated.isdigit() and any(cells) else 1
        rows += [cells] * times
    yield "table", markdown_table(rows)


def _content(element: Any, reader: _Reader) -> str:
    """Return the text of a paragraph; notes are kept for the end of the block."""
    parts = [element.text or ""]
    for child in element:
        tag = child.tag
        if tag == _name("text:s"):
            count = child.get(_name("text:c"), "1")
            parts.append(" " * (min(int(count), 200) if count.isdigit() else 1))
        elif tag == _name("text:tab"):
            parts.append("\t")
        elif tag == _name("text:line-break"):
            parts.append("\n")
        elif tag == _NOTE:
            reader.note_count += 1
            label = f"[^{reader.note_count}]"
            body = child.find(_name("text:note-body"))
            words = [] if body is None else [_content(p, reader) for p in body.iter(_P, _H)]
            reader.notes.append(f"{label}: " + " ".join(" ".join(words).split()))
            parts.append(label)
        elif tag == _FRAME:
            parts.append(_frame(child, reader))
        elif isinstance(tag, str) and tag not in _SKIPPED and tag != _name("draw:text-box"):
            parts.append(_content(child, reader))
        parts.append(child.tail or "")
    return "".join(parts)


def _frame(frame: Any, reader: _Reader) -> str:
    """Return the formula or the alternative text of a frame; its text boxes are blocks."""
    drawn = frame.find(_name("draw:object"))
    if drawn is not None:
        target = str(drawn.get(_name("xlink:href"), "")).removeprefix("./") + "/content.xml"
        inside = drawn.find(_MATH)
        if target in reader.archive.namelist():
            inside = parse_xml(reader.archive.read(target))
        # A chart or a sheet is an object too.
        if inside is not None and inside.tag == _MATH and (formula := latex(inside)):
            return f"${formula}$"
    return _alternative(frame)


def _alternative(element: Any) -> str:
    words = (element.findtext(_name(f"svg:{name}")) for name in ("title", "desc"))
    described = " : ".join(" ".join(part.split()) for part in words if part and part.strip())
    return f"![{described}]()" if described else ""


def _slide(page: _Element, number: int, reader: _Reader) -> str:
    title = ""
    blocks: list[tuple[str, str]] = []
    kind = _name("presentation:class")
    for shape in _shapes(page):
        role = shape.get(kind, "")
        if role in ("header", "footer", "date-time", "page-number"):
            continue
        if role == "title" and not title:
            title = " ".join(" ".join(_content(p, reader) for p in shape.iter(_P, _H)).split())
            continue
        blocks += _blocks([shape] if shape.tag == _TABLE else shape, reader)
        if shape.tag == _FRAME and (alternative := _frame(shape, reader)):
            blocks.append(("text", alternative))
        blocks.append(("end", ""))  # two lists in two shapes stay two
    notes = page.find(_name("presentation:notes"))
    if notes is not None:
        paragraphs = [" ".join(_content(p, reader).split()) for p in notes.iter(_P, _H)]
        if kept := [words for words in paragraphs if words]:
            blocks.append(("text", "Notes : " + "\n\n".join(kept)))
    content = join_blocks(blocks)
    if not title and not content:
        return ""
    return join_blocks([("heading", f"## {title or f'Diapo {number}'}"), ("text", content)])


def _shapes(container: Any) -> Iterator[Any]:
    """Yield the shapes of a page, those inside groups included."""
    for shape in container:
        if shape.tag == _GROUP:
            yield from _shapes(shape)
        elif isinstance(shape.tag, str) and shape.tag not in _SKIPPED:
            yield shape
