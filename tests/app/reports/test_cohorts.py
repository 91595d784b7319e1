"""The cohort grid: who joined when, and how many were still there one, two, three months later."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.errors import Invalid
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


@pytest.mark.parametrize("since", ["first_order", "event"])
def test_revenue_of_cohorts_is_that_of_pandas(app: APIFlask, since: str) -> None:
    """CDNOW again, by pandas: months of Berlin, the month of the first purchase, what each month brought."""
    import pandas as pd

    purchases = read_orders()
    with transaction() as session:
        write(session, purchases)
        for one, rows in purchases.items():
            session.connection().exec_driver_sql(
                f"UPDATE standing SET first_order_at = {int(min(rows)[0].timestamp())} WHERE subscriber_id = {one}"
            )
    rows = [(one, when, cents) for one, all_ in purchases.items() for when, cents in all_]
    frame = pd.DataFrame(rows, columns=["who", "at", "cents"])
    frame["month"] = frame["at"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m")
    frame["cohort"] = frame.groupby("who")["month"].transform("min")
    table = frame.groupby(["cohort", "month"]).agg(people=("who", "nunique"), cents=("cents", "sum"))
    query = CohortQuery(since=since, event="purchased", metric="revenue", months=18, until="1998-06")
    with reading() as session:
        found = cohort_grid(session, query, AFTER)
    cells = {
        (cohort.label, f"{1997 + (at + place) // 12}-{(at + place) % 12 + 1:02}"): (month.people, month.revenue)
        for at, cohort in enumerate(found.cohorts)
        for place, month in enumerate(cohort.months)
        if month and month.revenue
    }
    first = frame.groupby("cohort")["who"].nunique()
    assert {cohort.label: cohort.size for cohort in found.cohorts if cohort.size} == first.to_dict()
    shown = {key: (row.people, row.cents) for key, row in table.iterrows() if first[key[0]] >= 10}
    assert cells == shown
    assert sum(cents for _, cents in cells.values()) > 24_000_000


def test_small_cohorts_show_their_size_alone(app: APIFlask) -> None:
    with transaction() as session:
        for month, number in ((9, 9), (10, 10)):
            for _ in range(number):
                make.subscriber(session, created_at=at(f"2026-{month:02}-05"))
        found = cohort_grid(session, CohortQuery(until="2026-10", months=2, metric="subscribed"), NOW).cohorts
    assert [(cohort.size, len(cohort.months)) for cohort in found] == [(9, 0), (10, 2)]


def test_an_event_that_nobody_knows_is_refused(app: APIFlask) -> None:
    with transaction() as session, pytest.raises(Invalid):
        cohort_grid(session, CohortQuery(since="event", event="slept"), NOW)
