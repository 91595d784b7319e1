"""The words that rules may say about people: profile, custom fields, tags and topics.

All are asked from the narrow `standing` table; what stands elsewhere is looked up by key only for those it is asked of.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from babel import Locale
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.subscribers.custom_fields import custom_fields
from app.subscribers.models import (
    CustomField,
    FieldKind,
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Tag,
    Topic,
    TrackingMode,
)
from app.subscribers.topics import topics
from app.subscribers.values import COUNTRIES, LANGUAGES
from segments.label import Label
from segments.vocabulary import Choices, Field, FieldType, Group

STATUS_LABELS = {
    Status.PENDING: Label("pending", "unbestätigt"),
    Status.ACTIVE: Label("active", "aktiv"),
    Status.UNSUBSCRIBED: Label("unsubscribed", "abgemeldet"),
    Status.BOUNCED: Label("bounced", "unzustellbar"),
    Status.COMPLAINED: Label("complained", "beschwert"),
    Status.ERASED: Label("erased", "gelöscht"),
}
TRACKING_LABELS = {
    TrackingMode.NONE: Label("none", "keine"),
    TrackingMode.AGGREGATE: Label("in totals only", "nur in Summen"),
    TrackingMode.PERSONAL: Label("personal", "persönlich"),
}
_TYPES = {
    FieldKind.TEXT: FieldType.TEXT,
    FieldKind.NUMBER: FieldType.NUMBER,
    FieldKind.DATE: FieldType.DATE,
    FieldKind.FLAG: FieldType.FLAG,
    FieldKind.CHOICE: FieldType.CHOICE,
}


def fields(session: Session) -> Iterator[Field]:
    """All words about people that can be said now."""
    yield from _PROFILE
    for each in custom_fields(session):
        yield _custom(each)
    tags = tuple((name, Label(name, name)) for name in session.scalars(select(Tag.name).order_by(Tag.name)))
    yield Field("tags", Label("tags", "Tags"), FieldType.LIST, _has_tag, Group.TAGS_AND_TOPICS, tags)
    known = tuple((topic.key, Label(topic.name, topic.name)) for topic in topics(session))
    yield Field("topics", Label("topics", "Themen"), FieldType.LIST, _has_topic, Group.TAGS_AND_TOPICS, known)


def _has_tag(names: Sequence[str]) -> ColumnElement[bool]:
    wearing = select(SubscriberTag.subscriber_id).join(Tag).where(Tag.name.in_(names))
    return Standing.subscriber_id.in_(wearing)


def _has_topic(keys: Sequence[str]) -> ColumnElement[bool]:
    lasting = select(Subscription.subscriber_id).join(Topic).where(Topic.key.in_(keys), Subscription.ended_at.is_(None))
    return Standing.subscriber_id.in_(lasting)


def _of_subscriber(value: Any) -> Callable[[], ColumnElement[Any]]:
    """A value of the wide row, found by primary key."""

    def sql() -> ColumnElement[Any]:
        own = select(value).where(Subscriber.id == Standing.subscriber_id)
        return own.correlate(Standing).scalar_subquery()

    return sql


def _custom(field: CustomField) -> Field:
    stored = Subscriber.attributes[field.key]
    value = {FieldKind.NUMBER: stored.as_float, FieldKind.FLAG: stored.as_boolean}.get(field.kind, stored.as_string)()
    label = Label(field.label, field.label)
    choices = tuple((choice, Label(choice, choice)) for choice in field.choices)
    return Field(f"custom.{field.key}", label, _TYPES[field.kind], _of_subscriber(value), Group.CUSTOM, choices)


@cache
def country_choices() -> Choices:
    """Every country with its names, by English name."""
    return _named(COUNTRIES, "territories")


@cache
def language_choices() -> Choices:
    """Every language with its names, by English name."""
    return _named(LANGUAGES, "languages")


def _named(codes: frozenset[str], what: str) -> Choices:
    english, german = getattr(Locale("en"), what), getattr(Locale("de"), what)
    labels = {code: Label(str(english[code]), str(german.get(code, english[code]))) for code in codes}
    return tuple(sorted(labels.items(), key=lambda item: item[1].en))


_PROFILE = (
    Field("email", Label("address", "Adresse"), FieldType.TEXT, _of_subscriber(Subscriber.email)),
    Field("first_name", Label("first name", "Vorname"), FieldType.TEXT, _of_subscriber(Subscriber.first_name)),
    Field("last_name", Label("last name", "Nachname"), FieldType.TEXT, _of_subscriber(Subscriber.last_name)),
    Field(
        "language",
        Label("language", "Sprache"),
        FieldType.CHOICE,
        lambda: Standing.language,
        choices=language_choices,
    ),
    Field("country", Label("country", "Land"), FieldType.CHOICE, lambda: Standing.country, choices=country_choices),
    Field("birthday", Label("birthday", "Geburtstag"), FieldType.BIRTHDAY, lambda: Standing.birthday),
    Field(
        "status",
        Label("status", "Status"),
        FieldType.CHOICE,
        lambda: Standing.status,
        choices=tuple((status.value, label) for status, label in STATUS_LABELS.items()),
    ),
    Field(
        "tracking",
        Label("tracking", "Messung"),
        FieldType.CHOICE,
        lambda: Standing.tracking,
        choices=tuple((mode.value, label) for mode, label in TRACKING_LABELS.items()),
    ),
    Field("joined", Label("first known", "bekannt seit"), FieldType.MOMENT, lambda: Standing.created_at),
    Field("confirmed", Label("confirmation", "Bestätigung"), FieldType.MOMENT, lambda: Standing.confirmed_at),
    Field("source", Label("source", "Herkunft"), FieldType.TEXT, _of_subscriber(Subscriber.source)),
    Field("time_zone", Label("time zone", "Zeitzone"), FieldType.TEXT, _of_subscriber(Subscriber.time_zone)),
)
