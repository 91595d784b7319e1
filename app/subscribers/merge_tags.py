"""What mails may say of their reader: plain values of her profile (TRUST S1)."""

from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import one_of, rows
from app.subscribers.models import Standing, Subscriber, SubscriberTag, Subscription, Tag, Topic
from app.subscribers.values import Birthday


def merge_tags(session: Session, subscriber_ids: Sequence[int], wanted: Container[str]) -> dict[int, dict[str, Any]]:
    """The profile of each of these people, as far as it is wanted; at most three queries for all of them."""
    columns = {name: column for name, column in _COLUMNS.items() if name in wanted}
    if "name" in wanted:
        columns |= {name: _COLUMNS[name] for name in ("first_name", "last_name")}
    if "birthday" in wanted:
        columns |= {"birthday": Standing.birthday, "birth_year": Standing.birth_year}
    names = tuple(columns)
    people = select(Subscriber.id, *columns.values()).join(Subscriber.standing)
    tags = {
        key: dict(zip(names, values, strict=True))
        for key, *values in rows(session, people.where(one_of(Subscriber.id, subscriber_ids)))
    }
    if "name" in wanted or "birthday" in wanted:
        for values in tags.values():
            _complete(values, wanted)
    _add_lists(session, tags, wanted)
    return tags


def birthday_of(standing: Standing) -> str | None:
    """`1990-05-17`, or `--05-17` where the year is unknown."""
    return str(Birthday(standing.birthday, standing.birth_year)) if standing.birthday else None


def _complete(values: dict[str, Any], wanted: Container[str]) -> None:
    if "name" in wanted:
        values["name"] = " ".join(filter(None, (values["first_name"], values["last_name"])))
    if "birthday" in wanted:
        month_and_day, year = values["birthday"], values.pop("birth_year")
        values["birthday"] = str(Birthday(month_and_day, year)) if month_and_day else None


def _add_lists(session: Session, tags: dict[int, dict[str, Any]], wanted: Container[str]) -> None:
    """`tags` and `topics`."""
    people = list(tags)
    worn = select(SubscriberTag.subscriber_id, Tag.name).join(Tag).where(one_of(SubscriberTag.subscriber_id, people))
    lasting = (one_of(Subscription.subscriber_id, people), Subscription.ended_at.is_(None))
    subscribed = select(Subscription.subscriber_id, Topic.key).join(Topic).where(*lasting)
    for name, statement in (("tags", worn), ("topics", subscribed)):
        if name in wanted:
            for values in tags.values():
                values[name] = []
            for subscriber_id, word in rows(session, statement):
                tags[subscriber_id][name].append(word)
            for values in tags.values():
                values[name].sort()


_COLUMNS: dict[str, Any] = {
    "first_name": Subscriber.first_name,
    "last_name": Subscriber.last_name,
    "email": Subscriber.email,
    "language": Standing.language,
    "country": Standing.country,
    "attributes": Subscriber.attributes,
}

#: Everything that can be wanted.
PROFILE = frozenset({*_COLUMNS, "name", "birthday", "tags", "topics"})
