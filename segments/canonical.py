"""The plainest form of a rule: what a sentence or a form keeps of it.

In charge of which differences mean nothing: a group of one, a list of one, the order of a list, a default that is
written out, and the spelling of a number. A canonical rule means the same people as before, and is canonical itself.
"""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

from segments.objects import Count, Held, Sample, Total
from segments.operators import FieldType, Operator, Shape
from segments.rule import JSON, All, Any, Condition, Not, Rule
from segments.values import Value
from segments.vocabulary import Vocabulary, Word

_OF_ONE = {
    Operator.IS_ANY_OF: Operator.IS,
    Operator.IS_NONE_OF: Operator.IS_NOT,
    Operator.HAS_ALL: Operator.HAS_ANY,
}


def canonical(rule: Rule, vocabulary: Vocabulary) -> Rule:
    """The rule in its plainest form; `RuleError` where the vocabulary does not know its words."""
    match rule:
        case All((only,)) | Any((only,)):
            return canonical(only, vocabulary)
        case All(rules):
            return All(tuple(canonical(each, vocabulary) for each in rules))
        case Any(rules):
            return Any(tuple(canonical(each, vocabulary) for each in rules))
        case Not(inner):
            return Not(canonical(inner, vocabulary))
        case Condition():
            return plain(vocabulary.understand(rule))


def plain(word: Word) -> Condition:
    """The condition that says this word, with its value as JSON has it."""
    operator, value = word.operation.operator, _value(word, word.value)
    if word.operation.shape is Shape.MANY and isinstance(value, list):
        value = [*sorted(set(map(str, value)))]
    if isinstance(value, list) and len(value) == 1 and operator in _OF_ONE:
        operator = _OF_ONE[operator]
        value = value if operator is Operator.HAS_ANY else value[0]
    return Condition(word.field.name, operator.value, value)


def _value(word: Word, value: Value) -> JSON:
    match value:
        case tuple():
            return [_value(word, each) for each in value]
        case Count(at_least, scope):
            return ({} if at_least == 1 else {"at_least": at_least}) | _filled(asdict(scope))
        case Total(amount, scope):
            return {"amount": _amount(amount)} | _filled(asdict(scope))
        case Held(key, days):
            return {"value": key, "days": days}
        case Sample(share, seed):
            return {"percent": _number(Decimal(share) / 100), "seed": seed}
        case date():
            return value.isoformat()
        case Decimal():
            return _number(value)
        case int() if word.field.type is FieldType.MONEY:
            return _amount(value)
        case int() if word.field.type is FieldType.BIRTHDAY and word.operation.operator is Operator.BETWEEN:
            return f"{value // 100:02}-{value % 100:02}"
    return value


def _filled(scope: dict[str, Value]) -> dict[str, JSON]:
    return {
        name: each.isoformat() if isinstance(each, date) else each  # type: ignore[misc]  # texts and whole numbers
        for name, each in scope.items()
        if each is not None
    }


def _amount(minor: int) -> JSON:
    return _number(Decimal(minor).scaleb(-2))


def _number(number: Decimal) -> JSON:
    """A JSON number where one says exactly the same."""
    if number == int(number):
        return int(number)
    as_float = float(number)
    return as_float if Decimal(repr(as_float)) == number else format(number.normalize(), "f")
