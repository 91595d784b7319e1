"""What a batch of events adds to rows that are kept of each person, by whichever feature, in one statement.

Each feature counts in Python what is its own and says how that changes its columns. Written apart, the second change of
a row costs PostgreSQL more than the first: it has no room for another version of it on its page.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy.orm import Session

from app.changes import Asked, Change, Numbers, update_rows
from app.db import Base


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows of `model` by their key, with the numbers (`names`) that `change` makes new values of columns from.

    `nothing` are the numbers that change nothing: of whom another feature alone has something to add.
    """

    model: type[Base]
    key: str
    names: tuple[str, ...]
    rows: Mapping[int, Sequence[int | None]]
    nothing: Sequence[int | None]
    change: Change
    watch: "Watch | None" = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a feature wants to know of the rows that it added to, once they are changed, and who is told.

    At most one feature may watch the rows of a model. Where it had nothing to add, it is told that nothing was found.
    """

    asked: Asked
    tell: Callable[[Session, Sequence[Any]], None]


def write_tallies(session: Session, tallies: Iterable[Tally]) -> None:
    """Add all of them; those about the same rows together."""
    together: dict[tuple[type[Base], str], list[Tally]] = {}
    for tally in tallies:
        if tally.rows or tally.watch:
            together.setdefault((tally.model, tally.key), []).append(tally)
    for (model, key), own in together.items():
        names = (key, *(name for tally in own for name in tally.names))
        watch = next((tally.watch for tally in own if tally.watch), None)
        change, asked = _all(tuple(tally.change for tally in own)), watch.asked if watch else None
        found = update_rows(session, model, names, change, _merged(own), asked=asked)
        if watch:
            watch.tell(session, found)


def _merged(tallies: Sequence[Tally]) -> list[Numbers]:
    owners = sorted(set().union(*(tally.rows for tally in tallies)))
    parts = [[tally.rows.get(owner, tally.nothing) for owner in owners] for tally in tallies]
    return [(owner, *chain.from_iterable(own)) for owner, *own in zip(owners, *parts, strict=True)]


@cache
def _all(changes: tuple[Change, ...]) -> Change:
    """The same function for the same changes, so that its statement is compiled once."""

    def change(new: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for each in changes for name, value in each(new).items()}

    return change
