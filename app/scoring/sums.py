"""All events of some people summed in one statement: what their stored scores must be.

The sum is of integers, so it is the same as adding event by event (`apply.py`): SQL multiplies with Python's factors
(`factors.py`). In charge of reading; `rebuild.py` writes.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, literal, select, type_coerce, union_all
from sqlalchemy.orm import Session

from app.events.models import Event
from app.scoring.counted import counted, uncapped_matches, uncapped_worth
from app.scoring.factors import Factors
from app.scoring.points import Points, Rule
from segments.score import SECONDS_PER_DAY


def sums(session: Session, points: Points, *among: ColumnElement[bool]) -> "Select[int, int]":
    """SELECT subscriber_id and total, for those who have any event that counts.

    `among` limits the events; it must take in or leave out people as a whole.
    """
    factors = Factors(session, points.decay)
    parts = [_plain(points, factors, among)] if points.uncapped() else []
    parts += [_capped(rule, factors, among) for rule in points.rules if rule.is_capped]
    if not parts:
        return select(Event.subscriber_id, literal(0, BigInteger).label("total")).where(literal(1) == 0)
    if len(parts) == 1:
        return parts[0]
    each = union_all(*parts).subquery()
    return select(each.c.subscriber_id, _total(each.c.total)).group_by(each.c.subscriber_id)


def _plain(points: Points, factors: Factors, among: Sequence[ColumnElement[bool]]) -> "Select[int, int]":
    passed = type_coerce(Event.occurred_at, BigInteger) - factors.first * SECONDS_PER_DAY
    summed = _total(uncapped_worth(points) * factors.after(passed // SECONDS_PER_DAY))
    found = select(Event.subscriber_id.label("subscriber_id"), summed)
    return found.where(uncapped_matches(points), passed >= 0, *among).group_by(Event.subscriber_id)


def _capped(rule: Rule, factors: Factors, among: Sequence[ColumnElement[bool]]) -> "Select[int, int]":
    each = counted(rule, *among).subquery()
    passed = each.c.day - factors.first
    summed = _total(each.c.worth * factors.after(passed))
    return select(each.c.subscriber_id, summed).where(passed >= 0).group_by(each.c.subscriber_id)


def _total(each: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(each), BigInteger).label("total")
