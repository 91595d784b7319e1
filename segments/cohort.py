"""Periods, and the retention triangle over them.

In charge of where months, weeks and quarters begin in a time zone, and of putting (joined, active) counts
into the triangle that a cohort report shows. Counting people is the business of the report.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from segments.calendar import start_of
from segments.kpi import retention


class PeriodKind(StrEnum):
    WEEK = "week"  # from Monday (ISO 8601)
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in UTC. Indexes are absolute and without gaps: later − earlier is the number of periods between.

    Months are counted from January of year 0, quarters from its first, weeks from Monday 1 January of year 1.
    """

    index: int
    label: str  # 2026-03, 2026-Q1, 2026-W14
    start: datetime
    end: datetime


def periods(first: date, last: date, timezone: ZoneInfo, kind: PeriodKind = PeriodKind.MONTH) -> list[Period]:
    """The periods from the one with the first day to the one with the last."""
    index_of, first_day, label = _KINDS[kind]
    return [
        Period(
            index,
            label(first_day(index)),
            start_of(first_day(index), timezone),
            start_of(first_day(index + 1), timezone),
        )
        for index in range(index_of(first), index_of(last) + 1)
    ]


def _month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _quarter_of(day: date) -> int:
    return _month_of(day) // 3


def _quarter(index: int) -> date:
    return _month(index * 3)


def _week_of(day: date) -> int:
    return (day.toordinal() - 1) // 7


def _week(index: int) -> date:
    return date.min + timedelta(weeks=index)


# Which period a day is in, the first day of a period, and its label by that day.
_KINDS: dict[PeriodKind, tuple[Callable[[date], int], Callable[[int], date], Callable[[date], str]]] = {
    PeriodKind.MONTH: (_month_of, _month, lambda day: f"{day:%Y-%m}"),
    PeriodKind.QUARTER: (_quarter_of, _quarter, lambda day: f"{day.year}-Q{(day.month + 2) // 3}"),
    PeriodKind.WEEK: (_week_of, _week, lambda day: f"{day:%G-W%V}"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """How many of a cohort were active in a period; `share` in percent of the cohort, None if it is empty."""

    people: int
    share: float | None
    partial: bool  # the period is still running


@dataclass(frozen=True, slots=True)
class CohortRow:
    """The people who joined in one period, and one cell per period since; None where that is still to come."""

    joined: int
    size: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Triangle:
    """A row per cohort, oldest first; all rows have as many cells as the oldest."""

    rows: tuple[CohortRow, ...]
    last_period: int


def triangle(
    rows: Iterable[tuple[int, int, int]],
    sizes: Mapping[int, int],
    last_period: int,
    *,
    last_is_complete: bool = False,
) -> Triangle:
    """The triangle of (joined period, active period, people) rows; a pair that is missing means nobody.

    `sizes` gives each cohort's people, `last_period` the last one there are numbers for: today's, so it is
    marked as partial unless it is said to be complete. Raises ValueError for a row that cannot be.
    """
    active = _active(rows, sizes, last_period)
    width = last_period - min(sizes) + 1 if sizes else 0
    running = None if last_is_complete else last_period

    def cell(joined: int, period: int) -> Cell | None:
        if period > last_period:
            return None
        people = active.get((joined, period), 0)
        return Cell(people, retention(sizes[joined], people, 0), period == running)

    return Triangle(
        tuple(
            CohortRow(joined, sizes[joined], tuple(cell(joined, joined + age) for age in range(width)))
            for joined in sorted(sizes)
        ),
        last_period,
    )


def _active(
    rows: Iterable[tuple[int, int, int]], sizes: Mapping[int, int], last_period: int
) -> dict[tuple[int, int], int]:
    active: dict[tuple[int, int], int] = {}
    for joined, period, people in rows:
        if joined not in sizes or not joined <= period <= last_period:
            raise ValueError(f"cohort {joined} cannot be active in period {period}")
        if (joined, period) in active:
            raise ValueError(f"cohort {joined} is counted twice in period {period}")
        active[joined, period] = people
    return active
