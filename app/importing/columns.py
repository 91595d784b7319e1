"""Which column of a file is which of ours.

In charge of: recognising columns by their names in English and German, checking a mapping made by hand, and typing the
cells of a record by it. Not of: what columns there are (each Importer says).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from flask_babel import gettext as _

from app.errors import Invalid
from app.importing.importer import Column, Reject, Row, Writing
from app.importing.models import Import
from app.importing.reading import Record
from app.importing.values import DateOrder, DecimalSign, Habits

# A column mapped to this becomes a new custom field of the kind that follows.
NEW = "new:"
_NO_WORD = re.compile(r"[\W_]+")

# Cells of one column of which it is remembered what they mean: countries and cities come again and again.
_REMEMBERED = 5_000


class Reading(NamedTuple):
    """A column of the file that is taken, how it is written, and what its cells were found to mean."""

    number: int
    column: Column
    habits: Habits
    known: dict[str, Any]


Mapped = list[Reading]


def recognise(header: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """Column number → name of ours, each of ours once; what nobody knows is left out."""
    known = {_plain(alias): column.name for column in columns for alias in _names(column)}
    mapping: dict[str, str] = {}
    for number, title in enumerate(header):
        name = known.get(_plain(title))
        if name and name not in mapping.values():
            mapping[str(number)] = name
    return mapping


def check_mapping(mapping: Mapping[str, str], header: Sequence[str], columns: Sequence[Column]) -> None:
    """Raise Invalid for columns that are not there, twice, or missing."""
    names = {column.name for column in columns}
    used = list(mapping.values())
    if unknown := [name for name in used if name not in names]:
        raise Invalid(_("There is no column “%(name)s”.", name=unknown[0]))
    if outside := [number for number in mapping if not number.isdecimal() or int(number) >= len(header)]:
        raise Invalid(_("The file has no column %(number)s.", number=outside[0]))
    labels = {column.name: str(column.label) for column in columns}
    if twice := [name for name in used if used.count(name) > 1]:
        raise Invalid(_("Two columns of the file are both “%(name)s”.", name=labels[twice[0]]))
    if missing := [column for column in columns if column.required and column.name not in used]:
        raise Invalid(_("Say which column is “%(name)s”.", name=str(missing[0].label)))


def fitting(formats: Mapping[str, str], mapping: Mapping[str, str], columns: Sequence[Column]) -> dict[str, str]:
    """The formats that say something about their column as it is mapped now; Invalid for one that there is not."""
    known = {Writing.DATES: {*DateOrder}, Writing.NUMBERS: {*DecimalSign}}
    if unknown := [written for written in formats.values() if written not in {"", *DateOrder, *DecimalSign}]:
        raise Invalid(_("No column is written as “%(format)s”.", format=unknown[0][:40]))
    writing = {column.name: column.writing for column in columns}
    said = {number: known.get(writing[name], set()) for number, name in mapping.items()}
    return {number: written for number, written in formats.items() if written in said.get(number, ())}


def mapped(import_: Import, columns: Sequence[Column], habits: Habits) -> Mapped:
    """The columns that are taken, each with how it is written."""
    by_name = {column.name: column for column in columns}
    return [
        Reading(int(number), by_name[name], _habits(by_name[name], import_.formats.get(number), habits), {})
        for number, name in import_.mapping.items()
        if name in by_name
    ]


def read_row(record: Record, columns: Mapped, width: int) -> Row | Reject:
    """A record typed, or the first reason why it cannot be."""
    reason = record.problem or _width_problem(record.cells, width)
    if reason:
        return Reject(record.line, reason, record.raw)
    values: dict[str, Any] = {}
    for reading in columns:
        cell, column = record.cells[reading.number].strip(), reading.column
        if not cell:
            if column.required:
                return Reject(record.line, _("%(column)s is empty.", column=column.label), record.raw)
            continue
        try:
            values[column.name] = reading.known[cell] if cell in reading.known else _meaning(reading, cell)
        except Invalid as error:
            reason = _("%(column)s: %(problem)s", column=column.label, problem=error.message)
            return Reject(record.line, reason, record.raw)
    return Row(record.line, record.raw, values)


def _meaning(reading: Reading, cell: str) -> Any:
    value = reading.column.parse(cell, reading.habits)
    if len(reading.known) < _REMEMBERED:
        reading.known[cell] = value
    return value


def _width_problem(cells: list[str], width: int) -> str | None:
    if len(cells) == width:
        return None
    # Empty cells at the end are harmless: spreadsheets leave them behind.
    filled = next((count for count in range(len(cells), 0, -1) if cells[count - 1]), 0)
    if len(cells) >= width >= filled:
        return None
    return str(_("The row has %(found)s cells, the header has %(width)s.", found=len(cells), width=width))


def _habits(column: Column, written: str | None, habits: Habits) -> Habits:
    match column.writing:
        case Writing.DATES:
            return replace(habits, order=DateOrder(written) if written else None)
        case Writing.NUMBERS:
            return replace(habits, sign=DecimalSign(written) if written else None)
        case _:
            return habits


def _names(column: Column) -> tuple[str, ...]:
    return (column.name, str(column.label), *column.aliases)


def _plain(title: str) -> str:
    """`E-Mail Adresse`, `e_mail-adresse` and `EMAILADRESSE` are one."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", title).casefold())
