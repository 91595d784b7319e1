"""Leaving, coming back, being suppressed, being tracked."""

from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.db import transaction
from app.events.models import Event
from app.subscribers.lifecycle import resubscribe, set_tracking, suppress, unsubscribe
from app.subscribers.models import ConsentRecord, Standing, Status, Suppression, SuppressionReason, TrackingMode
from app.subscribers.topics import subscribe, topic_ids_of
from tests import make
from tests.app.subscribers.people import confirmed, events

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_leaving_one_topic_keeps_the_others(app: APIFlask) -> None:
    with transaction() as session:
        news, club = make.topic(session, "news"), make.topic(session, "club")
        anna = make.subscriber(session)
        subscribe(session, anna.id, [news.id, club.id], NOW)
        assert unsubscribe(session, anna.id, NOW, topic_id=news.id, campaign_id=7, how="link")
        assert topic_ids_of(session, anna.id) == {club.id}
        assert anna.standing.status is Status.ACTIVE
        event = session.scalars(select(Event)).one()
        assert (event.campaign_id, event.data) == (7, {"how": "link", "topic_id": news.id})
        assert not unsubscribe(session, anna.id, NOW, topic_id=news.id, how="link")
        assert len(events(session)) == 1


def test_leaving_the_last_topic_is_leaving(app: APIFlask) -> None:
    """Else a campaign without a topic would still reach her."""
    with transaction() as session:
        news = make.topic(session)
        anna = make.subscriber(session)
        subscribe(session, anna.id, [news.id], NOW)
        assert unsubscribe(session, anna.id, NOW, topic_id=news.id, how="link")
        session.refresh(anna.standing)
        assert anna.standing.status is Status.UNSUBSCRIBED
        assert anna.standing.ended_at == NOW


def test_leaving_twice_happens_once(app: APIFlask) -> None:
    """TRUST R11."""
    with transaction() as session:
        standing = confirmed(session, NOW)
        assert unsubscribe(session, standing.subscriber_id, NOW, how="link")
        assert not unsubscribe(session, standing.subscriber_id, NOW, how="link")
        assert events(session).count("unsubscribed") == 1
        assert session.scalars(select(ConsentRecord.withdrawn_at)).all() == [NOW]


def test_that_was_a_mistake_brings_back_exactly_what_ended(app: APIFlask) -> None:
    with transaction() as session:
        news, club = make.topic(session, "news"), make.topic(session, "club")
        standing = confirmed(session, NOW - timedelta(days=3))
        subscribe(session, standing.subscriber_id, [news.id, club.id], NOW)
        unsubscribe(session, standing.subscriber_id, NOW - timedelta(days=1), topic_id=club.id, how="link")
        unsubscribe(session, standing.subscriber_id, NOW, how="link")
        assert resubscribe(session, standing.subscriber_id, NOW + timedelta(minutes=1))
        session.refresh(standing)
        assert standing.status is Status.ACTIVE
        assert topic_ids_of(session, standing.subscriber_id) == {news.id}
        assert session.scalars(select(ConsentRecord.withdrawn_at)).all() == [None]
        assert not resubscribe(session, standing.subscriber_id, NOW + timedelta(minutes=2))


def test_a_mistake_is_noticed_within_a_day(app: APIFlask) -> None:
    with transaction() as session:
        standing = confirmed(session, NOW)
        unsubscribe(session, standing.subscriber_id, NOW, how="link")
        assert not resubscribe(session, standing.subscriber_id, NOW + timedelta(hours=24, seconds=1))


def test_nobody_becomes_active_by_leaving_and_coming_back(app: APIFlask) -> None:
    with transaction() as session:
        anna = make.subscriber(session, status=Status.PENDING, confirmed_at=None)
        unsubscribe(session, anna.id, NOW, how="link")
        assert not resubscribe(session, anna.id, NOW)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (SuppressionReason.BOUNCED, Status.BOUNCED),
        (SuppressionReason.COMPLAINED, Status.COMPLAINED),
        (SuppressionReason.MANUAL, Status.UNSUBSCRIBED),
    ],
)
def test_a_suppressed_address_is_on_the_list_and_its_person_is_not_mailed(
    app: APIFlask, reason: SuppressionReason, status: Status
) -> None:
    with transaction() as session:
        anna = make.subscriber(session)
        assert suppress(session, anna.id, reason, NOW)
        assert not suppress(session, anna.id, reason, NOW)
        session.refresh(anna.standing)
        assert anna.standing.status is status
        assert session.get_one(Suppression, anna.address_hash).reason is reason


def test_a_bounce_says_nothing_new_of_a_complaint(app: APIFlask) -> None:
    """TRUST L14."""
    with transaction() as session:
        anna = make.subscriber(session)
        suppress(session, anna.id, SuppressionReason.COMPLAINED, NOW)
        assert not suppress(session, anna.id, SuppressionReason.BOUNCED, NOW)
        assert session.get_one(Suppression, anna.address_hash).reason is SuppressionReason.COMPLAINED
        bert = make.subscriber(session)
        suppress(session, bert.id, SuppressionReason.BOUNCED, NOW)
        assert suppress(session, bert.id, SuppressionReason.COMPLAINED, NOW)
        row = session.get_one(Suppression, bert.address_hash, populate_existing=True)
        assert row.reason is SuppressionReason.COMPLAINED


def test_a_change_of_tracking_is_proven(app: APIFlask) -> None:
    """TRUST L8."""
    with transaction() as session:
        anna = make.subscriber(session, tracking=TrackingMode.NONE)
        assert set_tracking(
            session, anna.id, TrackingMode.PERSONAL, NOW, how="preferences", wording="Yes", ip="192.0.2.1"
        )
        assert not set_tracking(session, anna.id, TrackingMode.PERSONAL, NOW, how="preferences")
        proof = session.scalars(select(ConsentRecord)).one()
        assert (proof.tracking, proof.wording["text"], proof.confirmed_at) == (TrackingMode.PERSONAL, "Yes", NOW)
        assert events(session) == ["consent_changed"]
        assert session.get_one(Standing, anna.id).tracking is TrackingMode.PERSONAL
