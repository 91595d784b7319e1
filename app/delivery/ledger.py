"""Writing replies into the ledger: a batch at a time, in the transaction that renews the lease and checks the epoch.

In charge of: what each Outcome makes of a Delivery, when a deferred mail is tried again, and Standing.sent. Not of:
handing mails over (`send.py`), nor of whose trouble a refusal is (`bounce.py`).
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.delivery.bounce import bounce_class, bounced
from app.delivery.journal import Stretch
from app.delivery.kinds import DEFERRED
from app.delivery.models import Delivery, DeliveryState
from app.delivery.shards import renew
from app.events.record import happening, record
from app.subscribers.models import Standing
from app.transport import Outcome, Result

_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=4)
_GIVE_UP = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Reply:
    """The final word on one mail, at its `attempts`-th try."""

    subscriber_id: int
    outcome: Outcome
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail that could not be made for this person."""

    subscriber_id: int
    reason: str


@dataclass(slots=True)
class Results:
    """What a batch came to: `untried` were claimed and not begun, `doubtful` handed over by a sender that died."""

    replies: list[Reply] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    untried: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.replies or self.failures or self.untried or self.doubtful)


def write(session: Session, stretch: Stretch, policy: CrashPolicy, results: Results, now: datetime) -> bool:
    """Put the results into the ledger; False, and nothing written, if the shard is another's by now."""
    accepted = _of(results, Result.ACCEPTED)
    if not renew(session, stretch, has_moved=bool(results), has_sent=bool(accepted)):
        return False
    refused = _of(results, Result.BOUNCED)
    _lock(session, results.replies)
    _write_sent(session, stretch.campaign_id, accepted)
    rows = [_row(reply, policy, now) for reply in results.replies if reply.outcome.result is not Result.ACCEPTED]
    rows += [
        _change(each.subscriber_id, DeliveryState.FAILED, reason="template", reply=each.reason)
        for each in results.failures
    ]
    rows += [_change(each, DeliveryState.QUEUED, attempts=-1) for each in results.untried]
    rows += [_doubtful(each, policy, DeliveryState.QUEUED) for each in results.doubtful]
    _write_rows(session, stretch.campaign_id, rows)
    if refused:
        refusals = [(reply.subscriber_id, reply.outcome) for reply in refused]
        bounced(session, stretch.campaign_id, refusals, now)
    _record_deferred(session, stretch.campaign_id, results.replies)
    if accepted:
        _trouble_is_over(session, stretch.campaign_id)
    return True


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many tries; None when 72 hours are over. Doubling, with jitter (TRUST Q6)."""
    waits = [min(_FIRST_WAIT * 2**done, _LONGEST_WAIT) for done in range(min(attempts, 100))]
    if sum(waits[:-1], timedelta()) >= _GIVE_UP:
        return None
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
    wait: timedelta = waits[-1] * jitter
    return now + wait


def _of(results: Results, result: Result) -> list[Reply]:
    return [reply for reply in results.replies if reply.outcome.result is result]


def _lock(session: Session, replies: Iterable[Reply]) -> None:
    """Lock the people's rows in order of id, as the ingest of hits does: two orders would be a deadlock."""
    ids = sorted(reply.subscriber_id for reply in replies)
    if ids:
        rows = select(Standing.subscriber_id).where(Standing.subscriber_id.in_(ids))
        session.execute(rows.order_by(Standing.subscriber_id).with_for_update())


def _write_sent(session: Session, campaign_id: int, accepted: Sequence[Reply]) -> None:
    """Two statements for each second in which mails were taken."""
    seconds: dict[datetime, list[int]] = defaultdict(list)
    for reply in accepted:
        seconds[reply.at.replace(microsecond=0)].append(reply.subscriber_id)
    for at, ids in seconds.items():
        sent = {"state": DeliveryState.SENT, "sent_at": at, "next_try_at": None, "reply": None, "reason": None}
        mails = (Delivery.campaign_id == campaign_id, Delivery.subscriber_id.in_(ids))
        session.connection().execute(update(Delivery.__table__).where(*mails).values(sent))  # type: ignore[arg-type]
        people = update(Standing.__table__).where(Standing.subscriber_id.in_(ids))  # type: ignore[arg-type]
        session.connection().execute(people.values(sent=Standing.sent + 1, last_sent_at=at))


def _row(reply: Reply, policy: CrashPolicy, now: datetime) -> dict[str, Any]:
    """What becomes of a mail that was not accepted."""
    person, text = reply.subscriber_id, _said(reply.outcome)
    match reply.outcome.result:
        case Result.DEFERRED:
            return _deferred(reply, now)
        case Result.BOUNCED:
            reason = bounce_class(reply.outcome)
            return _change(person, DeliveryState.BOUNCED, reason=reason, reply=text)
        case Result.UNKNOWN:
            again = _deferred(reply, now)
            return _doubtful(person, policy, again["new_state"], again["new_next_try_at"], text)
        case _:
            return _change(person, DeliveryState.QUEUED, attempts=-1, reply=text)


def _deferred(reply: Reply, now: datetime) -> dict[str, Any]:
    person, at = reply.subscriber_id, next_try(reply.attempts, now)
    if at is None:
        return _change(person, DeliveryState.FAILED, reason="expired", reply=_said(reply.outcome))
    return _change(person, DeliveryState.DEFERRED, next_try_at=at, reply=_said(reply.outcome))


def _doubtful(
    subscriber_id: int,
    policy: CrashPolicy,
    again: DeliveryState,
    at: datetime | None = None,
    reply: str | None = None,
) -> dict[str, Any]:
    """A mail that may have arrived (RFC 1047): the campaign's policy decides, and the doubt is kept in either case."""
    if policy is CrashPolicy.RESEND:
        return _change(subscriber_id, again, repeats=1, next_try_at=at, reply=reply)
    return _change(subscriber_id, DeliveryState.UNKNOWN, reason="may_have_arrived", reply=reply)


def _change(
    subscriber_id: int,
    state: DeliveryState,
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
        "more_attempts": attempts,
        "more_repeats": repeats,
    }


def _write_rows(session: Session, campaign_id: int, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    set_to = {
        name: bindparam(f"new_{name}", type_=Delivery.__table__.c[name].type)
        for name in ("state", "reason", "reply", "next_try_at")
    }
    statement = (
        update(Delivery.__table__)  # type: ignore[arg-type]
        .where(Delivery.campaign_id == campaign_id, Delivery.subscriber_id == bindparam("person"))
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
