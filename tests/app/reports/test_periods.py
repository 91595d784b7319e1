"""Where moments fall: every border, daylight saving, and moments that nobody knows."""

import random
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from sqlalchemy import BigInteger, literal, select

from app.db import reading
from app.reports.periods import place
from segments.calendar import start_of


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe"])
@pytest.mark.parametrize("days", [0, 1, 2, 7, 400])
def test_a_moment_is_where_the_calendar_says(app: APIFlask, zone: str, days: int) -> None:
    """Clocks change in spring and in autumn, in Santiago at midnight."""
    there = ZoneInfo(zone)
    first = datetime(2026, 3, 1, tzinfo=UTC).date()
    borders = [start_of(first + timedelta(days=number), there) for number in range(days)]
    dice = random.Random(days)
    near = [border + timedelta(seconds=step) for border in dice.sample(borders, min(days, 12)) for step in (-1, 0, 1)]
    near.append(datetime(2020, 1, 1, tzinfo=UTC))
    near.append(datetime(2030, 1, 1, tzinfo=UTC))
    with reading() as session:
        for moment in near:
            found = session.scalar(select(place(literal(int(moment.timestamp())), borders)))
            assert found == bisect_right(borders, moment), moment
        assert session.scalar(select(place(literal(None, BigInteger), borders))) == days
