"""What happened to one person, in one line of time.

In charge of: putting events of all kinds together with what other features keep elsewhere (`Feature.timeline`), and
with what they know about events (`Feature.captions`). Not of: what the other features say.
"""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.organisation import amount
from app.events.models import Event, Verdict
from app.feature import EventKind, Measure, TimelineEntry, house
from app.i18n import language

FIRST = 30
# What of an event's data is for people.
_TOLD = ("form", "how", "tracking", "reason", "tier", "file")


def timeline(session: Session, subscriber_id: int, limit: int = FIRST) -> tuple[list[TimelineEntry], bool]:
    """The newest `limit` entries, and whether there are older ones."""
    newest = select(Event).where(Event.subscriber_id == subscriber_id)
    newest = newest.order_by(Event.occurred_at.desc(), Event.id.desc()).limit(limit + 1)
    entries = _of_events(session, session.scalars(newest).all())
    for feature in house().features:
        if feature.timeline:
            entries.extend(feature.timeline(session, subscriber_id, limit + 1))
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries[:limit], len(entries) > limit


def _of_events(session: Session, events: Sequence[Event]) -> list[TimelineEntry]:
    captions: dict[int, str] = {}
    for feature in house().features:
        if feature.captions and events:
            captions.update(feature.captions(session, events))
    return [_entry(event, captions.get(event.id, "")) for event in events]


def _entry(event: Event, caption: str) -> TimelineEntry:
    kind = house().kind_of(event.kind)
    return TimelineEntry(
        at=event.occurred_at,
        title=kind.label(language()) if kind else _("Something of a feature that was taken out"),
        icon=kind.icon if kind else "point",
        text=" · ".join(filter(None, (caption, _details(event, kind)))),
        note=_who(event.verdict),
    )


def _details(event: Event, kind: EventKind | None) -> str:
    if event.value is not None and kind and kind.measure is Measure.MONEY:
        return amount(event.value)
    data = event.data or {}
    return ", ".join(str(data[name]) for name in _TOLD if data.get(name))


def _who(verdict: Verdict | None) -> str:
    match verdict:
        case Verdict.PREFETCH | Verdict.SCANNER:
            return str(_("machine"))
        case Verdict.UNKNOWN:
            return str(_("perhaps a machine"))
        case Verdict.PROXY:
            return str(_("by way of a proxy"))
    return ""
