"""The rule tree: its four values, and the way from and to JSON.

In charge of the *shape* of a rule, also when the JSON is hostile: depth, size, and which values can exist at
all. Whether the words of a rule mean something is the business of `segments.vocabulary`.

    {"all": [{"field": "country", "op": "is", "value": "DE"}, {"not": {"field": "tags", …}}]}
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from segments.label import Label

MAX_DEPTH = 16
MAX_NODES = 200
MAX_VALUES = 2_000  # over the whole rule: SQLite binds 32,766 parameters at most
MAX_LIST = 200
MAX_TEXT = 500

Scalar: TypeAlias = bool | int | float | str | None
JSON: TypeAlias = Scalar | list["JSON"] | dict[str, "JSON"]


class RuleError(ValueError):
    """A rule that cannot be used; `path` is the place in its JSON (`all[2].value`, "" is the root)."""

    def __init__(self, path: str, message: Label) -> None:
        super().__init__(f"{path or 'rule'}: {message.en}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the rules holds. `All(())` is everybody."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of the rules holds. `Any(())` is nobody."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Exactly the people the rule does not hold for."""

    rule: "Rule"


@dataclass(frozen=True, slots=True)
class Condition:
    """One word of the vocabulary, an operator of its type, and a value as it stands in the JSON."""

    field: str
    operator: str
    value: JSON = None


Rule: TypeAlias = All | Any | Not | Condition


def parse(data: object) -> Rule:
    """The rule in decoded JSON, or `RuleError`."""
    return _Parser().node(data, "", 1)


def to_json(rule: Rule) -> dict[str, JSON]:
    """The inverse of `parse`."""
    match rule:
        case All(rules):
            return {"all": [to_json(each) for each in rules]}
        case Any(rules):
            return {"any": [to_json(each) for each in rules]}
        case Not(inner):
            return {"not": to_json(inner)}
        case Condition(name, operator, None):
            return {"field": name, "op": operator}
        case Condition(name, operator, value):
            return {"field": name, "op": operator, "value": value}


def conditions(rule: Rule, path: str = "") -> Iterator[tuple[str, Condition]]:
    """Each condition of the rule with its path, in reading order."""
    match rule:
        case All(rules):
            for index, each in enumerate(rules):
                yield from conditions(each, below(path, f"all[{index}]"))
        case Any(rules):
            for index, each in enumerate(rules):
                yield from conditions(each, below(path, f"any[{index}]"))
        case Not(inner):
            yield from conditions(inner, below(path, "not"))
        case Condition():
            yield path, rule


def below(path: str, step: str) -> str:
    """The path one step further down."""
    return f"{path}.{step}" if path else step


@dataclass(slots=True)
class _Parser:
    """Counts what it has read, so that a small rule with huge parts is refused as well."""

    nodes: int = 0
    values: int = 0

    def node(self, data: object, path: str, depth: int) -> Rule:
        self._count_node(path, depth)
        if not isinstance(data, Mapping):
            raise RuleError(path, Label("a rule must be an object", "eine Regel muss ein Objekt sein"))
        match sorted(data, key=str):
            case ["all"]:
                return All(self._nodes(data["all"], below(path, "all"), depth))
            case ["any"]:
                return Any(self._nodes(data["any"], below(path, "any"), depth))
            case ["not"]:
                return Not(self.node(data["not"], below(path, "not"), depth + 1))
            case ["field", "op"] | ["field", "op", "value"]:
                return self._condition(data, path)
        raise RuleError(
            path,
            Label(
                'expected one of "all", "any", "not", or "field" with "op" and "value"',
                'erwartet wird "all", "any", "not" oder "field" mit "op" und "value"',
            ),
        )

    def _count_node(self, path: str, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise RuleError(
                path,
                Label(
                    f"groups nest deeper than {MAX_DEPTH}",
                    f"Gruppen sind tiefer als {MAX_DEPTH} verschachtelt",
                ),
            )
        if self.nodes > MAX_NODES:
            raise RuleError(path, Label(f"more than {MAX_NODES} conditions", f"mehr als {MAX_NODES} Bedingungen"))

    def _nodes(self, data: object, path: str, depth: int) -> tuple[Rule, ...]:
        if not isinstance(data, list):
            raise RuleError(path, Label("a group must be a list", "eine Gruppe muss eine Liste sein"))
        return tuple(self.node(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(data))

    def _condition(self, data: Mapping[str, object], path: str) -> Condition:
        return Condition(
            self._word(data["field"], below(path, "field")),
            self._word(data["op"], below(path, "op")),
            self._value(data.get("value"), below(path, "value")),
        )

    def _word(self, data: object, path: str) -> str:
        if not isinstance(data, str):
            raise RuleError(path, Label("must be text", "muss Text sein"))
        return _text(data, path)

    def _value(self, data: object, path: str) -> JSON:
        if isinstance(data, list):
            if len(data) > MAX_LIST:
                raise RuleError(path, Label(f"more than {MAX_LIST} values", f"mehr als {MAX_LIST} Werte"))
            return [self._scalar(each, f"{path}[{index}]") for index, each in enumerate(data)]
        if isinstance(data, dict):
            return {
                self._word(key, path): self._scalar(each, below(path, str(key)[:MAX_TEXT]))
                for key, each in data.items()
            }
        return self._scalar(data, path)

    def _scalar(self, data: object, path: str) -> Scalar:
        self.values += 1
        if self.values > MAX_VALUES:
            raise RuleError(path, Label(f"more than {MAX_VALUES} values", f"mehr als {MAX_VALUES} Werte"))
        if isinstance(data, str):
            return _text(data, path)
        if isinstance(data, float) and not math.isfinite(data):
            raise RuleError(path, Label("is not a number", "ist keine Zahl"))
        if data is None or isinstance(data, bool | int | float):
            return data
        raise RuleError(path, Label("is too deeply nested", "ist zu tief verschachtelt"))


def _text(data: str, path: str) -> str:
    if len(data) > MAX_TEXT:
        raise RuleError(path, Label(f"is longer than {MAX_TEXT} characters", f"ist länger als {MAX_TEXT} Zeichen"))
    # PostgreSQL cannot hold NUL in text, and neither database a lone surrogate.
    if "\0" in data or any("\ud800" <= each <= "\udfff" for each in data):
        raise RuleError(path, Label("contains a character that is not text", "enthält ein Zeichen, das kein Text ist"))
    return data
