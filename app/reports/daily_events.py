"""What new events add to the daily rows: opens, clicks, readers, purchases and revenue of each segment and day.

In charge of which rows an event belongs to (of those segments that its person was in when it happened), and of who is
counted once a day. Not of: writing the rows, nor of sizes (`daily.py`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, Select, and_, false, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from app.audiences.models import Membership
from app.events.models import Event
from app.reports.models import EVERYBODY
from app.reports.periods import EPOCH, chosen, day_number, place_number, seconds
from app.reports.presence import READERS, bought, clicked
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED, OPENED
from segments.calendar import start_of

DID = ("opens", "clicks", "uniques", "purchases", "revenue")
_Earlier = aliased(Event)
_Then = aliased(Membership)
_KINDS = (OPENED.code, CLICKED.code, PURCHASED.code)


def starts_of_days(first: int, last: int, zone: ZoneInfo) -> dict[int, int]:
    """The second at which each day begins, by its number, and that of the day after the last."""
    days = (EPOCH + timedelta(days=number) for number in range(first, last + 2))
    return {day_number(day): int(start_of(day, zone).timestamp()) for day in days}


def what_was_done(session: Session, after: int, upto: int, zone: ZoneInfo) -> list[dict[str, int]]:
    """What the events with ids in (after, upto] add to the rows of their days: `segment_id`, `day` and `DID`."""
    new = (Event.id > after, Event.id <= upto, Event.kind.in_(_KINDS))
    bounds = session.execute(select(func.min(Event.occurred_at), func.max(Event.occurred_at)).where(*new)).one()
    first, last = (day_number(each.astimezone(zone).date()) if each else None for each in bounds)
    if first is None or last is None:
        return []
    event = _events(new, after, starts_of_days(first, last, zone))
    there = select(Membership.segment_id, event.c.day, *_figures(event, ~_was_counted_there(event, after)))
    there = there.join_from(event, Membership, _was_in(Membership, event.c))
    of_all = select(literal(EVERYBODY), event.c.day, *_figures(event, false()))
    counted = union_all(there.group_by(Membership.segment_id, event.c.day), of_all.group_by(event.c.day))
    return [
        {"segment_id": segment, "day": day, **dict(zip(DID, (int(each) for each in figures), strict=True))}
        for segment, day, *figures in map(tuple, session.execute(counted))
    ]


def _events(new: Sequence[ColumnElement[bool]], after: int, days: dict[int, int]) -> CTE:
    """The new events with their days, and whether an earlier build has counted a read of that person and day
    (`is_again`): worked out once for each, in however many segments she is."""
    starts = list(days.values())
    begins, ends = (chosen(seconds(Event.occurred_at), starts[1:-1], each) for each in (starts[:-1], starts[1:]))
    opened = and_(Event.kind == OPENED.code, Event.verdict.in_(READERS))
    is_read = or_(opened, clicked())
    again = and_(is_read, _earlier(Event.subscriber_id, begins, ends, after).exists()) if after else false()
    columns: dict[str, ColumnElement[Any]] = {
        "day": place_number(seconds(Event.occurred_at), starts) + (min(days) - 1),
        "begins": begins,
        "ends": ends,
        "is_opened": opened,
        "is_clicked": clicked(),
        "is_read": is_read,
        "is_again": again,
        "is_bought": bought(),
        "is_paid": Event.kind == PURCHASED.code,
    }
    named = (column.label(name) for name, column in columns.items())
    found = select(Event.subscriber_id, Event.occurred_at, Event.value, *named).where(*new)
    return found.cte("happened").prefix_with("MATERIALIZED")


def _earlier(person: Any, begins: ColumnElement[int], ends: ColumnElement[int], after: int) -> Select[int]:
    """What somebody read in a time, of what earlier builds have seen."""
    return select(_Earlier.id).where(
        _Earlier.subscriber_id == person,
        _Earlier.kind.in_((OPENED.code, CLICKED.code)),
        _Earlier.verdict.in_(READERS),
        seconds(_Earlier.occurred_at).between(begins, ends - 1),
        _Earlier.id <= after,
    )


def _was_counted_there(event: CTE, after: int) -> ColumnElement[bool]:
    """Whether she was in the same segment when she read earlier that day."""
    earlier = _earlier(event.c.subscriber_id, event.c.begins, event.c.ends, after)
    # Plus nothing: or SQLite looks by segment and time of leaving, which is most of the segment, not by person.
    there = and_(_Then.segment_id + 0 == Membership.segment_id, _was_in(_Then, _Earlier))
    return earlier.join_from(_Earlier, _Then, there).exists()


def _was_in(membership: Any, event: Any) -> ColumnElement[bool]:
    return and_(
        membership.subscriber_id == event.subscriber_id,
        membership.joined_at <= event.occurred_at,
        membership.left_at > event.occurred_at,
    )


def _figures(event: CTE, or_new: ColumnElement[bool]) -> list[Any]:
    """`DID` of some events; who read earlier that day counts only where `or_new` holds."""
    return [
        func.count().filter(event.c.is_opened),
        func.count().filter(event.c.is_clicked),
        func.count(event.c.subscriber_id.distinct()).filter(event.c.is_read & (~event.c.is_again | or_new)),
        func.count().filter(event.c.is_bought),
        func.coalesce(func.sum(event.c.value).filter(event.c.is_paid), 0),
    ]
