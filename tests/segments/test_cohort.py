"""The cohort triangle, and where its periods begin."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.cohort import Cell, PeriodKind, periods, triangle

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_triangle_has_a_row_per_cohort_and_nothing_in_the_future() -> None:
    result = triangle([(10, 10, 4), (10, 12, 1), (11, 11, 2), (12, 12, 3)], {12: 3, 10: 4, 11: 5}, 12)

    assert [(row.joined, row.size) for row in result.rows] == [(10, 4), (11, 5), (12, 3)]
    assert result.rows[0].cells == (
        Cell(4, 100.0, partial=False),
        Cell(0, 0.0, partial=False),
        Cell(1, 25.0, partial=True),
    )
    assert result.rows[1].cells == (Cell(2, 40.0, partial=False), Cell(0, 0.0, partial=True), None)
    assert result.rows[2].cells == (Cell(3, 100.0, partial=True), None, None)
    assert result.last_period == 12


def test_a_finished_period_is_not_partial() -> None:
    result = triangle([], {1: 2}, 2, last_is_complete=True)

    assert result.rows[0].cells == (Cell(0, 0.0, partial=False), Cell(0, 0.0, partial=False))


def test_an_empty_cohort_has_no_share() -> None:
    assert triangle([], {1: 0}, 1).rows[0].cells == (Cell(0, None, partial=True),)


def test_nobody_joined() -> None:
    assert triangle([], {}, 5).rows == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(2, 2, 1)], "cohort 2 cannot"),
        ([(1, 0, 1)], "active in period 0"),
        ([(1, 4, 1)], "active in period 4"),
        ([(1, 2, 1), (1, 2, 1)], "counted twice"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows: list[tuple[int, int, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        triangle(rows, {1: 5}, 3)


def test_months_begin_at_midnight_there_daylight_saving_included() -> None:
    found = periods(date(2026, 2, 17), date(2026, 4, 1), BERLIN)

    assert [(each.label, each.start, each.end) for each in found] == [
        ("2026-02", datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("2026-03", datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("2026-04", datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 4, 30, 22, tzinfo=UTC)),
    ]
    assert found[0].index == 2026 * 12 + 1


def test_a_day_begins_where_midnight_is_skipped() -> None:
    """In Beirut clocks went from 23:59:59 to 01:00 on 27 March 2022; in Samoa 30 December 2011 never was."""
    beirut = periods(date(2022, 3, 28), date(2022, 3, 28), ZoneInfo("Asia/Beirut"), PeriodKind.WEEK)
    [week] = periods(date(2011, 12, 30), date(2011, 12, 30), ZoneInfo("Pacific/Apia"), PeriodKind.WEEK)

    assert beirut[0].start == datetime(2022, 3, 27, 21, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=6)


@pytest.mark.parametrize(
    ("kind", "day", "label", "first", "after"),
    [
        (PeriodKind.MONTH, date(2025, 12, 31), "2025-12", date(2025, 12, 1), date(2026, 1, 1)),
        (PeriodKind.QUARTER, date(2026, 3, 31), "2026-Q1", date(2026, 1, 1), date(2026, 4, 1)),
        (PeriodKind.QUARTER, date(2025, 10, 1), "2025-Q4", date(2025, 10, 1), date(2026, 1, 1)),
        (PeriodKind.WEEK, date(2026, 1, 1), "2026-W01", date(2025, 12, 29), date(2026, 1, 5)),
        (PeriodKind.WEEK, date(2027, 1, 3), "2026-W53", date(2026, 12, 28), date(2027, 1, 4)),
    ],
)
def test_the_period_of_a_day(kind: PeriodKind, day: date, label: str, first: date, after: date) -> None:
    [period] = periods(day, day, ZoneInfo("UTC"), kind)

    assert (period.label, period.start.date(), period.end.date()) == (label, first, after)


@given(
    st.sampled_from(PeriodKind),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Beirut", "Pacific/Apia", "America/Havana"]),
    st.dates(date(1971, 1, 1), date(2037, 1, 1)),
    st.integers(0, 900),
)
def test_periods_follow_each_other_without_gap_or_overlap(kind: PeriodKind, zone: str, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = periods(first, last, ZoneInfo(zone), kind)

    assert all(one.end == two.start and one.index + 1 == two.index for one, two in pairwise(found))
    for day, period in ((first, found[0]), (last, found[-1])):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
        assert period.start <= noon < period.end
