"""Claiming, sending and writing at once: what is kept whatever happens in between."""

import errno
import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.campaigns.schedule import cancel, pause, resume
from app.db import transaction, utc_now
from app.delivery import clerk, launch, pipeline, reap
from app.delivery.books import books
from app.delivery.journal import Journal
from app.delivery.models import Delivery, DeliveryState, Shard
from app.subscribers.lifecycle import unsubscribe
from app.subscribers.models import Standing, Subscriber
from app.transport import MailObject, Outcome, Result
from tests import make
from tests.app.delivery.conftest import drain, due_again, state_of, states
from tests.app.delivery.pipe import ACCEPTED, Pipe


@pytest.fixture
def pipe(app: APIFlask) -> Pipe:
    """What this process sends goes here."""
    pipe = Pipe()
    app.extensions["letterbond.transport"] = lambda: pipe
    return pipe


def counted(campaign_id: int) -> dict[str, int]:
    return dict(Counter(states(campaign_id).values()))


def test_many_batches_overlap_and_each_person_gets_one_mail(pipe: Pipe, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=200)
    drain(campaign_id)
    assert len(pipe.taken) == len(set(pipe.taken)) == 200
    assert state_of(campaign_id) is CampaignState.SENT
    with transaction() as session:
        assert session.scalars(select(Shard.accepted)).all() == [200]
        assert set(session.scalars(select(Standing.sent))) == {1}


def test_who_left_before_the_claim_began_gets_nothing(pipe: Pipe, launched: Callable[..., int]) -> None:
    """Q14, R6: the rest of the batches is claimed after her answer."""
    campaign_id = launched(people=400)
    with transaction() as session:
        last = session.scalar(select(func.max(Delivery.subscriber_id)))
    app_left: list[str] = []

    def leave(mail: MailObject) -> Outcome:
        if not app_left:
            with transaction() as session:
                unsubscribe(session, last, utc_now(), topic_id=None, campaign_id=None, how="test")
            app_left.append(mail.recipient)
        return ACCEPTED

    pipe.says = leave
    drain(campaign_id)
    assert len(pipe.taken) == 399
    with transaction() as session:
        assert books(session, campaign_id).skipped == {"unsubscribed": 1}


def test_a_claim_that_waits_too_long_goes_back_and_is_asked_again(
    pipe: Pipe, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay has become slow: nobody is mailed on a consent of long ago, and nobody is forgotten."""
    monkeypatch.setattr(pipeline, "_FRESH_SECONDS", 0)
    campaign_id = launched(people=30)
    drain(campaign_id)
    assert len(pipe.taken) == len(set(pipe.taken)) == 30
    with transaction() as session:
        assert set(session.scalars(select(Delivery.attempts))) == {1}


def test_our_own_limit_puts_a_mail_off_without_counting_a_try(pipe: Pipe, launched: Callable[..., int]) -> None:
    pipe.says = lambda _mail: Outcome(Result.HELD_BACK)
    campaign_id = launched(people=3)
    drain(campaign_id)
    with transaction() as session:
        rows = session.scalars(select(Delivery)).all()
        assert {(row.state, row.attempts, row.tried_at) for row in rows} == {(DeliveryState.DEFERRED, 0, None)}
        assert all(row.next_try_at and row.next_try_at - utc_now() < timedelta(seconds=10) for row in rows)
        assert reap.campaigns_with_work(session, utc_now()) == []
        assert reap.campaigns_with_work(session, utc_now() + timedelta(seconds=10)) == [campaign_id]
    pipe.says = lambda _mail: ACCEPTED
    due_again(campaign_id)
    drain(campaign_id)
    assert counted(campaign_id) == {"sent": 3}


def test_an_address_that_cannot_be_written_to_is_skipped(pipe: Pipe, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=2)
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET email = 'a b@example.org' WHERE email = 'person1@example.org'"))
    drain(campaign_id)
    with transaction() as session:
        assert books(session, campaign_id).skipped == {"bad_address": 1}
    assert pipe.taken == ["person2@example.org"]


def test_who_has_had_enough_campaigns_lately_is_skipped(pipe: Pipe, released: Callable[..., int]) -> None:
    """The cap counts what was sent in those days and what is being sent now, of other campaigns."""
    with transaction() as session:
        own = session.get_one(make.Organisation, 1)
        own.cap_campaigns, own.cap_days = 2, 7
    ids = []
    for number in range(4):
        ids.append(released(people=2 if number == 0 else 0, name=f"Campaign {number}"))
        with transaction() as session:
            assert launch.launch(session, ids[-1], utc_now())
        drain(ids[-1])
    assert [counted(each) for each in ids] == [{"sent": 2}, {"sent": 2}, {"skipped": 2}, {"skipped": 2}]
    with transaction() as session:
        assert books(session, ids[2]).skipped == {"capped": 2}
        session.execute(update(Delivery).values(sent_at=utc_now() - timedelta(days=8)))
    later = released(people=0)
    with transaction() as session:
        assert launch.launch(session, later, utc_now())
        session.execute(
            update(Delivery).where(Delivery.campaign_id == ids[0]).values(state=DeliveryState.IN_FLIGHT, sent_at=None)
        )
        own = session.get_one(make.Organisation, 1)
        own.cap_campaigns = 1
    drain(later)
    assert counted(later) == {"skipped": 2}


def test_a_person_whose_row_is_gone_is_skipped_and_does_not_stop_the_shard(
    pipe: Pipe, launched: Callable[..., int]
) -> None:
    campaign_id = launched(people=3)
    with transaction() as session:
        gone = session.scalar(select(func.min(Delivery.subscriber_id)))
        session.execute(delete(Standing).where(Standing.subscriber_id == gone))
    drain(campaign_id)
    assert len(pipe.taken) == 2
    assert state_of(campaign_id) is CampaignState.SENT


def test_a_full_disk_under_the_journal_stops_before_anything_is_claimed(
    pipe: Pipe, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q5: nothing is claimed that could not be noted; the page says why, and it goes on by itself."""

    def full(_journal: Journal, mails: int) -> None:
        if mails:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    campaign_id = launched(people=5)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "reserve", full)
        drain(campaign_id)
    assert pipe.taken == []
    assert counted(campaign_id) == {"queued": 5}
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert "No space left" in (campaign.pause_reason or "")
        session.execute(update(Shard).values(lease_until=None))
    drain(campaign_id)
    assert counted(campaign_id) == {"sent": 5}


def test_a_database_that_is_away_for_a_moment_is_waited_for(
    pipe: Pipe, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q4: what the relay took is written when the database answers again; nothing is lost, nothing doubled."""
    failures = iter([True] * 3)
    write = clerk.write

    def shaky(*arguments: object) -> bool:
        if next(failures, False):
            raise OperationalError("UPDATE", {}, Exception("the server closed the connection"))
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(clerk, "write", shaky)
    monkeypatch.setattr(clerk, "_RETRY_SECONDS", 0.01)
    campaign_id = launched(people=20)
    drain(campaign_id)
    assert len(pipe.taken) == len(set(pipe.taken)) == 20
    assert counted(campaign_id) == {"sent": 20}


def test_a_batch_whose_commit_was_not_answered_counts_once(
    pipe: Pipe, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database had committed, and the connection broke: the same results are written again."""
    write, seen = clerk.Clerk._write_and_claim, Counter[int]()

    def twice(self: clerk.Clerk, results: object, size: int) -> object:
        answer = write(self, results, size)  # type: ignore[arg-type]
        seen[size] += 1
        if size == 0 and seen[0] == 1:
            raise OperationalError("COMMIT", {}, Exception("the server closed the connection"))
        return answer

    monkeypatch.setattr(clerk.Clerk, "_write_and_claim", twice)
    monkeypatch.setattr(clerk, "_RETRY_SECONDS", 0.01)
    campaign_id = launched(people=5)
    drain(campaign_id)
    assert seen[0] >= 2
    with transaction() as session:
        assert set(session.scalars(select(Standing.sent))) == {1}
    assert counted(campaign_id) == {"sent": 5}


def test_an_error_in_the_clerk_reaches_the_job_and_loses_nobody(
    pipe: Pipe, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> dict[int, object]:
        raise LookupError("a bug")

    campaign_id = launched(people=4)
    with monkeypatch.context() as patch:
        patch.setattr(clerk, "people", broken)
        with pytest.raises(LookupError, match="a bug"):
            drain(campaign_id)
    assert counted(campaign_id) == {"in_flight": 4}
    drain(campaign_id)
    assert len(pipe.taken) == len(set(pipe.taken)) == 4
    with transaction() as session:
        assert books(session, campaign_id).repeated == 0


class Killed(BaseException):
    """The process is no more: nothing behind it runs."""


ACTS = st.sampled_from(
    ("pause", "resume", "cancel", "kill", "kill too late", "greylist", "break", "lose", "limit", "refuse", "take")
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=12), seed=st.integers(0, 1000), policy=st.sampled_from(CrashPolicy))
def test_the_books_balance_and_nobody_is_lost_whatever_happens(
    app: APIFlask, acts: list[str], seed: int, policy: CrashPolicy
) -> None:
    """Q19: pauses, cancellations, deaths and late answers in any order; the relay's own list is the judge."""
    people, chance = 12, random.Random(seed)
    app.extensions["letterbond.transport"] = lambda: pipe
    pipe, pending = Pipe(width=3), list(acts)
    with transaction() as session:
        campaign_id = make.campaign(session, state=CampaignState.HOLDING, send_after=utc_now(), crash_policy=policy).id
        there = session.scalar(select(func.count()).select_from(Standing)) or 0
        for _ in range(people - there):
            make.subscriber(session)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "SHARD_SIZE", 5)
        with transaction() as session:
            assert launch.launch(session, campaign_id, utc_now())

    def says(mail: MailObject) -> Outcome:
        return _act(pending.pop(0) if pending and chance.random() < 0.5 else "take", campaign_id, mail, pipe)

    pipe.says = says
    _sent_to_the_end(pipe, campaign_id)
    taken = Counter(pipe.taken)
    with transaction() as session:
        found = books(session, campaign_id)
        mails = select(Delivery, Subscriber.email).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        rows = session.execute(mails.where(Delivery.campaign_id == campaign_id)).all()
    assert (found.audience, found.left, found.balanced) == (people, 0, True)
    for row, email in rows:
        if row.state is DeliveryState.SENT:
            assert taken[email] >= 1
        elif taken[email]:
            assert row.state is DeliveryState.UNKNOWN or row.repeats
        assert taken[email] <= 1 + row.repeats
        assert not row.repeats or policy is CrashPolicy.RESEND


def _act(act: str, campaign_id: int, mail: MailObject, pipe: Pipe) -> Outcome:
    with transaction() as session:
        found = books(session, campaign_id)
        assert found.balanced, found
        if act in {"pause", "resume", "cancel"}:
            {"pause": pause, "resume": resume, "cancel": cancel}[act](session, campaign_id, utc_now())
    match act:
        case "kill":
            raise Killed
        case "kill too late":
            pipe.taken.append(mail.recipient)
            raise Killed
        case "greylist":
            return Outcome(Result.DEFERRED, 451, "4.7.1", "later")
        case "refuse":
            return Outcome(Result.BOUNCED, 550, "5.7.1", "no")
        case "break":
            return Outcome(Result.UNREACHABLE, text="hung up")
        case "lose":
            return Outcome(Result.UNKNOWN, text="no reply")
        case "limit":
            return Outcome(Result.HELD_BACK)
    return ACCEPTED


def _sent_to_the_end(pipe: Pipe, campaign_id: int) -> None:
    """Work on it, again and again, until nothing is left, however often a sender dies."""
    for _ in range(60):
        pipe.die()
        with suppress(Killed):
            drain(campaign_id)
        due_again(campaign_id)
        with transaction() as session:
            resume(session, campaign_id, utc_now())
            session.execute(update(Shard).where(Shard.owner.is_(None)).values(lease_until=None))
            if not books(session, campaign_id).left:
                return
    raise AssertionError("it did not end")
