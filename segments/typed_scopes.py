"""How much, how long, by which campaign: what a typed sentence says around totals, states and samples.

In charge of those conditions, of the limits that events have too, and of the values that all conditions share: names of
choices and amounts of money. How often something happened is in `segments.typed_counts`.
"""

import re
from collections.abc import Iterator
from datetime import date

from babel.numbers import get_currency_name, get_currency_symbol

from segments import wording as say
from segments.label import Label
from segments.misread import Miss
from segments.naming import Names, small
from segments.operators import FieldType, Operator
from segments.rule import JSON, Condition, Rule
from segments.scan import Text
from segments.typed_phrases import HELD, LAST, days_in, phrases
from segments.vocabulary import Field

Found = tuple[Rule, int]
Scope = dict[str, JSON]
_BOTH = ("en", "de")
_AMOUNT = Label("an amount", "ein Betrag")
_DAYS = Label("“for at least … days”", "„seit mindestens … Tagen“")
_PERCENT = Label("a percentage such as 10 %", "ein Prozentsatz wie 10 %")
_SEED = re.compile(r"\(?\s*(?:seed|startwert)\s+(\d{1,10})\s*\)?")
_MOST_SHOWN = 4


class Scopes:
    """Reads conditions that are more than a field, an operator and a value."""

    def __init__(self, text: Text, names: Names, miss: Miss) -> None:
        self._text, self._names, self._miss = text, names, miss

    def of(self, field: Field, at: int) -> Iterator[Found]:
        """What is said after the name of the field."""
        match field.type:
            case FieldType.TOTAL:
                yield from self._total(field, at)
            case FieldType.STATE:
                yield from self._state(field, at)
            case _:
                yield from self._sample(field, at)

    def _total(self, field: Field, at: int) -> Iterator[Found]:
        before, end = self.scope(field, at)
        at = self._text.skip(end)
        for phrase in phrases(FieldType.TOTAL):
            said = self._text.phrase(at, phrase.words)
            amount = None if said is None else self.money(field, self._text.skip(said))
            if amount is not None:
                after, end = self.scope(field, amount[1])
                value: Scope = {"amount": amount[0], **before, **after}
                yield Condition(field.name, phrase.operations[0].operator.value, value), end
                return
        examples = ", ".join(phrase.words for phrase in phrases(FieldType.TOTAL)[-3:])
        self._miss.expect(at, Label(f"how much ({examples} …)", f"wie viel ({examples} …)"))

    def _state(self, field: Field, at: int) -> Iterator[Found]:
        key = self.option(field, self._text.skip(self._text.first(at, ":", "=", "is", "ist") or at))
        if key is None:
            return
        at = self._text.skip(key[1])
        if (days := self.days(at, HELD)) is not None:
            yield Condition(field.name, Operator.HELD_FOR.value, {"value": key[0], "days": days[0]}), days[1]
        else:
            self._miss.expect(at, _DAYS)

    def _sample(self, field: Field, at: int) -> Iterator[Found]:
        number = self._text.number(self._text.skip(self._text.first(at, ":", "=", "of", "von") or at))
        if number is None:
            self._miss.expect(at, _PERCENT)
            return
        end = self._text.skip(number[1])
        end = self._text.first(end, "%", "percent", "prozent") or end
        seed = self._text.match(self._text.skip(end), _SEED)
        value: Scope = {"percent": str(number[0]), "seed": int(seed[1]) if seed else 1}
        yield Condition(field.name, Operator.IN_SAMPLE.value, value), seed.end() if seed else end

    def scope(self, field: Field, at: int) -> tuple[Scope, int]:
        """All limits that stand here, in any order, and the place after the last."""
        scope: Scope = {}
        while True:
            found = self._limit(field, self._text.skip(at))
            if found is None or scope.keys() & found[0].keys():
                return scope, at
            scope |= found[0]
            at = found[1]

    def _limit(self, field: Field, at: int) -> tuple[Scope, int] | None:
        for language in _BOTH:
            if (days := self._text.counted(at, say.LAST_DAYS(language))) is not None:
                return {"days": days[0]}, days[1]
            if (end := self._text.phrase(at, say.LAST_DAY(language))) is not None:
                return {"days": 1}, end
        if (days := self.days(at, LAST)) is not None:
            return {"days": days[0]}, days[1]
        return self._dates(at) or self._detail(field, at)

    def _dates(self, at: int) -> tuple[Scope, int] | None:
        if (end := self._text.first(at, "between", "zwischen dem", "zwischen")) is not None:
            since = self._text.day(self._text.skip(end))
            middle = since and self._text.first(self._text.skip(since[1]), "and", "und dem", "und")
            until = middle and self._text.day(self._text.skip(middle))
            return ({"since": _iso(since[0]), "until": _iso(until[0])}, until[1]) if since and until else None
        for name, words in (("since", ("since", "seit dem", "seit")), ("until", ("until", "bis zum", "bis"))):
            end = self._text.first(at, *words)
            day = None if end is None else self._text.day(self._text.skip(end))
            if day is not None:
                return {name: _iso(day[0])}, day[1]
        return None

    def _detail(self, field: Field, at: int) -> tuple[Scope, int] | None:
        starts = {
            "campaign": (*_start(say.CAMPAIGN), "campaign", "kampagne"),
            "link": (*_start(say.LINK), "link"),
            "product": (*_start(say.PRODUCT), "product", "produkt"),
        }
        for detail in field.details:
            end = self._text.first(at, *starts[detail])
            if end is None:
                continue
            end = self._text.skip(self._text.first(self._text.skip(end), ":", "=") or end)
            if detail == "campaign" and (number := self._text.whole(end)) is not None:
                return {detail: number[0]}, number[1]
            found = self.option(field, end, detail)
            if found is not None:
                return {detail: int(found[0]) if detail == "campaign" else found[0]}, found[1]
        return None

    def days(self, at: int, pattern: re.Pattern[str]) -> tuple[int, int] | None:
        """A number of days, weeks, months or years, in days."""
        found = self._text.match(at, pattern)
        number = self._text.whole(found.start(1)) if found else None
        if found is None or number is None or number[1] != found.end(1):
            return None
        return number[0] * days_in(found[2]), found.end()

    def money(self, field: Field, at: int) -> tuple[JSON, int] | None:
        """An amount, with its currency before or after it, or without."""
        start, currencies = at, _currencies(field.currency)
        minus = self._text.raw[at : at + 1] in {"-", "−"} and self._text.before_number(at + 1, *currencies)
        sign, at = ("-", minus) if minus else ("", self._text.before_number(at, *currencies) or at)
        number = self._text.number(self._text.skip(at))
        if number is None:
            self._miss.expect(start, _AMOUNT)
            return None
        end = self._text.skip(number[1])
        behind = self._text.first(end, *currencies)
        if behind is None and field.currency:
            self._miss.expect(end, Label(field.currency, field.currency))
        return sign + str(number[0]), behind or number[1]

    def option(
        self, field: Field, at: int, detail: str | None = None, *, following: bool = False
    ) -> tuple[str, int] | None:
        """A choice by any of its names, or a text where there are none; one that is `following` others in a list is no
        bare word that could be a field."""
        if self._text.raw[at : at + 1] == "#" and (key := self._text.quoted(at + 1)) is not None:
            return key
        named = self._names.options(field, detail).by_name
        if (quoted := self._text.quoted(at)) is not None:
            found = named.get(small(quoted[0])) if named else quoted[0]
            if found is not None and quoted[0].strip():
                return found, quoted[1]
        elif named:
            for end in self._ends(at, max(map(len, named))):
                name = " ".join(self._text.low[at:end].split())
                if name in named and not (following and self._is_field(at)):
                    return named[name], end
        elif not following and (bare := self._text.bare(at)) is not None:
            return bare
        if (closing := self._text.unclosed(at)) is not None:
            missing = Label(f"a closing quote ({closing})", f"ein schließendes Anführungszeichen ({closing})")
            self._miss.expect(len(self._text.raw), missing)
        self._miss.expect(at, self._wanted(field, detail), self._names.options(field, detail).called)
        return None

    def _ends(self, at: int, longest: int) -> list[int]:
        """The places after one word from here, after two …, the farthest first."""
        stop = min(len(self._text.raw), at + longest + 20)
        ends = [found.end() for found in re.finditer(r"[\w&.'’-]+|[^\s\w]", self._text.low[at:stop])]
        return [at + end for end in reversed(ends)]

    def _is_field(self, at: int) -> bool:
        return any(self._text.phrase(at, name) is not None for name, _ in self._names.fields)

    def _wanted(self, field: Field, detail: str | None) -> Label:
        labels = [label for _, label in field.options(detail)[:_MOST_SHOWN]]
        if not labels:
            return Label("a text in quotes", "ein Text in Anführungszeichen")
        english, german = (", ".join(each(locale) for each in labels) for locale in _BOTH)
        more = ", …" if len(field.options(detail)) > _MOST_SHOWN else ""
        return Label(f"a value ({english}{more})", f"ein Wert ({german}{more})")


def _currencies(currency: str | None) -> tuple[str, ...]:
    """All that an amount of it may have beside it, the longest first: “EUR”, “€”, “Euro”, “euros”."""
    if currency is None:
        return ("€",)
    names = {get_currency_name(currency, count, locale) for locale in _BOTH for count in (1, 2)}
    names |= {each.split()[-1] for each in names}
    symbols = {get_currency_symbol(currency, locale) for locale in _BOTH}
    return tuple(sorted(names | symbols | {currency}, key=lambda each: (-len(each), each)))


def _start(phrase: Label) -> tuple[str, ...]:
    return tuple(phrase(language).split("{}", maxsplit=1)[0] for language in _BOTH)


def _iso(day: date) -> str:
    return day.isoformat()
