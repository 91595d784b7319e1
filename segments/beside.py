"""Conditions on a row that stands beside a person, such as the wide row of her profile or the mail of one campaign.

In charge of asking such a row once: conditions on the same one, however they are joined, become one condition on it.
Where that row is comes from the field (`vocabulary.Beside`); what a condition says comes from `segments.where`.
"""

from collections.abc import Callable, Sequence

from segments.operators import Operator
from segments.order import all_of, any_of
from segments.rule import All, Any, Condition, Not, Rule
from segments.truth import Truth, negated
from segments.vocabulary import Beside

Placed = Callable[[Condition], Beside | None]
Said = Callable[[Condition], Truth]


def place_of(rule: Rule, placed: Placed) -> Beside | None:
    """The row that everything in the rule is about; None where there is no such row, or no condition at all."""
    match rule:
        case Condition():
            return placed(rule)
        case Not(inner):
            return place_of(inner, placed)
        case All(rules) | Any(rules):
            found = [place_of(each, placed) for each in rules]
            keys = {each.key if each else None for each in found}
            return found[0] if len(keys) == 1 else None


def gathered(rule: All | Any, placed: Placed) -> Sequence[Rule]:
    """The parts of a group, those about the same row as one part; in the order in which they first stand."""
    parts: dict[object, list[Rule]] = {}
    for at, each in enumerate(rule.rules):
        place = place_of(each, placed)
        parts.setdefault(place.key if place else at, []).append(each)
    return [some[0] if len(some) == 1 else type(rule)(tuple(some)) for some in parts.values()]


def on_people(rule: Rule, place: Beside, said: Said) -> Truth:
    """Whom a rule about one row means. Of somebody without the row no condition holds, so where the rule would, those
    are asked of whom it does not."""
    inside = _on_row(rule, said)
    if _holds_of_nothing(rule):
        return negated(place.people(negated(inside)))
    return place.people(inside)


def _on_row(rule: Rule, said: Said) -> Truth:
    match rule:
        case All(rules):
            return all_of(_on_row(each, said) for each in rules)
        case Any(rules):
            return any_of(_on_row(each, said) for each in rules)
        case Not(inner):
            return negated(_on_row(inner, said))
        case Condition():
            return said(rule)


def _holds_of_nothing(rule: Rule) -> bool:
    match rule:
        case All(rules):
            return all(_holds_of_nothing(each) for each in rules)
        case Any(rules):
            return any(_holds_of_nothing(each) for each in rules)
        case Not(inner):
            return not _holds_of_nothing(inner)
        case Condition(_, operator):
            return operator == Operator.NOT_HAPPENED
