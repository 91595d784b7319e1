"""Words that mean rules: "is in segment VIP" stands for the rule of that segment.

In charge of putting the rules in their place, and of refusing those that lead back to themselves or grow too large on
the way. What the words are is the vocabulary's to say.
"""

from dataclasses import dataclass
from typing import cast

from segments.label import Label
from segments.operators import Operator
from segments.rule import MAX_VALUES, All, Any, Condition, Not, Rule, RuleError
from segments.vocabulary import Field, Vocabulary

# Of a rule with all that its words mean in it. SQLite stops at expressions a thousand levels deep.
MAX_MEANT = 600
MAX_LEVELS = 100


def expanded(rule: Rule, vocabulary: Vocabulary) -> Rule:
    """The rule with every word that means a rule replaced by it; `RuleError` for a circle."""
    return _Expansion(vocabulary).rule(rule, ())


def meant(condition: Condition, vocabulary: Vocabulary) -> Rule | None:
    """What the condition means in other words, one level deep; None of one that is about the person herself."""
    found = vocabulary.understand(condition).field
    if found.means is None:
        return None
    return _combined(condition, tuple(found.means(key) or Any(()) for key in _keys(vocabulary, condition)))


def _combined(said: Condition, rules: tuple[Rule, ...]) -> Rule:
    match said.operator:
        case Operator.HAS_ALL:
            return All(rules)
        case Operator.HAS_NONE:
            return Not(Any(rules))
    return Any(rules)


def _keys(vocabulary: Vocabulary, condition: Condition) -> tuple[str, ...]:
    return cast("tuple[str, ...]", vocabulary.understand(condition).value)


@dataclass(slots=True)
class _Expansion:
    vocabulary: Vocabulary
    nodes: int = 0
    values: int = 0

    def rule(self, rule: Rule, above: tuple[tuple[str, str], ...], level: int = 0) -> Rule:
        self._count(rule, level)
        match rule:
            case All(rules):
                return All(tuple(self.rule(each, above, level + 1) for each in rules))
            case Any(rules):
                return Any(tuple(self.rule(each, above, level + 1) for each in rules))
            case Not(inner):
                return Not(self.rule(inner, above, level + 1))
            case Condition():
                word = self.vocabulary.understand(rule)
                return rule if word.field.means is None else self._meant(rule, word.field, above, level)

    def _meant(self, said: Condition, field: Field, above: tuple[tuple[str, str], ...], level: int) -> Rule:
        return _combined(said, tuple(self._of(field, key, above, level) for key in _keys(self.vocabulary, said)))

    def _of(self, field: Field, key: str, above: tuple[tuple[str, str], ...], level: int) -> Rule:
        assert field.means is not None
        if (field.name, key) in above:
            raise RuleError("", _circle(field, key))
        rule = field.means(key)
        # One that is gone is nobody's, like a choice that is gone.
        return Any(()) if rule is None else self.rule(rule, (*above, (field.name, key)), level + 2)

    def _count(self, rule: Rule, level: int) -> None:
        self.nodes += 1
        if isinstance(rule, Condition) and isinstance(rule.value, list | dict):
            self.values += len(rule.value)
        if self.nodes > MAX_MEANT or self.values > MAX_VALUES or level > MAX_LEVELS:
            raise RuleError(
                "",
                Label(
                    "with all segments that it names, the rule is too large",
                    "mit allen Segmenten, die sie nennt, ist die Regel zu groß",
                ),
            )


def _circle(field: Field, key: str) -> Label:
    names = dict(field.options())
    name = names.get(key, Label(key, key))
    return Label(
        f"the rule leads back to itself through “{name.en}”", f"die Regel führt über „{name.de}“ zu sich selbst zurück"
    )
