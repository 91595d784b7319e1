"""Tables to download as CSV.

In charge of what spreadsheets need: a byte order mark, so that they read the letters right, and no text that they would
run as a formula (TRUST S7). Not of: what stands in the tables.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

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
