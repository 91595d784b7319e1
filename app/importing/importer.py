"""What a feature says so that its things can be imported: columns, options, and four verbs on batches of rows.

A frozen value like `Feature`. The verbs see rows that are read and typed, and never a file, an encoding or a line that
was broken. Not in charge of: progress, resuming, rejects and states (`run.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask_wtf import FlaskForm
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.importing.models import Import
from app.importing.values import Habits


class Writing(StrEnum):
    """What can be written in two ways, so that a whole column is asked which it is."""

    PLAIN = "plain"
    DATES = "dates"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Column:
    """Something a row can say. `parse` takes a cell that is not empty, or raises Invalid with a sentence."""

    name: str
    label: Any
    parse: Callable[[str, Habits], Any]
    aliases: tuple[str, ...] = ()
    writing: Writing = Writing.PLAIN
    required: bool = False


class Row(NamedTuple):
    """A row of the file: its filled cells by column name. `repeats` counts the rows before with an equal key."""

    line: int
    raw: str
    values: dict[str, Any]
    repeats: int = 0
    first_line: int = 0


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be taken, and why."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch would do: each row is in one of the counts or rejected. `work` is between `plan` and `apply`."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejects: Sequence[Reject] = ()
    work: Any = None


@dataclass(frozen=True, slots=True)
class Undone:
    """A step of taking back: `touched` is 0 when nothing is left; `stayed` counts what had to stay, by reason."""

    touched: int
    stayed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Importer:
    """A kind of import.

    `key` names what a row is about: rows of one file with equal keys are repeats. `plan` only reads, `apply` does what
    was planned in the same transaction, `undo` takes back about `limit` rows. `add_column` makes a column for one that
    the file has and the house does not, and gives its name. `stays` puts the reasons of `Undone.stayed` into words.
    """

    kind: str
    label: Any
    description: Any
    icon: str
    columns: Callable[[Session], Sequence[Column]]
    options: type[BaseModel]
    form: Callable[[Session, Mapping[str, Any]], FlaskForm]
    key: Callable[[dict[str, Any]], str]
    plan: Callable[[Session, Import, Sequence[Row], datetime], Plan]
    apply: Callable[[Session, Import, Plan, datetime], None]
    undo: Callable[[Session, Import, int, datetime], Undone]
    stays: Mapping[str, Any]
    add_column: Callable[[Session, str, str], str] | None = None
    new_kinds: tuple[tuple[str, Any], ...] = ()
