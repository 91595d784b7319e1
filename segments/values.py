"""Reads the value of a condition: JSON in, a typed value out.

In charge of what each type of field accepts, and of the message when it does not. Choices are checked by the
vocabulary, which knows them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from segments.label import Label
from segments.operators import FieldType, Shape
from segments.rule import JSON, RuleError, below

MAX_DAYS = 36_500
# A longer window would hold two New Years, and "from 5 January to 2 January" would mean less than a year.
MAX_BIRTHDAY_DAYS = 365
MAX_COUNT = 1_000_000
MAX_DIGITS = 24
MAX_NUMBER = 10**15  # whole numbers up to here are exact as floats too
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened: in the last `days` days, and by one campaign."""

    at_least: int = 1
    days: int | None = None
    campaign: int | None = None


Single: TypeAlias = str | int | Decimal | date
Value: TypeAlias = Single | tuple[Single, ...] | Count | None


def read(type_: FieldType, shape: Shape, value: JSON, path: str = "value") -> Value:
    """The typed value, or `RuleError` at `path`.

    Text, choices and list members are `str`; numbers `Decimal`; money is `int` minor units; dates and moments
    are `date`.
    """
    match shape:
        case Shape.NOTHING:
            _nothing(value, path)
            return None
        case Shape.ONE:
            return _SINGLE[type_](value, path)
        case Shape.MANY:
            return tuple(_SINGLE[type_](each, f"{path}[{at}]") for at, each in enumerate(_many(value, path)))
        case Shape.RANGE:
            return _range(type_, value, path)
        case Shape.DAYS:
            most = MAX_BIRTHDAY_DAYS if type_ is FieldType.BIRTHDAY else MAX_DAYS
            return _whole(value, path, 1, most)
        case Shape.MONTH:
            return _whole(value, path, 1, 12)
        case Shape.COUNT:
            return _count(value, path)


def _nothing(value: JSON, path: str) -> None:
    if value is not None:
        raise RuleError(path, Label("takes no value", "braucht keinen Wert"))


def _many(value: JSON, path: str) -> list[JSON]:
    if not isinstance(value, list) or not value:
        raise RuleError(
            path,
            Label("must be a list of at least one value", "muss eine Liste mit mindestens einem Wert sein"),
        )
    return value


def _range(type_: FieldType, value: JSON, path: str) -> tuple[Single, Single]:
    if not isinstance(value, list) or len(value) != 2:
        raise RuleError(path, Label("must be a list of two values", "muss eine Liste mit zwei Werten sein"))
    low, high = (_SINGLE[type_](each, f"{path}[{at}]") for at, each in enumerate(value))
    if high < low:  # type: ignore[operator]  # both come from the same reader
        raise RuleError(path, Label("the second value is below the first", "der zweite Wert liegt unter dem ersten"))
    return low, high


def _whole(value: JSON, path: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise RuleError(
            path,
            Label(
                f"must be a whole number from {least} to {most}",
                f"muss eine ganze Zahl von {least} bis {most} sein",
            ),
        )
    return value


def _count(value: JSON, path: str) -> Count:
    if not isinstance(value, dict) or not value.keys() <= {"at_least", "days", "campaign"}:
        raise RuleError(
            path,
            Label(
                'must be an object with "at_least", "days" and "campaign"',
                'muss ein Objekt mit "at_least", "days" und "campaign" sein',
            ),
        )
    days, campaign = value.get("days"), value.get("campaign")
    return Count(
        _whole(value.get("at_least", 1), below(path, "at_least"), 1, MAX_COUNT),
        None if days is None else _whole(days, below(path, "days"), 1, MAX_DAYS),
        None if campaign is None else _whole(campaign, below(path, "campaign"), 1, MAX_ID),
    )


def _text(value: JSON, path: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RuleError(path, Label("must be a text", "muss ein Text sein"))
    return value


def _key(value: JSON, path: str) -> str:
    """A choice is named by text; whole numbers are taken too, as keys of tables usually are numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID:
        return str(value)
    return _text(value, path)


def _number(value: JSON, path: str) -> Decimal:
    number = _decimal(value)
    if number is None or not number.is_finite() or abs(number) > MAX_NUMBER:
        raise RuleError(path, Label("must be a number", "muss eine Zahl sein"))
    return number


def _decimal(value: JSON) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        return None
    try:
        return Decimal(value) if isinstance(value, int) else Decimal(str(value))
    except InvalidOperation:
        return None


def _money(value: JSON, path: str) -> int:
    minor = _number(value, path).scaleb(2)
    if minor != minor.to_integral_value():
        raise RuleError(path, Label("has more than two decimals", "hat mehr als zwei Nachkommastellen"))
    return int(minor)


def _date(value: JSON, path: str) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    # Outside these years a day has no midnight in some time zone.
    if day is None or day.isoformat() != value or not 1000 <= day.year <= 2999:
        raise RuleError(path, Label("must be a date as YYYY-MM-DD", "muss ein Datum wie JJJJ-MM-TT sein"))
    return day


_SINGLE: dict[FieldType, Callable[[JSON, str], Single]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.MONEY: _money,
    FieldType.DATE: _date,
    FieldType.MOMENT: _date,
    FieldType.CHOICE: _key,
    FieldType.LIST: _key,
}
