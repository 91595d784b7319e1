"""The words that rules may say about people: profile, custom fields, tags and topics.

All are asked from the narrow `standing` table; what stands elsewhere is looked up by key only for those it is asked of.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from babel import Locale
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.subscribers.custom_fields import custom_fields
from app.subscribers.held_lists import holds_any
from app.subscribers.models import (
    Basis,
    ConsentRecord,
    CustomField,
    Device,
    FieldKind,
    Provider,
    SignupForm,
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
from app.subscribers.values import countries, languages
from segments.label import Label
from segments.vocabulary import Beside, Choices, Field, FieldType, Group

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
    FieldKind.LIST: FieldType.LIST,
}
PROVIDER_LABELS = {
    Provider.OTHER: Label("other", "andere"),
    Provider.GMAIL: Label("Gmail", "Gmail"),
    Provider.OUTLOOK: Label("Outlook", "Outlook"),
    Provider.YAHOO: Label("Yahoo", "Yahoo"),
    Provider.ICLOUD: Label("iCloud", "iCloud"),
    Provider.GMX: Label("GMX", "GMX"),
    Provider.WEB_DE: Label("web.de", "web.de"),
    Provider.T_ONLINE: Label("T-Online", "T-Online"),
    Provider.FREENET: Label("freenet", "freenet"),
    Provider.POSTEO: Label("Posteo", "Posteo"),
    Provider.MAILBOX_ORG: Label("mailbox.org", "mailbox.org"),
    Provider.PROTON: Label("Proton", "Proton"),
}
DEVICE_LABELS = {
    Device.DESKTOP: Label("desktop", "Computer"),
    Device.MOBILE: Label("phone", "Telefon"),
    Device.TABLET: Label("tablet", "Tablet"),
}
BASIS_LABELS = {
    Basis.DOUBLE_OPT_IN: Label("double opt-in", "Double-Opt-in"),
    Basis.DOUBLE_OPT_IN_ELSEWHERE: Label("double opt-in elsewhere", "Double-Opt-in anderswo"),
    Basis.EXISTING_CUSTOMER: Label("existing customer", "Bestandskunde"),
    Basis.MANUAL: Label("entered by hand", "von Hand eingetragen"),
}


def fields(session: Session) -> Iterator[Field]:
    """All words about people that can be said now."""
    yield from _PROFILE
    for each in custom_fields(session):
        yield _custom(each)
    tags = tuple((name, Label(name, name)) for name in session.scalars(select(Tag.name).order_by(Tag.name)))
    group = Group.TAGS_AND_TOPICS
    yield Field(
        "tags", Label("tags", "Tags"), FieldType.LIST, _has_tag, group, tags, aliases=("tag",), shows=_tags_shown
    )
    known = tuple((topic.key, Label(topic.name, topic.name)) for topic in topics(session))
    yield Field("topics", Label("topics", "Themen"), FieldType.LIST, _has_topic, group, known, aliases=("topic",))
    consents = tuple((basis.value, label) for basis, label in BASIS_LABELS.items())
    yield Field("consents", Label("consents", "Einwilligungen"), FieldType.LIST, _has_consent, group, consents)
    forms = session.execute(select(SignupForm.key, SignupForm.name).order_by(SignupForm.name)).all()
    called = tuple((key, Label(name, name)) for key, name in forms)
    yield Field("forms", Label("sign-up forms", "Anmeldeformulare"), FieldType.LIST, _came_by_form, group, called)


def _has_tag(names: Sequence[str]) -> ColumnElement[bool]:
    wearing = select(SubscriberTag.subscriber_id).join(Tag).where(Tag.name.in_(names))
    return Standing.subscriber_id.in_(wearing)


def _tags_shown() -> ColumnElement[Any]:
    worn = select(func.aggregate_strings(Tag.name, ", ")).join(SubscriberTag, SubscriberTag.tag_id == Tag.id)
    return worn.where(SubscriberTag.subscriber_id == Standing.subscriber_id).correlate(Standing).scalar_subquery()


def _has_consent(bases: Sequence[str]) -> ColumnElement[bool]:
    """On which bases somebody may be mailed: proofs that were not withdrawn, confirmed where they must be."""
    known = [Basis(each) for each in bases if each in set(Basis)]
    lasting = select(ConsentRecord.subscriber_id).where(
        ConsentRecord.basis.in_(known),
        ConsentRecord.withdrawn_at.is_(None),
        or_(ConsentRecord.basis != Basis.DOUBLE_OPT_IN, ConsentRecord.confirmed_at.is_not(None)),
    )
    return Standing.subscriber_id.in_(lasting)


def _came_by_form(keys: Sequence[str]) -> ColumnElement[bool]:
    """Who confirmed what she asked for in one of these forms, also if she has left since."""
    asked = select(ConsentRecord.subscriber_id).join(SignupForm, SignupForm.id == ConsentRecord.form_id)
    confirmed = asked.where(SignupForm.key.in_(keys), ConsentRecord.confirmed_at.is_not(None))
    return Standing.subscriber_id.in_(confirmed)


def _has_device(names: Sequence[str]) -> ColumnElement[bool]:
    mask = sum(device_bit(Device(each)) for each in names if each in set(Device))
    return func.coalesce(Standing.devices, 0).bitwise_and(mask) != 0


@cache
def device_bit(device: Device) -> int:
    """The place of a device in `Standing.devices`."""
    return 1 << list(Device).index(device)


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
    label = Label(field.label, field.label)
    choices = tuple((choice, Label(choice, choice)) for choice in field.choices)
    name, group = f"custom.{field.key}", Group.CUSTOM
    if field.kind is FieldKind.LIST:
        held, shown = partial(holds_any, Subscriber.attributes.expression, field.key), _written(field.key)
        return Field(name, label, FieldType.LIST, held, group, choices, shows=shown, beside=_profile)
    stored = Subscriber.attributes[field.key]
    value = {FieldKind.NUMBER: stored.as_float, FieldKind.FLAG: stored.as_boolean}.get(field.kind, stored.as_string)()
    return _wide(name, label, _TYPES[field.kind], value, group, choices)


def _wide(
    name: str, label: Label, kind: FieldType, value: Any, group: Group = Group.PROFILE, choices: Choices = ()
) -> Field:
    """A word about a value of the wide row."""
    return Field(name, label, kind, lambda: value, group, choices, beside=_profile, shows=_of_subscriber(value))


def _profile(_asked: object = None) -> Beside:
    """EXISTS by key: SQLite looks it up in the order of people, and PostgreSQL joins where all are asked."""
    own = select(Subscriber.id).where(Subscriber.id == Standing.subscriber_id)
    key = Subscriber.__tablename__
    return Beside(key, lambda condition: own.where(condition).correlate(Standing).exists(), everybody=True)


def _written(key: str) -> Callable[[], ColumnElement[Any]]:
    return _of_subscriber(Subscriber.attributes[key].as_string())


@cache
def country_choices() -> Choices:
    """Every country with its names, by English name."""
    return _named(countries(), "territories")


@cache
def language_choices() -> Choices:
    """Every language with its names, by English name."""
    return _named(languages(), "languages")


def _named(codes: frozenset[str], what: str) -> Choices:
    english, german = getattr(Locale("en"), what), getattr(Locale("de"), what)
    labels = {code: Label(str(english[code]), str(german.get(code, english[code]))) for code in codes}
    return tuple(sorted(labels.items(), key=lambda item: item[1].en))


_PROFILE = (
    _wide("email", Label("address", "Adresse"), FieldType.TEXT, Subscriber.email),
    _wide("first_name", Label("first name", "Vorname"), FieldType.TEXT, Subscriber.first_name),
    _wide("last_name", Label("last name", "Nachname"), FieldType.TEXT, Subscriber.last_name),
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
    Field(
        "provider",
        Label("mailbox provider", "Postfachanbieter"),
        FieldType.CHOICE,
        lambda: Standing.provider,
        choices=tuple((provider.value, label) for provider, label in PROVIDER_LABELS.items()),
    ),
    Field(
        "devices",
        Label("devices", "Geräte"),
        FieldType.LIST,
        _has_device,
        choices=tuple((device.value, label) for device, label in DEVICE_LABELS.items()),
        aliases=("device",),
    ),
    Field("sample", Label("random sample", "Zufallsstichprobe"), FieldType.SAMPLE, lambda: Standing.subscriber_id),
    _wide("source", Label("source", "Herkunft"), FieldType.TEXT, Subscriber.source),
    _wide("time_zone", Label("time zone", "Zeitzone"), FieldType.TEXT, Subscriber.time_zone),
)
