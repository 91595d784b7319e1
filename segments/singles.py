"""Reads single values out of JSON: a text, a key, a number, an amount, a day.

In charge of what each type of field accepts as one value, and of the message when it does not.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from segments.label import Label
from segments.operators import FieldType
from segments.rule import JSON, RuleError

MAX_DIGITS = 24
MAX_NUMBER = 10**15  # whole numbers up to here are exact as floats too
MAX_ID = 2**63 - 1

Single: TypeAlias = str | int | Decimal | date


def whole(value: JSON, path: str, least: int, most: int) -> int:
    """A whole number in [least, most]."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RuleError(
            path,
            Label(
                f"must be a whole number from {least} to {most}",
                f"muss eine ganze Zahl von {least} bis {most} sein",
            ),
        )
    return value


def text(value: JSON, path: str) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise RuleError(path, Label("must be a text", "muss ein Text sein"))
    return value


def key(value: JSON, path: str) -> str:
    """A choice is named by text; whole numbers are taken too, as keys of tables usually are numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID:
        return str(value)
    return text(value, path)


def number(value: JSON, path: str) -> Decimal:
    """An exact number."""
    found = _decimal(value)
    if found is None or not found.is_finite() or abs(found) > MAX_NUMBER:
        raise RuleError(path, Label("must be a number", "muss eine Zahl sein"))
    return found


def _decimal(value: JSON) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        return None
    try:
        return Decimal(value) if isinstance(value, int) else Decimal(str(value))
    except InvalidOperation:
        return None


def money(value: JSON, path: str) -> int:
    """Integer minor units of an amount in whole units."""
    minor = number(value, path).scaleb(2)
    if minor != minor.to_integral_value():
        raise RuleError(path, Label("has more than two decimals", "hat mehr als zwei Nachkommastellen"))
    return int(minor)


def day(value: JSON, path: str) -> date:
    """A day written YYYY-MM-DD."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    # Outside these years a day has no midnight in some time zone.
    if found is None or found.isoformat() != value or not 1000 <= found.year <= 2999:
        raise RuleError(path, Label("must be a date as YYYY-MM-DD", "muss ein Datum wie JJJJ-MM-TT sein"))
    return found


def birthday(value: JSON, path: str) -> int:
    """month * 100 + day of a day written MM-DD."""
    found = re.fullmatch(r"(\d{2})-(\d{2})", value) if isinstance(value, str) else None
    try:
        # A leap year, so that there is a 29 February.
        on = date(2000, int(found[1]), int(found[2])) if found else None
    except ValueError:
        on = None
    if on is None:
        raise RuleError(path, Label("must be a day as MM-DD", "muss ein Tag wie MM-TT sein"))
    return on.month * 100 + on.day


SINGLE: dict[FieldType, Callable[[JSON, str], Single]] = {
    FieldType.TEXT: text,
    FieldType.NUMBER: number,
    FieldType.MONEY: money,
    FieldType.DATE: day,
    FieldType.MOMENT: day,
    FieldType.CHOICE: key,
    FieldType.LIST: key,
    FieldType.BIRTHDAY: birthday,
}
