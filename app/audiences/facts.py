"""What a person has, written for the reader: beside each condition that is explained."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.formatting import day, money, number
from app.i18n import language
from segments.operators import FieldType
from segments.vocabulary import Word


def fact(word: Word, value: Any) -> str | None:
    """The value in words; None where there is nothing to say."""
    field = word.field
    match field.type:
        case FieldType.SAMPLE:
            return None
        case FieldType.EVENT:
            return None if value is None else str(ngettext("%(num)s time", "%(num)s times", value))
        case FieldType.LIST if field.shows is None:
            return None
        case FieldType.LIST if not value:
            return str(_("none"))
        case FieldType.FLAG:
            return str(_("unknown") if value is None else _("Yes") if value else _("No"))
    if value is None or value == "":
        return str(_("never") if field.type is FieldType.MOMENT else _("unknown"))
    return _written(word, value)


def _written(word: Word, value: Any) -> str:
    match word.field.type:
        case FieldType.TOTAL if word.field.currency is None:
            return number(Decimal(round(value)).scaleb(-2).normalize())
        case FieldType.MONEY | FieldType.TOTAL:
            return money(Decimal(round(value)).scaleb(-2), word.field.currency or "EUR")
        case FieldType.NUMBER:
            return number(round(value, 2) if isinstance(value, float) else value)
        case FieldType.MOMENT | FieldType.STATE:
            return _day(value)
        case FieldType.DATE:
            return _day(date.fromisoformat(value) if isinstance(value, str) else value)
        case FieldType.BIRTHDAY:
            return day(date(2000, *divmod(value, 100)), "short")
        case FieldType.CHOICE:
            names = dict(word.field.options())
            return names[str(value)](language()) if str(value) in names else str(value)
    return str(value)


def _day(value: date | datetime) -> str:
    return day(value)
