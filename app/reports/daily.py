"""A row for each segment and day: what its people did while they were in it, and how many there were.

Built from where the last build ended: events by their id, so that one that arrives late still goes to the day on which
it happened; sizes from the membership intervals of the days that have passed since. Segment 0 is everybody. In charge
of building; `daily_events` counts what events add, `history` reads.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.models import LASTS, Membership, Segment
from app.events.models import Event
from app.reports.daily_events import DID, starts_of_days, what_was_done
from app.reports.models import EVERYBODY, DailyState, SegmentDaily
from app.reports.periods import day_number, place_number, seconds
from app.subscribers.models import Standing, Status

_Tally = defaultdict[int, defaultdict[int, int]]


@dataclass(frozen=True, slots=True)
class Built:
    """What a count found: `did` is added to the rows, `sizes` replace what stands there; `was` is the state it stood on
    (None: anew), `state` the one that follows."""

    was: int | None
    is_anew: bool
    did: list[dict[str, int]]
    sizes: list[dict[str, int]]
    state: dict[str, Any]


def build(session: Session, now: datetime) -> bool:
    """Bring the rows up to now. The day that is running is built as far as it has come."""
    return write(session, count(session, now))


def count(session: Session, now: datetime) -> Built:
    """Count what the rows lack: the long part, which writes nothing."""
    zone, newest = time_zone(session), session.scalar(select(func.max(Event.id))) or 0
    state, today = session.get(DailyState, 1), day_number(now.astimezone(zone).date())
    is_anew = state is None or state.time_zone != zone.key or state.event_id > newest
    after = 0 if is_anew or state is None else state.event_id
    open_day = _first_day(session, zone, today) if is_anew or state is None else state.open_day
    days = starts_of_days(open_day, today, zone)
    return Built(
        was=state.event_id if state else None,
        is_anew=is_anew,
        did=what_was_done(session, after, newest, zone),
        sizes=_sizes(session, days, now, {} if is_anew else _size_on(session, open_day - 1)),
        state={"event_id": newest, "open_day": today, "time_zone": zone.key, "built_at": now},
    )


def write(session: Session, built: Built) -> bool:
    """Write what was counted; False if another build has written since."""
    state = session.get(DailyState, 1, with_for_update=True, populate_existing=True)
    if (state.event_id if state else None) != built.was:
        return False
    if built.is_anew:
        session.execute(delete(SegmentDaily))
    _upsert(session, built.did, {name: SegmentDaily.__table__.c[name] for name in DID})
    _upsert(session, built.sizes, {})
    session.merge(DailyState(id=1, **built.state))
    return True


def forget(session: Session) -> None:
    """Let the next build begin anew: after memberships were changed backwards, or events taken away."""
    session.execute(delete(SegmentDaily))
    session.execute(delete(DailyState))


def _first_day(session: Session, zone: ZoneInfo, today: int) -> int:
    """The day of the first membership or sign-up."""
    firsts = (session.scalar(select(func.min(each))) for each in (Membership.joined_at, Standing.created_at))
    return min((day_number(each.astimezone(zone).date()) for each in firsts if each), default=today)


def _size_on(session: Session, day: int) -> dict[int, int]:
    """The size of each segment at the end of a day that was built."""
    found = session.execute(select(SegmentDaily.segment_id, SegmentDaily.size).where(SegmentDaily.day == day))
    return {segment: size for segment, size in found}  # noqa: C416


def _sizes(session: Session, days: dict[int, int], now: datetime, before: dict[int, int]) -> list[dict[str, int]]:
    """Sizes, joined and left of each of these days, in the place of what stands there; so many were in `before`."""
    *numbers, _after_last = days
    ends = {number: min(days[number + 1], int(now.timestamp()) + 1) for number in numbers}
    came, went = _flows(session, [days[numbers[0]], *ends.values()])
    # Somebody who confirms late has joined on a day that was built: everybody is counted from the beginning.
    before = {**before, EVERYBODY: came[EVERYBODY][0] - went[EVERYBODY][0]}
    rows = []
    for segment in {*before, *came, *went}:
        size = before.get(segment, 0)
        for at, number in enumerate(numbers, 1):
            joined, left = came[segment][at], went[segment][at]
            size += joined - left
            rows.append({"segment_id": segment, "day": number, "size": size, "joined": joined, "left": left})
    return rows


def _flows(session: Session, borders: Sequence[int]) -> tuple[_Tally, _Tally]:
    """Who joined and who left each segment between these borders; of everybody, before the first one too (0)."""
    came: _Tally = defaultdict(lambda: defaultdict(int))
    went: _Tally = defaultdict(lambda: defaultdict(int))
    # Who had left before can have joined no later; by segment and time of leaving the rows are in order.
    segments = session.scalars(select(Segment.id)).all()
    since = (Membership.segment_id.in_(segments), seconds(Membership.left_at) >= borders[0])
    _count(
        session,
        came,
        Membership.segment_id,
        Membership.joined_at,
        borders,
        *since,
        seconds(Membership.joined_at) >= borders[0],
    )
    _count(session, went, Membership.segment_id, Membership.left_at, borders, *since, Membership.left_at < LASTS)
    _everybody(session, came[EVERYBODY], went[EVERYBODY], borders)
    return came, went


def _everybody(
    session: Session, came: defaultdict[int, int], went: defaultdict[int, int], borders: Sequence[int]
) -> None:
    """Sign-ups and ends. Those of before are counted apart: put into order with the others, all had to be sorted."""
    known = Standing.status != Status.PENDING
    began, ended = (seconds(column) for column in (Standing.created_at, Standing.ended_at))
    before = select(*(func.count().filter(column < borders[0]) for column in (began, ended)))
    came[0], went[0] = tuple(session.execute(before.where(known)).one())
    places = (place_number(began, borders).label("began"), place_number(ended, borders).label("ended"))
    late = select(*places, func.count()).where(known, or_(began >= borders[0], ended >= borders[0]))
    for came_at, went_at, number in session.execute(late.group_by("began", "ended")):
        came[came_at] += number if came_at else 0
        went[went_at] += number if went_at else 0


def _count(session: Session, tally: _Tally, group: Any, column: Any, borders: Sequence[int], *which: Any) -> None:
    at = place_number(seconds(column), borders)
    counted = select(group.label("of"), at.label("at"), func.count()).where(*which).group_by("of", "at")
    for segment, where, number in session.execute(counted):
        tally[segment][where] += number


def _upsert(session: Session, rows: Sequence[dict[str, int]], added: dict[str, Any]) -> None:
    """Insert rows; where one is there, add what is to be added and replace the rest."""
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    zeros = dict.fromkeys(("size", "joined", "left", *DID), 0)
    new = dialect.insert(SegmentDaily.__table__)
    changed = {
        name: added[name] + new.excluded[name] if name in added else new.excluded[name]
        for name in rows[0]
        if name not in {"segment_id", "day"}
    }
    statement = new.on_conflict_do_update(index_elements=["segment_id", "day"], set_=changed)
    session.connection().execute(statement, [zeros | row for row in rows])


def built_at(session: Session) -> datetime | None:
    """As of when the rows are."""
    state = session.get(DailyState, 1)
    return state.built_at.astimezone(UTC) if state else None


__all__ = ["EVERYBODY", "build", "built_at", "count", "day_number", "forget", "write"]
