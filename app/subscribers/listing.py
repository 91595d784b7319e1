"""The list of people: filters, pages of it, and how many there are of each status."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from app.spread import spread
from app.subscribers.models import Standing, Status, Subscriber, SubscriberTag, Subscription
from app.subscribers.values import clean
from segments.text import matches

PAGE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """Whom to list; None and "" leave a filter out. `q` is the beginning of an address or of a name."""

    q: str = ""
    status: Status | None = None
    topic_id: int | None = None
    tag_id: int | None = None
    tier_id: int | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Over Subscriber joined with Standing."""
        return [each for each in (self._words(), self._status(), *self._sets()) if each is not None]

    def _words(self) -> ColumnElement[bool] | None:
        words = clean(self.q)
        if not words:
            return None
        first, _, rest = words.partition(" ")
        named = _begins(Subscriber.first_name, first)
        both = named & _begins(Subscriber.last_name, rest.strip()) if rest else named
        return or_(
            Subscriber.address_key.startswith(words.lower(), autoescape=True),
            _begins(Subscriber.last_name, words),
            _begins(Subscriber.first_name, words),
            both,
        )

    def _status(self) -> ColumnElement[bool]:
        # Who was erased is nobody any longer, unless asked for.
        return Standing.status == self.status if self.status else Standing.status != Status.ERASED

    def _sets(self) -> list[ColumnElement[bool]]:
        sets: list[ColumnElement[bool]] = []
        if self.topic_id:
            lasting = (Subscription.topic_id == self.topic_id) & Subscription.ended_at.is_(None)
            sets.append(Standing.subscriber_id.in_(select(Subscription.subscriber_id).where(lasting)))
        if self.tag_id:
            wearing = select(SubscriberTag.subscriber_id).where(SubscriberTag.tag_id == self.tag_id)
            sets.append(Standing.subscriber_id.in_(wearing))
        if self.tier_id:
            sets.append(Standing.tier_id == self.tier_id)
        return sets


def page_of(session: Session, filters: Filters, number: int) -> tuple[Sequence[Subscriber], int]:
    """The people of page `number` (from 1), the newest first, and how many there are in all."""
    total = session.scalar(_ids(filters, func.count())) or 0
    newest = _ids(filters, Standing.subscriber_id).order_by(Standing.subscriber_id.desc())
    shown = session.scalars(newest.limit(PAGE).offset((number - 1) * PAGE)).all()
    people = select(Subscriber).where(Subscriber.id.in_(shown)).order_by(Subscriber.id.desc())
    return session.scalars(people).unique().all(), total


def after(session: Session, filters: Filters, last_id: int, limit: int) -> Sequence[Subscriber]:
    """The next `limit` people by id."""
    following = _found(select(Subscriber), filters).where(Subscriber.id > last_id).order_by(Subscriber.id)
    return session.scalars(following.limit(limit)).unique().all()


def counts_by_status(session: Session) -> dict[Status, int]:
    """How many people there are of each status."""
    return spread(session, Standing.status, Status)


def _begins(name: Any, words: str) -> ColumnElement[bool]:
    return matches(name, words, open_end=True)


def _ids(filters: Filters, wanted: Any) -> Select[Any]:
    """The wide row is looked at for names alone: to fetch it for everybody, or for all pages before this one, takes
    twenty times as long."""
    if filters.q:
        return _found(select(wanted), filters)
    return select(wanted).select_from(Standing).where(*filters.conditions)


def _found(statement: Select[Any], filters: Filters) -> Select[Any]:
    joined = statement.select_from(Subscriber).join(Standing, Standing.subscriber_id == Subscriber.id)
    return joined.where(*filters.conditions)
