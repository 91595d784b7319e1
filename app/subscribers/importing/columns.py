"""What a file may say about a person, and the names that columns have in English, German and other tools' exports."""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from babel import Locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.importing.importer import Column, Writing
from app.importing.values import Habits, parse_day, parse_flag, parse_moment, parse_number
from app.subscribers.addresses import Address, parse_address
from app.subscribers.custom_fields import KEY, add_field, custom_fields
from app.subscribers.models import CustomField, FieldKind, Status
from app.subscribers.values import (
    Birthday,
    clean,
    parse_attribute,
    parse_birthday,
    parse_country,
    parse_language,
    parse_name,
    parse_time_zone,
)

# The prefix of a custom field's column.
FIELD = "field:"
NEW_KINDS = (
    ("text", _l("Text")),
    ("number", _l("Number")),
    ("date", _l("Date")),
    ("flag", _l("Yes or no")),
)
_TAG_SEPARATORS = re.compile(r"[,;|]")
_STATUS = {
    Status.ACTIVE: "active subscribed enabled confirmed opted-in aktiv angemeldet bestätigt abonniert",
    Status.PENDING: "pending unconfirmed inactive ausstehend unbestätigt offen inaktiv",
    Status.UNSUBSCRIBED: "unsubscribed opted-out removed abgemeldet ausgetragen gekündigt blocklisted blacklisted",
    Status.BOUNCED: "bounced cleaned undeliverable hardbounced unzustellbar",
    Status.COMPLAINED: "complained complaint spam abuse beschwerde",
}
_STATUS_OF = {word: status for status, words in _STATUS.items() for word in words.split()}
# Local parts about which there is nothing to find out.
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+){0,5}")
_LANGUAGE_NAMES: dict[str, str] = {}


def address(text: str, habits: Habits) -> Address:  # noqa: ARG001 - every parser takes both
    """An email address, also as `Anna <anna@example.org>`, as mail programs copy it."""
    if text.endswith(">") and (inner := re.fullmatch(r"[^<>]*<([^<>]+)>", text)):
        text = inner[1]
    local, _at, domain = text.partition("@")
    if not _PLAIN.fullmatch(local) or len(text) > 100:
        return parse_address(text)
    email = f"{local}@{_domain(domain)}"
    return Address(email, email.lower())


@lru_cache(4096)
def _domain(domain: str) -> str:
    """A million addresses have few domains: the costly half of an address is read once per domain."""
    return parse_address(f"a@{domain}").email.removeprefix("a@")


_COLUMNS = (
    Column("email", _l("Email address"), address, (
        "email", "e-mail", "mail", "mailadresse", "e-mail-adresse", "email address", "emailadresse", "adresse",
        "subscriber", "abonnent", "subscriber email",
    ), required=True, is_unique=True),
    Column("first_name", _l("First name"), lambda text, _: parse_name(text), (
        "first name", "firstname", "given name", "vorname", "rufname", "fname",
    )),
    Column("last_name", _l("Last name"), lambda text, _: parse_name(text), (
        "last name", "lastname", "surname", "family name", "nachname", "familienname", "zuname", "lname",
    )),
    Column("full_name", _l("First and last name"), lambda text, _: parse_name(text), (
        "name", "full name", "vollständiger name", "ganzer name", "vor- und nachname", "kundenname",
    )),
    Column("language", _l("Language"), lambda text, _: _language(text), (
        "language", "lang", "locale", "sprache", "sprachcode",
    )),
    Column("country", _l("Country"), lambda text, _: parse_country(text), (
        "country", "country code", "land", "ländercode", "staat",
    )),
    Column("time_zone", _l("Time zone"), lambda text, _: parse_time_zone(text), (
        "time zone", "timezone", "tz", "zeitzone",
    )),
    Column("birthday", _l("Birthday"), lambda text, habits: _birthday(text, habits), (  # noqa: PLW0108 - defined below
        "birthday", "birth date", "date of birth", "dob", "geburtstag", "geburtsdatum", "geb.",
    ), Writing.DATES),
    Column("tags", _l("Tags"), lambda text, _: _tags(text), (
        "tags", "tag", "labels", "schlagworte", "schlagwörter", "markierungen", "etiketten",
    )),
    Column("status", _l("Status"), lambda text, _: _status(text), (
        "status", "state", "subscription status", "zustand", "anmeldestatus",
    )),
    Column("agreed_at", _l("Agreed on (proof)"), parse_moment, (
        "opt-in date", "opt-in time", "optin_time", "confirm_time", "confirmed at", "subscribed at", "signup date",
        "anmeldedatum", "bestätigt am", "eingetragen am", "opt-in-datum", "einwilligung am",
    ), Writing.DATES),
    Column("agreed_ip", _l("Agreed from IP address (proof)"), lambda text, _: _ip(text), (
        "opt-in ip", "optin_ip", "confirm_ip", "ip", "ip address", "ip-adresse", "opt-in-ip",
    )),
)  # fmt: skip


def columns(session: Session) -> Sequence[Column]:
    """The fixed ones and this organisation's custom fields."""
    return (*_COLUMNS, *(_custom(field) for field in custom_fields(session)))


def add_column(session: Session, title: str, kind: str) -> str:
    """Make a custom field for a column of the file that there is none for; its column's name."""
    taken = {field.key for field in custom_fields(session)}
    plain = clean(title).casefold().translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"})
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:30]
    stem = stem if KEY.fullmatch(stem) else f"field_{stem}".rstrip("_")
    key = next(each for each in (stem, *(f"{stem}_{n}" for n in range(2, 1000))) if each not in taken)
    return FIELD + add_field(session, key, clean(title)[:100], FieldKind(kind)).key


def _custom(field: CustomField) -> Column:
    writing = {FieldKind.NUMBER: Writing.NUMBERS, FieldKind.DATE: Writing.DATES}.get(field.kind, Writing.PLAIN)
    reader = {FieldKind.NUMBER: parse_number, FieldKind.DATE: parse_day, FieldKind.FLAG: parse_flag}.get(field.kind)

    def parse(text: str, habits: Habits) -> Any:
        value = reader(text, habits) if reader else text
        return parse_attribute(field, value.isoformat() if isinstance(value, date) else value)

    return Column(FIELD + field.key, field.label, parse, (field.key,), writing)


def _language(text: str) -> str | None:
    if not _LANGUAGE_NAMES:
        for locale in (Locale("en"), Locale("de")):
            _LANGUAGE_NAMES.update({name.casefold(): code for code, name in locale.languages.items()})
    return parse_language(_LANGUAGE_NAMES.get(text.casefold(), text))


def _birthday(text: str, habits: Habits) -> Birthday | None:
    try:
        return parse_birthday(text)
    except Invalid:
        day = parse_day(text, habits)
        return Birthday(day.month * 100 + day.day, day.year)


def _tags(text: str) -> list[str]:
    names = dict.fromkeys(name for part in _TAG_SEPARATORS.split(text) if (name := clean(part)))
    if any(len(name) > 100 for name in names):
        raise Invalid(_("A tag has at most 100 characters."))
    return list(names)


def _status(text: str) -> Status:
    status = _STATUS_OF.get(text.casefold().replace(" ", "-"))
    if status is None:
        raise Invalid(_("“%(text)s” is no status that we know, like active or unsubscribed.", text=text[:40]))
    return status


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Invalid(_("“%(text)s” is not an IP address.", text=text[:40])) from error
