"""Adding new events to the scores, as they are recorded."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from app.db import utc_now
from app.events.models import Event
from app.scoring.kinds import TIER_CHANGED
from app.scoring.points import points_of, score_clock
from app.scoring.tiers import BATCH, change_tiers
from app.subscribers.models import Standing


def on_events(session: Session, events: Sequence[Event]) -> None:
    """Add what the events are worth, then move whom that carries over a threshold."""
    people = sorted({event.subscriber_id for event in events if event.kind != TIER_CHANGED.code})
    clock = score_clock(session, sharing=True) if people else None
    if clock is None:
        return
    points = points_of(session, clock)
    sums: Counter[int] = Counter()
    for event in events:
        sums[event.subscriber_id] += points.contribution(event)
    _add(session, {person: sums[person] for person in people if sums[person]})
    for start in range(0, len(people), BATCH):
        change_tiers(session, points.decay, utc_now(), people[start : start + BATCH])


def _add(session: Session, sums: Mapping[int, int]) -> None:
    """In the order of ids, so that two batches never wait for one another."""
    if not sums:
        return
    table = Standing.__table__
    assert isinstance(table, Table)
    adding = update(table).where(table.c.subscriber_id == bindparam("person"))
    rows = [{"person": person, "sum": number} for person, number in sums.items()]
    session.connection().execute(adding.values(score=table.c.score + bindparam("sum")), rows)
