"""Writing down what happened: the one way an Event comes into being.

Each batch is inserted once (rows whose key is known already are left out) and then shown to every feature, in the same
transaction, in the order of FEATURES: so counts, scores and memberships are never apart from the events they stand on.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.bulk import Column, Columns, Every, all_of, insert_stored, next_ids, stored
from app.db import seconds
from app.events.batch import NewEvents
from app.events.models import PLACES, Event, Verdict
from app.feature import EventKind, house
from app.tally import Tally

# In the order of `happening`, behind the id.
_COLUMNS = ("id", "kind", "subscriber_id", "occurred_at", "campaign_id", "link", "value", "verdict", "key", "data")
_SEEN = ("id", "kind", "subscriber_id", "occurred_at", "campaign_id", "value", "verdict")
_KEY = _COLUMNS.index("key")
_KNOWN = text("SELECT key FROM event WHERE key IN (SELECT value FROM json_each(:keys))")
# Another transaction may be writing the same key: it is waited for, and then it has won.
_INSERT_KEYED = text("""
    INSERT INTO event (id, kind, subscriber_id, occurred_at, campaign_id, link, value, verdict, key, data)
    SELECT id, kind, subscriber_id, occurred_at, campaign_id, link, value, verdict, key, CAST(data AS jsonb)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id bigint, kind smallint, subscriber_id bigint,
        occurred_at bigint, campaign_id bigint, link smallint, value bigint, verdict smallint, key varchar, data text)
    ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING RETURNING id""")

# What the database keeps of an event, its id aside.
EventRow = tuple[Any, ...]


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
) -> EventRow:
    """The row of an event, for `record`; `value` is what the kind's `measure` says."""
    second, place = seconds(occurred_at), None if verdict is None else PLACES[verdict]
    said = None if data is None else json.dumps(data)
    return kind.code, subscriber_id, second, campaign_id, link, value, place, key, said


def record(session: Session, happenings: Iterable[EventRow]) -> None:
    """Write these events, and let every feature see the new ones."""
    given = list(happenings)
    if not given:
        return
    rows = [(number, *row) for number, row in zip(next_ids(session, Event, len(given)), given, strict=True)]
    new = [row for row in rows if row[_KEY] is None]
    keyed = [row for row in rows if row[_KEY] is not None]
    if keyed and session.get_bind().dialect.name == "postgresql":
        documents = [dict(zip(_COLUMNS, row, strict=True)) for row in keyed]
        written = set(session.scalars(_INSERT_KEYED, {"rows": json.dumps(documents)}))
        _insert(session, new)
        new += [row for row in keyed if row[0] in written]
    else:
        new += _unknown(session, keyed) if keyed else []
        _insert(session, new)
    if new:
        _show(session, _as_columns(new), len(new))


def record_columns(session: Session, columns: Columns, count: int, *more: Tally) -> None:
    """Write `count` events of which none is known, as columns of what the database keeps; those left out are empty.

    `more` is what they add to people beside what features say.
    """
    if count:
        numbered = {"id": next_ids(session, Event, count), **columns}
        insert_stored(session, Event, numbered, count)
        _show(session, numbered, count, *more)


def record_for_all(session: Session, kind: EventKind, people: Sequence[int], **said: Column) -> None:
    """Write that this happened to each of these people, who are new or held; nothing of it is known yet.

    `said` are the other columns of an Event, as the model has them.
    """
    columns = {"kind": Every(kind.code), "subscriber_id": people, **said}
    record_columns(session, stored(session, Event, columns), len(people))


def _unknown(session: Session, keyed: Sequence[EventRow]) -> list[EventRow]:
    """Those with keys that are not there, each once; there is one writer on SQLite, so they will not be."""
    known = set(session.scalars(_KNOWN, {"keys": json.dumps([row[_KEY] for row in keyed])}))
    # Of several with one key the first counts.
    first = {row[_KEY]: row for row in reversed(keyed)}
    return [row for row in keyed if row[_KEY] not in known and row is first[row[_KEY]]]


def _insert(session: Session, rows: Sequence[EventRow]) -> None:
    if rows:
        insert_stored(session, Event, _as_columns(rows), len(rows))


def _as_columns(rows: Sequence[EventRow]) -> Columns:
    return dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))


def _show(session: Session, columns: Columns, count: int, *more: Tally) -> None:
    whole = (all_of(columns.get(name, Every(None)), count) for name in _SEEN)
    house().on_events(session, NewEvents(*whole), *more)
