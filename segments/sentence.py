"""Rule + Vocabulary → a sentence, in English and German.

In charge of grammar: joining, parentheses, counting, and values as people write them. What it says, `segments.typed`
reads back. The wording of the operators is in `segments.operators`, the words themselves come with the fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from babel.dates import format_date, format_skeleton, get_month_names
from babel.numbers import format_currency, format_decimal, get_currency_precision

from segments import wording as say
from segments.label import Label
from segments.naming import Names, language_of, quoted
from segments.objects import Count, Held, Sample, Scope, Total
from segments.operators import FieldType, Operator, Shape
from segments.rule import All, Any, Condition, Not, Rule
from segments.vocabulary import Field, Vocabulary, Word


def sentence(rule: Rule, vocabulary: Vocabulary, locale: str) -> str:
    """What the rule says; raises `RuleError` where the vocabulary does not know its words."""
    language = language_of(locale)
    return _Speaker(vocabulary, language, Names(vocabulary, language)).say(rule)


@dataclass(frozen=True, slots=True)
class _Speaker:
    vocabulary: Vocabulary
    language: str
    names: Names

    def say(self, rule: Rule, *, inside: bool = False) -> str:
        """The rule as a clause; `inside` of another one it stands in parentheses where it has parts."""
        match rule:
            case All((only,)) | Any((only,)):
                return self.say(only, inside=inside)
            case All(()):
                return self._word(say.EVERYBODY)
            case Any(()):
                return self._word(say.NOBODY)
            case Condition():
                return self._condition(rule)
        return f"({self._group(rule)})" if inside else self._group(rule)

    def _group(self, rule: All | Any | Not) -> str:
        match rule:
            case All(rules):
                return f" {self._word(say.AND)} ".join(self._inside(rules))
            case Any(rules):
                return f" {self._word(say.OR)} ".join(self._inside(rules))
            case Not(Any(rules)) if rules:
                return f"{self._word(say.NONE_OF)}: " + "; ".join(self._inside(rules))
            case Not(All(rules)) if len(rules) > 1:
                return f"{self._word(say.NOT_ALL_OF)}: " + "; ".join(self._inside(rules))
            case Not(inner):
                return f"{self._word(say.NOT)}: {self.say(inner, inside=True)}"

    def _inside(self, rules: Sequence[Rule]) -> list[str]:
        return [self.say(each, inside=True) for each in rules]

    def _condition(self, condition: Condition) -> str:
        word = self.vocabulary.understand(condition)
        label, says = self.names.field(word.field), self._word(word.operation.says)
        match word.value:
            case Count():
                return self._event(word, label, word.value)
            case Total(amount, scope):
                return f"{label}{self._scope(word.field, scope)} {says} {self._money(amount, word.field.currency)}"
            case Held(key, days):
                held = self._word(say.HELD).format(self._option(word.field, key), self._number(days))
                return f"{label}: {held}"
            case Sample(share, seed):
                percent = self._number(Decimal(share) / 100)
                return f"{label}: {self._word(say.SAMPLE).format(percent, seed)}"
        if word.operation.shape is Shape.DAYS:
            says = self._days(says, cast("int", word.value))
        elif word.value is not None:
            says = f"{says} {self._value(word)}"
        return f"{label}{says}" if says.startswith(":") else f"{label} {says}"

    def _event(self, word: Word, label: str, count: Count) -> str:
        limited = count.scope.days or count.scope.since or count.scope.until
        if word.operation.operator is Operator.HAPPENED:
            phrase = Label("{event}", "{event}") if count.at_least == 1 else say.OFTEN
        elif count.at_least > 1:
            phrase = say.SELDOM
        else:
            phrase = say.NOT_LATELY if limited else say.NEVER
        text = self._word(phrase).format(event=label, n=self._number(count.at_least))
        return text + self._scope(word.field, count.scope)

    def _scope(self, field: Field, scope: Scope) -> str:
        parts: list[str] = []
        if scope.link is not None:
            parts.append(self._word(say.LINK).format(quoted(scope.link, self.language)))
        if scope.product is not None:
            parts.append(self._word(say.PRODUCT).format(self.names.options(field, "product").say(scope.product)))
        if scope.campaign is not None:
            parts.append(self._word(say.CAMPAIGN).format(self._campaign(field, scope.campaign)))
        if scope.days is not None:
            parts.append(self._days(self._word(say.LAST_DAYS), scope.days))
        elif scope.since and scope.until:
            parts.append(self._word(say.BETWEEN).format(self._date(scope.since), self._date(scope.until)))
        elif scope.since or scope.until:
            phrase = say.SINCE if scope.since else say.UNTIL
            parts.append(self._word(phrase).format(self._date(scope.since or scope.until)))
        return "".join(f" {part}" for part in parts)

    def _campaign(self, field: Field, campaign: int) -> str:
        key = str(campaign)
        said = self.names.options(field, "campaign").say(key)
        return key if said.endswith(quoted(key, self.language)) else said

    def _days(self, says: str, days: int) -> str:
        if days == 1:
            for many, one in (
                (say.LAST_DAYS, say.LAST_DAY),
                (say.NEXT_DAYS, say.NEXT_DAY),
                (say.DAYS_AGO, say.DAY_AGO),
            ):
                says = says.replace(self._word(many), self._word(one))
        return says.replace("…", self._number(days))

    def _value(self, word: Word) -> str:
        match word.operation.shape:
            case Shape.MONTH:
                return str(get_month_names("wide", locale=self.language)[cast("int", word.value)])
            case Shape.RANGE:
                low, high = (self._single(word.field, each) for each in cast("tuple[object, ...]", word.value))
                is_number = word.field.type in {FieldType.NUMBER, FieldType.MONEY}
                joined = f" {self._word(say.AND)} " if is_number else self._word(say.AND_DATE)
                return f"{low}{joined}{high}"
            case Shape.MANY:
                last = say.AND if word.operation.operator is Operator.HAS_ALL else say.OR
                values = cast("tuple[object, ...]", word.value)
                return self._enumeration([self._single(word.field, each) for each in values], self._word(last))
        return self._single(word.field, word.value)

    def _enumeration(self, values: list[str], last: str) -> str:
        *head, tail = values
        return f"{', '.join(head)} {last} {tail}" if head else tail

    def _single(self, field: Field, value: object) -> str:
        match value:
            case date():
                return self._date(value)
            case Decimal():
                return self._number(value)
            case int() if field.type is FieldType.BIRTHDAY:
                day = date(2000, *divmod(value, 100))
                return format_skeleton("MMMMd", day, locale=self.language, fuzzy=False)
            case int():
                return self._money(value, field.currency)
        return self._option(field, str(value))

    def _option(self, field: Field, key: str) -> str:
        return self.names.options(field).say(key)

    def _date(self, day: date | None) -> str:
        return format_date(day, "long", locale=self.language)

    def _money(self, minor: int, currency: str | None) -> str:
        amount = Decimal(minor).scaleb(-2)
        if currency is None:
            return self._number(amount)
        # Yen have no decimals, unless somebody has asked for some.
        is_usual = amount == round(amount, get_currency_precision(currency))
        return format_currency(amount, currency, locale=self.language, currency_digits=is_usual)

    def _number(self, number: Decimal | int) -> str:
        return format_decimal(number, "#,##0.###", locale=self.language, decimal_quantization=False)

    def _word(self, label: Label) -> str:
        return label(self.language)
