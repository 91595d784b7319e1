"""The segment builder's form: a tree of rows that may be half filled in, and its way from and to a rule and a form.

One tree serves pages with and without scripts: every press of a button posts the whole form, `from_form` reads it,
`act` changes it, and the rows are drawn anew. A node's name is its place: `n` is the outermost group, `n.0.2` the third
row of its first group; `n.0.2.field` is an input of that row.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any as Anything

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.errors import Invalid
from app.i18n import language
from segments.operators import OPERATIONS, FieldType, Operation, Shape
from segments.rule import MAX_DEPTH, MAX_NODES, All, Any, Condition, Not, Rule, RuleError, parse
from segments.vocabulary import Field, Vocabulary

ROOT = "n"
Form = MultiDict[str, str]


class Mode(StrEnum):
    """How a group joins its rows."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclass(slots=True)
class Row:
    """One condition as it stands in the form; `field` is empty until one is chosen."""

    field: str = ""
    operator: str = ""
    value: Anything = None

    def to_json(self) -> dict[str, Anything]:
        stated = {"field": self.field, "op": self.operator}
        return stated if self.value is None else {**stated, "value": self.value}

    def error(self, vocabulary: Vocabulary) -> str | None:
        """What is wrong with this row, in the reader's language."""
        if not self.field:
            return str(_("Choose what this row is about."))
        try:
            vocabulary.check(parse(self.to_json()))
        except RuleError as error:
            return error.message(language())
        return None


@dataclass(slots=True)
class Group:
    """Rows and groups, joined."""

    mode: Mode = Mode.ALL
    nodes: "list[Row | Group]" = field(default_factory=list)

    def to_json(self) -> dict[str, Anything]:
        parts = [node.to_json() for node in self.nodes]
        return {"not": {"any": parts}} if self.mode is Mode.NONE else {self.mode.value: parts}

    def filled(self) -> "Group":
        """Without the rows that say nothing yet, and groups of only such rows: what can be counted already."""
        nodes = [node.filled() if isinstance(node, Group) else node for node in self.nodes]
        return Group(self.mode, [node for node in nodes if (node.nodes if isinstance(node, Group) else node.field)])


Node = Row | Group


def from_rule(rule: Rule) -> Group:
    """The tree that shows this rule; saved unchanged, it means the same people."""
    node = _node(rule)
    return node if isinstance(node, Group) else Group(Mode.ALL, [node])


def _node(rule: Rule) -> Node:
    match rule:
        case Condition():
            return Row(rule.field, rule.operator, rule.value)
        case All(rules):
            return Group(Mode.ALL, [_node(each) for each in rules])
        case Any(rules):
            return Group(Mode.ANY, [_node(each) for each in rules])
        case Not(Any(rules)):
            return Group(Mode.NONE, [_node(each) for each in rules])
        case Not(inner):
            return Group(Mode.NONE, [_node(inner)])


def places(group: Group, vocabulary: Vocabulary) -> dict[str, str]:
    """What is wrong, by the name of the row."""
    errors = ((name, node.error(vocabulary)) for name, node in walk(group) if isinstance(node, Row))
    return {name: error for name, error in errors if error}


def walk(group: Group, name: str = ROOT) -> Iterator[tuple[str, Node]]:
    """Every node below the group with its name."""
    for place, node in enumerate(group.nodes):
        yield f"{name}.{place}", node
        if isinstance(node, Group):
            yield from walk(node, f"{name}.{place}")


# --- buttons ------------------------------------------------------------------------------------


def act(group: Group, action: str) -> None:
    """Do what the button says: `row:n.0` and `group:n.0` add to a group, `copy:n.0.1` and `remove:n.0.1` are of a node.

    Anything else only draws the form anew.
    """
    verb, _colon, name = action.partition(":")
    nodes = {ROOT: group, **dict(walk(group))}
    node = nodes.get(name)
    parent = nodes.get(name.rpartition(".")[0])
    if verb == "row" and isinstance(node, Group):
        node.nodes.append(Row())
    elif verb == "group" and isinstance(node, Group):
        node.nodes.append(Group(Mode.ANY, [Row()]))
    elif node and isinstance(parent, Group):
        place = int(name.rpartition(".")[2])
        if verb == "copy":
            parent.nodes.insert(place + 1, _copied(node))
        elif verb == "remove":
            del parent.nodes[place]


def _copied(node: Node) -> Node:
    return Group(node.mode, [_copied(each) for each in node.nodes]) if isinstance(node, Group) else replace(node)


# --- the form -----------------------------------------------------------------------------------


def from_form(form: Form, vocabulary: Vocabulary) -> Group:
    """The tree that the form shows; Invalid if it is larger than any rule may be."""
    inputs: dict[tuple[int, ...], dict[str, list[str]]] = {(): {}}
    for name in form:
        if found := re.fullmatch(r"n((?:\.\d{1,3})*)\.([a-z_]+)", name):
            place = tuple(int(step) for step in found[1].split(".")[1:])
            inputs.setdefault(place, {})[found[2]] = form.getlist(name)
    if len(inputs) > MAX_NODES or max(map(len, inputs)) >= MAX_DEPTH:
        raise Invalid(_("The segment has too many rows."))
    return _group((), inputs, vocabulary)


def _group(place: tuple[int, ...], inputs: dict[tuple[int, ...], dict[str, list[str]]], words: Vocabulary) -> Group:
    mode = (inputs[place].get("mode") or [""])[0]
    below = sorted(each for each in inputs if len(each) == len(place) + 1 and each[:-1] == place)
    nodes = [_group(each, inputs, words) if "mode" in inputs[each] else _row(inputs[each], words) for each in below]
    return Group(Mode(mode) if mode in set(Mode) else Mode.ALL, nodes)


def _row(given: dict[str, list[str]], words: Vocabulary) -> Row:
    one = {name: values[0] for name, values in given.items()}
    if "kept" in one:
        return _kept(one["kept"])
    name = one.get("field", "")
    if name not in words:
        return Row(name[:100], one.get("op", "")[:100])
    operations = OPERATIONS[words[name].type]
    # A newly chosen field has other operators and other values.
    if one.get("was", name) != name or one.get("op") not in operations:
        return Row(name, next(iter(operations)))
    operation = operations[one["op"]]
    return Row(name, operation.operator.value, _value(words[name].type, operation, one, given.get("value", [])))


def _kept(text: str) -> Row:
    """A condition that no form can show (its field was deleted) survives as JSON."""
    try:
        rule = parse(json.loads(text))
    except (ValueError, RecursionError):
        return Row()
    return Row(rule.field, rule.operator, rule.value) if isinstance(rule, Condition) else Row()


def _value(type_: FieldType, operation: Operation, one: dict[str, str], values: list[str]) -> Anything:
    match operation.shape:
        case Shape.NOTHING:
            return None
        case Shape.MANY:
            lines = [line for value in values for line in (value.splitlines() if type_ is FieldType.TEXT else [value])]
            return [_number(type_, line.strip()) for line in lines if line.strip()]
        case Shape.RANGE:
            return [_number(type_, one.get(end, "").strip()) for end in ("low", "high")]
        case Shape.COUNT:
            count = {name: _whole(one.get(name, "")) for name in ("at_least", "days", "campaign")}
            return {name: value for name, value in count.items() if value != ""}
        case Shape.DAYS | Shape.MONTH:
            return _whole(values[0]) if values else ""
    return _number(type_, values[0].strip()) if values else ""


def _number(type_: FieldType, text: str) -> int | str:
    """Numbers as JSON has them, where they are whole; others stay as written and are read by the rule."""
    if type_ not in {FieldType.NUMBER, FieldType.MONEY}:
        return text
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text.replace(",", ".")


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\d{1,15}", text.strip()) else text.strip()


def understood(row: Row, vocabulary: Vocabulary) -> tuple[Field, Operation] | None:
    """The field and the operation of a row that a form can show."""
    if row.field not in vocabulary:
        return None
    found = vocabulary[row.field]
    operation = OPERATIONS[found.type].get(row.operator)
    return (found, operation) if operation else None
