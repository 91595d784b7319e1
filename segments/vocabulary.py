"""The words rules may use.

In charge of what a field is, of finding it by name, and of checking that a rule says something about fields
that exist. Features bring their fields; this module knows none. Only what stands in a vocabulary can reach
SQL.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from segments.label import Label
from segments.operators import OPERATIONS, FieldType, Operation, Operator, Shape
from segments.rule import Condition, Rule, RuleError, below, conditions
from segments.values import Value, read

__all__ = ["Choices", "Field", "FieldType", "Group", "Happening", "Operator", "Shape", "Vocabulary", "Word"]

Choices: TypeAlias = tuple[tuple[str, Label], ...]


class Group(StrEnum):
    """A category in the builder, in this order."""

    PROFILE = "profile"
    CUSTOM = "custom"
    TAGS_AND_TOPICS = "tags_and_topics"
    EMAIL = "email"
    PURCHASES = "purchases"
    SCORE_AND_TIER = "score_and_tier"

    @property
    def label(self) -> Label:
        return _GROUP_LABELS[self]


_GROUP_LABELS = {
    Group.PROFILE: Label("Profile", "Profil"),
    Group.CUSTOM: Label("Custom fields", "Eigene Felder"),
    Group.TAGS_AND_TOPICS: Label("Tags & topics", "Tags & Themen"),
    Group.EMAIL: Label("Email activity", "E-Mail-Aktivität"),
    Group.PURCHASES: Label("Purchases", "Käufe"),
    Group.SCORE_AND_TIER: Label("Score & tier", "Punktestand & Stufe"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Asked of an event field: at least so often, in [since, until), by one campaign (None: no limit)."""

    at_least: int = 1
    since: datetime | None = None
    until: datetime | None = None
    campaign: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A word of the vocabulary.

    `sql` is called for every condition and gives
    - for scalar types `sql() -> ColumnElement`, the value of a person, NULL when unknown: text and choice as
      text (a choice may be an integer key), money as integer minor units, date as Date or ISO text, moment as
      a type that takes aware datetimes, birthday as the integer month * 100 + day (29 February is 229);
    - for lists `sql(values: Sequence[str]) -> ColumnElement[bool]`, "has any of these", never NULL;
    - for events `sql(happening: Happening) -> ColumnElement[bool]`, never NULL.

    `label` is written as in the middle of a sentence ("last click", "letzter Klick"); of a list it is a
    plural ("tags"), of an event a participle ("clicked", "geklickt"). `choices` names the values of choices
    and lists, and the campaigns of events; it may be a function when they come from tables. A field without
    any takes every value. `currency` is for money.
    """

    name: str
    label: Label
    type: FieldType
    sql: Callable[..., Any]
    group: Group = Group.PROFILE
    choices: Choices | Callable[[], Choices] = ()
    currency: str | None = None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What can be said of this field, in the builder's order."""
        return tuple(OPERATIONS[self.type].values())

    def options(self) -> Choices:
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True, slots=True)
class Word:
    """A condition understood: its field, its operation, its typed value."""

    field: Field
    operation: Operation
    value: Value


class Vocabulary:
    """Fields by name; iterates in the order of the groups."""

    def __init__(self, fields: Iterable[Field]) -> None:
        order = list(Group)
        self._fields: dict[str, Field] = {}
        for each in sorted(fields, key=lambda field: order.index(field.group)):
            if each.name in self._fields:
                raise ValueError(f"the field {each.name!r} is in the vocabulary twice")
            self._fields[each.name] = each

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def grouped(self) -> dict[Group, list[Field]]:
        """The fields of each group that has any, for the builder."""
        groups: dict[Group, list[Field]] = {}
        for each in self:
            groups.setdefault(each.group, []).append(each)
        return groups

    def check(self, rule: Rule) -> None:
        """Raise `RuleError` for an unknown field, an operator its type lacks, or a value that is wrong."""
        for path, condition in conditions(rule):
            word = self.understand(condition, path)
            if word.field.type in {FieldType.CHOICE, FieldType.LIST}:
                _check_choices(word, below(path, "value"))

    def understand(self, condition: Condition, path: str = "") -> Word:
        """The condition with its words looked up, or `RuleError`.

        A choice that no longer exists is no error here, so that old rules live on: nobody has it.
        """
        field = self._fields.get(condition.field)
        if field is None:
            raise RuleError(
                below(path, "field"),
                Label(f"there is no field “{condition.field}”", f"es gibt kein Feld „{condition.field}“"),
            )
        operation = OPERATIONS[field.type].get(condition.operator)
        if operation is None:
            raise RuleError(
                below(path, "op"),
                Label(
                    f"“{condition.operator}” cannot be said of “{field.label.en}”",
                    f"„{condition.operator}“ passt nicht zu „{field.label.de}“",
                ),
            )
        return Word(field, operation, read(field.type, operation.shape, condition.value, below(path, "value")))


def _check_choices(word: Word, path: str) -> None:
    known = {value for value, _ in word.field.options()}
    values = word.value if isinstance(word.value, tuple) else (word.value,)
    for each in values:
        if known and each is not None and each not in known:
            raise RuleError(
                path,
                Label(
                    f"“{each}” is no value of “{word.field.label.en}”",
                    f"„{each}“ ist kein Wert von „{word.field.label.de}“",
                ),
            )
