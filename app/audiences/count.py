"""How many people a rule means now, and ten of them to look at."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.subscribers.models import Standing, Subscriber

SAMPLE = 10


def count(session: Session, people: ColumnElement[bool]) -> int:
    """How many; `people` is a condition of `reading.Reader`."""
    return session.scalar(select(func.count()).select_from(Standing).where(people)) or 0


def sample(session: Session, people: ColumnElement[bool], size: int = SAMPLE) -> list[Subscriber]:
    """The newest of them."""
    newest = select(Standing.subscriber_id).where(people).order_by(Standing.subscriber_id.desc()).limit(size)
    ids = session.scalars(newest).all()
    return list(session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id.desc())))
