"""What mails may say of their reader: plain values of her profile (TRUST S1)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscribers.models import Standing, Subscriber, SubscriberTag, Subscription, Tag, Topic
from app.subscribers.values import Birthday


def merge_tags(session: Session, subscriber_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The profile of each of these people; three queries for all of them."""
    people = session.scalars(select(Subscriber).where(Subscriber.id.in_(subscriber_ids)))
    tags = _names(
        session,
        select(SubscriberTag.subscriber_id, Tag.name).join(Tag).where(SubscriberTag.subscriber_id.in_(subscriber_ids)),
    )
    lasting = Subscription.subscriber_id.in_(subscriber_ids) & Subscription.ended_at.is_(None)
    topics = _names(session, select(Subscription.subscriber_id, Topic.key).join(Topic).where(lasting))
    return {each.id: _values(each, tags[each.id], topics[each.id]) for each in people}


def birthday_of(standing: Standing) -> str | None:
    """`1990-05-17`, or `--05-17` where the year is unknown."""
    return str(Birthday(standing.birthday, standing.birth_year)) if standing.birthday else None


def _values(person: Subscriber, tags: list[str], topics: list[str]) -> dict[str, Any]:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": " ".join(filter(None, (person.first_name, person.last_name))),
        "email": person.email,
        "language": person.standing.language,
        "country": person.standing.country,
        "birthday": birthday_of(person.standing),
        "attributes": dict(person.attributes),
        "tags": sorted(tags),
        "topics": sorted(topics),
    }


def _names(session: Session, statement: Any) -> defaultdict[int, list[str]]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    for subscriber_id, name in session.execute(statement):
        names[subscriber_id].append(name)
    return names
