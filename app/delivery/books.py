"""The books of a campaign: what became of everybody in its audience, how fast it goes, and what went wrong.

audience = queued + in flight + sent + deferred + bounced + failed + skipped + unknown, at every instant (DESIGN 5.2).
The audience is what the launch wrote down, the others are counted in the ledger, so the sum is a check and no
tautology.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.shards import in_shard

_RATE_SPAN = timedelta(seconds=30)
_MOST = (DeliveryState.QUEUED, DeliveryState.SENT)
_REPEATED = func.count().filter(Delivery.repeats > 0)


@dataclass(frozen=True, slots=True)
class Books:
    """Numbers of people; `skipped` by reason. `repeated` of them may have got the mail twice (RFC 1047)."""

    audience: int = 0
    queued: int = 0
    in_flight: int = 0
    sent: int = 0
    deferred: int = 0
    bounced: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0

    @property
    def skipped_total(self) -> int:
        """All who were left out, whatever the reason."""
        return sum(self.skipped.values())

    @property
    def left(self) -> int:
        """Those still to be sent to."""
        return self.queued + self.in_flight + self.deferred

    @property
    def settled(self) -> int:
        """Those whose story is over."""
        return self.sent + self.bounced + self.failed + self.skipped_total + self.unknown

    @property
    def balanced(self) -> bool:
        """Whether everybody is accounted for."""
        return self.audience == self.left + self.settled


@dataclass(frozen=True, slots=True)
class Progress:
    """How fast a campaign goes: mails per second over the last half minute, and what that means for the rest."""

    books: Books
    per_second: float

    @property
    def time_left(self) -> timedelta | None:
        """Until nothing is queued at this rate; None while nothing moves. Deferred mails take their own time."""
        if not self.per_second:
            return None
        return timedelta(seconds=(self.books.queued + self.books.in_flight) / self.per_second)


def books(session: Session, campaign_id: int) -> Books:
    """The books as they are now, from one statement: two would see two different moments."""
    audience = select(func.sum(Shard.size)).where(Shard.campaign_id == campaign_id).scalar_subquery()
    counts = (func.count().label("people"), _REPEATED.label("repeated"))
    theirs = Delivery.campaign_id == campaign_id
    # Most are one of these: grouped with the others, SQLite would sort them all.
    most = [
        select(literal(state, Delivery.state.type), null().label("reason"), *counts).where(
            theirs, Delivery.state == state
        )
        for state in _MOST
    ]
    reason = case((Delivery.state == DeliveryState.SKIPPED, Delivery.reason))
    others = select(Delivery.state, reason, *counts).where(theirs, Delivery.state.not_in(_MOST))
    others = others.group_by(Delivery.state, reason)
    counted = union_all(others, *most).subquery()
    found: Counter[DeliveryState] = Counter()
    skipped: Counter[str] = Counter()
    total = repeated = 0
    for state, why, people, twice, audience_size in session.execute(select(counted, audience)):
        found[state] += people
        repeated += twice
        total = audience_size or 0
        if state is DeliveryState.SKIPPED:
            skipped[why or ""] += people
    states = {state.value: found[state] for state in DeliveryState if state is not DeliveryState.SKIPPED}
    return Books(audience=total, skipped=dict(skipped), repeated=repeated, **states)


def progress(session: Session, campaign_id: int, now: datetime) -> Progress:
    """The books with the rate, taken from the shards that moved lately."""
    since = now - _RATE_SPAN
    moved = (Shard.campaign_id == campaign_id, Shard.touched_at >= since)
    count, first = session.execute(
        select(func.count(), func.min(Delivery.sent_at))
        .select_from(Shard)
        .join(Delivery, in_shard())
        .where(*moved, Delivery.sent_at >= since)
    ).one()
    span = max((now - first).total_seconds(), 1.0) if first else _RATE_SPAN.total_seconds()
    return Progress(books(session, campaign_id), count / span)
