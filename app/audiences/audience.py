"""Whom a campaign reaches: the people of some segments who may be mailed, and what became of the others.

Rules are asked anew here, not the memberships, so that the answer is of this very second. Not in charge of freezing it:
`delivery.launch` writes it into the ledger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.audiences.reading import Reader, reader, side_by_side
from app.audiences.segment import find
from app.errors import Conflict
from app.i18n import language
from app.subscribers.models import Standing, Status, Subscriber, Subscription, Suppression
from segments.rule import RuleError

Truth = ColumnElement[bool]
# Whom the segment with this id means.
People = Callable[[int], Truth]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`matched` people are in the included segments; each of those not in the audience is counted once, at the first
    reason in this order."""

    matched: int
    inactive: int
    without_topic: int
    suppressed: int
    excluded: int
    audience: int


def audience(
    session: Session, included: Sequence[int], excluded: Sequence[int], topic_id: int | None, now: datetime
) -> Select[int]:
    """SELECT the ids of all who are in any included segment (everybody, if there is none) and in no excluded one,
    active, subscribed to the topic if one is given, and not suppressed.

    Conflict if a segment's rule cannot be read any more: mailing too many is worse than mailing none.
    """
    people = partial(_people, session, reader(session, now))
    refusals = _refusals(people, excluded, topic_id)
    means = _any_of(people, included, otherwise=true())
    return select(Standing.subscriber_id).where(means, *(~refusal for refusal in refusals.values()))


def breakdown(
    session: Session, included: Sequence[int], excluded: Sequence[int], topic_id: int | None, now: datetime
) -> Breakdown:
    """The same audience as counts."""
    people = partial(_people, session, reader(session, now), beside=True)
    refusals = _refusals(people, excluded, topic_id)
    means = _any_of(people, included, otherwise=Standing.status != Status.ERASED)
    reason = case(*((refusal, name) for name, refusal in refusals.items()), else_="audience")
    # OFFSET keeps SQLite from asking for the reason once for each that there is; grouped, it would sort everybody.
    each = select(reason.label("reason")).select_from(side_by_side(reason, means)).where(means).offset(0).subquery()
    names = [*refusals, "audience"]
    found = session.execute(select(func.count(), *(func.count().filter(each.c.reason == name) for name in names))).one()
    return Breakdown(**dict(zip(["matched", *names], map(int, found), strict=True)))


def _refusals(people: People, excluded: Sequence[int], topic_id: int | None) -> dict[str, Truth]:
    """Why somebody is not mailed; each is true or false, never NULL."""
    subscribed = select(Subscription.subscriber_id).where(
        Subscription.topic_id == topic_id, Subscription.ended_at.is_(None)
    )
    suppressed = select(Subscriber.id).join(Suppression, Suppression.address_hash == Subscriber.address_hash)
    return {
        "inactive": Standing.status != Status.ACTIVE,
        "without_topic": false() if topic_id is None else Standing.subscriber_id.not_in(subscribed),
        "suppressed": Standing.subscriber_id.in_(suppressed),
        "excluded": _any_of(people, excluded, otherwise=false()),
    }


def _any_of(people: People, segment_ids: Sequence[int], otherwise: Truth) -> Truth:
    conditions = [people(segment_id) for segment_id in segment_ids]
    return or_(*conditions) if conditions else otherwise


def _people(session: Session, words: Reader, segment_id: int, *, beside: bool = False) -> Truth:
    segment = find(session, segment_id)
    try:
        return words.people(segment.rule, side_by_side=beside)
    except RuleError as error:
        reason = error.message(language())
        raise Conflict(
            _("The segment “%(name)s” cannot be used: %(reason)s.", name=segment.name, reason=reason)
        ) from error
