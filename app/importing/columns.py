"""Which column of a file is which of ours.

In charge of: recognising columns by their names in English and German, and checking a mapping made by hand. Not of:
what columns there are (each Importer says), nor of their cells (`cells.py`).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from app.errors import Invalid
from app.importing.importer import Column, Writing
from app.importing.values import DateOrder, DecimalSign

# A column mapped to this becomes a new custom field of the kind that follows.
NEW = "new:"
_NO_WORD = re.compile(r"[\W_]+")


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


def _names(column: Column) -> tuple[str, ...]:
    return (column.name, str(column.label), *column.aliases)


def _plain(title: str) -> str:
    """`E-Mail Adresse`, `e_mail-adresse` and `EMAILADRESSE` are one."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", title).casefold())
