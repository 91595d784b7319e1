"""Reads the builder's form into its tree.

In charge of the names of inputs, which `templates/pages/audiences/_widgets.html` gives them, and of values as JSON has
them. What is wrong with a value is not said here but by the rule.
"""

import json
import re
from datetime import timedelta
from typing import Any as Anything

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.audiences.builder import Group, Mode, Row
from app.db import utc_now
from app.errors import Invalid
from app.i18n import language
from segments.operators import OPERATIONS, FieldType, Operation, Shape
from segments.rule import MAX_DEPTH, MAX_NODES, Condition, parse
from segments.scan import Text
from segments.vocabulary import Vocabulary

Form = MultiDict[str, str]
_NUMBERS = {FieldType.NUMBER, FieldType.MONEY}


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
            lines = [line for value in values for line in value.splitlines()]
            return [_number(type_, line.strip()) for line in lines if line.strip()]
        case Shape.RANGE:
            return [_number(type_, one.get(end, "").strip()) for end in ("low", "high")]
        case Shape.COUNT | Shape.TOTAL | Shape.HELD | Shape.SAMPLE:
            return _object(operation.shape, one)
        case Shape.DAYS | Shape.MONTH:
            return _whole(values[0]) if values else ""
    return _number(type_, values[0].strip()) if values else ""


_PARTS = {
    Shape.COUNT: ("at_least", "days", "since", "until", "campaign", "link", "product"),
    Shape.TOTAL: ("amount", "days", "since", "until", "product"),
    Shape.HELD: ("value", "days"),
    Shape.SAMPLE: ("percent", "seed"),
}
_MONTH = 30
_WHOLE = {"at_least", "days", "campaign", "seed"}
# What a choice of "when" leaves out, however the inputs beside it were filled in before.
_UNASKED = {"ever": {"days", "since", "until"}, "last": {"since", "until"}, "dates": {"days"}}


def _object(shape: Shape, one: dict[str, str]) -> dict[str, Anything]:
    """The inputs that are filled in."""
    when = one.get("when", "")
    unasked = _UNASKED.get(when, set())
    given = {name: one.get(name, "").strip() for name in _PARTS[shape] if name not in unasked}
    # A newly chosen "when" begins with a month.
    if when == "last" and not given["days"]:
        given["days"] = str(_MONTH)
    elif when == "dates" and not given["since"] and not given["until"]:
        given["since"] = (utc_now().date() - timedelta(days=_MONTH)).isoformat()
    return {
        name: _whole(text) if name in _WHOLE else _number(FieldType.NUMBER, text) if name in _AMOUNTS else text
        for name, text in given.items()
        if text
    }


_AMOUNTS = {"amount", "percent"}


def _number(type_: FieldType, text: str) -> int | str:
    """Numbers as JSON has them, where they are whole, and days of the year; others stay as written and are read by the
    rule."""
    if type_ is FieldType.BIRTHDAY:
        found = Text(text, language()).birthday(0)
        return found[0] if found and found[1] == len(text) else text
    if type_ not in _NUMBERS:
        return text
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text.replace(",", ".")


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\d{1,15}", text.strip()) else text.strip()
