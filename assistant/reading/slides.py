"""PPTX: slides with their number, title, text, tables and speaker notes as Markdown.

python-pptx, because it is the library for this format: pure Python, MIT, and its parser
expands no entities. Left out: animations, masters, comments and pictures, whose
alternative texts are kept. A slide without a title is headed by its number.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from assistant.reading.archive import open_archive, parse_xml, texts_of
from assistant.reading.assembling import assemble, escaped, list_indent
from assistant.reading.damage import reading
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.office_formula import linear
from assistant.reading.properties import sensible_date, sensible_title
from assistant.reading.table import markdown_table

SLIDES = 5000
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_RUNNING = {"DATE", "FOOTER", "SLIDE_NUMBER", "HEADER", "SLIDE_IMAGE"}
_LISTS = {"BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT"}


def read_pptx(data: bytes, name: str) -> Extracted:
    """Read a PPTX; raise UnreadableNoteError with the reason."""
    open_archive(data, "PPTX", "ppt/presentation.xml").close()
    with reading("PPTX"):
        import pptx

        presentation = pptx.Presentation(io.BytesIO(data))
        if len(presentation.slides) > SLIDES:
            raise UnreadableNoteError(f"trop long (plus de {SLIDES} diapos) : découpez-le")
        slides = [_slide(slide, number) for number, slide in enumerate(presentation.slides, 1)]
        properties = presentation.core_properties
        title, author = properties.title, properties.author
        date = properties.modified or properties.created
    if not any(has_text for _, has_text in slides):
        raise UnreadableNoteError("ne contient aucun texte, seulement des images")
    contents = ((number, content) for number, (content, _) in enumerate(slides, 1))
    text, places = assemble(contents, "slide")
    return Extracted(
        text=text,
        title=sensible_title(title, name),
        author=author or None,
        date=sensible_date(date),
        places=places,
    )


def _slide(slide: Any, number: int) -> tuple[str, bool]:
    """Return a slide's Markdown, empty without content, and whether it holds words."""
    title = slide.shapes.title
    words = " ".join(_plain(title.text_frame).split()) if title is not None else ""
    kind = _placeholder(title) if title is not None else ""
    blocks = [block for shape in slide.shapes if shape != title for block in _shape(shape)]
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        notes = [" ".join(_paragraph(p).split()) for p in frame.paragraphs]
        if kept := [note for note in notes if note]:
            blocks.append("Notes : " + "\n\n".join(kept))
    if not words and not blocks:
        return "", False
    heading = f"{'#' if kind == 'CENTER_TITLE' else '##'} {words or f'Diapo {number}'}"
    return "\n\n".join([heading, *blocks]), True


def _placeholder(shape: Any) -> str:
    return shape.placeholder_format.type.name if shape.is_placeholder else ""


def _shape(shape: Any) -> Iterator[str]:
    """Yield the Markdown blocks of a shape, those inside a group included."""
    if hasattr(shape, "shapes"):
        for inner in shape.shapes:
            yield from _shape(inner)
        return
    kind = _placeholder(shape)
    if kind in _RUNNING:
        return
    properties = shape._element.find(".//{*}cNvPr")
    alternative = (
        " ".join((properties.get("descr") or "").split()) if properties is not None else ""
    )
    if shape.has_text_frame:
        if content := _frame(shape.text_frame, is_list=kind in _LISTS):
            yield content
        return
    if shape.has_table:
        yield markdown_table(
            [[_plain(cell.text_frame) for cell in row.cells] for row in shape.table.rows]
        )
    elif shape.has_chart:
        chart = shape.chart
        if chart.has_title and chart.chart_title.has_text_frame:
            yield escaped(_plain(chart.chart_title.text_frame))
        rows: list[list[str]] = []
        for plot in chart.plots:
            series = list(plot.series)
            rows.append(["", *(str(one.name) for one in series)])
            for index, category in enumerate(plot.categories):
                values = [one.values[index] if index < len(one.values) else None for one in series]
                rows.append([str(category), *("" if v is None else f"{v:.12g}" for v in values)])
        yield markdown_table(rows)
    else:
        yield from _diagram(shape)
    if alternative and not _is_machine_made(alternative):
        yield f"![{alternative}]()"


def _is_machine_made(alternative: str) -> bool:
    """Whether an alternative text is a file name or PowerPoint's own guess at a picture."""
    lowered = alternative.lower()
    return lowered.endswith((".png", ".jpg", ".jpeg", ".gif", ".svg", ".emf", ".wmf", ".bmp"))


def _diagram(shape: Any) -> Iterator[str]:
    """Yield the texts of a SmartArt, which lie in a part of their own."""
    for relation in shape._element.iter(f"{{{_DIAGRAM}}}relIds"):
        part = shape.part.related_part(relation.get(_RELATION))
        for point in parse_xml(part.blob).iter(f"{{{_DIAGRAM}}}pt"):
            if words := " ".join("".join(texts_of(point, {"t"})).split()):
                yield f"- {words}"


def _plain(frame: Any) -> str:
    return " ".join(" ".join(map(_paragraph, frame.paragraphs)).split())


def _paragraph(paragraph: Any) -> str:
    """Return the text of a paragraph; a formula as LaTeX, a line break as a space."""
    parts: list[str] = []

    def walk(element: Any) -> None:
        for child in element:
            if child.tag == f"{_A}t":
                parts.append(child.text or "")
            elif child.tag in (f"{_A}br", f"{_A}tab"):
                parts.append(" ")
            elif child.tag == _MATH:
                parts.append(f"${linear(child)}$")
            elif child.tag != _FALLBACK:
                walk(child)

    walk(paragraph._p)
    return "".join(parts)


def _frame(frame: Any, *, is_list: bool) -> str:
    """Return the paragraphs of a frame: items by level where it is a list, else prose."""
    found: list[str] = []
    indents: list[float] = []
    was_item = False
    numbers: list[int] = [0] * 10
    for paragraph in frame.paragraphs:
        words = " ".join(_paragraph(paragraph).split())
        if not words:
            continue
        properties = paragraph._p.find(f"{_A}pPr")
        marks = {str(child.tag) for child in properties} if properties is not None else set()
        is_numbered = f"{_A}buAutoNum" in marks
        is_item = is_numbered or f"{_A}buChar" in marks or (is_list and f"{_A}buNone" not in marks)
        if is_item:
            level = paragraph.level
            numbers[level + 1 :] = [0] * (9 - level)
            numbers[level] += 1
            marker = f"{numbers[level]}." if is_numbered else "-"
            words = f"{list_indent(level, indents)}{marker} {words}"
        else:
            indents.clear()
            words = escaped(words)
        if found:
            found.append("\n" if was_item and is_item else "\n\n")
        found.append(words)
        was_item = is_item
    return "".join(found)
