"""Reads the value of a condition: JSON in, a typed value out.

In charge of the shapes: none, one, a list, a range, days, a month. Choices are checked by the vocabulary, which knows
them.
"""

from typing import TypeAlias

from segments.label import Label
from segments.objects import MAX_DAYS, Object, read_object
from segments.operators import FieldType, Shape
from segments.rule import JSON, RuleError
from segments.singles import SINGLE, Single, whole

# A longer window would hold two New Years, and "from 5 January to 2 January" would mean less than a year.
MAX_BIRTHDAY_DAYS = 365

Value: TypeAlias = Single | tuple[Single, ...] | Object | None


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
            return SINGLE[type_](value, path)
        case Shape.MANY:
            return tuple(SINGLE[type_](each, f"{path}[{at}]") for at, each in enumerate(_many(value, path)))
        case Shape.RANGE:
            return _range(type_, value, path)
        case Shape.DAYS:
            most = MAX_BIRTHDAY_DAYS if type_ is FieldType.BIRTHDAY else MAX_DAYS
            return whole(value, path, 1, most)
        case Shape.MONTH:
            return whole(value, path, 1, 12)
        case Shape.COUNT | Shape.TOTAL | Shape.HELD | Shape.SAMPLE:
            return read_object(shape, value, path)


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
    low, high = (SINGLE[type_](each, f"{path}[{at}]") for at, each in enumerate(value))
    if type_ is FieldType.BIRTHDAY:
        return low, high  # from December to January goes across the end of the year
    if high < low:  # type: ignore[operator]  # both come from the same reader
        raise RuleError(path, Label("the second value is below the first", "der zweite Wert liegt unter dem ersten"))
    return low, high
