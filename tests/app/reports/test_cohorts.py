"""The cohort grid: who joined when, and how many were still there one, two, three months later."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.events.models import Verdict
from app.reports.cohorts import cohort_grid
from app.reports.query import CohortQuery
from app.shop.kinds import PURCHASED
from app.subscribers.models import Status
from app.tracking.kinds import CLICKED
from tests import make
from tests.app.reports.test_against_plain_python import AFTER, BERLIN, EDGES, read_orders, write
from tests.app.reports.world import at, happened, member

NOW = at("2026-11-21T12:00")


def grid(session: Session, **query: Any) -> dict[str, tuple[int, list[int | None]]]:
    found = cohort_grid(session, CohortQuery(until="2026-11", months=3, **query), NOW, smallest=1)
    return {one.label: (one.size, [month and month.people for month in one.months]) for one in found.cohorts}


def test_each_metric_counts_its_own(app: APIFlask) -> None:
    with transaction() as session:
        clicker, buyer, scanned, gone = (make.subscriber(session, created_at=at("2026-09-05")).id for _ in range(4))
        make.subscriber(session, created_at=at("2026-09-05"), status=Status.PENDING)
        make.subscriber(session, created_at=at("2026-10-05"), ended_at=at("2026-11-02"), status=Status.UNSUBSCRIBED)
        happened(session, CLICKED, clicker, "2026-09-06")
        happened(session, CLICKED, clicker, "2026-09-07")
        happened(session, CLICKED, clicker, "2026-11-07")
        happened(session, CLICKED, scanned, "2026-09-06", verdict=Verdict.SCANNER)
        happened(session, PURCHASED, buyer, "2026-10-06")
        happened(session, PURCHASED, gone, "2026-08-01")
        assert grid(session, metric="clicked")["2026-09"] == (4, [1, 0, 1])
        assert grid(session, metric="bought")["2026-09"] == (4, [0, 1, 0])
        assert grid(session, metric="active")["2026-09"] == (4, [1, 1, 1])
        assert grid(session, metric="subscribed") == {
            "2026-09": (4, [4, 4, 4]),
            "2026-10": (1, [1, 0, None]),
            "2026-11": (0, [0, None, None]),
        }


def test_the_running_month_is_marked(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, created_at=at("2026-10-05"))
        cells = cohort_grid(session, CohortQuery(until="2026-11", months=2), NOW, smallest=1).cohorts[0].months
        past = cohort_grid(session, CohortQuery(until="2026-10", months=1), NOW, smallest=1).cohorts[0].months
    assert [cell.is_running for cell in cells if cell] == [False, True]
    assert [cell.is_running for cell in past if cell] == [False]


def test_a_segment_narrows_it_to_its_people_of_today(app: APIFlask) -> None:
    with transaction() as session:
        inside, _outside = (make.subscriber(session, created_at=at("2026-09-05")).id for _ in range(2))
        segment = make.segment(session, {"all": []}).id
        member(session, segment, inside, "2026-10-01")
        assert grid(session, segment=segment, metric="subscribed")["2026-09"] == (1, [1, 1, 1])


def test_cohorts_of_first_purchases_are_those_of_sets(app: APIFlask) -> None:
    """CDNOW's customers: all bought first in the first quarter of 1997."""
    purchases = read_orders()
    moments = {one: {when for when, _ in rows} for one, rows in purchases.items()}
    with transaction() as session:
        write(session, purchases)
        for one, whens in moments.items():
            session.connection().exec_driver_sql(
                f"UPDATE standing SET first_order_at = {int(min(whens).timestamp())} WHERE subscriber_id = {one}"
            )
    query = CohortQuery(since="first_order", metric="bought", months=18, until="1998-06")
    with reading() as session:
        cohorts = cohort_grid(session, query, AFTER).cohorts
    months = list(pairwise(EDGES))
    for at_, cohort in enumerate(cohorts):
        began, ended = months[at_]
        assert cohort.start == began
        assert cohort.label == f"{(began + timedelta(days=2)).astimezone(BERLIN):%Y-%m}"
        people = {one for one, whens in moments.items() if began <= min(whens) < ended}
        assert cohort.size == len(people)
        expected = [
            sum(any(since <= when < until for when in moments[one]) for one in people) for since, until in months[at_:]
        ]
        assert [month.people for month in cohort.months if month] == expected
    assert sum(cohort.size for cohort in cohorts[:3]) == sum(cohort.size for cohort in cohorts) == len(purchases)
