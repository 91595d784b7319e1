"""What is said of dates, moments and birthdays, as SQL.

In charge of windows of days. They are whole days of the organisation's time zone and include today: "in the
last 30 days" begins at midnight 30 days ago, "in the next 7 days" ends with the seventh day after today,
"between" includes both its days. A birthday on 29 February is celebrated on the 28th when there is no 29th.
"""

from calendar import isleap
from collections.abc import Callable
from datetime import date, timedelta
from typing import cast

from sqlalchemy import Date, TypeDecorator, and_, not_, or_

from segments.calendar import Calendar
from segments.operators import FieldType, Operator
from segments.truth import Sql, Truth, is_empty, known
from segments.vocabulary import Word

ONE_DAY = timedelta(days=1)


def day(word: Word, calendar: Calendar) -> Truth:
    """A condition on a date or a moment."""
    value: Sql = word.field.sql()
    match word.operation.operator:
        case Operator.IS_EMPTY:
            return is_empty(value)
        case Operator.IS_FILLED:
            return not_(is_empty(value))
        case Operator.NOT_WITHIN_DAYS:
            since, until = _window(Operator.WITHIN_DAYS, word.value, calendar)
            bound = _bound(word.field.type, value, calendar)
            # The complement said directly: around a COALESCE it would take half as long again.
            outside = [value < bound(since)] if since else []
            outside += [value >= bound(until)] if until else []
            return or_(value.is_(None), *outside)
        case operator:
            return _in_window(word, value, calendar, operator)


def _in_window(word: Word, value: Sql, calendar: Calendar, operator: Operator) -> Truth:
    since, until = _window(operator, word.value, calendar)
    bound = _bound(word.field.type, value, calendar)
    bounds = [] if since is None else [value >= bound(since)]
    bounds += [] if until is None else [value < bound(until)]
    return known(value, and_(*bounds))


def _window(operator: Operator, value: object, calendar: Calendar) -> tuple[date | None, date | None]:
    """[since, until), None where it is open."""
    match operator, value:
        case Operator.BEFORE, date() as limit:
            return None, limit
        case Operator.AFTER, date() as limit:
            return limit + ONE_DAY, None
        case Operator.ON, date() as only:
            return only, only + ONE_DAY
        case Operator.BETWEEN, (date() as first, date() as last):
            return first, last + ONE_DAY
        case Operator.WITHIN_DAYS, int() as days:
            return calendar.in_days(-days), calendar.in_days(1)
        case Operator.OLDER_THAN_DAYS, int() as days:
            return None, calendar.in_days(-days)
        case Operator.IN_NEXT_DAYS, int() as days:
            return calendar.today, calendar.in_days(days + 1)
    raise AssertionError(f"{operator} is no window of days")


def _bound(type_: FieldType, value: Sql, calendar: Calendar) -> Callable[[date], object]:
    """How the column wants a day: as the instant it begins, as a date, or as ISO text, which sorts alike."""
    if type_ is FieldType.MOMENT:
        return calendar.start
    stored = value.type.impl_instance if isinstance(value.type, TypeDecorator) else value.type
    return (lambda each: each) if isinstance(stored, Date) else date.isoformat


def birthday(word: Word, calendar: Calendar) -> Truth:
    """A condition on a birthday, the integer month * 100 + day."""
    value: Sql = word.field.sql()
    match word.operation.operator:
        case Operator.IS_EMPTY:
            return value.is_(None)
        case Operator.IS_FILLED:
            return value.is_not(None)
        case Operator.IN_MONTH:
            month = cast("int", word.value) * 100
            return known(value, value.between(month + 1, month + 31))
        case Operator.BETWEEN:
            low, high = cast("tuple[int, int]", word.value)
            both = and_ if low <= high else or_
            return known(value, both(value >= low, value <= high))
        case Operator.TODAY:
            return known(value, _celebrated(value, calendar.today, calendar.today))
        case _:
            last = calendar.in_days(cast("int", word.value))
            return known(value, _celebrated(value, calendar.today, last))


def _celebrated(value: Sql, first: date, last: date) -> Truth:
    """Between the first and the last day, which is at most a year later."""
    low, high = first.month * 100 + first.day, last.month * 100 + last.day
    if high == 228 and not isleap(last.year):
        high = 229
    if first.year == last.year:
        return value.between(low, high)
    return or_(value >= low, value <= high)
