"""What opens and clicks do to a person's counts and to the ledger: only those of readers (DESIGN 5.7).

In charge of: Standing.opens, clicks, last_opened_at, last_clicked_at and Delivery.opened_at, clicked_at (the first).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, or_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.delivery.models import Delivery
from app.events.models import Event
from app.feature import EventKind
from app.subscribers.models import Standing
from app.tracking.kinds import CLICKED, OPENED

_Column = InstrumentedAttribute[Any]


def count_readers(session: Session, events: Sequence[Event]) -> None:
    """Take a batch of new events into the counts."""
    _count(session, _of(events, OPENED), Standing.opens, Standing.last_opened_at, Delivery.opened_at)
    _count(session, _of(events, CLICKED), Standing.clicks, Standing.last_clicked_at, Delivery.clicked_at)


def _of(events: Sequence[Event], kind: EventKind) -> list[Event]:
    return [event for event in events if event.kind == kind.code and event.verdict and event.verdict.is_reader]


def _count(session: Session, events: Sequence[Event], number: _Column, last: _Column, first: _Column) -> None:
    moments: dict[int, list[datetime]] = defaultdict(list)
    mails: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for event in events:
        moments[event.subscriber_id].append(event.occurred_at)
        if event.campaign_id is not None:
            mails[event.campaign_id, event.subscriber_id].append(event.occurred_at)
    people = [{"person": person, "more": len(at), "at": max(at)} for person, at in sorted(moments.items())]
    firsts = [
        {"campaign": campaign, "person": person, "at": min(at)} for (campaign, person), at in sorted(mails.items())
    ]
    _execute(session, _more(number, last), people)
    _execute(session, _earlier(first), firsts)


def _more(number: _Column, last: _Column) -> Any:
    at = bindparam("at", type_=last.type)
    later = case((or_(last.is_(None), last < at), at), else_=last)
    changed = {number.key: number + bindparam("more"), last.key: later}
    return update(Standing.__table__).where(Standing.subscriber_id == bindparam("person")).values(changed)  # type: ignore[arg-type]


def _earlier(first: _Column) -> Any:
    at = bindparam("at", type_=first.type)
    mail = (Delivery.campaign_id == bindparam("campaign"), Delivery.subscriber_id == bindparam("person"))
    return update(Delivery.__table__).where(*mail, or_(first.is_(None), first > at)).values({first.key: at})  # type: ignore[arg-type]


def _execute(session: Session, statement: Any, rows: list[dict[str, Any]]) -> None:
    """One statement for all rows of the batch: the driver sends them together."""
    if rows:
        session.connection().execute(statement, rows)
