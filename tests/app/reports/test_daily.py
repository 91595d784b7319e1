"""The rows of each segment and day: however and whenever they are built, they are those of plain Python."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.audiences.models import LASTS, Membership
from app.db import reading, transaction
from app.events.models import Event, Verdict
from app.reports.daily import EVERYBODY, build, count, day_number, forget, write
from app.reports.history import MonthOf, history
from app.reports.models import SegmentDaily
from app.reports.query import HistoryQuery
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED, OPENED
from tests import make
from tests.app.reports.world import at, happened, member

BERLIN = ZoneInfo("Europe/Berlin")
NOW = at("2026-11-03T12:00")
Rows = dict[tuple[int, int], tuple[int, ...]]
_COLUMNS = ("size", "joined", "left", "opens", "clicks", "uniques", "purchases", "revenue")


def stored(session: Session) -> Rows:
    rows = session.scalars(select(SegmentDaily))
    return {(row.segment_id, row.day): tuple(getattr(row, name) for name in _COLUMNS) for row in rows}


def counted(session: Session, now: datetime) -> Rows:
    """The same by going through everything, one by one."""
    stays: dict[int, dict[int, list[tuple[datetime, datetime]]]] = defaultdict(lambda: defaultdict(list))
    for row in session.scalars(select(Membership)):
        stays[row.segment_id][row.subscriber_id].append((row.joined_at, row.left_at))
    from app.subscribers.models import Standing

    for person in session.scalars(select(Standing)):
        stays[EVERYBODY][person.subscriber_id].append((person.created_at, person.ended_at or LASTS))
    events = session.scalars(select(Event)).all()
    moments = [since for people in stays.values() for spans in people.values() for since, _ in spans]
    first = min(moments).astimezone(BERLIN).date()
    found: Rows = {}
    for segment, people in stays.items():
        day = first
        while day <= now.astimezone(BERLIN).date():
            begin, end = (
                datetime(each.year, each.month, each.day, tzinfo=BERLIN) for each in (day, day + timedelta(days=1))
            )
            end = min(end, now + timedelta(seconds=1))
            spans = [span for spans in people.values() for span in spans]
            mine = [
                event
                for event in events
                if begin <= event.occurred_at < end
                and (
                    segment == EVERYBODY
                    or any(since <= event.occurred_at < left for since, left in people[event.subscriber_id])
                )
            ]
            seen = [event for event in mine if event.verdict is not None and event.verdict.is_reader]
            bought = [event for event in mine if event.kind == PURCHASED.code]
            found[segment, day_number(day)] = (
                sum(since < end <= left for since, left in spans),
                sum(begin <= since < end for since, _ in spans),
                sum(begin <= left < end for _, left in spans),
                sum(event.kind == OPENED.code for event in seen),
                sum(event.kind == CLICKED.code for event in seen),
                len({event.subscriber_id for event in seen}),
                sum((event.value or 0) >= 0 for event in bought),
                sum(event.value or 0 for event in bought),
            )
            day += timedelta(days=1)
    return found


@pytest.fixture
def world(app: APIFlask) -> list[int]:
    """People and memberships around the end of summer time, 25 October 2026."""
    dice = random.Random(11)
    with transaction() as session:
        segments = [make.segment(session, {"all": []}, name).id for name in ("Loyal", "New")]
        people = [
            make.subscriber(session, created_at=at("2026-10-20T09:00") + timedelta(hours=dice.randrange(200))).id
            for _ in range(12)
        ]
        for segment in segments:
            for person in people[:8]:
                start = at("2026-10-21T00:00") + timedelta(minutes=dice.randrange(60 * 24 * 9))
                stop = start + timedelta(minutes=dice.randrange(1, 60 * 24 * 5))
                member(session, segment, person, *(f"{each:%Y-%m-%dT%H:%M}" for each in (start, stop)))
                if dice.random() < 0.5:
                    member(session, segment, person, f"{stop + timedelta(hours=3):%Y-%m-%dT%H:%M}")
    return people


def act(people: list[int], seed: int, since: str, hours: int) -> None:
    dice = random.Random(seed)
    with transaction() as session:
        for _ in range(120):
            when = f"{at(since) + timedelta(minutes=dice.randrange(hours * 60)):%Y-%m-%dT%H:%M}"
            kind = dice.choice([OPENED, CLICKED, PURCHASED])
            more: dict[str, object] = {"value": dice.choice([1999, 500, -500])} if kind is PURCHASED else {}
            if kind is not PURCHASED:
                more["verdict"] = dice.choice([Verdict.HUMAN, Verdict.PROXY, Verdict.SCANNER])
            happened(session, kind, dice.choice(people), when, **more)


def test_rows_built_bit_by_bit_are_those_of_a_full_count(app: APIFlask, world: list[int]) -> None:
    """The second batch brings events of days that were built already, some by people seen on them before."""
    act(world, 1, "2026-10-21T12:00", 130)
    with transaction() as session:
        build(session, at("2026-10-27T10:00"))
    act(world, 2, "2026-10-22T12:00", 250)
    with transaction() as session:
        build(session, at("2026-10-30T10:00"))
        build(session, NOW)
        found, expected = stored(session), counted(session, NOW)
        assert found == expected
        forget(session)
        build(session, NOW)
        assert stored(session) == expected
    assert len({day for _, day in found}) == 14
    assert sum(row[5] for row in found.values()) > 50


def test_building_twice_adds_nothing(app: APIFlask, world: list[int]) -> None:
    act(world, 1, "2026-10-21T12:00", 130)
    with transaction() as session:
        build(session, NOW)
        once = stored(session)
        build(session, NOW)
        assert stored(session) == once


def test_what_another_build_has_written_since_is_not_added_again(app: APIFlask, world: list[int]) -> None:
    act(world, 1, "2026-10-21T12:00", 130)
    with reading() as session:
        late = count(session, NOW)
    with transaction() as session:
        assert build(session, NOW)
        once = stored(session)
        assert not write(session, late)
        assert stored(session) == once


def test_another_time_zone_or_events_taken_away_build_anew(app: APIFlask, world: list[int]) -> None:
    act(world, 1, "2026-10-21T12:00", 130)
    with transaction() as session:
        build(session, NOW)
        before = stored(session)
        session.execute(update(Organisation).values(time_zone="Pacific/Auckland"))
    with transaction() as session:
        build(session, NOW)
        assert stored(session) != before
        session.execute(update(Organisation).values(time_zone="Europe/Berlin"))
        session.execute(delete(Event).where(Event.subscriber_id == world[0]))
        forget(session)
    with transaction() as session:
        build(session, NOW)
        assert stored(session) == counted(session, NOW)


def test_months_side_by_side_add_up_the_days(app: APIFlask, world: list[int]) -> None:
    act(world, 1, "2026-10-21T12:00", 130)
    with transaction() as session:
        build(session, NOW)
        report = history(session, HistoryQuery(months=2, until="2026-11"), NOW)
        rows = counted(session, NOW)
    assert (report.labels, report.is_running, report.as_of) == (("2026-10", "2026-11"), True, NOW)
    assert [segment.name for segment in report.segments] == [None, "Loyal", "New"]
    last = {"2026-10": date(2026, 10, 31), "2026-11": date(2026, 11, 3)}
    for segment in report.segments:
        number = segment.segment_id or EVERYBODY
        for label, month in zip(report.labels, segment.months, strict=True):
            days = [
                row
                for (of, day), row in rows.items()
                if of == number and f"{date(1970, 1, 1) + timedelta(day):%Y-%m}" == label
            ]
            assert month.size == rows[number, day_number(last[label])][0]
            assert (month.joined, month.left) == (sum(row[1] for row in days), sum(row[2] for row in days))
            assert (month.opens, month.clicks) == (sum(row[3] for row in days), sum(row[4] for row in days))
            assert (month.purchases, month.revenue) == (sum(row[6] for row in days), sum(row[7] for row in days))


def test_a_history_is_shown_from_the_first_month_that_had_anything(app: APIFlask, world: list[int]) -> None:
    act(world, 1, "2026-10-05", 400)
    with transaction() as session:
        build(session, NOW)
        found = history(session, HistoryQuery(until="2026-11", months=36), NOW)
    empty = MonthOf(0, 0, 0, None, 0, 0, 0.0, 0, 0)
    for segment in found.segments:
        assert 0 < segment.first < 35
        assert set(segment.months[: segment.first]) == {empty}
        assert segment.months[segment.first] != empty


def test_before_the_first_build_there_is_nothing(app: APIFlask) -> None:
    with reading() as session:
        report = history(session, HistoryQuery(), NOW)
    assert report.as_of is None
    assert [month.size for month in report.segments[0].months] == [0] * 24
