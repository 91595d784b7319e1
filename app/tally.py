"""What a batch of events adds to rows that are kept of each person, by whichever feature, in one statement.

Each feature counts in Python what is its own and says how that changes its columns. Written apart, the second change of
a row costs PostgreSQL more than the first: it has no room for another version of it on its page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from app.bulk import Change, update_rows
from app.db import Base

Numbers = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows of `model` by their key, with the numbers that `change` makes new values of columns from.

    `nothing` are the numbers that change nothing: of whom another feature alone has something to add.
    """

    model: type[Base]
    key: str
    rows: Mapping[int, Numbers]
    nothing: Numbers
    change: Change


def write_tallies(session: Session, tallies: Iterable[Tally]) -> None:
    """Add all of them; those about the same rows together."""
    together: dict[tuple[type[Base], str], list[Tally]] = {}
    for tally in tallies:
        if tally.rows:
            together.setdefault((tally.model, tally.key), []).append(tally)
    for (model, key), own in together.items():
        change = own[0].change if len(own) == 1 else _both(tuple(tally.change for tally in own))
        update_rows(session, model, [key], change, _merged(key, own))


def _merged(key: str, tallies: Sequence[Tally]) -> list[dict[str, int | None]]:
    owners = sorted(set().union(*(tally.rows for tally in tallies)))
    rows = []
    for owner in owners:
        row: dict[str, int | None] = {key: owner}
        for tally in tallies:
            row.update(tally.rows.get(owner, tally.nothing))
        rows.append(row)
    return rows


@cache
def _both(changes: tuple[Change, ...]) -> Change:
    """The same function for the same changes, so that its statement is compiled once."""

    def change(new: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for each in changes for name, value in each(new).items()}

    return change
