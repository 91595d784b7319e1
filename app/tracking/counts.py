"""What opens and clicks do to a person's counts and to the ledger: only those of readers (DESIGN 5.7).

In charge of: Standing.opens, clicks, last_opened_at, last_clicked_at and Delivery.opened_at, clicked_at (the first). A
batch is added up in Python first, so that each row is written once.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, or_, type_coerce
from sqlalchemy.orm import Session

from app.changes import update_rows
from app.delivery.models import Delivery
from app.events.batch import NewEvents
from app.events.models import READERS
from app.subscribers.models import Standing
from app.tally import Tally
from app.tracking.kinds import CLICKED, OPENED

_OPENED, _CLICKED = OPENED.code, CLICKED.code
_NAMES = ("opens", "clicks", "opened", "clicked")
_NOTHING = (0, 0, None, None)


def count_readers(session: Session, events: NewEvents) -> Tally:
    """Take a batch of new events into the ledger, and say what it adds to people."""
    people: dict[int, list[int | None]] = {}
    mails: dict[tuple[int, int], list[int | None]] = {}
    if not events.kinds.isdisjoint((_OPENED, _CLICKED)):
        _add_up(events, people, mails)
    first = [(*mail, *own) for mail, own in mails.items()]
    update_rows(session, Delivery, ("campaign_id", "subscriber_id", *_NAMES[2:]), _first, first, _is_first, keys=2)
    return Tally(Standing, "subscriber_id", _NAMES, people, _NOTHING, _more)


def _add_up(
    events: NewEvents, people: dict[int, list[int | None]], mails: dict[tuple[int, int], list[int | None]]
) -> None:
    hits = zip(events.kind, events.subscriber_id, events.campaign_id, events.occurred_at, events.verdict, strict=True)
    for kind, person, campaign, at, verdict in hits:
        if verdict not in READERS or kind not in (_OPENED, _CLICKED):
            continue
        is_click, own = kind == _CLICKED, people.get(person)
        if own is None:
            own = people[person] = list(_NOTHING)
        own[is_click] += 1  # type: ignore[operator]
        last = own[2 + is_click]
        if last is None or at > last:
            own[2 + is_click] = at
        if campaign is not None:
            mail = mails.get((campaign, person))
            if mail is None:
                mail = mails[campaign, person] = [None, None]
            first = mail[is_click]
            if first is None or at < first:
                mail[is_click] = at


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
