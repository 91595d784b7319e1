"""The words rules may use.

In charge of what a field is, of finding it by name, and of checking that a rule says something about fields
that exist. Features bring their fields; this module knows none. Only what stands in a vocabulary can reach
SQL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement

from segments.label import Label
from segments.objects import Count, Held, Scope, Total
from segments.operators import OPERATIONS, FieldType, Operation, Operator, Shape
from segments.rule import Condition, Rule, RuleError, below, conditions
from segments.values import Value, read

__all__ = ["Beside", "Choices", "Field", "FieldType", "Group", "Happening", "Operator", "Shape", "Vocabulary", "Word"]

Choices: TypeAlias = tuple[tuple[str, Label], ...]
Offered: TypeAlias = Choices | Callable[[], Choices]


class Group(StrEnum):
    """A category in the builder, in this order."""

    PROFILE = "profile"
    CUSTOM = "custom"
    TAGS_AND_TOPICS = "tags_and_topics"
    EMAIL = "email"
    PURCHASES = "purchases"
    SURVEYS = "surveys"
    SCORE_AND_TIER = "score_and_tier"
    SEGMENTS = "segments"

    @property
    def label(self) -> Label:
        return _GROUP_LABELS[self]


_GROUP_LABELS = {
    Group.PROFILE: Label("Profile", "Profil"),
    Group.CUSTOM: Label("Custom fields", "Eigene Felder"),
    Group.TAGS_AND_TOPICS: Label("Tags & topics", "Tags & Themen"),
    Group.EMAIL: Label("Email activity", "E-Mail-Aktivität"),
    Group.PURCHASES: Label("Purchases", "Käufe"),
    Group.SURVEYS: Label("Surveys", "Umfragen"),
    Group.SCORE_AND_TIER: Label("Score & tier", "Punktestand & Stufe"),
    Group.SEGMENTS: Label("Segments", "Segmente"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Asked of an event field: at least so often, in [since, until), by one campaign, on links whose target holds the
    text, of one product (None: no limit)."""

    at_least: int = 1
    since: datetime | None = None
    until: datetime | None = None
    campaign: int | None = None
    link: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A row that stands beside a person in another table, if she has it. `people` makes of a condition on it one on
    people; those of one `key` are of the same row. `condition` is what an event asks of it, None of a value. Where
    `everybody` has the row, a scan of people may be joined with it and ask it without being led there."""

    key: str
    people: Callable[[ColumnElement[bool]], ColumnElement[bool]]
    condition: ColumnElement[bool] | None = None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A word of the vocabulary.

    `sql` is called for every condition and gives
    - for scalar types `sql() -> ColumnElement`, the value of a person, NULL when unknown: text and choice as
      text (a choice may be an integer key), money as integer minor units, date as Date or ISO text, moment as
      a type that takes aware datetimes, birthday as the integer month * 100 + day (29 February is 229);
    - for lists `sql(values: Sequence[str]) -> ColumnElement[bool]`, "has any of these", never NULL;
    - for events `sql(happening: Happening) -> ColumnElement[bool]`, never NULL;
    - for totals `sql(happening, test) -> ColumnElement[bool]`, "has rows there whose amount passes the test", where
      `test` takes the amount as SQL; never NULL;
    - for states `sql(key: str, since: datetime) -> ColumnElement[bool]`, "has been this since before then";
    - for samples `sql() -> ColumnElement`, the integer id of a person.

    `label` is written as in the middle of a sentence ("last click", "letzter Klick"); of a list it is a
    plural ("tags"), of an event a participle ("clicked", "geklickt"). `choices` names the values of choices,
    lists and states; it may be a function when they come from tables. A field without any takes every value.
    `details` names what a scope may say of an event or a total, with the choices there are: "campaign", "link",
    "product". `currency` is for money and totals; totals without one are of something else in hundredths, such as
    points. `empty` is the total of nothing: 0 of a sum, None of an average.
    `shows` takes what `sql` takes, a test left out, and gives what a person has there: how often, how much, which.
    `as_of` gives, where what a person has depends on the time that is asked for, the `sql` of that time.
    `beside` says of a value in another table, or of a happening that one row there answers, which row that is.
    `aliases` are other words for it in typed sentences. A list may instead of `sql` say what a value `means`: a rule,
    which stands in its place.
    """

    name: str
    label: Label
    type: FieldType
    sql: Callable[..., Any] = lambda *_: None
    group: Group = Group.PROFILE
    choices: Offered = ()
    currency: str | None = None
    details: Mapping[str, Offered] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    empty: int | None = 0
    means: Callable[[str], Rule | None] | None = None
    shows: Callable[..., Any] | None = None
    as_of: Callable[[datetime], Callable[..., Any]] | None = None
    beside: Callable[[Happening | None], Beside | None] | None = None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What can be said of this field, in the builder's order."""
        return tuple(OPERATIONS[self.type].values())

    def options(self, detail: str | None = None) -> Choices:
        """The choices of the field, or of one of its details."""
        offered = self.choices if detail is None else self.details.get(detail, ())
        return offered() if callable(offered) else offered


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
        for each in sorted(fields, key=lambda each: order.index(each.group)):
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
            if word.field.type in {FieldType.CHOICE, FieldType.LIST, FieldType.STATE}:
                _check_choices(word, below(path, "value"))

    def understand(self, condition: Condition, path: str = "") -> Word:
        """The condition with its words looked up, or `RuleError`.

        A choice that no longer exists is no error here, so that old rules live on: nobody has it.
        """
        found = self._fields.get(condition.field)
        if found is None:
            raise RuleError(
                below(path, "field"),
                Label(f"there is no field “{condition.field}”", f"es gibt kein Feld „{condition.field}“"),
            )
        operation = OPERATIONS[found.type].get(condition.operator)
        if operation is None:
            raise RuleError(
                below(path, "op"),
                Label(
                    f"“{condition.operator}” cannot be said of “{found.label.en}”",
                    f"„{condition.operator}“ passt nicht zu „{found.label.de}“",
                ),
            )
        value = read(found.type, operation.shape, condition.value, below(path, "value"))
        if isinstance(value, Count | Total):
            _check_details(found, value.scope, below(path, "value"))
        return Word(found, operation, value)


def _check_details(word: Field, scope: Scope, path: str) -> None:
    for detail in ("campaign", "link", "product"):
        if getattr(scope, detail) is not None and detail not in word.details:
            raise RuleError(
                below(path, detail),
                Label(f"“{word.label.en}” knows no {detail}", f"„{word.label.de}“ kennt kein „{detail}“"),
            )


def _check_choices(word: Word, path: str) -> None:
    known = {value for value, _ in word.field.options()}
    value = word.value.key if isinstance(word.value, Held) else word.value
    values = value if isinstance(value, tuple) else (value,)
    for each in values:
        if known and each is not None and each not in known:
            raise RuleError(
                path,
                Label(
                    f"“{each}” is no value of “{word.field.label.en}”",
                    f"„{each}“ ist kein Wert von „{word.field.label.de}“",
                ),
            )
