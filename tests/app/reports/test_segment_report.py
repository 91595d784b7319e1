"""What counts as being there, and whose numbers a segment's months hold."""

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import transaction
from app.errors import Invalid, NotFound
from app.events.models import Verdict
from app.reports.query import SegmentQuery, read
from app.reports.segment_report import Month, segment_report
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import CONFIRMED
from app.subscribers.models import Status, TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from tests import make
from tests.app.reports.world import at, delivered, happened, launched, member

NOW = at("2026-11-21T12:00")


def months(session: Session, segment_id: int | None = None, **query: object) -> dict[str, Month]:
    report = segment_report(session, segment_id, SegmentQuery(until="2026-11", **query), NOW, smallest=0)
    return {month.label: month for month in report.months}


def test_machines_opens_and_refunds_keep_nobody_active(app: APIFlask) -> None:
    """Only what a person does: TRUST.md's machine verdicts earn nothing here either."""
    with transaction() as session:
        scanned, opened, refunded, proxied, confirmed = (make.subscriber(session).id for _ in range(5))
        happened(session, CLICKED, scanned, "2026-09-10", verdict=Verdict.SCANNER)
        happened(session, OPENED, opened, "2026-09-10")
        happened(session, PURCHASED, refunded, "2026-09-10", value=-500)
        happened(session, CLICKED, proxied, "2026-09-10", verdict=Verdict.PROXY)
        happened(session, CONFIRMED, confirmed, "2026-09-10")
        september = months(session)["2026-09"]
    assert september.retention.end == 2
    did = september.engagement
    assert (did.opens, did.clicks, did.readers, did.purchases, did.buyers, did.revenue) == (1, 1, 2, 0, 0, -500)


def test_who_comes_back_is_new_in_the_month_but_not_for_the_first_time(app: APIFlask) -> None:
    with transaction() as session:
        faithful, returning, fresh, leaving = (make.subscriber(session).id for _ in range(4))
        for person, days in {
            faithful: ("2026-08-15", "2026-09-15"),
            returning: ("2026-05-05", "2026-09-05"),
            fresh: ("2026-09-20",),
            leaving: ("2026-08-02",),
        }.items():
            for day in days:
                happened(session, PURCHASED, person, day)
        found = months(session, days=30)["2026-09"].retention
    assert (found.start, found.end, found.new, found.lost) == (2, 3, 2, 1)
    assert (found.returned, found.first_time) == (1, 1)
    assert (found.retention, found.churn) == (50.0, 50.0)


def test_months_begin_at_midnight_in_the_organisations_time_zone(app: APIFlask) -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        happened(session, PURCHASED, person, "2026-09-30T22:30")  # half past midnight, 1 October, in Berlin
        found = months(session)
    assert (found["2026-09"].engagement.purchases, found["2026-10"].engagement.purchases) == (0, 1)


def test_the_running_month_ends_now_and_says_so(app: APIFlask) -> None:
    with transaction() as session:
        person = make.subscriber(session).id
        happened(session, PURCHASED, person, "2026-11-20")
        happened(session, PURCHASED, person, "2026-11-25")
        november = months(session)["2026-11"]
    assert november.is_running
    assert november.engagement.purchases == 1
    assert november.retention.end == 1


def test_a_segment_is_counted_with_the_people_it_has_today(app: APIFlask) -> None:
    with transaction() as session:
        inside, former, outside = (make.subscriber(session).id for _ in range(3))
        segment = make.segment(session, {"all": []}).id
        member(session, segment, inside, "2026-11-01")
        member(session, segment, former, "2026-09-01", "2026-10-15")
        for person in (inside, former, outside):
            happened(session, PURCHASED, person, "2026-10-10")
        october = months(session, segment)["2026-10"]
    assert (october.engagement.purchases, october.retention.end) == (1, 1)


def test_as_it_was_counts_what_members_did_while_they_were_in_it(app: APIFlask) -> None:
    with transaction() as session:
        late, former, outside = (make.subscriber(session).id for _ in range(3))
        segment = make.segment(session, {"all": []}).id
        member(session, segment, late, "2026-10-20")
        member(session, segment, former, "2026-09-01", "2026-10-15")
        campaign = launched(session, "2026-10-10").id
        for person in (late, former, outside):
            happened(session, PURCHASED, person, "2026-10-10")
            delivered(session, campaign, person, "2026-10-10")
        october = months(session, segment, presence="member")["2026-10"]
    assert (october.engagement.purchases, october.engagement.sent) == (1, 1)
    assert (october.retention.start, october.retention.end, october.retention.lost) == (1, 1, 1)


def test_everybody_as_it_was_are_those_subscribed(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, created_at=at("2026-01-05"))
        make.subscriber(session, created_at=at("2026-01-05"), status=Status.UNSUBSCRIBED, ended_at=at("2026-10-05"))
        make.subscriber(session, created_at=at("2026-01-05"), status=Status.PENDING)
        found = months(session, presence="member")["2026-10"].retention
    assert (found.start, found.end, found.lost, found.churn) == (2, 1, 1, 50.0)


def test_the_report_says_how_many_can_be_measured(app: APIFlask) -> None:
    with transaction() as session:
        for tracking in TrackingMode:
            make.subscriber(session, tracking=tracking)
        make.subscriber(session, status=Status.UNSUBSCRIBED)
        report = segment_report(session, None, SegmentQuery(), NOW)
    assert (report.people, report.measured) == (3, 1)


def test_without_a_chosen_month_it_ends_with_the_last_thing_that_happened(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, last_order_at=at("2026-03-03"))
        report = segment_report(session, None, SegmentQuery(months=3), NOW)
    assert [month.label for month in report.months] == ["2026-01", "2026-02", "2026-03"]


def test_nothing_to_divide_by_is_no_rate(app: APIFlask) -> None:
    with transaction() as session:
        october = months(session)["2026-10"]
    assert (october.retention.retention, october.retention.churn, october.repeat.rate) == (None, None, None)


def test_a_segment_that_is_not_there_is_not_found(app: APIFlask) -> None:
    with transaction() as session, pytest.raises(NotFound):
        segment_report(session, 99, SegmentQuery(), NOW)


@pytest.mark.parametrize(
    "arguments",
    [{"days": "0"}, {"months": "10000"}, {"until": "2026-13"}, {"until": "0001-01"}, {"presence": "DROP TABLE"}],
)
def test_nonsense_is_refused_with_its_place(app: APIFlask, arguments: dict[str, str]) -> None:
    with app.test_request_context(), pytest.raises(Invalid) as refusal:
        read(SegmentQuery, arguments)
    assert refusal.value.places.keys() == arguments.keys()
