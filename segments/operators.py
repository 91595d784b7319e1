"""What can be said of a field of each type, and how it is said.

In charge of the operators: their stored names, the shape of the value they want (which is also the widget the
builder draws) and their wording in both languages; "…" in a wording is the place of the value. What an
operator means in SQL is in `segments.where`.
"""

from dataclasses import dataclass
from enum import StrEnum

from segments.label import Label


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"  # compared as integer minor units (cents)
    DATE = "date"  # a day of the calendar, the same in every time zone
    MOMENT = "moment"  # an instant
    CHOICE = "choice"
    FLAG = "flag"
    LIST = "list"  # membership: tags, topics
    BIRTHDAY = "birthday"  # month and day without a year
    EVENT = "event"  # something a person did, or that was done to them
    TOTAL = "total"  # money over a stretch of time: summed, or on average
    STATE = "state"  # what somebody has been without a break: in a tier, in a segment
    SAMPLE = "sample"  # a share of all people, drawn by a seed


class Operator(StrEnum):
    """The names are stored in rules: add, never rename."""

    IS = "is"
    IS_NOT = "is_not"
    IS_ANY_OF = "is_any_of"
    IS_NONE_OF = "is_none_of"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    MORE_THAN = "more_than"
    AT_LEAST = "at_least"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    BETWEEN = "between"
    BEFORE = "before"
    AFTER = "after"
    ON = "on"
    WITHIN_DAYS = "within_days"
    NOT_WITHIN_DAYS = "not_within_days"
    OLDER_THAN_DAYS = "older_than_days"
    IN_NEXT_DAYS = "in_next_days"
    IS_TRUE = "is_true"
    IS_FALSE = "is_false"
    HAS_ANY = "has_any"
    HAS_ALL = "has_all"
    HAS_NONE = "has_none"
    TODAY = "today"
    IN_MONTH = "in_month"
    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    HELD_FOR = "held_for"
    IN_SAMPLE = "in_sample"
    IS_EMPTY = "is_empty"
    IS_FILLED = "is_filled"


class Shape(StrEnum):
    """What an operator wants as its value in JSON.

    A scope is {"days": 30} or {"since": "2026-01-01", "until": "2026-01-31"}, and what the field knows of "campaign",
    "link" and "product"; all of it may be left out.
    """

    NOTHING = "nothing"
    ONE = "one"
    MANY = "many"  # [value, …], at least one
    RANGE = "range"  # [from, to], both included
    DAYS = "days"  # a whole number of days, at least 1
    MONTH = "month"  # 1 … 12
    COUNT = "count"  # {"at_least": 3} and a scope
    TOTAL = "total"  # {"amount": 19.90} and a scope
    HELD = "held"  # {"value": "3", "days": 90}
    SAMPLE = "sample"  # {"percent": 10, "seed": 7}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator as a type offers it: `label` in the builder's list, `says` in the sentence."""

    operator: Operator
    shape: Shape
    label: Label
    says: Label


def _operation(operator: Operator, shape: Shape, en: str, de: str, says: Label | None = None) -> Operation:
    return Operation(operator, shape, Label(en, de), says or Label(en, de))


_O, _S = Operator, Shape

_EMPTY = (
    _operation(_O.IS_EMPTY, _S.NOTHING, "is unknown", "ist unbekannt"),
    _operation(_O.IS_FILLED, _S.NOTHING, "is known", "ist bekannt"),
)

_CHOICE = (
    _operation(_O.IS, _S.ONE, "is", "ist"),
    _operation(_O.IS_NOT, _S.ONE, "is not", "ist nicht"),
    _operation(_O.IS_ANY_OF, _S.MANY, "is any of", "ist eines von", Label("is", "ist")),
)

_TEXT = (
    *_CHOICE,
    _operation(_O.CONTAINS, _S.ONE, "contains", "enthält"),
    _operation(_O.STARTS_WITH, _S.ONE, "starts with", "beginnt mit"),
    _operation(_O.ENDS_WITH, _S.ONE, "ends with", "endet auf"),
    _operation(_O.IS_EMPTY, _S.NOTHING, "is empty", "ist leer"),
    _operation(_O.IS_FILLED, _S.NOTHING, "is not empty", "ist nicht leer"),
)

_NUMBER = (
    _operation(_O.EQUALS, _S.ONE, "is", "ist"),
    _operation(_O.NOT_EQUALS, _S.ONE, "is not", "ist nicht"),
    _operation(_O.MORE_THAN, _S.ONE, "is more than", "ist mehr als"),
    _operation(_O.AT_LEAST, _S.ONE, "is at least", "ist mindestens"),
    _operation(_O.LESS_THAN, _S.ONE, "is less than", "ist weniger als"),
    _operation(_O.AT_MOST, _S.ONE, "is at most", "ist höchstens"),
    _operation(_O.BETWEEN, _S.RANGE, "is between", "liegt zwischen"),
    *_EMPTY,
)

_DATE = (
    _operation(_O.BEFORE, _S.ONE, "is before", "ist vor dem"),
    _operation(_O.AFTER, _S.ONE, "is after", "ist nach dem"),
    _operation(_O.ON, _S.ONE, "is on", "ist am"),
    _operation(_O.BETWEEN, _S.RANGE, "is between", "liegt zwischen dem"),
    _operation(_O.WITHIN_DAYS, _S.DAYS, "is in the last … days", "ist in den letzten … Tagen"),
    _operation(_O.NOT_WITHIN_DAYS, _S.DAYS, "is not in the last … days", "ist nicht in den letzten … Tagen"),
    _operation(_O.OLDER_THAN_DAYS, _S.DAYS, "is more than … days ago", "liegt mehr als … Tage zurück"),
    _operation(_O.IN_NEXT_DAYS, _S.DAYS, "is in the next … days", "ist in den nächsten … Tagen"),
    *_EMPTY,
)

_MOMENT = (
    _operation(_O.BEFORE, _S.ONE, "was before", "war vor dem"),
    _operation(_O.AFTER, _S.ONE, "was after", "war nach dem"),
    _operation(_O.ON, _S.ONE, "was on", "war am"),
    _operation(_O.BETWEEN, _S.RANGE, "was between", "war zwischen dem"),
    _operation(_O.WITHIN_DAYS, _S.DAYS, "was in the last … days", "war in den letzten … Tagen"),
    _operation(_O.NOT_WITHIN_DAYS, _S.DAYS, "was not in the last … days", "war nicht in den letzten … Tagen"),
    _operation(_O.OLDER_THAN_DAYS, _S.DAYS, "was more than … days ago", "liegt mehr als … Tage zurück"),
    _operation(_O.IN_NEXT_DAYS, _S.DAYS, "is in the next … days", "ist in den nächsten … Tagen"),
    _operation(_O.IS_EMPTY, _S.NOTHING, "was never", "war noch nie"),
    _operation(_O.IS_FILLED, _S.NOTHING, "was at some time", "war irgendwann"),
)

_BIRTHDAY = (
    _operation(_O.TODAY, _S.NOTHING, "is today", "ist heute"),
    _operation(_O.IN_NEXT_DAYS, _S.DAYS, "is in the next … days", "ist in den nächsten … Tagen"),
    _operation(_O.IN_MONTH, _S.MONTH, "is in", "ist im"),
    _operation(_O.BETWEEN, _S.RANGE, "is between", "liegt zwischen dem"),
    *_EMPTY,
)

_LIST = (
    _operation(_O.HAS_ANY, _S.MANY, "include any of", "enthalten eines von", Label("include", "enthalten")),
    _operation(_O.HAS_ALL, _S.MANY, "include all of", "enthalten alle von", Label("include", "enthalten")),
    _operation(
        _O.HAS_NONE,
        _S.MANY,
        "include none of",
        "enthalten keines von",
        Label("do not include", "enthalten nicht"),
    ),
)

# The sentence of an event is built from its count: `says` is not used.
_EVENT = (
    _operation(_O.HAPPENED, _S.COUNT, "happened", "ist geschehen"),
    _operation(_O.NOT_HAPPENED, _S.COUNT, "did not happen", "ist nicht geschehen"),
)

_FLAG = (
    _operation(_O.IS_TRUE, _S.NOTHING, "yes", "ja", Label(": yes", ": ja")),
    _operation(_O.IS_FALSE, _S.NOTHING, "no", "nein", Label(": no", ": nein")),
)

_TOTAL = (
    _operation(_O.AT_LEAST, _S.TOTAL, "is at least", "ist mindestens"),
    _operation(_O.MORE_THAN, _S.TOTAL, "is more than", "ist mehr als"),
    _operation(_O.LESS_THAN, _S.TOTAL, "is less than", "ist weniger als"),
    _operation(_O.AT_MOST, _S.TOTAL, "is at most", "ist höchstens"),
)

# As with events, the sentence is built around the value.
_STATE = (_operation(_O.HELD_FOR, _S.HELD, "for at least", "seit mindestens"),)
_SAMPLE = (_operation(_O.IN_SAMPLE, _S.SAMPLE, "of", "von"),)

OPERATIONS: dict[FieldType, dict[str, Operation]] = {
    type_: {each.operator: each for each in operations}
    for type_, operations in {
        FieldType.TEXT: _TEXT,
        FieldType.NUMBER: _NUMBER,
        FieldType.MONEY: _NUMBER,
        FieldType.DATE: _DATE,
        FieldType.MOMENT: _MOMENT,
        FieldType.CHOICE: (
            *_CHOICE,
            _operation(_O.IS_NONE_OF, _S.MANY, "is none of", "ist keines von", Label("is not", "ist nicht")),
            *_EMPTY,
        ),
        FieldType.FLAG: _FLAG,
        FieldType.LIST: _LIST,
        FieldType.BIRTHDAY: _BIRTHDAY,
        FieldType.EVENT: _EVENT,
        FieldType.TOTAL: _TOTAL,
        FieldType.STATE: _STATE,
        FieldType.SAMPLE: _SAMPLE,
    }.items()
}
