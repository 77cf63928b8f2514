"""Rows of cells as Markdown tables that stay meaningful when cut into passages.

A long table becomes several tables that each repeat the header. The first row that is
not empty is taken for the header, as in nearly every sheet of a course.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

ROWS = 25  # of one table, the header not counted
COLUMNS = 200  # further ones are left out: a sheet so wide is data, not notes


def _cell(value: str) -> str:
    return " ".join(value.replace("|", "\\|").split())


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Yield the lines of the tables, each with the index of the row it comes from.

    Empty rows and columns are left out, and short rows filled. The repeated header has
    the header's index; the blank line between two tables that of the row before it.
    """
    cells = [(index, [_cell(value) for value in row[:COLUMNS]]) for index, row in enumerate(rows)]
    cells = [(index, row) for index, row in cells if any(row)]
    used = sorted({column for _, row in cells for column, value in enumerate(row) if value})
    if not used:
        return
    header_index, header = cells[0]
    for number, (index, row) in enumerate(cells):
        filled = [row[column] if column < len(row) else "" for column in used]
        if number % ROWS == 1 and number > 1:
            yield cells[number - 1][0], ""
        if number == 0 or (number % ROWS == 1 and number > 1):
            opening = [header[column] if column < len(header) else "" for column in used]
            yield header_index, _row(opening)
            yield header_index, _row(["---"] * len(used))
        if number:
            yield index, _row(filled)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return one Markdown table, or several of at most `ROWS` rows; empty without cells."""
    return "\n".join(line for _, line in table_lines(rows))
