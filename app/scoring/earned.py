"""Points that people earned in a time: what happened then, by the rules of today and before any decay.

In charge of the word that rules say it with; what an event is worth, and which of them a cap leaves out, is in
`points.py` and `counted.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal, select, type_coerce, union_all

from app.events.models import Event
from app.scoring.counted import counted, uncapped_matches, uncapped_worth
from app.scoring.points import Points, Rule
from app.subscribers.models import Standing
from segments.label import Label
from segments.score import SECONDS_PER_DAY, day_of
from segments.vocabulary import Field, FieldType, Group, Happening

Truth = ColumnElement[bool]
Test = Callable[[ColumnElement[Any]], Truth]


def earned_field(points: Points, name: str, label: Label, aliases: tuple[str, ...] = ()) -> Field:
    """“Points earned in a time”: hundredths of points, of either sign; nothing earned is 0."""

    def people(happening: Happening, test: Test) -> Truth:
        every = union_all(*_parts(points, happening)).subquery("earned")
        total = type_coerce(func.sum(every.c.worth), BigInteger)
        return Standing.subscriber_id.in_(
            select(every.c.subscriber_id).group_by(every.c.subscriber_id).having(test(total))
        )

    def of_person(happening: Happening) -> ColumnElement[Any]:
        sums = [_of_person(part) for part in _parts(points, happening)]
        return sum(sums[1:], start=sums[0])

    group = Group.SCORE_AND_TIER
    return Field(name, label, FieldType.TOTAL, people, group, aliases=aliases, shows=of_person)


def _of_person(part: "Select[int, int]") -> ColumnElement[Any]:
    each = part.subquery()
    mine = select(func.coalesce(func.sum(each.c.worth), 0)).where(each.c.subscriber_id == Standing.subscriber_id)
    return mine.correlate(Standing).scalar_subquery()


def _parts(points: Points, happening: Happening) -> "Sequence[Select[int, int]]":
    """SELECT subscriber_id and worth of each event that counts: of all rules without caps, then of each with one."""
    in_time = list(_in(happening))
    plain = select(Event.subscriber_id.label("subscriber_id"), uncapped_worth(points).label("worth"))
    parts = [plain.where(uncapped_matches(points), *in_time)] if points.uncapped() else []
    parts += [_capped(rule, happening, in_time) for rule in points.rules if rule.is_capped]
    nobody = select(Event.subscriber_id.label("subscriber_id"), literal(0).label("worth")).where(literal(1) == 0)
    return parts or [nobody]


def _capped(rule: Rule, happening: Happening, in_time: Sequence[Truth]) -> "Select[int, int]":
    """What came before the time may have used up the cap of its day or its mail."""
    among = list(_in(_whole_days(happening))) if rule.per_delivery is None else []
    each = counted(rule, *among).subquery()
    then = select(each.c.subscriber_id, each.c.worth).join(Event, Event.id == each.c.event_id)
    return then.where(*in_time)


def _whole_days(happening: Happening) -> Happening:
    since = happening.since
    if since is None:
        return Happening()
    midnight = day_of(int(since.timestamp())) * SECONDS_PER_DAY
    return Happening(since=since.fromtimestamp(midnight, since.tzinfo))


def _in(happening: Happening) -> Iterator[Truth]:
    if happening.since is not None:
        yield Event.occurred_at >= happening.since
    if happening.until is not None:
        yield Event.occurred_at < happening.until
