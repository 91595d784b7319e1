"""The months of a report: which ones, and as rows that SQL can join.

All moments are whole seconds here, as the database keeps them. Not in charge of where months begin
(`segments.cohort`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, Executable, Integer, column, func, select, type_coerce, values
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.subscribers.models import Standing
from segments.cohort import Period, periods

DAY = 86_400


def months_until(session: Session, last: str | None, count: int, now: datetime) -> list[Period]:
    """`count` calendar months of the organisation's time zone up to `last` (YYYY-MM), never beyond the current one.

    Without `last`, up to the latest month in which somebody opened, clicked or bought anything.
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


def span_table(months: Sequence[Period], now: datetime) -> CTE:
    """`span`: a row (number, since, until) for each month, [since, until) in seconds; a running one ends now."""
    rows = [(at, _stamp(month.start), _stamp(min(month.end, now))) for at, month in enumerate(months)]
    return _table("span", ("number", "since", "until"), rows)


def edge_table(moments: Sequence[datetime]) -> CTE:
    """`edge`: a row (number, before, at) for each moment and the one before it, in seconds."""
    stamps = [_stamp(moment) for moment in moments]
    return _table(
        "edge",
        ("number", "before", "at"),
        list(zip(range(len(stamps)), [stamps[0], *stamps[:-1]], stamps, strict=True)),
    )


def counts(session: Session, statement: Executable) -> dict[Any, int]:
    """The rows (key, number) of a statement by key."""
    return {key: number for key, number in session.execute(statement)}  # noqa: C416 - rows are no tuples to mypy


def within(moment: Any, span: CTE) -> ColumnElement[bool]:
    """Whether a column of moments lies in the span of a row."""
    return (seconds(moment) >= span.c.since) & (seconds(moment) < span.c.until)


def _table(name: str, columns: tuple[str, str, str], rows: list[tuple[int, int, int]]) -> CTE:
    number, *moments = columns
    typed = [column(number, Integer), *(column(moment, BigInteger) for moment in moments)]
    return values(*typed, name=name).data(rows).cte(name)


def _stamp(moment: datetime) -> int:
    return int(moment.timestamp())


def _last_happening(session: Session, now: datetime) -> datetime:
    latest = (Standing.last_opened_at, Standing.last_clicked_at, Standing.last_order_at)
    found = session.execute(select(*(func.max(each) for each in latest))).one()
    return min(now, max((each for each in found if each), default=now))
