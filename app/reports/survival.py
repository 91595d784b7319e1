"""How long people stay: a curve for everybody, for each source they came from, or for each segment.

Of everybody and of sources, a stay begins when somebody joins and ends when she leaves; of a segment, it is a time in
it. Who is still there is counted as long as she has been (censored). The estimate is `segments.survival`'s.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, null, select
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.audiences.segment import current_segments, find
from app.reports.periods import DAY, seconds
from app.reports.query import StaysOf, SurvivalQuery
from app.reports.rows import Rows
from app.reports.scope import SMALLEST_GROUP, Scope
from app.subscribers.models import Standing, Status, Subscriber
from segments.survival import Step, kaplan_meier, median, share_after

# So many curves can still be told apart.
CURVES = 6
EVERY = 30
_FOREVER = int(LASTS.timestamp())


@dataclass(frozen=True, slots=True)
class Point:
    """After so many days: who was still looked at, and the share still there with its 95 % interval, all in percent."""

    after: int
    at_risk: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """`name` is a source or a segment's name, None of everybody or of those without a source; `median` in days, None
    while more than half are there. A group that is too small has no points."""

    name: str | None
    segment_id: int | None
    stays: int
    ended: int
    median: int | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Survival:
    """The largest groups first; `others` is how many more there are."""

    of: StaysOf
    segment_id: int | None
    as_of: datetime
    curves: tuple[Curve, ...]
    others: int


def survival(session: Session, rows: Rows, query: SurvivalQuery, now: datetime) -> Survival:
    """The curves, in one statement; NotFound."""
    if query.segment is not None:
        find(session, query.segment)
    groups: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
    for group, days, ended, running in rows.execute(_stays(query, now)):
        groups[group].append((max(int(days), 0), int(ended), int(running)))
    names = {segment.id: segment.name for segment in current_segments(session)} if query.of is StaysOf.SEGMENT else {}
    chosen = {group: stays for group, stays in groups.items() if query.of is not StaysOf.SEGMENT or group in names}
    ordered = sorted(chosen.items(), key=lambda item: (-_size(item[1]), str(item[0])))
    curves = tuple(_curve(names.get(group, group), group, stays, query.of) for group, stays in ordered[:CURVES])
    return Survival(query.of, query.segment, now, curves, max(0, len(ordered) - CURVES))


def _stays(query: SurvivalQuery, now: datetime) -> Select[*tuple[Any, ...]]:
    until = literal(int(now.timestamp()))
    if query.of is StaysOf.SEGMENT:
        left = seconds(Membership.left_at)
        return _grouped(Membership.segment_id, seconds(Membership.joined_at), left, until).select_from(Membership)
    left = func.coalesce(seconds(Standing.ended_at), _FOREVER)
    group = func.coalesce(Subscriber.source, "") if query.of is StaysOf.SOURCE else null()
    stays = _grouped(group, seconds(Standing.created_at), left, until).select_from(Standing)
    if query.of is StaysOf.SOURCE:
        stays = stays.join(Subscriber, Subscriber.id == Standing.subscriber_id)
    return Scope(query.segment).of_today(stays.where(Standing.status != Status.PENDING), Standing.subscriber_id)


def _grouped(group: Any, since: Any, left: Any, now: Any) -> Select[*tuple[Any, ...]]:
    end = case((left < now, left), else_=now)
    counted = select(
        group.label("of"),
        ((end - since) // DAY).label("days"),
        func.count().filter(left <= now),
        func.count().filter(left > now),
    )
    return counted.where(since <= now).group_by("of", "days")


def _size(stays: Sequence[tuple[int, int, int]]) -> int:
    return sum(ended + running for _days, ended, running in stays)


def _curve(name: Any, group: Any, stays: Sequence[tuple[int, int, int]], of: StaysOf) -> Curve:
    size, ended = _size(stays), sum(each[1] for each in stays)
    steps = kaplan_meier(stays) if size >= SMALLEST_GROUP else []
    return Curve(
        name=str(name) if name else None,
        segment_id=group if of is StaysOf.SEGMENT else None,
        stays=size,
        ended=ended,
        median=median(steps),
        points=_points(steps, stays) if size >= SMALLEST_GROUP else (),
    )


def _points(steps: Sequence[Step], stays: Sequence[tuple[int, int, int]]) -> tuple[Point, ...]:
    """The curve at every thirtieth day, as far as anybody has been looked at."""
    found = []
    for day in range(0, max(days for days, _e, _r in stays) + 1, EVERY):
        at_risk = sum(ended + running for days, ended, running in stays if days >= day)
        step = share_after(steps, day)
        bounds = (step.survival, step.low, step.high) if step else (1.0, 1.0, 1.0)
        found.append(Point(day, at_risk, *(100 * each for each in bounds)))
    return tuple(found)
