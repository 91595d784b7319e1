"""From a form to an active subscriber, and everything that must not lead there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select

from app.db import transaction
from app.subscribers.addresses import parse_address
from app.subscribers.consent import proof_sheet, wording_hash
from app.subscribers.lifecycle import put_on_suppression_list, suppress, unsubscribe
from app.subscribers.models import (
    ConsentRecord,
    SignupForm,
    Standing,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    TrackingMode,
)
from app.subscribers.purging import purge_unconfirmed
from app.subscribers.signup import Confirmation, confirm, sign_up
from app.subscribers.topics import topic_ids_of
from tests import make
from tests.app.subscribers.people import confirmed, events, form, letters, request, signed_up

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_a_sign_up_is_pending_until_the_mailbox_confirms(app: APIFlask) -> None:
    """TRUST L1, L2: the mail has no tracking, an imprint and no autoresponder."""
    with transaction() as session:
        proof = signed_up(session, NOW)
        standing = session.get_one(Standing, proof.subscriber_id)
        assert standing.status is Status.PENDING
        [letter] = letters(session)
        assert letter.recipient == "Anna@example.org"
        assert letter.headers == {"Auto-Submitted": "auto-generated"}
        assert "/confirm/" in letter.text
        assert "Milchweg 1" in letter.text
        assert "<img" not in letter.html
        assert confirm(session, proof.id, LATER, "192.0.2.8") is Confirmation.DONE
        assert standing.status is Status.ACTIVE
        assert standing.confirmed_at == LATER
        assert events(session) == ["subscribed", "confirmed"]


def test_the_proof_holds_words_boxes_times_and_machines(app: APIFlask) -> None:
    """TRUST L1."""
    with transaction() as session:
        standing = confirmed(session, NOW, wants_tracking=True, page_url="https://shop.example/join")
        subscriber = session.get_one(Subscriber, standing.subscriber_id)
        [sheet] = proof_sheet(session, subscriber)["records"]
    assert sheet["address_as_typed"] == "Anna@example.org"
    assert sheet["wording"]["consent"] == {"text": "Yes, send me the cheese letter.", "ticked": True}
    assert sheet["wording"]["tracking"] == {"text": "You may learn what I read.", "ticked": True}
    assert sheet["wording_sha256"] == wording_hash(sheet["wording"])
    assert sheet["wording_is_intact"]
    assert sheet["requested_at"] == "2026-11-21T12:00:00+00:00"
    assert (sheet["requested_ip"], sheet["confirmed_ip"]) == ("192.0.2.7", "192.0.2.8")
    assert sheet["page_url"] == "https://shop.example/join"
    assert sheet["confirmation_message_id"].endswith("@kaeserei.example>")


def test_a_proof_whose_words_were_changed_says_so(app: APIFlask) -> None:
    """TRUST L1: the wording is held by its hash."""
    with transaction() as session:
        proof = signed_up(session, NOW)
        proof.wording = {**proof.wording, "title": "Something else"}
        session.flush()
        [sheet] = proof_sheet(session, session.get_one(Subscriber, proof.subscriber_id))["records"]
        assert not sheet["wording_is_intact"]


@pytest.mark.parametrize(("ticked", "mode"), [(True, TrackingMode.PERSONAL), (False, TrackingMode.NONE)])
def test_tracking_is_personal_only_with_its_own_tick(app: APIFlask, ticked: bool, mode: TrackingMode) -> None:
    """TRUST L4, L8."""
    with transaction() as session:
        assert confirmed(session, NOW, wants_tracking=ticked).tracking is mode


def test_answers_become_the_profile_only_when_confirmed(app: APIFlask) -> None:
    """A stranger who types somebody's address can write nothing into her profile or her mail."""
    with transaction() as session:
        answers = {"first_name": "Win {{money}} http://spam.example", "country": "DE", "attributes": {"gone": "x"}}
        proof = signed_up(session, NOW, answers=answers)
        subscriber = session.get_one(Subscriber, proof.subscriber_id)
        assert subscriber.first_name is None
        assert "spam" not in letters(session)[0].html
        confirm(session, proof.id, LATER, None)
        assert subscriber.first_name == "Win {{money}} http://spam.example"
        assert subscriber.standing.country == "DE"
        assert subscriber.attributes == {}


def test_a_mailbox_gets_one_mail_a_day_however_often_it_is_typed(app: APIFlask) -> None:
    """TRUST S12."""
    with transaction() as session:
        for hours in range(24):
            signed_up(
                session, NOW + timedelta(hours=hours), email="ANNA@example.org" if hours % 2 else "anna@EXAMPLE.org"
            )
        assert len(letters(session)) == 1
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1
        signed_up(session, NOW + timedelta(hours=25), email="anna@example.org")
        assert len(letters(session)) == 2


def test_who_is_active_gets_her_preferences_instead_once_a_day(app: APIFlask) -> None:
    with transaction() as session:
        confirmed(session, NOW)
        for hour in (25, 26, 27):
            signed_up(session, NOW + timedelta(hours=hour))
        assert [letter.purpose for letter in letters(session)] == ["confirm", "already_subscribed"]
        assert "/preferences/" in letters(session)[1].text
        assert events(session) == ["subscribed", "confirmed"]


def test_confirming_twice_counts_once(app: APIFlask) -> None:
    with transaction() as session:
        proof = signed_up(session, NOW)
        assert confirm(session, proof.id, LATER, None) is Confirmation.DONE
        assert confirm(session, proof.id, LATER, None) is Confirmation.ALREADY
        assert events(session).count("confirmed") == 1


def test_a_link_that_is_too_old_confirms_nothing(app: APIFlask) -> None:
    """TRUST L3."""
    with transaction() as session:
        proof = signed_up(session, NOW)
        assert confirm(session, proof.id, NOW + timedelta(days=14, seconds=1), None) is Confirmation.EXPIRED
        assert session.get_one(Standing, proof.subscriber_id).status is Status.PENDING
        assert confirm(session, 4711, NOW, None) is Confirmation.EXPIRED


def test_leaving_makes_waiting_links_worthless(app: APIFlask) -> None:
    with transaction() as session:
        standing = confirmed(session, NOW)
        unsubscribe(session, standing.subscriber_id, NOW + timedelta(days=2), how="test")
        again = signed_up(session, NOW + timedelta(days=3))
        suppress(session, standing.subscriber_id, SuppressionReason.COMPLAINED, NOW + timedelta(days=3))
        assert confirm(session, again.id, NOW + timedelta(days=3), None) is Confirmation.EXPIRED
        assert standing.status is Status.COMPLAINED


def test_who_left_may_come_back_by_confirming_anew(app: APIFlask) -> None:
    with transaction() as session:
        standing = confirmed(session, NOW)
        unsubscribe(session, standing.subscriber_id, LATER, how="test")
        again = signed_up(session, NOW + timedelta(days=2))
        assert standing.status is Status.UNSUBSCRIBED
        confirm(session, again.id, NOW + timedelta(days=2), None)
        session.refresh(standing)
        assert standing.status is Status.ACTIVE
        assert standing.ended_at is None


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINED, SuppressionReason.MANUAL])
def test_an_objection_is_never_written_to(app: APIFlask, reason: SuppressionReason) -> None:
    """TRUST L14."""
    with transaction() as session:
        put_on_suppression_list(session, parse_address("anna@example.org").hash, reason, NOW)
        sign_up(session, form(session), request("Anna@Example.org"), NOW)
        assert letters(session) == []
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


@pytest.mark.parametrize("reason", [SuppressionReason.BOUNCED, SuppressionReason.ERASED])
def test_a_confirmed_wish_lifts_a_bounce_and_an_old_erasure(app: APIFlask, reason: SuppressionReason) -> None:
    with transaction() as session:
        put_on_suppression_list(session, parse_address("anna@example.org").hash, reason, NOW)
        assert confirmed(session, NOW).status is Status.ACTIVE
        assert session.scalar(select(func.count()).select_from(Suppression)) == 0


def test_private_topics_cannot_be_joined_from_outside(app: APIFlask) -> None:
    """TRUST S13: neither when asked for nor when one was made private meanwhile."""
    with transaction() as session:
        news, staff = make.topic(session, "news"), make.topic(session, "staff", is_public=False)
        later_private = make.topic(session, "club")
        form(session, topic_ids=[news.id, staff.id, later_private.id])
        proof = signed_up(session, NOW)
        assert proof.topic_ids == [news.id, later_private.id]
        later_private.is_public = False
        confirm(session, proof.id, LATER, None)
        assert topic_ids_of(session, proof.subscriber_id) == {news.id}


def test_unconfirmed_requests_are_forgotten_after_two_weeks(app: APIFlask) -> None:
    """TRUST L3: those that wait, have confirmed or bought stay."""
    with transaction() as session:
        signed_up(session, NOW, "old@example.org")
        signed_up(session, NOW, "buyer@example.org")
        buyer = session.scalar(select(Standing).join(Subscriber).where(Subscriber.email == "buyer@example.org"))
        buyer.orders = 1
        signed_up(session, NOW + timedelta(days=13), "waiting@example.org")
        confirmed(session, NOW, "active@example.org")
    with transaction() as session:
        assert purge_unconfirmed(session, NOW + timedelta(days=14, seconds=1)) == 1
    with transaction() as session:
        assert set(session.scalars(select(Subscriber.email))) == {
            "buyer@example.org",
            "waiting@example.org",
            "active@example.org",
        }
        assert session.scalar(select(func.count()).select_from(ConsentRecord)) == 2


def test_parallel_sign_ups_make_one_person_and_one_mail(app: APIFlask) -> None:
    """TRUST S12: also where two requests arrive at once."""
    with transaction() as session:
        form_id = form(session).id

    def ask(email: str) -> None:
        with app.app_context(), transaction() as session:
            sign_up(session, session.get_one(SignupForm, form_id), request(email), NOW)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, ["anna@example.org", "ANNA@example.org", "Anna@Example.ORG"] * 4))
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1
        assert len(letters(session)) == 1
