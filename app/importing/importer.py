"""What a feature says so that its things can be imported: columns, options, and four verbs on batches of rows.

A frozen value like `Feature`. The verbs see rows that are read and typed, and never a file, an encoding or a line that
was broken. Not in charge of: progress, resuming, rejects and states (`run.py`).
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.orm import Session

from app.importing.models import Import
from app.importing.values import Habits

if TYPE_CHECKING:
    from flask_wtf import FlaskForm
    from pydantic import BaseModel


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
    # Hardly ever the same in two rows: not worth remembering what a cell means.
    is_unique: bool = False


class Row(NamedTuple):
    """A row of the file: its filled cells by column name. `repeats` counts the rows before with an equal key."""

    line: int
    raw: str
    values: dict[str, Any]
    repeats: int = 0
    first_line: int = 0


class Raws(Sequence[str]):
    """Many texts as one, cut when one of them is asked for: hardly any ever is, and all go to another process."""

    __slots__ = ("_ends", "_text")

    def __init__(self, texts: Sequence[str]) -> None:
        self._text, self._ends = "".join(texts), array("L", accumulate(map(len, texts), initial=0))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: Any) -> Any:
        """One of them; places count from the first."""
        return self._text[self._ends[place] : self._ends[place + 1]]


class Rows:
    """Rows side by side: the line each begins on, its text, and what it says, column by column; None is empty.

    `repeats` is for rows by place that came before: how often, and in which line first.
    """

    __slots__ = ("columns", "lines", "raws", "repeats")

    def __init__(self, lines: Sequence[int], raws: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> None:
        self.lines, self.raws, self.columns = lines, raws, columns
        self.repeats: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, place: int) -> Row:
        """One of them alone."""
        values = {name: value for name, of in self.columns.items() if (value := of[place]) is not None}
        return Row(self.lines[place], self.raws[place], values, *self.repeats.get(place, (0, 0)))

    def column(self, name: str) -> Sequence[Any]:
        """What all say of this, even where the file does not."""
        return self.columns.get(name) or (None,) * len(self)

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> "Rows":
        """The same lines with other columns."""
        return Rows(self.lines, self.raws, columns)

    def only(self, places: Sequence[int]) -> "Rows":
        """Some of them, in their order; none may be a repeat."""
        if len(places) == len(self):
            return self
        columns = {name: [of[place] for place in places] for name, of in self.columns.items()}
        return Rows([self.lines[place] for place in places], [self.raws[place] for place in places], columns)


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

    `prepare` makes of cells what can be made without a database, maybe in another process; `keys` then name what rows
    are about: rows of one file with equal keys are repeats. `plan` only reads, `apply` does what was planned in the
    same transaction, `undo` takes back about `limit` rows. `add_column` makes a column for one that the file has and
    the house does not, and gives its name. `stays` puts the reasons of `Undone.stayed` into words.
    """

    kind: str
    label: Any
    description: Any
    icon: str
    columns: Callable[[Session], Sequence[Column]]
    options: type["BaseModel"]
    form: Callable[[Session, Mapping[str, Any]], "FlaskForm"]
    keys: Callable[[Rows], Sequence[str]]
    plan: Callable[[Session, Import, Rows, datetime], Plan]
    apply: Callable[[Session, Import, Plan, datetime], None]
    undo: Callable[[Session, Import, int, datetime], Undone]
    stays: Mapping[str, Any]
    prepare: Callable[[Rows], Rows] = lambda rows: rows
    add_column: Callable[[Session, str, str], str] | None = None
    new_kinds: tuple[tuple[str, Any], ...] = ()
