"""Segments: who is meant by a rule, who was in it when, and whom a campaign reaches."""

from collections.abc import Sequence
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.audiences import api, builder_views, views
from app.audiences.fields import fields
from app.audiences.jobs import refresh_segments
from app.audiences.refresh import refresh_touched
from app.audiences.uses import segment_uses
from app.db import utc_now
from app.events.models import Event
from app.feature import Feature, NavigationEntry
from app.queue import Timed


def _on_events(session: Session, events: Sequence[Event]) -> None:
    refresh_touched(session, {event.subscriber_id for event in events}, utc_now())


def _on_events_removed(session: Session, people: Sequence[int]) -> None:
    refresh_touched(session, people, utc_now())


feature = Feature(
    name="audiences",
    fields=fields,
    segment_uses=segment_uses,
    blueprints=(views.blueprint, builder_views.blueprint, api.blueprint),
    on_events=_on_events,
    on_events_removed=_on_events_removed,
    timetable=(Timed(refresh_segments, every=timedelta(minutes=15)),),
    navigation=(NavigationEntry(_l("Segments"), "audiences.index", "filter", 30),),
)
