"""What people and files say about a person, read into what is stored.

In charge of: languages, countries, time zones, birthdays, names, and the typed values of custom fields. Each `parse_…`
takes text (or JSON) and gives the stored value, None for nothing, or raises Invalid with a sentence. Not of: addresses.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from babel import Locale
from flask_babel import gettext as _

from app.errors import Invalid
from app.subscribers.models import CustomField, FieldKind

MAX_TEXT = 1000
MAX_WORDS = 100
_NO_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "CQ", "QO", "XA", "XB"}
# C0 and C1 controls, line and paragraph separators, lone surrogates: they end headers and break databases.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_YES = frozenset({"true", "yes", "y", "1", "on", "ja", "wahr", "x"})
_NO = frozenset({"false", "no", "n", "0", "off", "nein", "falsch"})


class Birthday(NamedTuple):
    """`day` is month * 100 + day; many people do not tell the year."""

    day: int
    year: int | None = None

    def __str__(self) -> str:
        month, day = divmod(self.day, 100)
        return f"{self.year:04}-{month:02}-{day:02}" if self.year else f"--{month:02}-{day:02}"


def clean(text: str) -> str:
    """One line in Unicode's composed form: what is compared by rules and may stand in a header (TRUST R21)."""
    return _CONTROLS.sub(" ", unicodedata.normalize("NFC", text)).strip()


def parse_text(text: object, limit: int = MAX_TEXT) -> str | None:
    """A line of text of at most `limit` characters."""
    if text is None:
        return None
    cleaned = clean(str(text))
    if len(cleaned) > limit:
        raise Invalid(_("At most %(limit)s characters.", limit=limit))
    return cleaned or None


@cache
def languages() -> frozenset[str]:
    """The codes of all languages. Four megabytes with the names they are read from: nobody needs them to send."""
    return frozenset(code for code in map(str, Locale("en").languages) if re.fullmatch("[a-z]{2,3}", code))


@cache
def countries() -> frozenset[str]:
    """The codes of all countries."""
    codes = frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code))
    return codes - _NO_COUNTRIES


def parse_name(text: object) -> str | None:
    """A first or last name, or both."""
    return parse_text(text, 200)


def parse_language(text: object) -> str | None:
    """`de`, `DE`, `de-AT` → `de`."""
    code = re.split("[-_]", clean(str(text or "")).lower())[0]
    if code and code not in languages():
        raise Invalid(_("“%(text)s” is not a language code like de or en.", text=_short(text)))
    return code or None


def parse_country(text: object) -> str | None:
    """`de` → `DE`; also the English or German name of a country."""
    given = clean(str(text or ""))
    code = given.upper() if len(given) == 2 else _country_names().get(given.casefold(), given)
    if code and code not in countries():
        raise Invalid(_("“%(text)s” is not a country code like DE or AT.", text=_short(text)))
    return code or None


def parse_time_zone(text: object) -> str | None:
    """A name of the IANA database, such as Europe/Berlin."""
    name = clean(str(text or ""))
    if name and name not in _time_zones():
        raise Invalid(_("“%(text)s” is not a time zone like Europe/Berlin.", text=_short(text)))
    return name or None


_BIRTHDAYS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})?"),
    re.compile(r"(?:--)?(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
)


def parse_birthday(text: object) -> Birthday | None:
    """`1990-05-17`, `17.05.1990`, `17.5.`, `05-17`, `--05-17`."""
    given = clean(str(text or ""))
    if not given:
        return None
    found = next((match for pattern in _BIRTHDAYS if (match := pattern.fullmatch(given))), None)
    parts = found.groupdict() if found else {}
    try:
        # A leap year, so that 29 February passes without a year.
        day = date(int(parts.get("year") or 2000), int(parts["month"]), int(parts["day"]))
    except (KeyError, ValueError) as error:
        raise Invalid(_("“%(text)s” is not a birthday like 1990-05-17.", text=_short(text))) from error
    return Birthday(day.month * 100 + day.day, day.year if parts.get("year") else None)


def parse_attribute(field: CustomField, value: object) -> Any:
    """A custom field's value as it stands in `Subscriber.attributes`; None when empty."""
    if value is None or (isinstance(value, str) and not clean(value)):
        return None
    return _PARSERS[field.kind](field, value)


def _text(field: CustomField, value: object) -> str | None:  # noqa: ARG001
    return parse_text(value)


def _number(field: CustomField, value: object) -> int | float:
    # Booleans are integers to Python, not to a person.
    text = "" if isinstance(value, bool) else clean(str(value))
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError as error:
        raise _wrong(field, value, _("a number")) from error
    if not math.isfinite(number) or abs(number) > 1e15:
        raise _wrong(field, value, _("a number"))
    return int(number) if number.is_integer() else number


def _date(field: CustomField, value: object) -> str:
    day = value.isoformat() if isinstance(value, date) else clean(str(value))
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", day)
    try:
        found = date(int(german[3]), int(german[2]), int(german[1])) if german else date.fromisoformat(day)
    except ValueError as error:
        raise _wrong(field, value, _("a date like 2026-11-21")) from error
    return found.isoformat()


def _flag(field: CustomField, value: object) -> bool:
    text = clean(str(value)).lower()
    if text not in _YES | _NO:
        raise _wrong(field, value, _("yes or no"))
    return text in _YES


def _choice(field: CustomField, value: object) -> str:
    text = clean(str(value))
    if text not in field.choices:
        raise _wrong(field, value, _("one of %(choices)s", choices=", ".join(field.choices)))
    return text


def _list(field: CustomField, value: object) -> list[str] | None:
    """Several texts, given as a list or with commas between them."""
    given = value if isinstance(value, list) else str(value).split(",")
    words = list(dict.fromkeys(word for each in given if (word := parse_text(each, 100))))
    if field.choices and (unknown := [word for word in words if word not in field.choices]):
        raise _wrong(field, unknown[0], _("one of %(choices)s", choices=", ".join(field.choices)))
    if len(words) > MAX_WORDS:
        raise Invalid(_("At most %(limit)s values.", limit=MAX_WORDS))
    return words or None


_PARSERS: dict[FieldKind, Callable[[CustomField, object], Any]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.DATE: _date,
    FieldKind.FLAG: _flag,
    FieldKind.CHOICE: _choice,
    FieldKind.LIST: _list,
}


def _wrong(field: CustomField, value: object, wanted: str) -> Invalid:
    return Invalid(
        _("%(label)s: “%(value)s” is not %(wanted)s.", label=field.label, value=_short(value), wanted=wanted)
    )


def _short(value: object) -> str:
    text = clean(str(value))
    return text if len(text) <= 40 else text[:39] + "…"


@cache
def _country_names() -> dict[str, str]:
    locales = (Locale("en"), Locale("de"))
    return {str(locale.territories[code]).casefold(): code for locale in locales for code in countries()}


@cache
def _time_zones() -> set[str]:
    return available_timezones()
