"""Stays by everybody, by source and by segment; groups that are too small say only their size."""

from datetime import timedelta

from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import transaction
from app.reports.query import SurvivalQuery
from app.reports.survival import Survival, survival
from app.subscribers.models import Status
from segments.survival import kaplan_meier, share_after
from tests import make
from tests.app.reports.world import at, member

NOW = at("2026-11-21T12:00")


def asked(session: Session, **query: object) -> Survival:
    return survival(session, session, SurvivalQuery(**query), NOW)


def came(session: Session, days: int, stayed: int | None, source: str | None) -> int:
    """Somebody who came so many days ago, and left after so many."""
    created = NOW - timedelta(days=days)
    ended = created + timedelta(days=stayed) if stayed is not None else None
    status = Status.ACTIVE if stayed is None else Status.UNSUBSCRIBED
    person = make.subscriber(session, created_at=created, ended_at=ended, status=status)
    person.source = source
    return person.id


def test_each_source_has_its_curve(app: APIFlask) -> None:
    shop = [(200, stayed) for stayed in (10, 40, 95, None, None, None)] * 2
    with transaction() as session:
        for days, stayed in shop:
            came(session, days, stayed, "shop")
        for _ in range(9):
            came(session, 50, None, "fair")
        for _ in range(10):
            came(session, 100, None, None)
        make.subscriber(session, status=Status.PENDING)
        found = asked(session, of="source")
    assert [(one.name, one.stays, one.ended, bool(one.points)) for one in found.curves] == [
        ("shop", 12, 6, True),
        (None, 10, 0, True),
        ("fair", 9, 0, False),
    ]
    curve = found.curves[0]
    steps = kaplan_meier([(10, 2, 0), (40, 2, 0), (95, 2, 0), (200, 0, 6)])
    assert [point.after for point in curve.points] == list(range(0, 201, 30))
    assert [point.at_risk for point in curve.points] == [12, 10, 8, 8, 6, 6, 6]
    for point in curve.points[1:]:
        step = share_after(steps, point.after)
        assert step
        assert (point.share, point.low, point.high) == (100 * step.survival, 100 * step.low, 100 * step.high)
    assert curve.median == 95


def test_a_segments_stays_are_its_memberships(app: APIFlask) -> None:
    with transaction() as session:
        loyal, empty = (make.segment(session, {"all": []}, name).id for name in ("Loyal", "Empty"))
        for number in range(12):
            person = make.subscriber(session).id
            member(session, loyal, person, "2026-08-01", "2026-09-01" if number < 3 else None)
        found = asked(session, of="segment")
    (curve,) = found.curves
    assert (curve.segment_id, curve.name, curve.stays, curve.ended) == (loyal, "Loyal", 12, 3)
    assert curve.points[2].share == 75.0
    assert empty != loyal


def test_everybody_or_the_people_of_a_segment(app: APIFlask) -> None:
    with transaction() as session:
        people = [came(session, 60, None, None) for _ in range(12)]
        segment = make.segment(session, {"all": []}).id
        for person in people[:10]:
            member(session, segment, person, "2026-10-01")
        assert [curve.stays for curve in asked(session).curves] == [12]
        assert [curve.stays for curve in asked(session, segment=segment).curves] == [10]
