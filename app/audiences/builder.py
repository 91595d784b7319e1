"""The segment builder's tree of rows, which may be half filled in, and its way from and to a rule.

One tree serves pages with and without scripts: every press of a button posts the whole form, `form.from_form` reads it,
`act` changes it, and the rows are drawn anew. A node's name is its place: `n` is the outermost group, `n.0.2` the third
row of its first group; `n.0.2.field` is an input of that row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any as Anything

from flask_babel import gettext as _

from app.i18n import language
from segments.operators import OPERATIONS, Operation
from segments.rule import All, Any, Condition, Not, Rule, RuleError, parse
from segments.vocabulary import Field, Vocabulary

ROOT = "n"


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
            if not _found(self.to_json(), error.path):
                return str(_("A value is missing."))
            return error.message(language())
        return None


def _found(stated: Anything, path: str) -> bool:
    """Whether anything stands at the place of a condition, such as `value.days` or `value[1]`."""
    for step in re.findall(r"[a-z_]+|\d+", path):
        try:
            stated = stated[int(step) if step.isdigit() else step]
        except (KeyError, IndexError, TypeError):
            return False
    return stated not in ("", None, [], [""])


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


def unfinished(group: Group, vocabulary: Vocabulary) -> str | None:
    """What is wrong with the first row that says something already, with the number of the row."""
    for name, node in walk(group):
        if isinstance(node, Row) and node.field and (error := node.error(vocabulary)):
            number = ".".join(str(int(step) + 1) for step in name.split(".")[1:])
            return str(_("row %(number)s: %(problem)s", number=number, problem=error))
    return None


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


def understood(row: Row, vocabulary: Vocabulary) -> tuple[Field, Operation] | None:
    """The field and the operation of a row that a form can show."""
    if row.field not in vocabulary:
        return None
    found = vocabulary[row.field]
    operation = OPERATIONS[found.type].get(row.operator)
    return (found, operation) if operation else None
