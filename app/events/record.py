"""Writing down what happened: the one way an Event comes into being.

Each batch is inserted once (rows whose key is known already are left out) and then shown to every feature, in the same
transaction, in the order of FEATURES: so counts, scores and memberships are never apart from the events they stand on.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns, insert_rows, next_ids
from app.events.models import Event, Verdict
from app.feature import EventKind, house

_COLUMNS = ("kind", "subscriber_id", "occurred_at", "campaign_id", "link", "value", "verdict", "key", "data")
_VERDICTS: dict[Verdict | None, int | None] = {None: None} | {each: number for number, each in enumerate(Verdict)}


@dataclass(slots=True)
class _Happened:
    """An Event as features see it, without a session behind it: real ones take twenty times as long to make."""

    kind: int
    subscriber_id: int
    occurred_at: datetime
    campaign_id: int | None
    link: int | None
    value: int | None
    verdict: Verdict | None
    key: str | None
    data: Mapping[str, Any] | None
    id: int = 0

    def row(self) -> tuple[Any, ...]:
        """The values of _STORED."""
        first = (self.id, self.kind, self.subscriber_id, self.occurred_at, self.campaign_id, self.link, self.value)
        return (*first, self.verdict, self.key, self.data)


_STORED = ("id", *_COLUMNS)
_KNOWN = text("SELECT key FROM event WHERE key IN (SELECT value FROM json_each(:keys))")
# Another transaction may be writing the same key: it is waited for, and then it has won.
_INSERT_KEYED = text("""
    INSERT INTO event (id, kind, subscriber_id, occurred_at, campaign_id, link, value, verdict, key, data)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id bigint, kind smallint, subscriber_id bigint,
        occurred_at bigint, campaign_id bigint, link smallint, value bigint, verdict smallint, key varchar, data jsonb)
    ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING RETURNING id""")


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
    given = [_Happened(*row.values()) for row in happenings]
    if not given:
        return ()
    write = _write_on_postgresql if session.get_bind().dialect.name == "postgresql" else _write_on_sqlite
    events = cast("Sequence[Event]", write(session, given))
    house().on_events(session, events)
    return events


def record_for_all(session: Session, kind: EventKind, people: Sequence[int], **said: Sequence[Any] | Every) -> None:
    """Write that this happened to each of these people, who are new or held; nothing of it is known yet.

    `said` are the other columns of an Event, as the model has them.
    """
    ids = next_ids(session, Event, len(people)) if people else ()
    columns = {"kind": Every(kind.code), "subscriber_id": people, **said, "id": ids}
    insert_columns(session, Event, columns, len(people))
    seen = [columns.get(name, Every(None)) for name in (*_COLUMNS, "id")]
    rows = zip(*(repeat(each.value) if isinstance(each, Every) else each for each in seen), strict=False)
    events = [_Happened(*row) for row in rows]
    house().on_events(session, cast("Sequence[Event]", events))


def _write_on_sqlite(session: Session, given: Sequence[_Happened]) -> Sequence[_Happened]:
    """There is one writer at a time: what is not there now will not be there, and the next number is free."""
    keys = json.dumps([each.key for each in given if each.key])
    known = set(session.scalars(_KNOWN, {"keys": keys})) if keys != "[]" else set()
    new = []
    for each in given:
        if each.key is None or each.key not in known:
            known.add(each.key)
            new.append(each)
    for number, each in zip(next_ids(session, Event, len(new)), new, strict=True):
        each.id = number
    insert_rows(session, Event, _STORED, [each.row() for each in new])
    return new


def _write_on_postgresql(session: Session, given: Sequence[_Happened]) -> Sequence[_Happened]:
    for number, each in zip(next_ids(session, Event, len(given)), given, strict=True):
        each.id = number
    insert_rows(session, Event, _STORED, [each.row() for each in given if each.key is None])
    keyed = [dict(zip(_STORED, each.row(), strict=True)) for each in given if each.key]
    if not keyed:
        return given
    for row in keyed:
        row.update(occurred_at=int(row["occurred_at"].timestamp() // 1), verdict=_VERDICTS[row["verdict"]])
    written = set(session.scalars(_INSERT_KEYED, {"rows": json.dumps(keyed)}))
    return [each for each in given if each.key is None or each.id in written]
