"""Real purchases: each figure of a segment's months equals the one that plain Python finds with sets, people by people.

The orders are CDNOW's. Nothing here is shared with the product: no period, no formula, no SQL.
"""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.db import reading, transaction
from app.events.models import Event
from app.reports.definitions import define
from app.reports.query import SegmentQuery
from app.reports.segment_report import Month, SegmentReport, segment_report
from app.shop.kinds import PURCHASED
from app.subscribers.models import Standing, Status, Subscriber
from tests import make

ORDERS = Path(__file__).parents[3] / "workers" / "demo" / "data" / "CDNOW_sample.txt"
BERLIN = ZoneInfo("Europe/Berlin")
EDGES = [datetime(1997 + at // 12, at % 12 + 1, 1, tzinfo=BERLIN).astimezone(UTC) for at in range(19)]
AFTER = datetime(1998, 8, 1, tzinfo=UTC)

Purchases = dict[int, list[tuple[datetime, int]]]


def read_orders() -> Purchases:
    """Purchases by customer, at an hour of her own, so that some fall on the other side of midnight in Berlin."""
    found: Purchases = defaultdict(list)
    for line in ORDERS.read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) + timedelta(hours=int(customer) % 24)
        found[int(customer)].append((at, round(float(dollars) * 100)))
    return found


@pytest.fixture
def purchases(app: APIFlask) -> Purchases:
    found = read_orders()
    assert sum(map(len, found.values())) == 6919
    with transaction() as session:
        write(session, found)
    return found


def write(session: Session, purchases: Purchases) -> None:
    names = ("email", "address_key", "address_hash")
    people = [{"id": one, **dict.fromkeys(names, f"{one}@example.org"), "attributes": {}} for one in purchases]
    session.execute(insert(Subscriber), people)
    standings = [{"subscriber_id": one, "status": Status.ACTIVE, "created_at": EDGES[0]} for one in purchases]
    session.execute(insert(Standing), standings)
    session.execute(
        insert(Event),
        [
            {"kind": PURCHASED.code, "subscriber_id": one, "occurred_at": at, "value": cents}
            for one, rows in purchases.items()
            for at, cents in rows
        ],
    )


def report(segment_id: int | None = None, **query: object) -> SegmentReport:
    with reading() as session:
        return segment_report(session, segment_id, SegmentQuery(months=18, until="1998-06", **query), AFTER)


def check_retention(month: Month, start: set[int], end: set[int], before: set[int]) -> None:
    """`before` are those who had been there any time before the month."""
    found = month.retention
    assert (found.start, found.end, found.new) == (len(start), len(end), len(end - start)), month.label
    assert found.lost == len(start - end), month.label
    assert (found.returned, found.first_time) == (len((end - start) & before), len(end - start - before)), month.label
    assert found.retention == (pytest.approx(100 * len(start & end) / len(start)) if start else None), month.label
    assert found.churn == (pytest.approx(100 * len(start - end) / len(start)) if start else None), month.label


@pytest.mark.parametrize("days", [30, 90, 365])
def test_retention_and_churn_of_active_people_are_those_of_sets(purchases: Purchases, days: int) -> None:
    def active(moment: datetime) -> set[int]:
        since = moment - timedelta(days=days)
        return {one for one, rows in purchases.items() if any(since <= at < moment for at, _ in rows)}

    months = report(days=days).months
    assert [month.label for month in months][::17] == ["1997-01", "1998-06"]
    for at, month in enumerate(months):
        before = {one for one, rows in purchases.items() if any(when < EDGES[at] for when, _ in rows)}
        check_retention(month, active(EDGES[at]), active(EDGES[at + 1]), before)
    assert months[-1].retention.start > 100


def test_retention_of_a_segment_as_it_was_is_that_of_sets(purchases: Purchases) -> None:
    dice = random.Random(8)
    stays: dict[int, list[tuple[datetime, datetime]]] = {}
    for one in list(purchases)[:900]:
        moments = sorted(
            EDGES[0] + timedelta(hours=dice.randrange(18 * 30 * 24)) for _ in range(2 * dice.randint(1, 3))
        )
        stays[one] = list(zip(moments[::2], moments[1::2], strict=True))
        if dice.random() < 0.5:
            stays[one][-1] = (stays[one][-1][0], LASTS)
    with transaction() as session:
        segment = make.segment(session, {"all": []}).id
        rows = [
            {"segment_id": segment, "subscriber_id": one, "joined_at": joined, "left_at": left}
            for one, pairs in stays.items()
            for joined, left in pairs
        ]
        session.execute(insert(Membership), rows)

    def was_in(moment: datetime) -> set[int]:
        return {one for one, pairs in stays.items() if any(joined < moment <= left for joined, left in pairs)}

    months = report(segment, presence="member").months
    for at, month in enumerate(months):
        before = {one for one, pairs in stays.items() if pairs[0][0] < EDGES[at]}
        check_retention(month, was_in(EDGES[at]), was_in(EDGES[at + 1]), before)
        sold = [
            cents
            for one, pairs in stays.items()
            for when, cents in purchases[one]
            if EDGES[at] <= when < EDGES[at + 1] and any(joined <= when < left for joined, left in pairs)
        ]
        assert (month.engagement.purchases, month.engagement.revenue) == (len(sold), sum(sold)), month.label


def test_repeat_rates_are_those_of_sets(purchases: Purchases) -> None:
    moments = {one: {at for at, _ in rows} for one, rows in purchases.items()}
    for at, month in enumerate(report().months):
        so_far = {one: {when for when in all_ if when < EDGES[at + 1]} for one, all_ in moments.items()}
        in_month = {one: {when for when in all_ if when >= EDGES[at]} for one, all_ in so_far.items()}
        found = month.repeat
        for buyers, again, rate, times in (
            (found.buyers, found.buyers_again, found.rate, so_far),
            (found.buyers_in_month, found.buyers_again_in_month, found.rate_in_month, in_month),
        ):
            once = sum(bool(all_) for all_ in times.values())
            twice = sum(len(all_) > 1 for all_ in times.values())
            assert (buyers, again) == (once, twice), month.label
            assert rate == (pytest.approx(100 * twice / once) if once else None), month.label


def test_purchases_and_revenue_are_those_of_the_file(purchases: Purchases) -> None:
    months = report().months
    for at, month in enumerate(months):
        sold = [cents for rows in purchases.values() for when, cents in rows if EDGES[at] <= when < EDGES[at + 1]]
        assert (month.engagement.purchases, month.engagement.revenue) == (len(sold), sum(sold)), month.label
    assert sum(month.engagement.revenue for month in months) == 24_409_194


@pytest.mark.parametrize("times", [2, 3, 5])
def test_repeat_rate_and_lifetime_value_with_any_threshold(purchases: Purchases, times: int) -> None:
    with transaction() as session:
        terms = {"active_days": 90, "lost_when": ["silent"], "repeat_times": 2, "acquisition_cost": 750}
        define(session, **terms, new_days=30, cooling_days=180, sleeping_days=365)  # type: ignore[arg-type]
    for at, month in enumerate(report(times=times).months):
        so_far = {one: [row for row in rows if row[0] < EDGES[at + 1]] for one, rows in purchases.items()}
        counts = [len({when for when, _ in rows}) for rows in so_far.values() if rows]
        paid = sum(cents for rows in so_far.values() for _, cents in rows)
        found = month.repeat
        again = sum(number >= times for number in counts)
        assert (found.buyers, found.buyers_again) == (len(counts), again), month.label
        average = paid / sum(counts)
        assert found.average_order == pytest.approx(average)
        assert found.lifetime_value == pytest.approx(average * again / len(counts) - 750), month.label


@pytest.mark.parametrize("days", [30, 90])
def test_revenue_churn_is_that_of_those_lost(purchases: Purchases, days: int) -> None:
    def active(moment: datetime) -> set[int]:
        since = moment - timedelta(days=days)
        return {one for one, rows in purchases.items() if any(since <= at < moment for at, _ in rows)}

    months = report(days=days).months
    for at, month in enumerate(months[1:], 1):
        start, end = active(EDGES[at]), active(EDGES[at + 1])
        paid = {
            one: sum(cents for when, cents in rows if EDGES[at] - timedelta(days=days) <= when < EDGES[at])
            for one, rows in purchases.items()
        }
        mrr, lost = (sum(paid[one] for one in people) for people in (start, start - end))
        found = month.recurring
        assert (found.mrr_start, found.mrr_lost) == (round(mrr * 30 / days), round(lost * 30 / days)), month.label
        assert found.churn == (pytest.approx(100 * lost / mrr) if mrr else None), month.label
    assert (months[0].recurring.mrr_start, months[0].recurring.churn) == (0, None)
    assert sum(month.recurring.mrr_lost for month in months) > 0
