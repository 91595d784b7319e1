"""Writing results into the ledger: a batch at a time, in the transaction that renews the lease and checks the epoch.

In charge of: what each Outcome makes of a Delivery, when a deferred mail is tried again, and Standing.sent. Only what
is in flight is changed, so a batch that is written twice (its commit's answer was lost) counts once. Not of: handing
mails over (`send.py`), nor of whose trouble a refusal is (`bounce.py`).
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.db import one_of
from app.delivery.bounce import bounce_class, bounced
from app.delivery.brake import brake
from app.delivery.journal import Stretch
from app.delivery.kinds import DEFERRED
from app.delivery.models import Delivery, DeliveryState
from app.delivery.results import Reply, Results
from app.delivery.shards import renew
from app.events.record import happening, record
from app.subscribers.models import Standing
from app.transport import Outcome, Result

_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=4)
_GIVE_UP = timedelta(hours=72)
_HELD_BACK_SECONDS = (3, 9)


def write(session: Session, stretch: Stretch, policy: CrashPolicy, results: Results, now: datetime) -> bool:
    """Put the results into the ledger; False, and nothing written, if the shard is another's by now."""
    refused = [reply for reply in results.replies if reply.outcome.result is Result.BOUNCED]
    accepted = results.accepted_count
    if not renew(session, stretch, has_moved=bool(results), accepted=accepted, refused=len(refused)):
        return False
    if not results:
        return True
    campaign_id = stretch.campaign_id
    _lock(session, [*chain.from_iterable(results.accepted.values()), *(reply.subscriber_id for reply in refused)])
    _write_sent(session, campaign_id, results.accepted)
    _write_rows(session, campaign_id, list(_rows(results, policy, now)))
    if refused:
        bounced(session, campaign_id, [(reply.subscriber_id, reply.outcome) for reply in refused], now)
        brake(session, campaign_id, now)
    _record_deferred(session, campaign_id, results.replies)
    if accepted:
        _trouble_is_over(session, campaign_id)
    return True


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many tries; None when 72 hours are over. Doubling, with jitter (TRUST Q6)."""
    waits = [min(_FIRST_WAIT * 2**done, _LONGEST_WAIT) for done in range(min(attempts, 100))]
    if sum(waits[:-1], timedelta()) >= _GIVE_UP:
        return None
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
    wait: timedelta = waits[-1] * jitter
    return now + wait


def _lock(session: Session, ids: Sequence[int]) -> None:
    """Lock the people's rows in order of id, as the ingest of hits does: two orders would be a deadlock.

    SQLite has one writer at a time and nothing to lock.
    """
    if ids and session.get_bind().dialect.name != "sqlite":
        rows = select(Standing.subscriber_id).where(one_of(Standing.subscriber_id, ids))
        session.execute(rows.order_by(Standing.subscriber_id).with_for_update())


def _write_sent(session: Session, campaign_id: int, accepted: dict[datetime, list[int]]) -> None:
    """Two statements for each second in which mails were taken."""
    for at, ids in accepted.items():
        sent = {"state": DeliveryState.SENT, "sent_at": at, "next_try_at": None, "reply": None, "reason": None}
        mails = (
            Delivery.campaign_id == campaign_id,
            one_of(Delivery.subscriber_id, ids),
            Delivery.state == DeliveryState.IN_FLIGHT,
        )
        marked = update(Delivery.__table__).where(*mails).values(sent).returning(Delivery.subscriber_id)  # type: ignore[arg-type]
        fresh = session.connection().execute(marked).scalars().all()
        people = update(Standing.__table__).where(one_of(Standing.subscriber_id, fresh))  # type: ignore[arg-type]
        session.connection().execute(people.values(sent=Standing.sent + 1, last_sent_at=at))


def _rows(results: Results, policy: CrashPolicy, now: datetime) -> Iterable[dict[str, Any]]:
    """What becomes of mails that were not accepted."""
    for reply in results.replies:
        yield _row(reply, policy, now)
    for failure in results.failures:
        yield _change(failure.subscriber_id, DeliveryState.FAILED, now, reason="template", reply=failure.reason)
    for each, reason in results.skipped:
        yield _change(each, DeliveryState.SKIPPED, reason=reason, attempts=-1)
    for each in results.untried:
        yield _change(each, DeliveryState.QUEUED, attempts=-1)
    for doubt in results.doubtful:
        yield _doubtful(doubt.subscriber_id, policy, doubt.at or now, DeliveryState.QUEUED)


def _row(reply: Reply, policy: CrashPolicy, now: datetime) -> dict[str, Any]:
    person, text = reply.subscriber_id, _said(reply.outcome)
    match reply.outcome.result:
        case Result.DEFERRED:
            return _deferred(reply, now)
        case Result.BOUNCED:
            reason = bounce_class(reply.outcome)
            return _change(person, DeliveryState.BOUNCED, reply.at, reason=reason, reply=text)
        case Result.UNKNOWN:
            again = _deferred(reply, now)
            return _doubtful(person, policy, reply.at, again["new_state"], again["new_next_try_at"], text)
        case Result.HELD_BACK:
            soon = now + timedelta(seconds=random.uniform(*_HELD_BACK_SECONDS))  # noqa: S311 - spreads retries
            return _change(person, DeliveryState.DEFERRED, next_try_at=soon, attempts=-1)
        case _:
            return _change(person, DeliveryState.QUEUED, attempts=-1, reply=text)


def _deferred(reply: Reply, now: datetime) -> dict[str, Any]:
    person, at = reply.subscriber_id, next_try(reply.attempts, now)
    if at is None:
        return _change(person, DeliveryState.FAILED, reply.at, reason="expired", reply=_said(reply.outcome))
    return _change(person, DeliveryState.DEFERRED, reply.at, next_try_at=at, reply=_said(reply.outcome))


def _doubtful(
    subscriber_id: int,
    policy: CrashPolicy,
    tried_at: datetime,
    again: DeliveryState,
    next_try_at: datetime | None = None,
    reply: str | None = None,
) -> dict[str, Any]:
    """A mail that may have arrived (RFC 1047): the campaign's policy decides, and the doubt is kept in either case."""
    if policy is CrashPolicy.RESEND:
        return _change(subscriber_id, again, tried_at, repeats=1, next_try_at=next_try_at, reply=reply)
    return _change(subscriber_id, DeliveryState.UNKNOWN, tried_at, reason="may_have_arrived", reply=reply)


def _change(
    subscriber_id: int,
    state: DeliveryState,
    tried_at: datetime | None = None,
    *,
    reason: str | None = None,
    reply: str | None = None,
    next_try_at: datetime | None = None,
    attempts: int = 0,
    repeats: int = 0,
) -> dict[str, Any]:
    return {
        "person": subscriber_id,
        "new_state": state,
        "new_reason": reason,
        "new_reply": reply,
        "new_next_try_at": next_try_at,
        "new_tried_at": tried_at,
        "more_attempts": attempts,
        "more_repeats": repeats,
    }


def _write_rows(session: Session, campaign_id: int, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    set_to = {
        name: bindparam(f"new_{name}", type_=Delivery.__table__.c[name].type)
        for name in ("state", "reason", "reply", "next_try_at", "tried_at")
    }
    statement = (
        update(Delivery.__table__)  # type: ignore[arg-type]
        .where(
            Delivery.campaign_id == campaign_id,
            Delivery.subscriber_id == bindparam("person"),
            Delivery.state == DeliveryState.IN_FLIGHT,
        )
        .values(
            **set_to,
            attempts=Delivery.attempts + bindparam("more_attempts"),
            repeats=Delivery.repeats + bindparam("more_repeats"),
        )
    )
    session.connection().execute(statement, rows)


def _record_deferred(session: Session, campaign_id: int, replies: Iterable[Reply]) -> None:
    """Once for each mail, at its first try: a greylisting server says it each time."""
    first = [reply for reply in replies if reply.outcome.result is Result.DEFERRED and reply.attempts == 1]
    record(
        session,
        [
            happening(
                DEFERRED,
                reply.subscriber_id,
                reply.at,
                campaign_id=campaign_id,
                data={"reply": _said(reply.outcome)},
            )
            for reply in first
        ],
    )


def _trouble_is_over(session: Session, campaign_id: int) -> None:
    in_trouble = (Campaign.state == CampaignState.SENDING, Campaign.pause_reason.is_not(None))
    session.connection().execute(
        update(Campaign.__table__).where(Campaign.id == campaign_id, *in_trouble).values(pause_reason=None)  # type: ignore[arg-type]
    )


def _said(outcome: Outcome) -> str | None:
    """What the server said, on one line."""
    return " ".join(filter(None, (str(outcome.code or ""), outcome.text))) or None
