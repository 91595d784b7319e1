"""How many people a rule means now, how many of them another means too, and ten of them to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.audiences.own_rows import only_of
from app.audiences.reading import side_by_side
from app.subscribers.models import Standing, Subscriber

SAMPLE = 10
# So many times the people are looked at that would have a sample's worth if they were spread evenly.
_SPARE = 5
# And so many times as many, where the newest are not like the others: who came lately has done little yet.
_FURTHER = 8

Truth = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Overlap:
    """`size` people are meant, `other` by the other rule, `both` by both; the last two are None without another."""

    size: int
    other: int | None = None
    both: int | None = None


def count(session: Session, people: Truth) -> int:
    """How many; `people` is a condition of `reading.Reader`, here as below best one over `side_by_side`."""
    return session.scalar(select(func.count()).select_from(side_by_side(people)).where(people)) or 0


def overlap(session: Session, people: Truth, other: Truth | None = None) -> Overlap:
    """How many, and how they lie to those of another rule, in one scan."""
    if other is None:
        return Overlap(count(session, people))
    both = side_by_side(people, other)
    inside = select(people.label("mine"), other.label("theirs")).select_from(both).where(people | other).subquery()
    counted = select(inside.c.mine, inside.c.theirs, func.count()).group_by(inside.c.mine, inside.c.theirs)
    found = {(bool(mine), bool(theirs)): number for mine, theirs, number in session.execute(counted)}
    shared, mine, theirs = (found.get(place, 0) for place in ((True, True), (True, False), (False, True)))
    return Overlap(shared + mine, shared + theirs, shared)


def sample(session: Session, people: Truth, found: int, size: int = SAMPLE) -> list[Subscriber]:
    """The newest of the `found` people whom the rule means.

    They are looked for among as many of the newest people as should have enough of them, then among more; only if those
    have not, among all: then the rule is asked of everybody a second time.
    """
    newest = session.scalar(select(func.max(Standing.subscriber_id))) or 0
    stretch = _SPARE * size * newest // max(found, 1)
    ids: Sequence[int] = ()
    while len(ids) < min(size, found):
        since = newest - stretch if stretch < newest // 4 else None
        ids = _newest(session, people, size, since)
        if since is None:
            break
        stretch *= _FURTHER
    return list(session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id.desc())))


def _newest(session: Session, people: Truth, size: int, since: int | None) -> Sequence[int]:
    wanted = select(Standing.subscriber_id).order_by(Standing.subscriber_id.desc()).limit(size)
    wanted = wanted.select_from(side_by_side(people))
    if since is None:
        return session.scalars(wanted.where(people)).all()
    late = only_of(people, lambda person: person > since)
    return session.scalars(wanted.where(Standing.subscriber_id > since, late)).all()
