"""Rule + Vocabulary → a sentence, in English and German.

In charge of grammar: joining, parentheses, counting, and values as people write them. The wording of the
operators is in `segments.operators`, the words themselves come with the fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from babel.dates import format_date, get_month_names
from babel.numbers import format_currency, format_decimal

from segments.label import Label
from segments.operators import FieldType, Operator, Shape
from segments.rule import All, Any, Condition, Not, Rule
from segments.values import Count
from segments.vocabulary import Field, Vocabulary, Word

_EVERYBODY = Label("everybody", "alle")
_NOBODY = Label("nobody", "niemand")
_AND = Label("and", "und")
_OR = Label("or", "oder")
_AND_DATE = Label(" and ", " und dem ")
_NOT = Label("not", "nicht")
_NONE_OF = Label("none of", "nichts davon")
_NOT_ALL_OF = Label("not all of", "nicht alles davon")
_QUOTED = Label("“{}”", "„{}“")

_LAST_DAYS = Label("in the last … days", "in den letzten … Tagen")
_NEXT_DAYS = Label("in the next … days", "in den nächsten … Tagen")
# A window of one day includes today.
_LAST_DAY = Label("yesterday or today", "gestern oder heute")
_NEXT_DAY = Label("today or tomorrow", "heute oder morgen")

_OFTEN = Label("{event} at least {n} times", "mindestens {n}-mal {event}")
_SELDOM = Label("{event} fewer than {n} times", "weniger als {n}-mal {event}")
_NOT_LATELY = Label("not {event}", "nicht {event}")
_NEVER = Label("never {event}", "nie {event}")
_CAMPAIGN = Label(" in campaign {}", " in Kampagne {}")


def sentence(rule: Rule, vocabulary: Vocabulary, locale: str) -> str:
    """What the rule says; raises `RuleError` where the vocabulary does not know its words."""
    return _Speaker(vocabulary, Label("en", "de")(locale)).say(rule)


@dataclass(frozen=True, slots=True)
class _Speaker:
    vocabulary: Vocabulary
    language: str

    def say(self, rule: Rule, *, inside: bool = False) -> str:
        """The rule as a clause; `inside` of another one it stands in parentheses where it has parts."""
        match rule:
            case All((only,)) | Any((only,)):
                return self.say(only, inside=inside)
            case All(()):
                return self._word(_EVERYBODY)
            case Any(()):
                return self._word(_NOBODY)
            case Condition():
                return self._condition(rule)
        return f"({self._group(rule)})" if inside else self._group(rule)

    def _group(self, rule: All | Any | Not) -> str:
        match rule:
            case All(rules):
                return f" {self._word(_AND)} ".join(self._inside(rules))
            case Any(rules):
                return f" {self._word(_OR)} ".join(self._inside(rules))
            case Not(Any(rules)) if rules:
                return f"{self._word(_NONE_OF)}: " + "; ".join(self._inside(rules))
            case Not(All(rules)) if len(rules) > 1:
                return f"{self._word(_NOT_ALL_OF)}: " + "; ".join(self._inside(rules))
            case Not(inner):
                return f"{self._word(_NOT)}: {self.say(inner, inside=True)}"

    def _inside(self, rules: Sequence[Rule]) -> list[str]:
        return [self.say(each, inside=True) for each in rules]

    def _condition(self, condition: Condition) -> str:
        word = self.vocabulary.understand(condition)
        if word.field.type is FieldType.EVENT:
            return self._event(word)
        label, says = self._word(word.field.label), self._word(word.operation.says)
        if word.operation.shape is Shape.DAYS:
            says = self._days(says, cast("int", word.value))
        elif word.value is not None:
            says = f"{says} {self._value(word)}"
        return f"{label}{says}" if says.startswith(":") else f"{label} {says}"

    def _event(self, word: Word) -> str:
        count = cast("Count", word.value)
        if word.operation.operator is Operator.HAPPENED:
            phrase = Label("{event}", "{event}") if count.at_least == 1 else _OFTEN
        elif count.at_least > 1:
            phrase = _SELDOM
        else:
            phrase = _NEVER if count.days is None else _NOT_LATELY
        text = self._word(phrase).format(event=self._word(word.field.label), n=self._number(count.at_least))
        if count.campaign is not None:
            text += self._word(_CAMPAIGN).format(self._campaign(word.field, count.campaign))
        if count.days is not None:
            text += " " + self._days(self._word(_LAST_DAYS), count.days)
        return text

    def _campaign(self, field: Field, campaign: int) -> str:
        names = dict(field.options())
        name = names.get(str(campaign))
        return str(campaign) if name is None else self._quoted(self._word(name))

    def _days(self, says: str, days: int) -> str:
        if days == 1:
            says = says.replace(self._word(_LAST_DAYS), self._word(_LAST_DAY))
            return says.replace(self._word(_NEXT_DAYS), self._word(_NEXT_DAY))
        return says.replace("…", self._number(days))

    def _value(self, word: Word) -> str:
        match word.operation.shape:
            case Shape.MONTH:
                return str(get_month_names("wide", locale=self.language)[cast("int", word.value)])
            case Shape.RANGE:
                low, high = (self._single(word.field, each) for each in cast("tuple[object, ...]", word.value))
                is_number = word.field.type in {FieldType.NUMBER, FieldType.MONEY}
                return f"{low} {self._word(_AND)} {high}" if is_number else f"{low}{self._word(_AND_DATE)}{high}"
            case Shape.MANY:
                last = _AND if word.operation.operator is Operator.HAS_ALL else _OR
                values = cast("tuple[object, ...]", word.value)
                return self._enumeration([self._single(word.field, each) for each in values], self._word(last))
        return self._single(word.field, word.value)

    def _enumeration(self, values: list[str], last: str) -> str:
        *head, tail = values
        return f"{', '.join(head)} {last} {tail}" if head else tail

    def _single(self, field: Field, value: object) -> str:
        match value:
            case date():
                return format_date(value, "long", locale=self.language)
            case Decimal():
                return self._number(value)
            case int():
                return self._money(Decimal(value).scaleb(-2), field.currency)
        names = dict(field.options())
        name = names.get(str(value))
        return self._quoted(str(value)) if name is None else self._word(name)

    def _money(self, amount: Decimal, currency: str | None) -> str:
        if currency is None:
            return format_decimal(amount, "#,##0.00", locale=self.language)
        return format_currency(amount, currency, locale=self.language)

    def _number(self, number: Decimal | int) -> str:
        return format_decimal(number, "#,##0.##########", locale=self.language)

    def _quoted(self, text: str) -> str:
        return self._word(_QUOTED).replace("{}", text)

    def _word(self, label: Label) -> str:
        return label(self.language)
