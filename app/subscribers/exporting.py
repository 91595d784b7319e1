"""All that is kept of one person, as JSON (Art. 15 and 20 GDPR, TRUST L11).

The schema is asked which tables hold rows of subscribers, so that a new table is in the export from its first day.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import house
from app.outbox.models import Letter
from app.subscribers.consent import proof_sheet
from app.subscribers.models import Subscriber
from app.subscribers.purging import tables_about_people


def export_person(session: Session, person: Subscriber, now: datetime) -> dict[str, Any]:
    """Her rows of every table, by table name, and the proofs of her consent."""
    rows: dict[str, list[dict[str, Any]]] = {"subscriber": [_row_of(session, person)]}
    for table, column in tables_about_people():
        found = session.execute(select(table).where(table.c[column] == person.id)).mappings()
        rows.setdefault(table.name, []).extend(_plain(row) for row in found)
    letters = select(Letter.__table__).where(Letter.recipient == person.email)
    rows["letter"] = [_plain(row) for row in session.execute(letters).mappings()]
    for event in rows.get(Event.__tablename__, ()):
        kind = house().kind_of(event["kind"])
        event["kind"] = kind.name if kind else event["kind"]
    return {"exported_at": now.isoformat(), "consent": proof_sheet(session, person)["records"], "tables": rows}


def _row_of(session: Session, person: Subscriber) -> dict[str, Any]:
    table = Subscriber.__table__
    return _plain(session.execute(select(table).where(table.c.id == person.id)).mappings().one())


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Enum():
            return value.value
    return value
