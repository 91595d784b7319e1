"""What a campaign says by itself: that nothing moves, that too many refuse it, and what each provider said."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState
from app.campaigns.schedule import resume
from app.db import transaction, utc_now
from app.delivery import brake
from app.delivery.alarm import expected, note_silence
from app.delivery.kinds import COMPLAINED
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.providers import troubles_by_provider
from app.events.record import happening, record
from app.subscribers.models import Subscriber
from tests import make
from tests.app.delivery.conftest import drain, state_of
from tests.sink import Sink


def reason_of(campaign_id: int) -> str:
    with transaction() as session:
        return session.get_one(Campaign, campaign_id).pause_reason or ""


def long_ago(campaign_id: int, ago: timedelta) -> None:
    with transaction() as session:
        session.execute(update(Campaign).values(started_at=utc_now() - ago, updated_at=utc_now() - ago))


def notice() -> None:
    with transaction() as session:
        note_silence(session, utc_now())


@pytest.mark.parametrize(
    ("seconds", "accepted", "silence"), [(10, 100_000, 60), (100, 10, 100), (3600, 2, 900), (0, 0, 600)]
)
def test_silence_is_judged_by_the_pace_so_far(seconds: int, accepted: int, silence: int) -> None:
    assert expected(timedelta(seconds=seconds), accepted) == timedelta(seconds=silence)


def test_a_campaign_that_nobody_works_on_raises_the_alarm_everywhere(
    marketer: FlaskClient, launched: Callable[..., int]
) -> None:
    campaign_id = launched(people=1)
    notice()
    assert reason_of(campaign_id) == ""
    long_ago(campaign_id, timedelta(minutes=20))
    notice()
    assert "20 minutes: is a worker" in reason_of(campaign_id)
    for page in (f"/campaigns/{campaign_id}/progress", "/alarms", "/sending"):
        assert "is a worker for the send queue running?" in marketer.get(page).text
    assert "/alarms" in marketer.get("/").text


def test_a_relay_that_does_not_answer_is_told_apart(launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1)
    long_ago(campaign_id, timedelta(minutes=20))
    with transaction() as session:
        session.execute(update(Shard).values(owner="host:1", lease_until=utc_now() + timedelta(minutes=1)))
    notice()
    assert "waits for the mail server" in reason_of(campaign_id)


@pytest.mark.parametrize("what", ["resumed", "deferred", "due"])
def test_a_campaign_that_was_not_expected_to_move_raises_none(launched: Callable[..., int], what: str) -> None:
    campaign_id = launched(people=1)
    long_ago(campaign_id, timedelta(hours=2))
    with transaction() as session:
        if what == "resumed":
            session.execute(update(Campaign).values(updated_at=utc_now()))
        else:
            at = utc_now() + timedelta(seconds=-5 if what == "due" else 600)
            session.execute(update(Delivery).values(state=DeliveryState.DEFERRED, next_try_at=at))
            session.execute(update(Shard).values(due_at=at))
    notice()
    assert reason_of(campaign_id) == ""


def test_too_many_refusals_pause_a_campaign_once_and_at_twice_the_share_again(
    sink: Sink, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "ENOUGH_FOR_BOUNCES", 20)
    monkeypatch.setattr("app.delivery.pipeline.FIRST_BATCH", 10)
    numbers = {f"person{n}@example.org" for n in range(1, 100, 10)}
    sink.fault = lambda phase, to: "550 5.7.1 no" if phase == "rcpt" and to in numbers else None
    campaign_id = launched(people=100)
    drain(campaign_id)
    assert state_of(campaign_id) is CampaignState.PAUSED
    assert "refused for good" in reason_of(campaign_id)
    with transaction() as session:
        accepted, refused = session.execute(select(Shard.accepted, Shard.refused)).one()
        assert refused > 0.05 * (accepted + refused)
        assert resume(session, campaign_id, utc_now())
    drain(campaign_id)
    assert state_of(campaign_id) is CampaignState.SENT


def test_complaints_pause_a_campaign_that_has_sent_enough(launched: Callable[..., int], now: datetime) -> None:
    campaign_id = launched(people=3)

    def complain(person: int) -> None:
        with transaction() as session:
            record(session, [happening(COMPLAINED, person, now, campaign_id=campaign_id)])

    complain(1)
    assert state_of(campaign_id) is CampaignState.SENDING
    with transaction() as session:
        session.execute(update(Shard).values(accepted=1000))
    complain(2)
    assert state_of(campaign_id) is CampaignState.PAUSED
    assert "2 people of 1000" in reason_of(campaign_id)
    with transaction() as session:
        resume(session, campaign_id, utc_now())
    complain(3)
    assert state_of(campaign_id) is CampaignState.PAUSED


def test_replies_are_told_by_provider(marketer: FlaskClient, launched: Callable[..., int]) -> None:
    """What differs from mail to mail, such as a queue number, does not hide that it is one complaint."""
    with transaction() as session:
        for at, domain in enumerate(("gmail.com", "googlemail.com", "gmail.com", "gmx.de")):
            make.subscriber(session, f"p{at}@{domain}")
    campaign_id = launched(people=0)
    with transaction() as session:
        query = select(Delivery, Subscriber.email).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        for at, (row, email) in enumerate(session.execute(query.order_by(Subscriber.id)).all()):
            row.state, row.reason = DeliveryState.BOUNCED, "policy"
            row.reply = f"550 5.7.1 Our system has detected {at}" if "gmx" not in email else "550 5.7.1 spam"
    with transaction() as session:
        told = troubles_by_provider(session, campaign_id)
    assert [(each.provider, each.people, len(each.troubles)) for each in told] == [("Gmail", 3, 1), ("GMX", 1, 1)]
    page = marketer.get(f"/campaigns/{campaign_id}/progress").text
    assert page.index("Gmail") < page.index("Our system has detected") < page.index("GMX")


def test_the_cap_is_a_setting_of_two_numbers(marketer: FlaskClient) -> None:
    given = {"organisation": "Käserei", "locale": "en", "time_zone": "Europe/Berlin", "currency": "EUR"}
    page = marketer.post("/settings/", data={**given, "cap_campaigns": "3"}).text
    assert "Fill in both numbers" in page
    answer = marketer.post("/settings/", data={**given, "cap_campaigns": "3", "cap_days": "7"}, follow_redirects=True)
    assert 'value="7"' in answer.text
    with transaction() as session:
        own = session.get_one(make.Organisation, 1)
        assert (own.cap_campaigns, own.cap_days) == (3, 7)
    assert marketer.post("/settings/", data={**given, "cap_campaigns": "", "cap_days": ""}).status_code == 302
    with transaction() as session:
        own = session.get_one(make.Organisation, 1, populate_existing=True)
        assert (own.cap_campaigns, own.cap_days) == (None, None)
