"""Numbers, money and times as the reader's language and time zone write them.

In charge of: the Jinja filters `number`, `percent`, `money`, `date`, `datetime`, `ago` and `when`, over
Flask-Babel. Not of: which language and zone that is (app/i18n.py says), nor of mails, whose readers have
their own.

None is written as an en dash, so that a table cell without a value needs no condition.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import flask_babel
from babel import Locale
from babel.dates import format_timedelta
from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

Number = int | float | Decimal

NOTHING = "–"


def locale() -> Locale:
    """The reader's locale; English outside a request."""
    return flask_babel.get_locale() or Locale("en")


def number(value: Number | None, digits: int | None = None) -> str:
    """12345.6 → `12,345.6` or `12.345,6`; `digits` fixes the decimal places."""
    if value is None:
        return NOTHING
    pattern = None if digits is None else f"#,##0{_decimals(digits)}"
    return str(flask_babel.format_decimal(value, format=pattern))


def percent(value: Number | None, digits: int = 1) -> str:
    """A share (0.064) → `6.4%` or `6,4 %`."""
    if value is None:
        return NOTHING
    pattern = locale().percent_formats[None].pattern.replace("#,##0", f"#,##0{_decimals(digits)}")
    return str(flask_babel.format_percent(value, format=pattern))


def money(value: Number | None, currency: str = "EUR") -> str:
    """An amount in whole currency units (19.9) → `€19.90` or `19,90 €`."""
    return NOTHING if value is None else str(flask_babel.format_currency(value, currency))


def day(value: date | datetime | None, width: str = "medium") -> str:
    """The date alone: `21 Nov 2026` or `21.11.2026`; `width` is short (no year), medium or long."""
    return NOTHING if value is None else str(flask_babel.format_date(value, format=_dates()[width]))


def moment(value: datetime | None, width: str = "medium") -> str:
    """Date and time in the reader's time zone, which the long width names."""
    if value is None:
        return NOTHING
    zone = " VV" if width == "long" else ""
    return str(flask_babel.format_datetime(value, format=f"{_dates()[width]}, HH:mm{zone}"))


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """The distance from now: `3 hours ago`, `in 2 days`, `vor 3 Stunden`."""
    if value is None:
        return NOTHING
    return format_timedelta(value - (now or datetime.now(UTC)), add_direction=True, locale=locale())


def when(value: datetime | None, now: datetime | None = None) -> Markup:
    """A `<time>` with the absolute moment to read and the distance from now as its title."""
    if value is None:
        return Markup("{}").format(NOTHING)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), ago(value, now), moment(value))


def register(app: Flask) -> None:
    """Give all templates the filters."""
    app.jinja_env.filters.update({name: _at_render_time(filter_) for name, filter_ in _FILTERS.items()})


def _at_render_time(filter_: Callable[..., str]) -> Callable[..., str]:
    """Jinja works out filters of constants when it compiles; the language is only known when it renders."""

    @pass_context
    def with_context(_context: Context, *args: Any, **options: Any) -> str:
        return filter_(*args, **options)

    return with_context


def _decimals(digits: int) -> str:
    return f".{'0' * digits}" if digits else ""


def _dates() -> dict[str, str]:
    return _DATES["de" if locale().language == "de" else "en"]


# Babel's own patterns are American for "en" and have seconds in their medium times.
_DATES = {
    "de": {"short": "d. MMM", "medium": "dd.MM.y", "long": "EEEE, d. MMMM y"},
    "en": {"short": "d MMM", "medium": "d MMM y", "long": "EEEE, d MMMM y"},
}

_FILTERS: dict[str, Any] = {
    "number": number,
    "percent": percent,
    "money": money,
    "date": day,
    "datetime": moment,
    "ago": ago,
    "when": when,
}
