"""What each customer's past says: how often she bought again, when last, and since when she has been one.

Purchases of one day are one purchase, as the model wants it; days are whole days of UTC. In charge of reading them up
to any moment. Not of the model (`segments.prediction`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, func, select, type_coerce
from sqlalchemy.orm import Session

from app.events.models import Event
from app.shop.kinds import PURCHASED

DAY = 86_400
_WEEK = 7.0
_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Histories:
    """Arrays, a place for each customer. Times are in weeks; `spent` is on the days after the first, in minor units."""

    ids: Any
    repeats: Any
    recency: Any
    age: Any
    spent: Any


def histories(session: Session, until: datetime) -> Iterator[Histories]:
    """Everybody who had bought before this moment, some at a time, in the order of their ids."""
    import numpy as np

    end = int(until.timestamp()) // DAY
    # A page that ends between two customers: no cursor has to stay open while others write.
    after = 0
    while True:
        rows = session.execute(_customers(until, after)).all()
        if not rows:
            return
        ids, days, first, last, paid, paid_first = np.array([tuple(row) for row in rows], dtype=np.int64).T
        after = int(ids[-1])
        yield Histories(
            ids=ids,
            repeats=(days - 1).astype(float),
            recency=(last - first) / _WEEK,
            age=(end - first) / _WEEK,
            spent=(paid - paid_first).astype(float),
        )


def later_purchases(session: Session, since: datetime, until: datetime) -> dict[int, int]:
    """How many days each customer bought on from one moment until before another."""
    day = _day()
    counted = select(Event.subscriber_id, func.count(day.distinct())).where(
        *_bought(), Event.occurred_at >= since, Event.occurred_at < until
    )
    return {person: number for person, number in session.execute(counted.group_by(Event.subscriber_id))}  # noqa: C416


def first_and_last(session: Session) -> tuple[datetime, datetime] | None:
    """The moments of the first and the last purchase; None where there is none."""
    bounds = select(func.min(Event.occurred_at), func.max(Event.occurred_at)).where(*_bought())
    first, last = session.execute(bounds).one()
    return (first, last) if first and last else None


def _customers(until: datetime, after: int) -> Select[*tuple[Any, ...]]:
    """(person, days with purchases, first day, last day, paid, paid on the first day)."""
    day = _day()
    per_day = (
        select(Event.subscriber_id, day.label("day"), func.sum(Event.value).label("paid"))
        .where(*_bought(), Event.occurred_at < until, Event.subscriber_id > after)
        .group_by(Event.subscriber_id, "day")
        .subquery("per_day")
    )
    first = func.min(per_day.c.day).over(partition_by=per_day.c.subscriber_id).label("first")
    marked = select(per_day, first).subquery("marked")
    return (
        select(
            marked.c.subscriber_id,
            func.count(),
            func.min(marked.c.day),
            func.max(marked.c.day),
            func.sum(marked.c.paid),
            func.sum(marked.c.paid).filter(marked.c.day == marked.c.first),
        )
        .group_by(marked.c.subscriber_id)
        .order_by(marked.c.subscriber_id)
        .limit(_CHUNK)
    )


def _bought() -> tuple[Any, ...]:
    """A purchase and no refund, of a known amount."""
    return Event.kind == PURCHASED.code, Event.value >= 0


def _day() -> Any:
    return type_coerce(Event.occurred_at, BigInteger) // DAY
