"""What is said about scores elsewhere: segment fields, merge tags, and what stands beneath events on the timeline."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from app.db import one_of, rows, utc_now
from app.events.models import Event
from app.feature import house
from app.formatting import day as formatted
from app.i18n import language
from app.scoring.earned import earned_field
from app.scoring.kinds import TIER_CHANGED
from app.scoring.models import MAIN, Score, ScoreClock
from app.scoring.points import Rule, all_points, decay_of, score_clock, score_clocks, today
from app.scoring.tiers import all_tiers, tier_label
from app.subscribers.models import Standing
from segments.label import Label
from segments.score import SCALE
from segments.vocabulary import Choices, Field, FieldType, Group


def fields(session: Session) -> Iterator[Field]:
    """Each score in points of today and what was earned in a time, the main one first, tier, and since when."""
    group = Group.SCORE_AND_TIER
    clocks = score_clocks(session)
    for clock, points in zip(clocks, all_points(session, clocks), strict=True):
        is_main = clock.id == MAIN
        name, label = f"score.{clock.id}", Label(f"score “{clock.name}”", f"Punktestand „{clock.name}“")
        if is_main:
            name, label = "score", Label("score", "Punktestand")
        yield Field(name, label, FieldType.NUMBER, group=group, as_of=partial(_points, clock))
        if is_main:
            label, aliases = Label("points earned in a time", "in einer Zeit verdiente Punkte"), ("points", "Punkte")
            yield earned_field(points, "points_in", label, aliases)
        else:
            label = Label(
                f"points of “{clock.name}” earned in a time", f"in einer Zeit verdiente Punkte „{clock.name}“"
            )
            yield earned_field(points, f"points_in.{clock.id}", label)
    tiers = tuple((str(tier.id), tier_label(tier.name)) for tier in all_tiers(session))
    yield Field("tier", Label("tier", "Stufe"), FieldType.CHOICE, lambda: Standing.tier_id, group, tiers)
    since = Label("last change of tier", "letzter Stufenwechsel")
    yield Field("tier_since", since, FieldType.MOMENT, lambda: Standing.tier_since, group)


def _stored(clock: ScoreClock) -> ColumnElement[Any]:
    if clock.id == MAIN:
        return Standing.score.expression
    mine = (Score.clock_id == clock.id, Score.subscriber_id == Standing.subscriber_id)
    aside = select(Score.total).where(*mine).correlate(Standing).scalar_subquery()
    return func.coalesce(aside, literal(0, BigInteger))


def _points(clock: ScoreClock, now: datetime) -> Callable[[], ColumnElement[Any]]:
    """The score in points of a day. So long before the landmark that nothing counts any more, it is of the first day on
    which something does."""
    decay, stored = decay_of(clock), _stored(clock)
    day = max(today(now), decay.landmark_day - SCALE * decay.half_life_days)
    return lambda: decay.value_sql(stored, day)


def condition_choices(session: Session) -> dict[str, Choices]:
    """What conditions may be chosen from, by their name."""
    return {name: each.choices(session) for name, each in house().score_conditions.items() if each.choices}


def says_rule(rule: Rule, choices: Mapping[str, Choices]) -> str:
    """What a rule is about, in the reader's language: “Clicked · link contains cheese · at most 2 per day”."""
    kind = house().kinds[rule.worth.kind].label(language())
    asked = [_says_condition(name, value, choices) for name, value in rule.conditions]
    return " · ".join([kind, *asked, *_says_limits(rule)])


def _says_limits(rule: Rule) -> Iterator[str]:
    if rule.per_day is not None:
        yield _("at most %(most)s per day", most=rule.per_day)
    if rule.per_delivery is not None:
        yield _("at most %(most)s per mail", most=rule.per_delivery)
    if rule.first_day is not None:
        yield _("from %(day)s", day=formatted(_day(rule.first_day)))
    if rule.last_day is not None:
        yield _("until %(day)s", day=formatted(_day(rule.last_day)))


def _says_condition(name: str, value: str, choices: Mapping[str, Choices]) -> str:
    known = house().score_conditions.get(name)
    named = dict(choices.get(name, ())).get(value)
    return f"{known.label(language()) if known else name}: {named(language()) if named else value}"


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(number)


def merge_tags(session: Session, subscriber_ids: Sequence[int], wanted: Container[str]) -> dict[int, dict[str, Any]]:
    """`score` (points, one decimal) and `tier` (its name) of each person."""
    if "score" not in wanted and "tier" not in wanted:
        return {}
    clock = score_clock(session)
    if clock is None:
        return {}
    decay, day = decay_of(clock), today(utc_now())
    names: dict[int | None, str] = {tier.id: tier.name for tier in all_tiers(session)}
    people = select(Standing.subscriber_id, Standing.score, Standing.tier_id)
    return {
        person: {"score": round(decay.value(score, day), 1), "tier": names.get(tier_id)}
        for person, score, tier_id in rows(session, people.where(one_of(Standing.subscriber_id, subscriber_ids)))
    }


def captions(session: Session, events: Sequence[Event]) -> dict[int, str]:  # noqa: ARG001 - one form for all features
    """“Reader → Regular” beneath a change of tier."""
    changes = {event.id: event.data for event in events if event.kind == TIER_CHANGED.code and event.data}
    return {
        event_id: " → ".join(tier_label(data[end])(language()) for end in ("from", "to") if data.get(end))
        for event_id, data in changes.items()
    }
