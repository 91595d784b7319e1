"""The latest things that people did, for the first page."""

from flask import current_app, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import TimelineEntry, house
from app.i18n import language
from app.reports.presence import READERS
from app.subscribers.models import Subscriber

SIZE = 8


def latest(session: Session) -> list[TimelineEntry]:
    """The newest touchpoints, the newest first; nothing that a machine did."""
    codes = [kind.code for kind in house().kinds.values() if kind.touchpoint]
    newest = select(Event).where(Event.kind.in_(codes), Event.verdict.is_(None) | Event.verdict.in_(READERS))
    events = session.scalars(newest.order_by(Event.id.desc()).limit(SIZE)).all()
    ids = {event.subscriber_id for event in events}
    people = {one.id: one for one in session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)))}
    captions: dict[int, str] = {}
    for feature in house().features:
        if feature.captions and events:
            captions.update(feature.captions(session, events))
    return [_entry(event, people[event.subscriber_id], captions.get(event.id, "")) for event in events]


def _entry(event: Event, person: Subscriber, caption: str) -> TimelineEntry:
    kind = house().kind_of(event.kind)
    assert kind
    return TimelineEntry(
        at=event.occurred_at,
        title=Markup("{}: {}").format(kind.label(language()), _name(person)),
        icon=kind.icon,
        text=caption,
    )


def _name(person: Subscriber) -> Markup:
    """Her name as a link to her page, where there is one."""
    if "subscribers.profile" not in current_app.view_functions:
        return Markup("{}").format(person.name)
    url = url_for("subscribers.profile", subscriber_id=person.id)
    return Markup('<a href="{}">{}</a>').format(url, person.name)
