"""The months of a report: which ones, and as an expression by which SQL sorts moments into them.

Not in charge of where months begin (`segments.cohort`).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Label,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.reports.models import EVERYBODY, SegmentDaily
from app.reports.rows import Rows
from app.subscribers.models import Standing
from segments.calendar import start_of
from segments.cohort import Period, periods

DAY = 86_400
EPOCH = date(1970, 1, 1)


def months_until(session: Session, last: str | None, count: int, now: datetime) -> list[Period]:
    """`count` calendar months of the organisation's time zone up to `last` (YYYY-MM), never beyond the current one.

    Without `last`, up to the latest month in which somebody opened, clicked or bought; where nobody did, answered.
    """
    zone = time_zone(session)
    today = now.astimezone(zone).date()
    chosen = date.fromisoformat(f"{last}-01") if last else _last_happening(session, now).astimezone(zone).date()
    end = min(chosen, today)
    index = end.year * 12 + end.month - count
    return periods(date(index // 12, index % 12 + 1, 1), end, zone)


def edges(months: Sequence[Period], now: datetime) -> list[datetime]:
    """The moments between which people stay or go; the last one is now while the last month is running."""
    return [month.start for month in months] + [min(months[-1].end, now)]


def seconds(moment: Any) -> ColumnElement[int]:
    """A column of moments as the number it is stored as, to calculate with."""
    return type_coerce(moment, BigInteger)


def place(moment: Any, moments: Sequence[datetime]) -> ColumnElement[int]:
    """How many of these moments, in their order, a column's are not before: 0 before the first, all from the last on.

    An unknown moment counts as after all. Halved again and again: ten comparisons find one day of two years.
    """
    return place_number(seconds(moment), [int(each.timestamp()) for each in moments])


def place_number(value: ColumnElement[int], borders: Sequence[int]) -> ColumnElement[int]:
    """The same of a column of numbers and rising numbers."""

    return chosen(value, borders, range(len(borders) + 1))


def chosen(value: ColumnElement[int], borders: Sequence[int], results: Sequence[int]) -> ColumnElement[int]:
    """The result of the stretch between two rising borders that a number lies in: there is one more than borders."""

    def between(low: int, high: int) -> ColumnElement[int]:
        if low == high:
            return literal(results[low], BigInteger)
        middle = (low + high) // 2
        return case((value < borders[middle], between(low, middle)), else_=between(middle + 1, high))

    return between(0, len(borders))


def span(moment: Any, moments: Sequence[datetime]) -> Label[int]:
    """The number of the stretch between two neighbours that a column's moments lie in, from 0; to group by "span"."""
    return (place(moment, moments) - 1).label("span")


def inside(moment: Any, moments: Sequence[datetime]) -> ColumnElement[bool]:
    """Whether a column's moments lie between the first and the last of these."""
    return and_(moment >= moments[0], moment < moments[-1])


def counts(rows: Rows, statement: Executable) -> dict[Any, int]:
    """The rows (key, number) of a statement by key."""
    return {key: number for key, number in rows.execute(statement)}  # noqa: C416 - rows are no tuples to mypy


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the daily rows count them."""
    return (day - EPOCH).days


def _last_happening(session: Session, now: datetime) -> datetime:
    """By the daily rows, where they tell of anything: then people need not be looked at."""
    row = SegmentDaily
    did = or_(row.opens > 0, row.clicks > 0, row.purchases > 0)
    day = session.scalar(select(func.max(row.day)).where(row.segment_id == EVERYBODY, did))
    if day is not None:
        return min(now, start_of(EPOCH + timedelta(days=day), time_zone(session)))
    latest = (Standing.last_opened_at, Standing.last_clicked_at, Standing.last_order_at, Standing.nps_at)
    *found, answered = session.execute(select(*(func.max(each) for each in latest))).one()
    # The daily rows know no answers, so these count where there is nothing else.
    return min(now, max((each for each in found if each), default=answered or now))
