"""Segments: who is meant by a rule, who was in it when, and whom a campaign reaches."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from app.audiences.fields import fields
from app.audiences.jobs import refresh_noted, refresh_segments, work_out_histories
from app.audiences.touched import AT_ONCE, touch
from app.audiences.uses import segment_uses
from app.db import utc_now
from app.events.batch import NewEvents
from app.feature import Feature, NavigationEntry
from app.queue import Timed, enqueue
from app.scoring.kinds import TIER_CHANGED


def _on_events(session: Session, events: NewEvents) -> None:
    # Who changed tier did so because of other events of hers, which come here next: until then a note will do.
    at_once = 0 if events.kinds == {TIER_CHANGED.code} else AT_ONCE
    _touch(session, events.people, at_once)


def _on_events_removed(session: Session, people: Sequence[int]) -> None:
    _touch(session, people, AT_ONCE)


def _touch(session: Session, people: Collection[int], at_once: int) -> None:
    """Those who wait are looked at when what touched them is there to see: the bell rings after the commit."""
    if touch(session, people, utc_now(), at_once):
        listen(session, "after_commit", lambda _session: enqueue(refresh_noted), once=True)


def _blueprints() -> tuple[Blueprint, ...]:
    from app.audiences import api, builder_views, past_api, past_views, views

    pages = views.blueprint, builder_views.blueprint, past_views.blueprint
    return *pages, api.blueprint, past_api.blueprint


feature = Feature(
    name="audiences",
    fields=fields,
    segment_uses=segment_uses,
    blueprints=_blueprints,
    on_events=_on_events,
    on_events_removed=_on_events_removed,
    timetable=(
        Timed(refresh_segments, every=timedelta(minutes=15)),
        Timed(refresh_noted, every=timedelta(minutes=1)),
        Timed(work_out_histories, every=timedelta(minutes=5)),
    ),
    navigation=(NavigationEntry(_l("Segments"), "audiences.index", "filter", 30),),
)
