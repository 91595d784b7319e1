"""The ladder of engagement: who stands on which rung at two moments, and who moved where between them.

The borders are those that marketers set; `segments.ladder` says what they mean, and this module says the same in SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.audiences.segment import find
from app.events.models import Event
from app.reports.definitions import Definitions, definitions
from app.reports.periods import DAY, seconds
from app.reports.presence import did_something
from app.reports.query import MovesQuery
from app.reports.rows import Rows
from app.reports.scope import People, Scope
from app.subscribers.models import Standing, Status
from segments.calendar import start_of
from segments.ladder import Rung

# Whoever had not come yet stands on no rung.
_NOT_YET = -1
_RUNGS = tuple(Rung)
# So many days, where nobody says from when on.
_SHOWN = 90


@dataclass(frozen=True, slots=True)
class Move:
    """So many people stood on `before` at the first moment (None: had not come yet) and on `after` at the second."""

    before: Rung | None
    after: Rung
    people: int


@dataclass(frozen=True, slots=True)
class Moves:
    """All moves between two moments, staying included."""

    segment_id: int | None
    people_are: People
    meant: Definitions
    since: datetime
    until: datetime
    as_of: datetime
    moves: tuple[Move, ...]

    def on(self, rung: Rung) -> tuple[int, int]:
        """How many stood on a rung at the first and at the second moment."""
        before = sum(move.people for move in self.moves if move.before is rung)
        return before, sum(move.people for move in self.moves if move.after is rung)


def moves(session: Session, rows: Rows, query: MovesQuery, now: datetime) -> Moves:
    """The moves, in one statement; without dates, from the start of the day 90 days ago until now. NotFound."""
    if query.segment is not None:
        find(session, query.segment)
    zone = time_zone(session)
    until = min(start_of(query.until, zone), now) if query.until else now
    since = start_of(query.since or until.astimezone(zone).date() - timedelta(days=_SHOWN), zone)
    since = min(since, until)
    meant = definitions(session)
    moments = [int(since.timestamp()), int(until.timestamp())]
    found = rows.execute(_moved(query, meant, moments))
    counted = tuple(
        Move(None if before == _NOT_YET else _RUNGS[before], _RUNGS[after], int(people))
        for before, after, people in sorted(tuple(row) for row in found)
    )
    return Moves(query.segment, query.people, meant, since, until, now, counted)


def _moved(query: MovesQuery, meant: Definitions, moments: Sequence[int]) -> Select[*tuple[Any, ...]]:
    done_at = seconds(Event.occurred_at)
    lasts = [
        func.max(done_at).filter(done_at <= moment).label(name)
        for moment, name in zip(moments, ("first", "second"), strict=True)
    ]
    acts = select(Event.subscriber_id, *lasts).where(did_something(), done_at <= moments[1])
    done = acts.group_by(Event.subscriber_id).subquery("done")
    before, after = (
        _rung(meant, moment, last).label(name)
        for moment, last, name in zip(moments, (done.c.first, done.c.second), ("before", "after"), strict=True)
    )
    counted = (
        select(before, after, func.count())
        .select_from(Standing)
        .outerjoin(done, done.c.subscriber_id == Standing.subscriber_id)
        .where(Standing.status != Status.PENDING, seconds(Standing.created_at) <= moments[1])
        .group_by("before", "after")
    )
    scope = Scope(query.segment, as_it_was=query.people is People.THEN)
    return scope.of(counted, Standing.subscriber_id, literal(moments[0]))


def _rung(meant: Definitions, moment: int, last: Any) -> Any:
    """`segments.ladder.rung` in SQL: the place of the rung in the enumeration."""
    here = moment - seconds(Standing.created_at)
    silent = moment - seconds(last)
    quiet = func.coalesce(silent, here)
    ladder = meant.ladder
    place = {each: literal(at) for at, each in enumerate(_RUNGS)}
    return case(
        (here < 0, literal(_NOT_YET)),
        (seconds(Standing.ended_at) <= moment, place[Rung.LOST]),
        (silent < ladder.active * DAY, place[Rung.ACTIVE]),
        (and_(seconds(last).is_(None), here < ladder.new * DAY), place[Rung.NEW]),
        (quiet < ladder.cooling * DAY, place[Rung.COOLING]),
        (quiet < ladder.sleeping * DAY, place[Rung.SLEEPING]),
        else_=place[Rung.LOST],
    )
