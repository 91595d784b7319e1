"""Writing down what happened: the one way an Event comes into being.

Each batch is inserted once (rows whose key is known already are left out) and then shown to every feature, in the same
transaction, in the order of FEATURES: so counts, scores and memberships are never apart from the events they stand on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.events.models import Event, Verdict
from app.feature import EventKind, house

_COLUMNS = ("kind", "subscriber_id", "occurred_at", "campaign_id", "link", "value", "verdict", "key", "data")


def happening(
    kind: EventKind,
    subscriber_id: int,
    occurred_at: datetime,
    *,
    campaign_id: int | None = None,
    link: int | None = None,
    value: int | None = None,
    verdict: Verdict | None = None,
    key: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of an event, for `record`; `value` is money in minor units."""
    values = (kind.code, subscriber_id, occurred_at, campaign_id, link, value, verdict, key, data)
    return dict(zip(_COLUMNS, values, strict=True))


def record(session: Session, happenings: Iterable[dict[str, Any]]) -> Sequence[Event]:
    """Write these events, let every feature see the new ones, and return those."""
    rows = list(happenings)
    if not rows:
        return ()
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Event)
    known = {"index_elements": ["key"], "index_where": text("key IS NOT NULL")}
    events = session.scalars(insert.on_conflict_do_nothing(**known).returning(Event), rows).all()
    house().on_events(session, events)
    return events
