"""The first page: the last 30 days beside the 30 before, and what a new house still lacks."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from app.db import transaction
from app.events.models import Verdict
from app.reports import kept
from app.reports.campaign_lines import compare_campaigns
from app.reports.comparison import compare_segments
from app.reports.daily import build
from app.reports.feed import latest
from app.reports.growth import growth
from app.reports.overview import overview, setup
from app.reports.periods import months_until
from app.shop.kinds import PURCHASED
from app.subscribers.kinds import CONSENT_CHANGED, UNSUBSCRIBED
from app.subscribers.models import SignupForm, Status, TrackingMode
from app.tracking.kinds import CLICKED, OPENED
from app.tracking.models import NO_LINK
from tests import make
from tests.app.reports.world import at, delivered, happened, hits, launched, member

NOW = at("2026-11-21T12:00")


def test_two_windows_of_thirty_days_stand_side_by_side(app: APIFlask) -> None:
    with transaction() as session:
        stays = make.subscriber(session, created_at=at("2026-01-01")).id
        comes = make.subscriber(session, created_at=at("2026-11-01"), tracking=TrackingMode.NONE).id
        make.subscriber(session, created_at=at("2026-01-01"), status=Status.UNSUBSCRIBED, ended_at=at("2026-11-02"))
        make.subscriber(session, created_at=at("2026-11-01"), status=Status.PENDING)
        old, new = launched(session, "2026-10-01").id, launched(session, "2026-11-05").id
        delivered(session, old, stays, "2026-10-01")
        delivered(session, new, stays, "2026-11-05", clicked_at="2026-11-06")
        delivered(session, new, comes, "2026-11-05")
        found = overview(session, NOW)
    last, before = found.last, found.before
    assert (last.subscribers, last.sent, last.click_rate, last.unsubscribed) == (2, 2, 100.0, 1)
    assert (before.subscribers, before.sent, before.click_rate, before.unsubscribed) == (2, 1, 0.0, 0)


def test_hits_fall_on_the_days_of_the_organisation(app: APIFlask) -> None:
    with transaction() as session:
        campaign = launched(session, "2026-11-19").id
        hits(session, campaign, OPENED, NO_LINK, Verdict.HUMAN, "2026-11-19T23:00", 3)  # midnight in Berlin
        hits(session, campaign, CLICKED, 0, Verdict.SCANNER, "2026-11-20T08:00", 5)
        days = overview(session, NOW).days
    assert (len(days), days[-1].day.isoformat()) == (30, "2026-11-21")
    assert [(one.day.day, one.opens, one.clicks) for one in days[-3:]] == [(19, 0, 0), (20, 3, 0), (21, 0, 0)]


def test_the_checklist_ticks_itself(app: APIFlask) -> None:
    with transaction() as session:
        empty = setup(session)
        assert not any((empty.has_people, empty.has_segment, empty.has_campaign, empty.has_form, empty.has_sent))
        make.subscriber(session)
        make.segment(session, {"all": []})
        sender = make.campaign(session).sender_id
        begun = setup(session)
        assert (begun.has_people, begun.has_segment, begun.has_campaign, begun.has_sent) == (True, True, True, False)
        words = {"title": "News", "consent_text": "Yes", "tracking_text": "Also"}
        session.add(SignupForm(key="news", name="News", sender_id=sender, language="en", created_at=NOW, **words))
        launched(session, "2026-11-01")
        assert setup(session).is_done


def test_the_feed_shows_what_people_did_and_no_machine(app: APIFlask) -> None:
    with transaction() as session, app.test_request_context():
        person = make.subscriber(session, first_name="<b>Anna</b>").id
        happened(session, CLICKED, person, "2026-11-01", verdict=Verdict.SCANNER)
        happened(session, CONSENT_CHANGED, person, "2026-11-02")
        happened(session, PURCHASED, person, "2026-11-03")
        happened(session, CLICKED, person, "2026-11-04")
        titles = [str(entry.title) for entry in latest(session)]
    assert [title.partition(":")[0] for title in titles] == ["Clicked", "Bought"]
    assert "&lt;b&gt;Anna&lt;/b&gt;" in titles[0]  # S8


def test_growth_counts_who_joined_and_left(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        make.subscriber(session, created_at=at("2026-10-05"))
        make.subscriber(session, created_at=at("2026-10-05"), status=Status.BOUNCED, ended_at=at("2026-11-05"))
        make.subscriber(session, created_at=at("2026-10-05"), status=Status.PENDING)
        months = growth(session, months_until(session, "2026-11", 2, NOW), NOW)
        build(session, NOW)
        monkeypatch.setattr(kept, "LIVE_EVENTS", -1)
        from_days = growth(session, months_until(session, "2026-11", 2, NOW), NOW)
    assert [(one.label, one.joined, one.left, one.bounced) for one in months] == [
        ("2026-10", 2, 0, 0),
        ("2026-11", 0, 1, 1),
    ]
    assert from_days == months


def _bought_each_month(session: Session, people: list[int], until: str) -> None:
    for person in people:
        for month in range(5, 11):
            if f"2026-{month:02}" <= until:
                happened(session, PURCHASED, person, f"2026-{month:02}-15")


def test_segments_are_compared_by_full_months(app: APIFlask) -> None:
    with transaction() as session:
        faithful = [make.subscriber(session, last_order_at=NOW).id for _ in range(10)]
        fading = [make.subscriber(session).id for _ in range(10)]
        _bought_each_month(session, faithful, "2026-10")
        _bought_each_month(session, fading, "2026-07")
        for name, people in (("Faithful", faithful), ("Fading", fading), ("Few", faithful[:4])):
            segment = make.segment(session, {"all": []}, name)
            segment.size = len(people)
            for person in people:
                member(session, segment.id, person, "2026-11-01")
        found = compare_segments(session, NOW)
    assert [label.month for label in found.labels] == [4, 5, 6, 7, 8, 9]  # as UTC: Berlin's May begins on 30 April
    october = {line.name: line.months[-1].retention if line.months else None for line in found.lines}
    assert october == {None: 50.0, "Faithful": 100.0, "Fading": 0.0, "Few": None}


def test_campaigns_are_compared_the_latest_first(app: APIFlask) -> None:
    with transaction() as session:
        first, second = launched(session, "2026-10-01", "First").id, launched(session, "2026-11-01", "Second").id
        make.campaign(session, name="Draft")
        clicker, reader = (make.subscriber(session).id for _ in range(2))
        total = make.subscriber(session, tracking=TrackingMode.AGGREGATE).id
        delivered(session, first, clicker, "2026-10-01", clicked_at="2026-10-02")
        delivered(session, first, reader, "2026-10-01", opened_at="2026-10-02")
        delivered(session, first, total, "2026-10-01")
        happened(session, UNSUBSCRIBED, reader, "2026-10-03", campaign_id=first)
        lines = compare_campaigns(session, 20)
    assert [line.name for line in lines] == ["Second", "First"]
    line = lines[1]
    assert (line.sent, line.measured, line.open_rate, line.click_rate, line.unsubscribed) == (3, 2, 100.0, 50.0, 1)
    assert lines[0].started_at - line.started_at == timedelta(days=31)
    assert (lines[0].campaign_id, lines[0].click_rate) == (second, None)
