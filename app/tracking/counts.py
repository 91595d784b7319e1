"""What opens and clicks do to a person's counts and to the ledger: only those of readers (DESIGN 5.7).

In charge of: Standing.opens, clicks, last_opened_at, last_clicked_at and Delivery.opened_at, clicked_at (the first). A
batch is added up in Python first, so that each row is written once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, or_, type_coerce
from sqlalchemy.orm import Session

from app.bulk import update_rows
from app.delivery.models import Delivery
from app.events.models import Event
from app.subscribers.models import Standing
from app.tally import Tally
from app.tracking.kinds import CLICKED, OPENED

_KINDS = {OPENED.code: ("opens", "opened"), CLICKED.code: ("clicks", "clicked")}
_NOTHING: dict[str, int | None] = {"opens": 0, "clicks": 0, "opened": None, "clicked": None}


def count_readers(session: Session, events: Sequence[Event]) -> Tally:
    """Take a batch of new events into the ledger, and say what it adds to people."""
    people: dict[int, dict[str, int | None]] = {}
    mails: dict[tuple[int, int], dict[str, int | None]] = {}
    for event in events:
        if event.kind not in _KINDS or event.verdict is None or not event.verdict.is_reader:
            continue
        (number, moment), person = _KINDS[event.kind], event.subscriber_id
        at, own = int(event.occurred_at.timestamp()), people.get(person)
        if own is None:
            own = people[person] = dict(_NOTHING)
        own[number] = (own[number] or 0) + 1
        own[moment] = max(own[moment] or at, at)
        if event.campaign_id is not None:
            none = {"campaign_id": event.campaign_id, "subscriber_id": person, "opened": None, "clicked": None}
            mail = mails.setdefault((event.campaign_id, person), none)
            mail[moment] = min(mail[moment] or at, at)
    update_rows(session, Delivery, ["campaign_id", "subscriber_id"], _first, [*mails.values()], _is_first)
    return Tally(Standing, "subscriber_id", people, _NOTHING, _more)


def _more(new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "opens": Standing.opens + new["opens"],
        "clicks": Standing.clicks + new["clicks"],
        "last_opened_at": _later(Standing.last_opened_at, new["opened"]),
        "last_clicked_at": _later(Standing.last_clicked_at, new["clicked"]),
    }


def _first(new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "opened_at": _earlier(Delivery.opened_at, new["opened"]),
        "clicked_at": _earlier(Delivery.clicked_at, new["clicked"]),
    }


def _is_first(new: Mapping[str, Any]) -> ColumnElement[bool]:
    """Most mails that are looked at again are in the ledger already: a row that stays what it is costs no page."""
    return or_(_precedes(new["opened"], Delivery.opened_at), _precedes(new["clicked"], Delivery.clicked_at))


def _precedes(new: Any, old: Any) -> ColumnElement[bool]:
    old = type_coerce(old, BigInteger)
    return and_(new.is_not(None), or_(old.is_(None), new < old))


def _later(old: Any, new: Any) -> ColumnElement[Any]:
    old = type_coerce(old, BigInteger)
    return case((old.is_(None), new), (new > old, new), else_=old)


def _earlier(old: Any, new: Any) -> ColumnElement[Any]:
    old = type_coerce(old, BigInteger)
    return case((old.is_(None), new), (new < old, new), else_=old)
