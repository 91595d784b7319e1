"""Rule + Vocabulary → SQLAlchemy condition.

In charge of what each operator means; days are in `segments.days`. Values are always bound, and columns come
from the vocabulary alone (TRUST.md S5).

A condition is true or false for every person, never NULL. Nothing is true of an unknown value except "is
unknown" and the negated operators: "country is not DE", "orders is not 3" and "last click was not in the last
30 days" also hold for people without a country, an order or a click. So `Not` is the exact complement.
"""

import operator as compare
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any as Anything
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Double, Integer, and_, false, literal, not_, or_, true

from segments.beside import gathered, on_people, place_of
from segments.calendar import Calendar
from segments.days import ONE_DAY, birthday, day
from segments.meaning import expanded
from segments.objects import Count, Held, Sample, Scope, Total
from segments.operators import FieldType
from segments.operators import Operator as Op
from segments.order import all_of, any_of
from segments.rule import All, Any, Condition, Not, Rule
from segments.sample import in_sample_sql
from segments.singles import MAX_ID
from segments.text import matches
from segments.truth import Sql, Truth, is_empty, known, negated
from segments.vocabulary import Beside, Happening, Vocabulary, Word
from segments.written import written


def where(
    rule: Rule, vocabulary: Vocabulary, now: datetime, timezone: ZoneInfo, *, side_by_side: bool = False
) -> Truth:
    """The condition that holds for exactly the people the rule means at the aware instant `now`.

    `side_by_side`: for a SELECT whose FROM also has the rows that everybody has beside her (`Beside.everybody`).
    Raises `RuleError` where the vocabulary does not know the words of the rule, or where it leads back to itself.
    """
    return _Compiler(vocabulary, Calendar(now, timezone), side_by_side).people(expanded(rule, vocabulary))


def shown(condition: Condition, vocabulary: Vocabulary, now: datetime, timezone: ZoneInfo) -> Sql | None:
    """What a person has of that which the condition is about: the value, how often, how much, since when; None where
    the field does not say."""
    word = _dated(vocabulary.understand(condition), now)
    shows = word.field.shows
    match word.value:
        case Count() | Total():
            return None if shows is None else cast("Sql", shows(_happening(word.value.scope, Calendar(now, timezone))))
        case Held(key):
            return None if shows is None or not key.isdecimal() else cast("Sql", shows(key))
        case Sample():
            return None
    if word.field.type is FieldType.LIST:
        return None if shows is None else cast("Sql", shows())
    return cast("Sql", word.field.sql() if shows is None else shows())


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Rules of one vocabulary at one moment."""

    vocabulary: Vocabulary
    calendar: Calendar
    side_by_side: bool

    def people(self, rule: Rule) -> Truth:
        """Whom the rule means; what it asks of one row beside them, it asks at once."""
        place = place_of(rule, self._place)
        if place is not None:
            return on_people(rule, place, self._said)
        match rule:
            case All():
                return all_of(self.people(each) for each in gathered(rule, self._place))
            case Any():
                return any_of(self.people(each) for each in gathered(rule, self._place))
            case Not(inner):
                return negated(self.people(inner))
            case Condition():
                return self._said(rule)

    def _place(self, condition: Condition) -> Beside | None:
        word = self.vocabulary.understand(condition)
        if word.field.beside is None:
            return None
        found = word.field.beside(
            _happening(word.value.scope, self.calendar, word.value.at_least) if isinstance(word.value, Count) else None
        )
        return None if self.side_by_side and found and found.everybody else found

    def _said(self, condition: Condition) -> Truth:
        """The condition on the person, or on the row beside her."""
        place, word = self._place(condition), self.vocabulary.understand(condition)
        if place is None or place.condition is None:
            return _BY_TYPE[word.field.type](_dated(word, self.calendar.now), self.calendar)
        return place.condition if word.operation.operator is Op.HAPPENED else negated(place.condition)


def _dated(word: Word, now: datetime) -> Word:
    """The word with the SQL of that moment."""
    as_of = word.field.as_of
    return word if as_of is None else replace(word, field=replace(word.field, sql=as_of(now)))


def _text(word: Word, _: Calendar) -> Truth:
    value: Sql = word.field.sql()
    match word.operation.operator:
        case Op.IS | Op.IS_ANY_OF:
            return _matching(value, *_tuple(word.value))
        case Op.IS_NOT:
            return negated(_matching(value, str(word.value)))
        case Op.CONTAINS:
            return _matching(value, str(word.value), open_start=True, open_end=True)
        case Op.STARTS_WITH:
            return _matching(value, str(word.value), open_end=True)
        case Op.ENDS_WITH:
            return _matching(value, str(word.value), open_start=True)
        case operator:
            return is_empty(value) if operator is Op.IS_EMPTY else not_(is_empty(value))


def _matching(value: Sql, *texts: str, open_start: bool = False, open_end: bool = False) -> Truth:
    ends = {"open_start": open_start, "open_end": open_end}
    return and_(written(value, texts, **ends), known(value, or_(*(matches(value, each, **ends) for each in texts))))


def _tuple(value: object) -> tuple[Anything, ...]:
    return value if isinstance(value, tuple) else (value,)


def _choice(word: Word, _: Calendar) -> Truth:
    value: Sql = word.field.sql()
    match word.operation.operator:
        case Op.IS | Op.IS_ANY_OF:
            return _is_any_of(word, value)
        case Op.IS_NOT | Op.IS_NONE_OF:
            return negated(_is_any_of(word, value))
        case operator:
            return is_empty(value) if operator is Op.IS_EMPTY else not_(is_empty(value))


def _is_any_of(word: Word, value: Sql) -> Truth:
    """A value that is no choice (any more) is nobody's, and never reaches a column that could refuse it."""
    options = {option for option, _ in word.field.options()}
    keys = [each for each in _tuple(word.value) if not options or each in options]
    if isinstance(value.type, Integer):
        keys = [literal(int(each), BigInteger) for each in keys if _is_key(each)]
    return and_(written(value, keys), known(value, value.in_(keys)))


def _is_key(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and abs(int(text)) <= MAX_ID


_COMPARISONS: dict[Op, Callable[[Sql, Sql], Truth]] = {
    Op.EQUALS: compare.eq,
    Op.MORE_THAN: compare.gt,
    Op.AT_LEAST: compare.ge,
    Op.LESS_THAN: compare.lt,
    Op.AT_MOST: compare.le,
}


def _number(word: Word, _: Calendar) -> Truth:
    value: Sql = word.field.sql()
    match word.operation.operator:
        case Op.IS_EMPTY:
            return value.is_(None)
        case Op.IS_FILLED:
            return value.is_not(None)
        case Op.NOT_EQUALS:
            return negated(known(value, value == _bound(word.value)))
        case Op.BETWEEN:
            low, high = (_bound(each) for each in _tuple(word.value))
            return known(value, and_(value >= low, value <= high))
        case operator:
            return known(value, _COMPARISONS[operator](value, _bound(word.value)))


def _bound(value: object) -> Sql:
    """Typed by the value, not the column: 2.5 must not become 3, nor a large number overflow an integer."""
    number = cast("Decimal | int", value)
    if number == int(number):
        return literal(int(number), BigInteger)
    return literal(float(number), Double)


def _flag(word: Word, _: Calendar) -> Truth:
    """An unknown flag is not true, so it counts as "no"."""
    holds: Truth = word.field.sql().is_(true())
    return holds if word.operation.operator is Op.IS_TRUE else negated(holds)


def _list(word: Word, _: Calendar) -> Truth:
    values = _tuple(word.value)
    match word.operation.operator:
        case Op.HAS_ANY:
            return cast("Truth", word.field.sql(values))
        case Op.HAS_NONE:
            return negated(word.field.sql(values))
        case _:
            return and_(*(word.field.sql((each,)) for each in values))


def _event(word: Word, calendar: Calendar) -> Truth:
    count = cast("Count", word.value)
    happened: Truth = word.field.sql(_happening(count.scope, calendar, count.at_least))
    return happened if word.operation.operator is Op.HAPPENED else negated(happened)


def _happening(scope: Scope, calendar: Calendar, at_least: int = 1) -> Happening:
    """The scope in instants; its last day is in it."""
    since, until = scope.since, scope.until
    if scope.days is not None:
        since = calendar.in_days(-scope.days)
    return Happening(
        at_least,
        None if since is None else calendar.start(since),
        None if until is None else calendar.start(until + ONE_DAY),
        scope.campaign,
        scope.link,
        scope.product,
    )


def _total(word: Word, calendar: Calendar) -> Truth:
    """Who has no rows there has the total of nothing, so where that would do, the others are asked who fail."""
    total = cast("Total", word.value)
    happening = _happening(total.scope, calendar)
    operator, limit = word.operation.operator, literal(total.amount, BigInteger)
    passes = _COMPARISONS[operator]
    if word.field.empty is None or not _PLAIN[operator](word.field.empty, total.amount):
        return cast("Truth", word.field.sql(happening, lambda amount: passes(amount, limit)))
    return negated(word.field.sql(happening, lambda amount: not_(passes(amount, limit))))


_PLAIN: dict[Op, Callable[[int, int], bool]] = {
    Op.MORE_THAN: compare.gt,
    Op.AT_LEAST: compare.ge,
    Op.LESS_THAN: compare.lt,
    Op.AT_MOST: compare.le,
}


def _state(word: Word, calendar: Calendar) -> Truth:
    """Held for a day is: since yesterday or longer."""
    held = cast("Held", word.value)
    options = {option for option, _ in word.field.options()}
    if options and held.key not in options:
        return false()
    return cast("Truth", word.field.sql(held.key, calendar.start(calendar.in_days(1 - held.days))))


def _sample(word: Word, _: Calendar) -> Truth:
    drawn = cast("Sample", word.value)
    return in_sample_sql(word.field.sql(), drawn.share, drawn.seed)


_BY_TYPE: dict[FieldType, Callable[[Word, Calendar], Truth]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.MONEY: _number,
    FieldType.DATE: day,
    FieldType.MOMENT: day,
    FieldType.CHOICE: _choice,
    FieldType.FLAG: _flag,
    FieldType.LIST: _list,
    FieldType.BIRTHDAY: birthday,
    FieldType.EVENT: _event,
    FieldType.TOTAL: _total,
    FieldType.STATE: _state,
    FieldType.SAMPLE: _sample,
}
