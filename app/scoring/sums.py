"""All events of some people summed in one statement: what their stored scores must be.

The sum is of integers, so it is the same as adding event by event (`apply.py`). SQL multiplies with Python's factors,
which are sent along. In charge of reading; `rebuild.py` writes.
"""

import json
from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from app.events.models import Event
from app.scoring.counted import counted, uncapped_matches, uncapped_worth
from app.scoring.points import Points, Rule, day_sql
from segments.score import Decay, day_of

# In half-lives before the landmark.
FORGOTTEN = 22


def sums(session: Session, points: Points, *among: ColumnElement[bool]) -> "Select[int, int]":
    """SELECT subscriber_id and total, for those who have any event that counts.

    `among` limits the events; it must take in or leave out people as a whole.
    """
    factors = _Factors(session, points.decay, among)
    parts = [_plain(points, factors, among)] if points.uncapped() else []
    parts += [_capped(rule, factors, among) for rule in points.rules if rule.is_capped]
    if not parts:
        return select(Event.subscriber_id, literal(0, BigInteger).label("total")).where(literal(1) == 0)
    if len(parts) == 1:
        return parts[0]
    each = union_all(*parts).subquery()
    total = cast(func.sum(each.c.total), BigInteger).label("total")
    return select(each.c.subscriber_id, total).group_by(each.c.subscriber_id)


def _plain(points: Points, factors: "_Factors", among: Sequence[ColumnElement[bool]]) -> "Select[int, int]":
    total = cast(func.sum(uncapped_worth(points) * factors.table.c.factor), BigInteger).label("total")
    found = select(Event.subscriber_id.label("subscriber_id"), total)
    found = found.join(factors.table, factors.of(day_sql()))
    return found.where(uncapped_matches(points), *among).group_by(Event.subscriber_id)


def _capped(rule: Rule, factors: "_Factors", among: Sequence[ColumnElement[bool]]) -> "Select[int, int]":
    each = counted(rule, *among).subquery()
    total = cast(func.sum(each.c.worth * factors.table.c.factor), BigInteger).label("total")
    found = select(each.c.subscriber_id, total).join(factors.table, factors.of(each.c.day))
    return found.group_by(each.c.subscriber_id)


class _Factors:
    """day and factor of every day that has events, sent along as one value: SQL multiplies with Python's integers."""

    def __init__(self, session: Session, decay: Decay, among: Sequence[ColumnElement[bool]]) -> None:
        first, last = _days(session, among)
        self._last = decay.last_day if last > decay.last_day else None
        last = min(last, decay.last_day)
        # So many half-lives before the landmark, and earlier, the factor is 0 (segments.score).
        first = min(max(first, decay.landmark_day - FORGOTTEN * decay.half_life_days), last)
        self.table = _sent(session, first, [factor for _day, factor in decay.table(first, last)])

    def of(self, day: ColumnElement[int]) -> ColumnElement[bool]:
        """The condition that a row of the table is that of a day.

        An event too far in the future for the decay counts on its last day, as in `Points.contribution`; where there
        is none, none is asked.
        """
        return self.table.c.day == (day if self._last is None else case((day > self._last, self._last), else_=day))


def _sent(session: Session, first: int, values: Sequence[int]) -> CTE:
    if session.get_bind().dialect.name == "postgresql":
        given = func.unnest(cast(list(values), ARRAY(BigInteger))).table_valued("factor", with_ordinality="place")
        each = given.render_derived()
        days = select((each.c.place - 1 + literal(first, BigInteger)).label("day"), each.c.factor)
    else:
        each = func.json_each(json.dumps(list(values))).table_valued("key", "value")
        days = select((each.c.key + first).label("day"), each.c.value.label("factor"))
    # Read once, not for every event.
    return days.cte("decay").prefix_with("MATERIALIZED")


def _days(session: Session, among: Sequence[ColumnElement[bool]]) -> tuple[int, int]:
    """The first and the last day that has events."""
    seconds = type_coerce(Event.occurred_at, BigInteger)
    first, last = session.execute(select(func.min(seconds), func.max(seconds)).where(*among)).one()
    return day_of(first or 0), day_of(last or 0)
