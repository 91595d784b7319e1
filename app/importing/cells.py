"""From the cells of a block to values, column by column, and the rows that cannot be taken.

What a cell means is remembered, for as long as one import is worked on: countries, days and cities come again and
again. In charge of: that, of empty cells, and of naming the first thing that is wrong with a row. Not of: which column
is which (`columns.py`), nor of what cells mean (each `Column`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from flask_babel import gettext as _

from app.errors import Invalid
from app.importing.blocks import Block
from app.importing.importer import Column, Reject, Rows, Writing
from app.importing.models import Import
from app.importing.values import DateOrder, DecimalSign, Habits

# Cells of one column of which it is remembered what they mean; a century has 36,525 days.
_REMEMBERED = 40_000


class Problem(str):
    """Why a cell cannot be taken."""

    __slots__ = ()


class Meanings(dict[str, Any]):
    """Cell → value, or None for an empty one; a Problem is given, never kept, and makes `has_problems` true."""

    def __init__(self, column: Column, habits: Habits) -> None:
        super().__init__()
        self._column, self._habits = column, habits
        self.has_problems = False

    def __missing__(self, cell: str) -> Any:
        text, column = cell.strip(), self._column
        if not text and column.required:
            return self._problem(_("%(column)s is empty.", column=column.label))
        try:
            value = column.parse(text, self._habits) if text else None
        except Invalid as error:
            return self._problem(_("%(column)s: %(problem)s", column=column.label, problem=error.message))
        if not column.is_unique and len(self) < _REMEMBERED and len(cell) <= 100:
            self[cell] = value
        return value

    def _problem(self, sentence: str) -> Problem:
        self.has_problems = True
        return Problem(sentence)


Mapped = Sequence[tuple[int, Column, Meanings]]


def mapped(import_: Import, columns: Sequence[Column], habits: Habits) -> Mapped:
    """The columns of the file that are taken, each with what its cells mean."""
    by_name = {column.name: column for column in columns}
    found = [(int(number), by_name[name]) for number, name in import_.mapping.items() if name in by_name]
    return [
        (number, column, Meanings(column, _habits(column, import_.formats.get(str(number)), _zoned(title, habits))))
        for number, column, title in ((*each, import_.header[each[0]]) for each in found)
    ]


def read_rows(block: Block, columns: Mapped, width: int) -> tuple[Rows, list[Reject]]:
    """The rows of a block typed, and those that cannot be, each with the first reason."""
    problems = _misshapen(block, width)
    fine: Sequence[int] = range(len(block.cells))
    if problems:
        fine = [place for place in fine if place not in problems]
    cells = [block.cells[place] for place in fine] if problems else block.cells
    columnwise = list(zip(*cells, strict=False)) or [()] * width
    values = {column.name: list(map(meanings.__getitem__, columnwise[number])) for number, column, meanings in columns}
    bad = _bad_cells(values, columns)
    rows = Rows([block.lines[place] for place in fine], [block.raws[place] for place in fine], values)
    if bad:
        rows = rows.only([place for place in range(len(fine)) if place not in bad])
        problems |= {fine[place]: problem for place, problem in bad.items()}
    return rows, [Reject(block.lines[place], problem, block.raws[place]) for place, problem in sorted(problems.items())]


def _bad_cells(values: Mapping[str, Iterable[Any]], columns: Mapped) -> dict[int, str]:
    """By place, the first thing that is wrong; hardly ever is anything looked at."""
    bad: dict[int, str] = {}
    for _number, column, meanings in columns:
        if meanings.has_problems:
            meanings.has_problems = False
            for place, value in enumerate(values[column.name]):
                if isinstance(value, Problem):
                    bad.setdefault(place, str(value))
    return bad


def _misshapen(block: Block, width: int) -> dict[int, str]:
    """By place, what is wrong with whole records."""
    problems = dict(block.problems)
    for place, cells in enumerate(block.cells):
        if len(cells) != width and place not in problems and (problem := _width_problem(cells, width)):
            problems[place] = problem
    return problems


def _width_problem(cells: list[str], width: int) -> str | None:
    # Empty cells at the end are harmless: spreadsheets leave them behind.
    filled = next((count for count in range(len(cells), 0, -1) if cells[count - 1]), 0)
    if len(cells) >= width >= filled:
        return None
    return str(_("The row has %(found)s cells, the header has %(width)s.", found=len(cells), width=width))


def _zoned(title: str, habits: Habits) -> Habits:
    """Some tools say in the header that a column's moments are not of the zone that one would think."""
    return replace(habits, zone=UTC) if title.strip().casefold().endswith("(utc)") else habits


def _habits(column: Column, written: str | None, habits: Habits) -> Habits:
    match column.writing:
        case Writing.DATES:
            return replace(habits, order=DateOrder(written) if written else None)
        case Writing.NUMBERS:
            return replace(habits, sign=DecimalSign(written) if written else None)
        case _:
            return habits
