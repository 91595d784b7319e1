"""Who stayed, who left, who came: counted between moments, for any definition of being there.

Not in charge of the definition (`presence`), nor of the arithmetic (`segments.kpi`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, FromClause, Select, Subquery, and_, func, select

from app.audiences.models import LASTS, Membership
from app.reports.periods import place
from app.reports.presence import Stretches
from app.reports.rows import Rows
from segments import kpi


@dataclass(frozen=True, slots=True)
class Retention:
    """Between two moments: `start` people were there at the first (S), `end` at the second (E), `new` of those not at
    the first (N): `first_time` never before, `returned` some time ago. `retention` is ((E − N) / S) · 100 and `churn`
    (lost / S) · 100, both in percent, None where S = 0.
    """

    start: int
    end: int
    new: int
    first_time: int
    returned: int
    lost: int
    retention: float | None
    churn: float | None


# People with one way of being there: present at the moments from `first_at` to `last_at` (numbers), before that until
# `was_until` (None: not at any of the moments), and for the first time ever at `began_at`.
Way = tuple[int, int, int | None, int]


def retention_between(rows: Rows, there: Stretches, moments: Sequence[datetime]) -> list[Retention]:
    """One Retention for each pair of neighbours among the moments, in one statement."""
    found = rows.execute(people_of(ways_of(there, moments)))
    people = {(first, last, until, began): number for first, last, until, began, number in found}
    return retentions(people, len(moments))


def retention_by_segment(rows: Rows, there: Stretches, moments: Sequence[datetime]) -> dict[int, list[Retention]]:
    """The same for the people that each segment has today, all segments in one statement."""
    ways = ways_of(there, moments)
    member = and_(Membership.subscriber_id == ways.c.subscriber_id, Membership.left_at == LASTS)
    groups = (Membership.segment_id, *_columns(ways))
    counted: Executable = select(*groups, func.count()).select_from(ways).join(Membership, member).group_by(*groups)
    people: dict[int, dict[Way, int]] = defaultdict(dict)
    for segment_id, first, last, until, began, number in rows.execute(counted):
        people[segment_id][first, last, until, began] = number
    return {segment_id: retentions(each, len(moments)) for segment_id, each in people.items()}


def ways_of(there: Stretches, moments: Sequence[datetime]) -> Subquery:
    """A row for each stretch that meets any of the moments.

    Stretches are not multiplied by the moments they meet: there are few ways of being there, and many people.
    """
    stretch = there.subquery("stretch")
    ranges = select(
        stretch.c.subscriber_id,
        place(stretch.c.since, moments).label("first_at"),
        (place(stretch.c.until, moments) - 1).label("last_at"),
        place(stretch.c.first, moments).label("began_at"),
    ).subquery("range")
    earlier = func.lag(ranges.c.last_at).over(partition_by=ranges.c.subscriber_id, order_by=ranges.c.first_at)
    meets = ranges.c.first_at <= ranges.c.last_at
    return select(ranges, earlier.label("was_until")).where(meets).subquery("way")


def people_of(ways: FromClause) -> Select[int, int, int | None, int, int]:
    """SELECT each way, and how many people went it."""
    return select(*_columns(ways), func.count()).group_by(*_columns(ways))


def _columns(ways: FromClause) -> tuple[Any, ...]:
    return tuple(ways.c[name] for name in ("first_at", "last_at", "was_until", "began_at"))


def retentions(people: Mapping[Way, int], moments: int) -> list[Retention]:
    """One Retention for each pair of neighbours among so many moments."""
    there, stayed, first_time = ([0] * moments for _ in range(3))
    for (first, last, until, began), number in people.items():
        for at in range(first, last + 1):
            there[at] += number
            stayed[at] += number if at > first or until == first - 1 else 0
            first_time[at] += number if at == began else 0
    return [_retention(there[at - 1], there[at], stayed[at], first_time[at]) for at in range(1, moments)]


def _retention(start: int, end: int, stayed: int, first_time: int) -> Retention:
    new, lost = end - stayed, start - stayed
    return Retention(
        start=start,
        end=end,
        new=new,
        first_time=first_time,
        returned=new - first_time,
        lost=lost,
        retention=kpi.retention(start, end, new),
        churn=kpi.churn(start, lost),
    )
