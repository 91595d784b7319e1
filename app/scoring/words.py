"""What is said about scores elsewhere: segment fields, merge tags, and what stands beneath events on the timeline."""

from collections.abc import Container, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import utc_now
from app.events.models import Event
from app.i18n import language
from app.scoring.kinds import TIER_CHANGED
from app.scoring.points import score_clock
from app.scoring.tiers import all_tiers, tier_label
from app.subscribers.models import Standing
from segments.label import Label
from segments.score import Decay, day_of
from segments.vocabulary import Field, FieldType, Group


def fields(session: Session) -> Iterator[Field]:
    """Score in points of today, tier, and since when."""
    group = Group.SCORE_AND_TIER
    clock = score_clock(session)
    if clock is not None:
        decay, today = Decay(clock.half_life_days, clock.landmark_day), day_of(int(utc_now().timestamp()))
        score = decay.value_sql(Standing.score.expression, today)
        yield Field("score", Label("score", "Punktestand"), FieldType.NUMBER, lambda: score, group)
    tiers = tuple((str(tier.id), tier_label(tier.name)) for tier in all_tiers(session))
    yield Field("tier", Label("tier", "Stufe"), FieldType.CHOICE, lambda: Standing.tier_id, group, tiers)
    since = Label("last change of tier", "letzter Stufenwechsel")
    yield Field("tier_since", since, FieldType.MOMENT, lambda: Standing.tier_since, group)


def merge_tags(session: Session, subscriber_ids: Sequence[int], wanted: Container[str]) -> dict[int, dict[str, Any]]:
    """`score` (points, one decimal) and `tier` (its name) of each person."""
    if "score" not in wanted and "tier" not in wanted:
        return {}
    clock = score_clock(session)
    if clock is None:
        return {}
    decay, today = Decay(clock.half_life_days, clock.landmark_day), day_of(int(utc_now().timestamp()))
    names: dict[int | None, str] = {tier.id: tier.name for tier in all_tiers(session)}
    people = select(Standing.subscriber_id, Standing.score, Standing.tier_id)
    return {
        person: {"score": round(decay.value(score, today), 1), "tier": names.get(tier_id)}
        for person, score, tier_id in session.execute(people.where(Standing.subscriber_id.in_(subscriber_ids)))
    }


def captions(session: Session, events: Sequence[Event]) -> dict[int, str]:  # noqa: ARG001 - one form for all features
    """“Reader → Regular” beneath a change of tier."""
    changes = {event.id: event.data for event in events if event.kind == TIER_CHANGED.code and event.data}
    return {
        event_id: " → ".join(tier_label(data[end])(language()) for end in ("from", "to") if data.get(end))
        for event_id, data in changes.items()
    }
