"""Tables to download, as CSV or as an Excel workbook.

In charge of what spreadsheets need: a byte order mark, so that they read the letters right, and no text that they would
run as a formula (TRUST S7). Not of: what stands in the tables.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, stream_with_context

Cell = str | int | float | Decimal | None

# Spaces and quotes do not keep a spreadsheet from seeing the sign behind them.
_FORMULA = re.compile("[\\s\"'\u00a0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def guarded(cell: Cell) -> Cell:
    """The cell with an apostrophe before what a spreadsheet would run."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def download(name: str, rows: Iterable[Sequence[Cell]]) -> Response:
    """A file to download, written as it is read: its size does not matter."""
    answer = Response(stream_with_context(_lines(rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    line = io.StringIO()
    write = csv.writer(line).writerow
    yield "\ufeff"
    for row in rows:
        write([guarded(cell) for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def workbook(name: str, rows: Iterable[Sequence[Cell]]) -> Response:
    """The same as a workbook of one sheet. It grows on disk row by row: its size does not matter either."""
    import xlsxwriter

    content = TemporaryFile()  # noqa: SIM115 - `_chunks` closes it
    book = xlsxwriter.Workbook(
        content, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold, sheet = book.add_format({"bold": True}), book.add_worksheet()
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            _write(sheet, line, column, guarded(cell), bold if line == 0 else None)
    sheet.freeze_panes(1, 0)
    book.close()
    answer = Response(_chunks(content), mimetype=_XLSX)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while chunk := content.read(65_536):
            yield chunk


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _write(sheet: Any, line: int, column: int, cell: Cell, style: Any) -> None:
    """Numbers as numbers, text as text whatever it looks like."""
    if isinstance(cell, str):
        sheet.write_string(line, column, cell, style)
    elif cell is not None:
        sheet.write_number(line, column, cell, style)
