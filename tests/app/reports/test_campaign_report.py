"""A campaign's report: mails from the ledger, people where they may be measured, hits that name nobody."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import insert

from app.campaigns.models import Link
from app.db import transaction
from app.delivery.kinds import COMPLAINED
from app.delivery.models import DeliveryState
from app.errors import NotFound
from app.events.models import Verdict
from app.reports.campaign_report import campaign_report
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import UNSUBSCRIBED
from app.subscribers.models import TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import NO_LINK, OWN_LINK
from tests import make
from tests.app.reports.world import at, delivered, happened, hits, launched, member

NOW = at("2026-11-21T12:00")
SENT = "2026-11-01T09:15"
CLICK = "2026-11-02T10:00"


def test_rates_are_of_the_people_who_can_be_measured(app: APIFlask) -> None:
    """L8: a click of somebody who withdrew her consent since is nobody's."""
    with transaction() as session:
        campaign = launched(session, SENT).id
        for tracking, marks in (
            (TrackingMode.PERSONAL, {"opened_at": CLICK, "clicked_at": CLICK}),
            (TrackingMode.PERSONAL, {"opened_at": CLICK}),
            (TrackingMode.PERSONAL, {}),
            (TrackingMode.PERSONAL, {"clicked_at": CLICK}),
            (TrackingMode.AGGREGATE, {"opened_at": CLICK, "clicked_at": CLICK}),
            (TrackingMode.NONE, {}),
        ):
            delivered(session, campaign, make.subscriber(session, tracking=tracking).id, SENT, **marks)
        people = campaign_report(session, campaign, NOW).people
    assert (people.sent, people.personal, people.aggregate, people.unmeasured) == (6, 4, 1, 1)
    assert (people.opened, people.clicked) == (3, 2)
    assert (people.open_rate, people.click_rate) == (75.0, 50.0)
    assert people.click_to_open == pytest.approx(66.67, abs=0.01)


def test_the_books_add_up_to_the_audience(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, SENT).id
        states = [*DeliveryState, DeliveryState.SENT]
        for state in states:
            when = SENT if state is DeliveryState.SENT else None
            delivered(session, campaign, make.subscriber(session).id, when, state=state)
        report = campaign_report(session, campaign, NOW)
    assert report.audience == len(states) == sum(report.books.values())
    assert report.books[DeliveryState.SENT] == 2 == report.people.sent


def test_orders_count_for_seven_days_after_the_first_click(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, SENT).id
        clicker, reader = (make.subscriber(session).id for _ in range(2))
        delivered(session, campaign, clicker, SENT, clicked_at=CLICK)
        delivered(session, campaign, reader, SENT, opened_at=CLICK)
        happened(session, PURCHASED, clicker, "2026-11-02T09:59", value=1)
        happened(session, PURCHASED, clicker, CLICK, value=1000)
        happened(session, PURCHASED, clicker, "2026-11-09T09:59", value=2000)
        happened(session, PURCHASED, clicker, "2026-11-05", value=-500)
        happened(session, PURCHASED, clicker, "2026-11-09T10:00", value=4)
        happened(session, PURCHASED, reader, "2026-11-03", value=8)
        sales = campaign_report(session, campaign, NOW).sales
    assert (sales.days, sales.buyers, sales.orders, sales.revenue) == (7, 1, 2, 2500)


def test_who_left_because_of_it_is_counted_once(app: APIFlask) -> None:
    with transaction() as session:
        campaign, other = launched(session, SENT).id, launched(session, SENT, "Other").id
        gone, angry, elsewhere = (make.subscriber(session).id for _ in range(3))
        for person in (gone, angry, elsewhere):
            delivered(session, campaign, person, SENT)
        for _ in range(2):
            happened(session, UNSUBSCRIBED, gone, CLICK, campaign_id=campaign)
        happened(session, COMPLAINED, angry, CLICK, campaign_id=campaign)
        happened(session, UNSUBSCRIBED, elsewhere, CLICK, campaign_id=other)
        report = campaign_report(session, campaign, NOW)
    assert (report.unsubscribed, report.complained) == (1, 1)


def test_machines_stand_apart(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, SENT).id
        for verdict, opens, clicks in zip(Verdict, range(1, 6), range(10, 15), strict=True):
            hits(session, campaign, OPENED, NO_LINK, verdict, "2026-11-01T09:00", opens)
            hits(session, campaign, CLICKED, 0, verdict, "2026-11-01T09:00", clicks)
        report = campaign_report(session, campaign, NOW)
    assert [(one.verdict, one.opens, one.clicks) for one in report.hits] == [
        (Verdict.HUMAN, 1, 10), (Verdict.PROXY, 2, 11), (Verdict.PREFETCH, 3, 12),
        (Verdict.SCANNER, 4, 13), (Verdict.UNKNOWN, 5, 14),
    ]  # fmt: skip
    assert (report.hours[0].opens, report.hours[0].clicks) == (3, 21)


def test_the_first_48_hours_hold_everybodys_hits_by_the_hour(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, SENT).id
        hits(session, campaign, OPENED, NO_LINK, Verdict.HUMAN, "2026-11-01T09:00", 3)
        hits(session, campaign, OPENED, NO_LINK, Verdict.PROXY, "2026-11-03T08:00", 4)
        hits(session, campaign, OPENED, NO_LINK, Verdict.HUMAN, "2026-11-03T09:00", 100)
        hours = campaign_report(session, campaign, NOW).hours
        young = campaign_report(session, campaign, at("2026-11-01T11:30")).hours
    assert (len(hours), hours[0].opens, hours[-1].opens) == (48, 3, 4)
    assert hours[1].start - hours[0].start == timedelta(hours=1)
    assert [hour.start.hour for hour in young] == [9, 10, 11]


def test_links_stand_in_their_order_with_clicks_and_people(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, SENT).id
        for position, target in enumerate(("https://a.example/", "https://b.example/")):
            session.execute(insert(Link).values(campaign_id=campaign, position=position, target=target))
        people = [make.subscriber(session).id for _ in range(2)]
        for person in people:
            delivered(session, campaign, person, SENT, clicked_at=CLICK)
            happened(session, CLICKED, person, CLICK, campaign_id=campaign, link=1)
        happened(session, CLICKED, people[0], CLICK, campaign_id=campaign, link=1)
        happened(session, CLICKED, people[0], CLICK, campaign_id=campaign, link=0, verdict=Verdict.SCANNER)
        hits(session, campaign, CLICKED, 1, Verdict.HUMAN, "2026-11-02T10:00", 5)
        hits(session, campaign, CLICKED, 1, Verdict.SCANNER, "2026-11-02T10:00", 7)
        hits(session, campaign, CLICKED, OWN_LINK, Verdict.HUMAN, "2026-11-02T10:00", 2)
        links = campaign_report(session, campaign, NOW).links
    assert [(one.target, one.clicks, one.machine_clicks, one.people) for one in links] == [
        ("https://a.example/", 0, 0, 0),
        ("https://b.example/", 5, 7, 2),
        (None, 2, 0, 0),
    ]


def test_small_groups_show_their_size_alone(app: APIFlask) -> None:
    with transaction() as session:
        loyal, new = make.tiers(session, (("Loyal", 100), ("New", 0)))
        segment = make.segment(session, {"all": []}, "Few").id
        campaign = launched(session, SENT).id
        for number in range(19):
            tier = loyal if number < 10 else new
            person = make.subscriber(session, tier_id=tier.id).id
            delivered(session, campaign, person, SENT, clicked_at=CLICK)
            if number < 4:
                member(session, segment, person, "2026-10-01")
        report = campaign_report(session, campaign, NOW)
    assert [(one.name, one.people, one.clicked, one.click_rate) for one in report.tiers] == [
        ("Loyal", 10, 10, 100.0),
        ("New", 9, None, None),
    ]
    assert [(one.name, one.people, one.clicked) for one in report.segments] == [("Few", 4, None)]


def test_segments_are_those_of_the_launch(app: APIFlask) -> None:
    with transaction() as session:
        then, since = (make.segment(session, {"all": []}, name).id for name in ("Then", "Since"))
        campaign = launched(session, SENT).id
        person = make.subscriber(session).id
        delivered(session, campaign, person, SENT)
        member(session, then, person, "2026-10-01", "2026-11-05")
        member(session, since, person, "2026-11-05")
        report = campaign_report(session, campaign, NOW)
    assert [one.name for one in report.segments] == ["Then"]


def test_a_campaign_that_is_not_there_is_not_found(app: APIFlask) -> None:
    with transaction() as session, pytest.raises(NotFound):
        campaign_report(session, 99, NOW)
