"""How many people a rule means now, how many of them another means too, and ten of them to look at."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.subscribers.models import Standing, Subscriber

SAMPLE = 10

Truth = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Overlap:
    """`size` people are meant, `other` by the other rule, `both` by both; the last two are None without another."""

    size: int
    other: int | None = None
    both: int | None = None


def count(session: Session, people: Truth) -> int:
    """How many; `people` is a condition of `reading.Reader`."""
    return session.scalar(select(func.count()).select_from(Standing).where(people)) or 0


def overlap(session: Session, people: Truth, other: Truth | None = None) -> Overlap:
    """How many, and how they lie to those of another rule, in one scan."""
    if other is None:
        return Overlap(count(session, people))
    inside = select(people.label("mine"), other.label("theirs")).select_from(Standing).where(people | other).subquery()
    counted = select(inside.c.mine, inside.c.theirs, func.count()).group_by(inside.c.mine, inside.c.theirs)
    found = {(bool(mine), bool(theirs)): number for mine, theirs, number in session.execute(counted)}
    both, mine, theirs = (found.get(place, 0) for place in ((True, True), (True, False), (False, True)))
    return Overlap(both + mine, both + theirs, both)


def sample(session: Session, people: Truth, size: int = SAMPLE) -> list[Subscriber]:
    """The newest of them."""
    newest = select(Standing.subscriber_id).where(people).order_by(Standing.subscriber_id.desc()).limit(size)
    ids = session.scalars(newest).all()
    return list(session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id.desc())))
