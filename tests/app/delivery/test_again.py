"""Sending a campaign again to those it did not reach, and settling what nobody knows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.campaigns.models import Again, Campaign, CampaignState, CrashPolicy
from app.campaigns.schedule import cancel
from app.db import transaction, utc_now
from app.delivery import jobs
from app.delivery.again import begin_again, due_again, reachable, send_again, undo_again
from app.delivery.books import books
from app.delivery.models import Delivery, DeliveryState, Shard
from app.errors import Conflict
from app.subscribers.models import Standing, Status
from tests.app.delivery.conftest import drain, state_of, states
from tests.sink import Sink

LATER = timedelta(minutes=5)


@pytest.fixture
def over(launched: Callable[..., int], sink: Sink) -> int:
    """A campaign that was sent to five: two got it, one failed, one was refused, one left and came back."""
    campaign_id = launched(people=5)
    drain(campaign_id)
    with transaction() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.subscriber_id)).all()
        for row, (state, reason) in zip(
            rows[2:], (("failed", "template"), ("bounced", "policy"), ("skipped", "unsubscribed")), strict=True
        ):
            row.state, row.reason, row.sent_at = DeliveryState(state), reason, None
    sink.messages.clear()
    return campaign_id


@pytest.mark.parametrize(("whom", "people"), [(Again.FAILED, {3}), (Again.UNREACHED, {3, 5})])
def test_only_those_who_did_not_get_it_get_it_now(over: int, sink: Sink, whom: Again, people: set[int]) -> None:
    """What a server refused for good is not offered again (R5), and nobody gets a second copy."""
    with transaction() as session:
        assert reachable(session, over) == {Again.FAILED: 1, Again.UNREACHED: 2}
        send_again(session, over, whom, utc_now())
        assert due_again(session, utc_now()) == []
        assert begin_again(session, over, utc_now()) == 0
        assert due_again(session, utc_now() + LATER) == [over]
        assert begin_again(session, over, utc_now() + LATER) == len(people)
    assert state_of(over) is CampaignState.SENDING
    drain(over)
    assert {int(recipient[6:].partition("@")[0]) for _s, recipient, _c in sink.messages} == people
    assert len(sink.messages) == len(people)
    assert state_of(over) is CampaignState.SENT
    with transaction() as session:
        assert books(session, over).balanced


def test_until_the_window_has_passed_it_can_be_undone(over: int, sink: Sink) -> None:
    with transaction() as session:
        send_again(session, over, Again.UNREACHED, utc_now())
        with pytest.raises(Conflict):
            send_again(session, over, Again.UNREACHED, utc_now())
    with transaction() as session:
        assert undo_again(session, over)
        assert not undo_again(session, over)
        assert begin_again(session, over, utc_now() + LATER) == 0
    assert state_of(over) is CampaignState.SENT
    assert sink.messages == []


def test_consent_is_asked_anew(over: int, sink: Sink) -> None:
    with transaction() as session:
        session.execute(update(Standing).where(Standing.subscriber_id == 5).values(status=Status.UNSUBSCRIBED))
        send_again(session, over, Again.UNREACHED, utc_now() - LATER)
    jobs.launch_due()
    jobs.resend_campaign(over)
    drain(over)
    assert [recipient for _s, recipient, _c in sink.messages] == ["person3@example.org"]
    with transaction() as session:
        assert books(session, over).skipped == {"unsubscribed": 1}


def test_a_cancelled_campaign_can_reach_the_rest_once_all_of_it_is_called_off(
    launched: Callable[..., int], sink: Sink
) -> None:
    campaign_id = launched(people=3)
    with transaction() as session:
        cancel(session, campaign_id, utc_now())
        send_again(session, campaign_id, Again.UNREACHED, utc_now() - LATER)
    with transaction() as session:
        assert begin_again(session, campaign_id, utc_now()) == 0
    drain(campaign_id)
    with transaction() as session:
        assert session.scalars(select(Shard.is_done)).all() == [True]
        assert begin_again(session, campaign_id, utc_now()) == 3
    drain(campaign_id)
    assert len(sink.messages) == 3


def test_a_campaign_under_way_is_not_sent_again(launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1)
    with transaction() as session, pytest.raises(Conflict):
        send_again(session, campaign_id, Again.FAILED, utc_now())


def test_the_buttons_do_it_and_the_undo_takes_it_back(marketer: FlaskClient, over: int) -> None:
    fragment = {"HX-Request": "true"}
    page = marketer.get(f"/campaigns/{over}/progress", headers=fragment).text
    assert "Resend to failed (1)" in page
    assert "Send to those it did not reach (2)" in page
    answer = marketer.post(f"/campaigns/{over}/again/unreached", follow_redirects=True).text
    assert f"/campaigns/{over}/again/undo" in answer
    page = marketer.get(f"/campaigns/{over}/progress", headers=fragment).text
    assert "to 2 people who did not get it" in page
    assert "every 2s" in page
    assert "Resend to failed" not in page
    assert "Nothing was sent" in marketer.post(f"/campaigns/{over}/again/undo", follow_redirects=True).text
    assert "Too late" in marketer.post(f"/campaigns/{over}/again/undo", follow_redirects=True).text
    assert marketer.post(f"/campaigns/{over}/again/everybody").status_code == 404


def test_what_nobody_knows_is_settled_one_by_one(
    marketer: FlaskClient, sink: Sink, launched: Callable[..., int]
) -> None:
    campaign_id = launched(people=3, crash_policy=CrashPolicy.ASK)
    drain(campaign_id)
    sink.messages.clear()
    with transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN, sent_at=None, tried_at=utc_now()))
    page = marketer.get(f"/campaigns/{campaign_id}/deliveries?state=unknown").text
    assert page.count("Mark as sent") == page.count("Send again") == 3
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/1/again").status_code == 302
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/2/sent").status_code == 302
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/2/again").status_code == 302
    drain(campaign_id)
    assert [recipient for _s, recipient, _c in sink.messages] == ["person1@example.org"]
    assert set(states(campaign_id).values()) == {DeliveryState.SENT, DeliveryState.UNKNOWN}
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/x/sent").status_code == 404


def test_after_a_cancellation_nothing_is_sent_again(marketer: FlaskClient, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1, crash_policy=CrashPolicy.ASK)
    with transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN))
        session.execute(update(Campaign).values(state=CampaignState.CANCELLED))
    assert "Send again" not in marketer.get(f"/campaigns/{campaign_id}/deliveries?state=unknown").text
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/again").status_code == 409
