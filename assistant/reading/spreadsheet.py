"""CSV, TSV and XLSX: sheets as Markdown tables, cut so that each part has its header.

The standard csv module with its sniffer reads text tables; openpyxl, the library for
XLSX, streams large sheets (MIT; with defusedxml against entities). Values are those
last calculated. Left out: formulas, formats, charts, pictures and hidden sheets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import groupby
from typing import Any

from assistant.datatypes import Place
from assistant.reading.archive import open_archive
from assistant.reading.assembling import assemble, escaped, printable
from assistant.reading.damage import reading
from assistant.reading.decoding import decode
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.properties import sensible_date, sensible_title
from assistant.reading.table import COLUMNS, markdown_table, table_lines

CELLS = 1_000_000  # that are filled, of one file: beyond, it is data, not notes
_ROWS = 2_000_000  # looked at, empty or not
_SAMPLE = 20_000  # characters in which the dialect is looked for


def read_csv(data: bytes, name: str) -> Extracted:
    """Read a CSV or TSV; places are the lines of the file. Raise UnreadableNoteError."""
    content = printable(decode(data))
    with reading("CSV"):
        rows, numbers = _csv_rows(content, name)
    lines: list[str] = []
    places: list[Place] = []
    length = 0
    for index, line in table_lines(rows):
        if not places or places[-1].number != numbers[index]:
            places.append(Place(length, "line", numbers[index]))
        lines.append(line)
        length += len(line) + 1
    if not lines:
        raise UnreadableNoteError("ne contient aucun texte")
    return Extracted(text="\n".join(lines) + "\n", places=tuple(places))


def _csv_rows(content: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows and the line, 1 for the first, on which each begins."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    filled = before = 0
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(content), _dialect(content, name))
    for row in reader:
        filled += sum(map(bool, row))
        if filled > CELLS:
            raise UnreadableNoteError(f"contient plus de {CELLS} cellules : ce sont des données")
        rows.append(row)
        numbers.append(before + 1)
        before = reader.line_num
    return rows, numbers


def _dialect(content: str, name: str) -> type[csv.Dialect] | csv.Dialect:
    """Return the dialect: tabs by the suffix, else the separator that the lines agree on."""
    if name.lower().endswith((".tsv", ".tab")):
        return csv.excel_tab
    sample = content[:_SAMPLE].rpartition("\n")[0] or content[:_SAMPLE]
    lines = [line for line in sample.split("\n") if line.strip()][:50]
    best, agreement = ",", 0
    for separator in ";\t,|":  # a comma may be decimal, so it comes after the others
        counts = [len(next(csv.reader([line], delimiter=separator), [])) for line in lines]
        common = max(set(counts), key=counts.count, default=1)
        score = counts.count(common) if common > 1 else 0
        if score > agreement:
            best, agreement = separator, score

    class Found(csv.excel):
        delimiter = best

    return Found


def read_xlsx(data: bytes, name: str) -> Extracted:
    """Read an XLSX; a place is a sheet. Raise UnreadableNoteError with the reason."""
    open_archive(data, "XLSX", "xl/workbook.xml").close()
    with reading("XLSX"):
        import openpyxl

        workbook = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        try:
            left = CELLS
            sheets: list[tuple[int, str]] = []
            for number, sheet in enumerate(workbook.worksheets, 1):
                if sheet.sheet_state != "visible":
                    continue
                sheet.reset_dimensions()  # those written in the file may be wrong
                rows = list(_rows(sheet.iter_rows(values_only=True), left))
                left -= sum(len(row) for row in rows)
                if content := _sheet(rows):
                    sheets.append((number, f"## {' '.join(sheet.title.split())}\n\n{content}"))
            properties = workbook.properties
        finally:
            workbook.close()
    text, places = assemble(sheets, "sheet")
    if not text:
        raise UnreadableNoteError("ne contient aucun texte")
    author = properties.creator
    return Extracted(
        text=text,
        title=sensible_title(properties.title, name),
        author=None if author in ("", "openpyxl") else author,
        date=sensible_date(properties.modified),
        places=places,
    )


def _rows(rows: Iterable[Sequence[Any]], limit: int) -> Iterator[list[str]]:
    filled = 0
    for number, row in enumerate(rows):
        cells = [_value(value) for value in row[:COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        filled += len(cells)
        if filled > limit or number > _ROWS:
            raise UnreadableNoteError(f"contient plus de {CELLS} cellules : ce sont des données")
        yield cells


def _value(value: Any) -> str:
    """Return a cell as its reader sees it: dates without a time of midnight, short numbers."""
    match value:
        case None:
            return ""
        case bool():
            return "VRAI" if value else "FAUX"
        case float():
            return f"{value:.12g}"
        case datetime():
            is_day = value.time() == time()
            return value.date().isoformat() if is_day else value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _sheet(rows: Sequence[list[str]]) -> str:
    """Write a sheet: empty rows part its tables; a row of one cell above one is a line."""
    blocks: list[str] = []
    for is_filled, group in groupby(rows, key=lambda row: any(row)):
        block = list(group)
        if not is_filled:
            continue
        while block and sum(map(bool, block[0])) == 1:
            blocks.append(escaped(" ".join("".join(block.pop(0)).split())))
        if block:
            blocks.append(markdown_table(block))
    return "\n\n".join(blocks)
