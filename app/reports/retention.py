"""Who stayed, who left, who came: counted between moments, for any definition of being there.

Not in charge of the definition (`presence`), nor of the arithmetic (`segments.kpi`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, and_, func, select
from sqlalchemy.orm import Session

from app.audiences.models import LASTS, Membership
from app.reports.periods import edge_table, seconds
from app.reports.presence import Stretches
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


NOBODY = (0, 0, 0)


def retention_between(session: Session, there: Stretches, moments: Sequence[datetime]) -> list[Retention]:
    """One Retention for each pair of neighbours among the moments, in one statement."""
    rows = session.execute(_counted(_stays(there, moments), ())).all()
    return _pairs({number: (end, stayed, first) for number, end, stayed, first in rows}, len(moments))


def retention_by_segment(session: Session, there: Stretches, moments: Sequence[datetime]) -> dict[int, list[Retention]]:
    """The same for the people that each segment has today, all segments in one statement."""
    stays = _stays(there, moments)
    member = and_(Membership.subscriber_id == stays.c.subscriber_id, Membership.left_at == LASTS)
    found: dict[int, dict[int, tuple[int, int, int]]] = {}
    rows = session.execute(_counted(stays, (Membership.segment_id,)).join(Membership, member))
    for segment_id, number, end, stayed, first in rows:
        found.setdefault(segment_id, {})[number] = (end, stayed, first)
    return {segment_id: _pairs(counts, len(moments)) for segment_id, counts in found.items()}


def _stays(there: Stretches, moments: Sequence[datetime]) -> Subquery:
    """A row for each person and each moment at which she is there, with the moment before at which she was."""
    stretch, edge = there.subquery("stretch"), edge_table(moments)
    meets = and_(edge.c.at > stretch.c.since, edge.c.at <= stretch.c.until)
    before = func.lag(edge.c.number).over(partition_by=stretch.c.subscriber_id, order_by=edge.c.number)
    return (
        select(stretch.c.subscriber_id, edge.c.number, edge.c.before, stretch.c.first, before.label("was_at"))
        .join(edge, meets)
        .subquery("stay")
    )


def _counted(stays: Subquery, groups: tuple[Any, ...]) -> Select[Any]:
    by = (*groups, stays.c.number)
    stayed = func.count().filter(stays.c.was_at == stays.c.number - 1)
    first_time = func.count().filter(seconds(stays.c.first) >= stays.c.before)
    return select(*by, func.count(), stayed, first_time).select_from(stays).group_by(*by)


def _pairs(counts: dict[int, tuple[int, int, int]], moments: int) -> list[Retention]:
    return [_retention(counts.get(number - 1, NOBODY)[0], *counts.get(number, NOBODY)) for number in range(1, moments)]


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
