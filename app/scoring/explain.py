"""Where somebody's score comes from: the events that add up to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import EventKind, house
from app.scoring.models import Tier
from app.scoring.points import Points, points_of, score_clock
from app.scoring.tiers import all_tiers
from app.subscribers.models import Standing
from segments.score import HUNDREDTHS, day_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, the points it was worth then, and what is left of them now."""

    kind: EventKind
    occurred_at: datetime
    campaign_id: int | None
    value: int | None
    points: float
    points_now: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The entries, newest first, and their sum; `score` is what is stored, the same unless a rebuild is waited for."""

    entries: tuple[Entry, ...]
    total: float
    score: float
    tier: Tier | None
    tier_since: datetime | None
    next_tier: Tier | None

    @property
    def agrees(self) -> bool:
        """Whether the entries add up to the score; not while a rebuild is waited for."""
        return self.total == self.score


def explain_score(session: Session, subscriber_id: int, now: datetime) -> Explanation | None:
    """The score of one person in full; None for nobody, or before the first-run setup."""
    clock, standing = score_clock(session), session.get(Standing, subscriber_id, populate_existing=True)
    if clock is None or standing is None:
        return None
    points, today = points_of(session, clock), day_of(int(now.timestamp()))
    events = _counting(session, points, subscriber_id)
    tiers = all_tiers(session)
    score = points.decay.value(standing.score, today)
    return Explanation(
        entries=tuple(_entry(points, event, today) for event in events),
        total=points.decay.value(sum(points.contribution(event) for event in events), today),
        score=score,
        tier=next((tier for tier in tiers if tier.id == standing.tier_id), None),
        tier_since=standing.tier_since,
        next_tier=next((tier for tier in tiers if tier.threshold > score), None),
    )


def _counting(session: Session, points: Points, subscriber_id: int) -> Sequence[Event]:
    counting = select(Event).where(Event.subscriber_id == subscriber_id, *points.counting_sql())
    return session.scalars(counting.order_by(Event.occurred_at.desc(), Event.id.desc())).all()


def _entry(points: Points, event: Event, today: int) -> Entry:
    kind = house().kind_of(event.kind)
    assert kind is not None
    return Entry(
        kind=kind,
        occurred_at=event.occurred_at,
        campaign_id=event.campaign_id,
        value=event.value,
        points=points.worth(event) / HUNDREDTHS,
        points_now=points.decay.value(points.contribution(event), today),
    )
