"""Sending over real SMTP: what reaches the relay, and what the ledger says of it."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.campaigns.schedule import cancel, pause, resume
from app.db import transaction, utc_now
from app.delivery import launch, reap, send, trouble
from app.delivery.books import books, progress
from app.delivery.desk import desk
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.providers import troubles_by_provider
from app.delivery.settle import count_unknown_as_sent, send_unknown_again
from app.events.models import Event
from app.subscribers.lifecycle import unsubscribe
from app.subscribers.models import Standing, Status, Subscriber, Suppression, TrackingMode
from tests import make
from tests.app.delivery.conftest import drain, due_again, state_of, states
from tests.sink import DROP, LOSE, Sink


def recipients(sink: Sink) -> list[str]:
    return [recipient for _sender, recipient, _content in sink.messages]


def test_everybody_gets_one_mail_and_the_campaign_ends(sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=3)
    drain(campaign_id)
    assert sorted(recipients(sink)) == ["person1@example.org", "person2@example.org", "person3@example.org"]
    assert set(states(campaign_id).values()) == {DeliveryState.SENT}
    assert state_of(campaign_id) is CampaignState.SENT
    assert sink.connections == 1
    with transaction() as session:
        assert books(session, campaign_id).balanced
        rows = session.execute(select(Standing.sent, Standing.last_sent_at)).all()
        assert all(sent == 1 and last_sent_at is not None for sent, last_sent_at in rows)


def test_each_mail_holds_its_own_persons_values_alone(sink: Sink, launched: Callable[..., int]) -> None:
    """S19, Q17: nothing of one person in the mail of another."""
    with transaction() as session:
        for name in ("Berta", "Carla", "Dora"):
            make.subscriber(session, f"{name.lower()}@example.org", first_name=name)
    drain(launched(people=0, html=make.HTML))
    tokens = set()
    for _sender, recipient, content in sink.messages:
        body = message_from_bytes(content, policy=policy.default).get_body(("html",)).get_content()
        name = recipient.partition("@")[0].capitalize()
        assert [each for each in ("Berta", "Carla", "Dora") if each in body] == [name]
        tokens |= set(re.findall(r"/c/([\w-]+)/0", body))
    assert len(sink.messages) == len(tokens) == 3


def test_the_mail_carries_what_bulk_mail_must(app: APIFlask, sink: Sink, launched: Callable[..., int]) -> None:
    """R1, R7, R10, R15: looked at in the bytes on the wire."""
    with transaction() as session:
        topic = make.topic(session)
    campaign_id = launched(people=1, topic_id=None, from_name="Die Käserei", reply_to="frag@kaeserei.example")
    with transaction() as session:
        session.get_one(Campaign, campaign_id).topic_id = None
        assert topic.id
    object.__setattr__(app.extensions["letterbond.config"], "base_url", "https://news.kaeserei.example")
    drain(campaign_id)
    [(sender, recipient, content)] = sink.messages
    head = content.partition(b"\r\n\r\n")[0].decode("ascii") + "\r\n"
    assert sender == "post@kaeserei.example"
    assert re.search(r"^List-Unsubscribe: <https://news\.kaeserei\.example/u/[^>\s]+>\r\n", head, re.MULTILINE)
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
    assert "List-Id: <newsletter.kaeserei.example>\r\n" in head
    assert "Precedence: bulk\r\n" in head
    assert f"Message-ID: <{campaign_id}.1@kaeserei.example>\r\n" in head
    feedback = re.search(r"^Feedback-ID: (.+)\r\n", head, re.MULTILINE)
    assert feedback
    assert 5 <= len(feedback[1].split(":")[3]) <= 15
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Reply-To"):
        assert len(re.findall(rf"^{name}: ", head, re.MULTILINE)) == 1
    assert recipient == "person1@example.org"


@pytest.mark.parametrize(
    ("mode", "tracked", "shared"),
    [(TrackingMode.PERSONAL, True, False), (TrackingMode.AGGREGATE, True, True), (TrackingMode.NONE, False, True)],
)
def test_links_are_tracked_as_far_as_each_person_agreed(
    sink: Sink, launched: Callable[..., int], mode: TrackingMode, tracked: bool, shared: bool
) -> None:
    """L8: personal links, the same link for everybody, or none."""
    with transaction() as session:
        for name in ("a", "b"):
            make.subscriber(session, f"{name}@example.org", tracking=mode)
    drain(launched(people=0))
    bodies = [
        message_from_bytes(content, policy=policy.default).get_body(("html",)).get_content()
        for _s, _r, content in sink.messages
    ]
    links = {match for body in bodies for match in re.findall(r'href="([^"]+)">Cheese', body)}
    pixels = {match for body in bodies for match in re.findall(r"/o/[\w-]+\.gif", body)}
    assert all(("/c/" in link) is tracked for link in links)
    assert len(links) == (1 if shared else 2)
    assert len(pixels) == (0 if not tracked else 1 if shared else 2)


def test_who_left_since_the_launch_is_skipped_with_the_reason(sink: Sink, launched: Callable[..., int]) -> None:
    """R6, Q14: the next claim refuses her."""
    with transaction() as session:
        topic = make.topic(session)
        people = {
            name: make.subscriber(session, f"{name}@example.org").id
            for name in ("left", "bounced", "erased", "suppressed", "topic", "stays")
        }
        from app.subscribers.models import Subscription

        session.add_all(
            Subscription(topic_id=topic.id, subscriber_id=person, subscribed_at=make.THEN) for person in people.values()
        )
    campaign_id = launched(people=0, topic_id=topic.id)
    with transaction() as session:
        for name, status in (
            ("left", Status.UNSUBSCRIBED),
            ("bounced", Status.BOUNCED),
            ("erased", Status.ERASED),
        ):
            session.execute(update(Standing).where(Standing.subscriber_id == people[name]).values(status=status))
        hashed = session.get_one(Subscriber, people["suppressed"]).address_hash
        session.add(Suppression(address_hash=hashed, reason="manual", created_at=utc_now()))
        unsubscribe(session, people["topic"], utc_now(), topic_id=topic.id, campaign_id=None, how="test")
    with transaction() as session:
        session.execute(update(Standing).where(Standing.subscriber_id == people["topic"]).values(status=Status.ACTIVE))
    drain(campaign_id)
    assert recipients(sink) == ["stays@example.org"]
    with transaction() as session:
        found = books(session, campaign_id)
        assert found.skipped == dict.fromkeys(("unsubscribed", "bounced", "erased", "suppressed", "topic_ended"), 1)
        assert found.balanced


def test_a_temporary_refusal_is_tried_again_and_recorded_once(sink: Sink, launched: Callable[..., int]) -> None:
    """Q6: backoff, then delivered."""
    sink.fault = lambda phase, _: "451 4.7.1 greylisted" if phase == "rcpt" else None
    campaign_id = launched(people=1)
    drain(campaign_id)
    assert states(campaign_id) == {"person1@example.org": DeliveryState.DEFERRED}
    assert state_of(campaign_id) is CampaignState.SENDING
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert delivery.next_try_at
        assert timedelta(minutes=3) < delivery.next_try_at - utc_now() < timedelta(minutes=7)
        assert reap.campaigns_with_work(session, utc_now()) == []
        assert reap.campaigns_with_work(session, utc_now() + timedelta(hours=1)) == [campaign_id]
    due_again(campaign_id)
    drain(campaign_id)
    sink.fault = lambda *_: None
    due_again(campaign_id)
    drain(campaign_id)
    assert states(campaign_id) == {"person1@example.org": DeliveryState.SENT}
    assert state_of(campaign_id) is CampaignState.SENT
    with transaction() as session:
        assert [event.kind for event in session.scalars(select(Event))] == [12]
        assert session.scalars(select(Delivery.attempts)).one() == 3


@pytest.mark.parametrize(
    ("reply", "reason", "status"),
    [
        ("550 5.1.1 no such user", "hard", Status.BOUNCED),
        ("550 5.7.1 looks like spam", "policy", Status.ACTIVE),
        ("552 5.2.2 mailbox full", "mailbox", Status.ACTIVE),
        ("550 no", "other", Status.ACTIVE),
        ("553 5.1.8 bad sender address", "other", Status.ACTIVE),
    ],
)
def test_only_an_address_that_does_not_exist_takes_a_person_off_the_list(
    sink: Sink, launched: Callable[..., int], reply: str, reason: str, status: Status
) -> None:
    """R5: refused for good, and never offered again; R26: policy is the sender's trouble."""
    sink.fault = lambda phase, _: reply if phase == "rcpt" else None
    campaign_id = launched(people=1)
    drain(campaign_id)
    due_again(campaign_id)
    drain(campaign_id)
    assert sum("RCPT" in command for command in sink.commands) == 1
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.state, delivery.reason, delivery.reply) == (DeliveryState.BOUNCED, reason, reply)
        assert session.scalars(select(Standing.status)).one() is status
        assert bool(session.scalars(select(Suppression)).all()) is (status is Status.BOUNCED)
        assert [event.data["class"] for event in session.scalars(select(Event).where(Event.kind == 10))] == [reason]
        assert [each.people for each in troubles_by_provider(session, campaign_id)] == [1]


def test_one_mail_that_cannot_be_made_does_not_hold_up_the_others(sink: Sink, launched: Callable[..., int]) -> None:
    """Q12: one failed with its line, the others sent."""
    html = make.HTML.replace("<p>Hello", "<p>{% if first_name == 'Bad' %}{{ 1 / 0 }}{% endif %}Hello")
    with transaction() as session:
        make.subscriber(session, "bad@example.org", first_name="Bad")
    campaign_id = launched(people=2, html=html)
    drain(campaign_id)
    assert len(sink.messages) == 2
    assert states(campaign_id)["bad@example.org"] is DeliveryState.FAILED
    assert state_of(campaign_id) is CampaignState.SENT
    with transaction() as session:
        failed = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.FAILED)).one()
        assert failed.reply
        assert failed.reply.startswith("line 1")


@pytest.mark.parametrize(
    ("crash_policy", "state", "repeats"),
    [
        (CrashPolicy.RESEND, DeliveryState.DEFERRED, 1),
        (CrashPolicy.ASK, DeliveryState.UNKNOWN, 0),
        (CrashPolicy.NEVER, DeliveryState.UNKNOWN, 0),
    ],
)
def test_a_mail_whose_answer_was_never_read_is_settled_by_policy(
    sink: Sink, launched: Callable[..., int], crash_policy: CrashPolicy, state: DeliveryState, repeats: int
) -> None:
    """Q7: resend doubles exactly the cuts, and knows it; ask and never do not send again."""
    sink.fault = lambda phase, _: LOSE if phase == "dot" else None
    campaign_id = launched(people=2, crash_policy=crash_policy)
    drain(campaign_id)
    assert set(states(campaign_id).values()) == {state}
    sink.fault = lambda *_: None
    due_again(campaign_id)
    drain(campaign_id)
    assert len(sink.messages) == (4 if crash_policy is CrashPolicy.RESEND else 2)
    assert state_of(campaign_id) is CampaignState.SENT
    with transaction() as session:
        found = books(session, campaign_id)
        assert (found.balanced, found.repeated) == (True, 2 * repeats)


def test_a_marketer_settles_what_nobody_knows(sink: Sink, launched: Callable[..., int]) -> None:
    sink.fault = lambda phase, _: LOSE if phase == "dot" else None
    campaign_id = launched(people=2, crash_policy=CrashPolicy.ASK)
    drain(campaign_id)
    sink.fault = lambda *_: None
    with transaction() as session:
        assert send_unknown_again(session, campaign_id, utc_now()) == 2
    drain(campaign_id)
    assert (len(sink.messages), state_of(campaign_id)) == (4, CampaignState.SENT)
    with transaction() as session:
        assert books(session, campaign_id).repeated == 2
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN))
        assert count_unknown_as_sent(session, campaign_id, utc_now()) == 2
        assert books(session, campaign_id).sent == 2
        assert set(session.scalars(select(Standing.sent))) == {2}


def test_a_relay_in_trouble_costs_nobody_the_mail(sink: Sink, launched: Callable[..., int]) -> None:
    """The campaign says why it waits, goes on by itself, and pauses after half an hour."""
    sink.fault = lambda phase, _: DROP if phase == "connect" else None
    campaign_id = launched(people=2)
    drain(campaign_id)
    assert set(states(campaign_id).values()) == {DeliveryState.QUEUED}
    with transaction() as session:
        campaign, shard = session.get_one(Campaign, campaign_id), session.scalars(select(Shard)).one()
        assert campaign.state is CampaignState.SENDING
        assert "keep trying" in (campaign.pause_reason or "")
        assert shard.lease_until
        assert shard.lease_until > utc_now()
        assert set(session.scalars(select(Delivery.attempts))) == {0}
        shard.lease_until = None
    sink.fault = lambda *_: None
    drain(campaign_id)
    assert len(sink.messages) == 2
    with transaction() as session:
        assert session.get_one(Campaign, campaign_id).pause_reason is None
        assert session.scalars(select(Shard.trouble_since)).one() is None


def test_after_half_an_hour_of_trouble_the_campaign_pauses(sink: Sink, launched: Callable[..., int]) -> None:
    sink.fault = lambda phase, _: "535 5.7.8 no" if phase == "mail" else None
    campaign_id = launched(people=1)
    with transaction() as session:
        session.execute(update(Shard).values(trouble_since=utc_now() - trouble._PATIENCE))
    drain(campaign_id)
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.state is CampaignState.PAUSED
        assert "535" in (campaign.pause_reason or "")
        assert resume(session, campaign_id, utc_now())


def test_a_pause_takes_effect_between_two_mails_and_nothing_is_lost_or_doubled(
    sink: Sink, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q19: the numbers add up after each pause."""
    monkeypatch.setattr("app.delivery.watch._LOOK_SECONDS", 0.01)
    campaign_id = launched(people=60)
    slow_after = {"n": 0}

    def slow(phase: str, _: str) -> None:
        import time

        if phase == "dot":
            slow_after["n"] += 1
            time.sleep(0.01)
            if slow_after["n"] in {7, 31}:
                with sink_app.app_context(), transaction() as session:
                    pause(session, campaign_id, utc_now(), "test")

    from flask import current_app

    sink_app = current_app._get_current_object()
    sink.fault = slow
    for _round in range(3):
        drain(campaign_id)
        with transaction() as session:
            found = books(session, campaign_id)
            assert found.balanced
            assert found.in_flight == 0
            assert found.sent == len(sink.messages)
            resume(session, campaign_id, utc_now())
    assert state_of(campaign_id) is CampaignState.SENT
    assert sorted(recipients(sink)) == sorted({f"person{n}@example.org" for n in range(1, 61)})


def test_a_cancelled_campaign_skips_the_rest_also_what_was_deferred(sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=3)
    with transaction() as session:
        first = session.scalars(select(Delivery).order_by(Delivery.subscriber_id)).first()
        first.state, first.next_try_at = DeliveryState.DEFERRED, utc_now() + timedelta(hours=4)
        cancel(session, campaign_id, utc_now())
        assert reap.campaigns_with_work(session, utc_now()) == [campaign_id]
    drain(campaign_id)
    assert sink.messages == []
    with transaction() as session:
        assert books(session, campaign_id).skipped == {"cancelled": 3}
        assert reap.campaigns_with_work(session, utc_now()) == []
    assert state_of(campaign_id) is CampaignState.CANCELLED


def test_an_orderly_stop_doubles_nothing(app: APIFlask, sink: Sink, launched: Callable[..., int]) -> None:
    """Q2: what was not begun goes back and is sent by the next worker."""
    campaign_id = launched(people=20)
    app.extensions["letterbond.stopping"] = lambda: len(sink.messages) >= 5
    drain(campaign_id)
    assert len(sink.messages) == 5
    with transaction() as session:
        found = books(session, campaign_id)
        assert (found.sent, found.queued, found.in_flight) == (5, 15, 0)
        assert session.scalars(select(Shard.lease_until)).one() is None
    app.extensions["letterbond.stopping"] = lambda: False
    drain(campaign_id)
    assert len(set(recipients(sink))) == len(sink.messages) == 20
    with transaction() as session:
        assert books(session, campaign_id).repeated == 0


def test_a_sender_whose_shard_was_taken_stops_at_once(app: APIFlask, sink: Sink, launched: Callable[..., int]) -> None:
    """Fencing: it writes nothing more, and what it sent is in its journal for the next owner."""
    campaign_id = launched(people=10)

    def steal(phase: str, _: str) -> None:
        if phase == "dot" and len(sink.messages) == 2:
            with app.app_context(), transaction() as session:
                session.execute(update(Shard).values(epoch=Shard.epoch + 1))

    sink.fault = steal
    drain(campaign_id)
    assert set(states(campaign_id).values()) <= {DeliveryState.IN_FLIGHT, DeliveryState.QUEUED}
    with transaction() as session:
        assert books(session, campaign_id).balanced


def test_the_rate_is_that_of_the_last_half_minute(sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=30)
    drain(campaign_id)
    with transaction() as session:
        assert progress(session, campaign_id, utc_now()).per_second >= 1
        assert progress(session, campaign_id, utc_now() + timedelta(minutes=1)).per_second == 0


def test_two_senders_share_the_shards_of_a_campaign(
    app: APIFlask, sink: Sink, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(launch, "SHARD_SIZE", 10)
    campaign_id = launched(people=60)

    def work(_: int) -> None:
        with app.app_context(), desk() as own:
            send.drain(own, campaign_id)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert len(set(recipients(sink))) == len(sink.messages) == 60
    with transaction() as session:
        assert reap.finish(session, utc_now()) == [campaign_id]
        assert books(session, campaign_id).sent == 60
