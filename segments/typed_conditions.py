"""One condition of a typed sentence: a field, what is said of it, and the value.

In charge of trying each field that stands at a place, the longest name first, until one makes a whole condition. What
events, totals, states and samples say around their values is in `segments.typed_scopes`.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import cast

from segments.label import Label
from segments.misread import Miss
from segments.naming import Names
from segments.operators import FieldType, Operation, Operator, Shape
from segments.rule import JSON, Condition, Rule
from segments.scan import Text
from segments.typed_counts import Counts
from segments.typed_phrases import TYPED_DAYS, WINDOW, Phrase, phrases
from segments.typed_scopes import Scopes
from segments.vocabulary import Field

Found = tuple[Rule, int]
_FIELD = Label("a field", "ein Feld")
_NUMBER = Label("a number", "eine Zahl")
_DAY = Label("a date with its year, such as 2026-03-01", "ein Datum mit Jahr wie 1.3.2026")
_BIRTHDAY = Label("a day such as December 24", "ein Tag wie 24. Dezember")
_MONTH = Label("a month", "ein Monat")
_END = Label("“and”, “or” or the end", "„und“, „oder“ oder das Ende")
_DAYS = Label("a number of days, such as “30 days”", "eine Zahl von Tagen wie „30 Tagen“")
_OPEN = Label("“(”", "„(“")
_AND = Label("“and”", "„und“")
_SEVERAL = {Operator.HAS_ALL: ("and", "und"), Operator.HAS_ANY: ("or", "oder", "and", "und")}


class Conditions:
    """Reads conditions of one text; `is_end` says where one may end."""

    def __init__(self, text: Text, names: Names, miss: Miss, is_end: Callable[[int], bool]) -> None:
        self._text, self._names, self._miss, self._is_end = text, names, miss, is_end
        self._scopes = Scopes(text, names, miss)
        self._counts = Counts(text, names, miss, self._scopes)

    def find(self, at: int) -> Found | None:
        """The condition that stands here."""
        tried: set[str] = set()
        for found in self._counts.before(at):
            if self._is_end(found[1]):
                return found
            self._miss.expect(self._text.skip(found[1]), _END)
        for name, field in self._names.fields:
            end = self._text.phrase(at, name)
            if end is None or f"{end} {field.name}" in tried:
                continue
            tried.add(f"{end} {field.name}")
            for found in self._of(field, self._text.skip(end)):
                if self._is_end(found[1]):
                    return found
                self._miss.expect(self._text.skip(found[1]), _END)
        if not tried:
            self._miss.expect(at, _FIELD, (name for name, _ in self._names.fields))
        return None

    def _of(self, field: Field, at: int) -> Iterator[Found]:
        match field.type:
            case FieldType.EVENT:
                yield from self._counts.of(field, at)
                return
            case FieldType.TOTAL | FieldType.STATE | FieldType.SAMPLE:
                yield from self._scopes.of(field, at)
                return
            case FieldType.DATE | FieldType.MOMENT | FieldType.BIRTHDAY:
                yield from self._typed_days(field, at)
        said = False
        for phrase in phrases(field.type):
            if phrase.operations[0].shape is Shape.DAYS:
                yield from self._days(field, phrase, at)
            elif (end := self._text.phrase(at, phrase.words)) is not None:
                said = True
                yield from self._said(field, phrase, self._text.skip(end))
        if field.type is FieldType.FLAG:
            yield Condition(field.name, Operator.IS_TRUE.value), at
        if not said:
            words = [each.words for each in phrases(field.type)]
            examples = ", ".join(f"“{each.label.en}”" for each in field.operations[:3])
            german = ", ".join(f"„{each.label.de}“" for each in field.operations[:3])
            self._miss.expect(at, Label(f"what is said of it ({examples} …)", f"eine Aussage ({german} …)"), words)

    def _typed_days(self, field: Field, at: int) -> Iterator[Found]:
        offered = {each.operator for each in field.operations}
        for operator, pattern in TYPED_DAYS.items():
            if operator in offered and (found := self._scopes.days(at, pattern)) is not None:
                yield Condition(field.name, operator.value, found[0]), found[1]
        if (window := self._text.match(at, WINDOW)) is not None:
            self._miss.expect(window.end(), _DAYS)

    def _days(self, field: Field, phrase: Phrase, at: int) -> Iterator[Found]:
        operator = phrase.operations[0].operator.value
        if "…" not in phrase.words:
            end = self._text.phrase(at, phrase.words)
            found = None if end is None else (1, end)
        else:
            found = self._text.counted(at, phrase.words)
        if found is not None:
            yield Condition(field.name, operator, found[0]), found[1]

    def _said(self, field: Field, phrase: Phrase, at: int) -> Iterator[Found]:
        """All that can follow the phrase."""
        for operation in sorted(phrase.operations, key=lambda each: each.shape is not Shape.MANY):
            match operation.shape:
                case Shape.NOTHING:
                    yield Condition(field.name, operation.operator.value), at
                case Shape.MANY:
                    yield from self._many(field, operation, phrase.listed, at)
                case Shape.RANGE:
                    yield from self._range(field, operation, at)
                case Shape.MONTH:
                    if (month := self._text.month(at)) is not None:
                        yield Condition(field.name, operation.operator.value, month[0]), month[1]
                    else:
                        self._miss.expect(at, _MONTH)
                case _:
                    if (one := self._single(field, at, step=phrase.step)) is not None:
                        yield Condition(field.name, operation.operator.value, one[0]), one[1]

    def _many(self, field: Field, operation: Operation, listed: bool, at: int) -> Iterator[Found]:
        if self._text.raw[at : at + 1] == "(":
            yield from self._listed(field, operation, self._text.skip(at + 1))
        elif listed:
            self._miss.expect(at, _OPEN)
        else:
            joins = _SEVERAL.get(operation.operator, ("or", "oder"))
            for values, joined, end in reversed(list(self._enumerated(field, joins, at))):
                yield self._listing(field, operation, values, joined in {"and", "und"}), end

    def _listing(self, field: Field, operation: Operation, values: Sequence[JSON], all_of: bool) -> Condition:
        operator = operation.operator
        if operator in _SEVERAL and len(values) > 1:
            operator = Operator.HAS_ALL if all_of else operator
        return Condition(field.name, operator.value, list(values))

    def _listed(self, field: Field, operation: Operation, at: int) -> Iterator[Found]:
        values: list[JSON] = []
        while (one := self._single(field, at)) is not None:
            values.append(one[0])
            at = self._text.skip(one[1])
            if self._text.raw[at : at + 1] == ")":
                yield Condition(field.name, operation.operator.value, list(values)), at + 1
                return
            separator = self._text.first(at, ",", ";", "or", "oder", "and", "und")
            if separator is None:
                self._miss.expect(at, Label("“,” or “)”", "„,“ oder „)“"))
                return
            at = self._text.skip(separator)

    def _enumerated(self, field: Field, joins: tuple[str, ...], at: int) -> Iterator[tuple[list[JSON], str, int]]:
        """“a”, “a or b”, “a, b or c”, as far as values follow; each with the word before its last."""
        values: list[JSON] = []
        first = self._single(field, at)
        if first is None:
            return
        values.append(first[0])
        at = first[1]
        yield list(values), "", at
        while True:
            after = self._text.skip(at)
            joined = next((word for word in (",", *joins) if self._text.phrase(after, word) is not None), None)
            if joined is None:
                return
            end = self._text.phrase(after, joined)
            one = self._single(field, self._text.skip(cast("int", end)), following=True)
            if one is None:
                return
            values.append(one[0])
            at = one[1]
            if joined != ",":
                yield list(values), joined, at
                return

    def _range(self, field: Field, operation: Operation, at: int) -> Iterator[Found]:
        low = self._single(field, at)
        if low is None:
            return
        at = self._text.skip(low[1])
        end = self._text.first(at, "und dem", "and", "und", "..", "-", "–", "to", "bis")
        if end is None:
            self._miss.expect(at, _AND)
            return
        high = self._single(field, self._text.skip(end))
        if high is not None:
            yield Condition(field.name, operation.operator.value, [low[0], high[0]]), high[1]

    def _single(self, field: Field, at: int, step: int = 0, following: bool = False) -> tuple[JSON, int] | None:
        match field.type:
            case FieldType.NUMBER:
                if (number := self._text.number(at)) is not None:
                    return str(number[0]), number[1]
                self._miss.expect(at, _NUMBER)
            case FieldType.MONEY:
                return self._scopes.money(field, at)
            case FieldType.DATE | FieldType.MOMENT:
                if (day := self._text.day(at)) is not None:
                    return (day[0] + timedelta(days=step)).isoformat(), day[1]
                self._miss.expect(at, _DAY)
            case FieldType.BIRTHDAY:
                if (birthday := self._text.birthday(at)) is not None:
                    return birthday
                self._miss.expect(at, _BIRTHDAY)
            case _:
                return self._scopes.option(field, at, following=following)
        return None
