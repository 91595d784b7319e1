"""Loops whose rounds come out alike for many people: a product is printed once, not for everybody who bought it.

In charge of: finding such loops in a compiled part, and of printing them. A round is remembered where all it prints
follows from the item it is about, the reader's language and the currency; what this mail's links begin with is put in
afterwards. Not of what a loop may cost (sandbox), which is counted for each mail.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from jinja2 import Template, nodes, pass_context
from jinja2.runtime import Context

from app.campaigns.filters import PART_LIMIT, bounded, effort, reader
from app.campaigns.printing import Names, Values
from app.campaigns.sandbox import MailEnvironment

# So many rounds are remembered of a loop, for so many kinds of readers, and none that is longer.
_ROUNDS, _READERS, _LONGEST = 2000, 20, 5000


class Loop:
    """One loop of a part. May be printed from several threads."""

    def __init__(self, loop: nodes.For, environment: MailEnvironment) -> None:
        assert isinstance(loop.target, nodes.Name)
        self._target = loop.target.name
        body = nodes.Template(loop.body, lineno=loop.lineno)
        body.set_environment(environment)
        self._template: Template = environment.from_string(body)
        self._context = partial(Values, environment)
        # By kind of reader and by identity: an item, and its round in pieces between which the prefix belongs.
        self._known: dict[tuple[object, ...], dict[int, tuple[Any, list[str]]]] = {}

    def printed(self, items: Iterable[Any], values: Mapping[str, Any]) -> str:
        """All rounds, for the values of one mail."""
        known, prefix = self._known_to(values), values["_prefix"]
        rounds: list[str] = []
        size = 0
        for item in items:
            found = known.get(id(item))
            pieces = found[1] if found and found[0] is item else self._pieces(item, values, known)
            said = prefix.join(pieces)
            rounds.append(said)
            size += len(said)
            if size > PART_LIMIT:
                bounded(size, PART_LIMIT)
        return "".join(rounds)

    def _known_to(self, values: Mapping[str, Any]) -> dict[int, tuple[Any, list[str]]]:
        kind = (*reader(values), values["_urls"].scope)
        known = self._known.get(kind)
        if known is None:
            if len(self._known) >= _READERS:
                self._known.clear()
            known = self._known[kind] = {}
        return known

    def _pieces(self, item: Any, values: Mapping[str, Any], known: dict[int, tuple[Any, list[str]]]) -> list[str]:
        left = effort.get()
        letters = left.letters
        own = Names(values)
        own[self._target], own["_prefix"] = item, _HOLE if values["_prefix"] else ""
        said = "".join(chain.from_iterable(self._template.root_render_func(self._context(own))))
        pieces = said.split(_HOLE)
        # What is paid for by its length is paid for each time. Only a dict is the same thing for many people.
        if type(item) is dict and len(said) <= _LONGEST and left.letters == letters:
            if len(known) >= _ROUNDS:
                known.clear()
            known[id(item)] = item, pieces
        return pieces


def take_out(tree: nodes.Template, environment: MailEnvironment) -> tuple[Loop, ...]:
    """Let the tree, whose pieces are in their final form, print such loops through `_each`; they are in the answer."""
    loops: list[Loop] = []
    for body in _bodies(tree):
        for at, node in enumerate(body):
            if isinstance(node, nodes.For) and _is_alike(node):
                number = nodes.Const(len(loops), lineno=node.lineno)
                each = nodes.Filter(node.iter, "_each", [number], [], None, None, lineno=node.lineno)
                body[at] = nodes.Output([each], lineno=node.lineno).set_environment(environment)
                loops.append(Loop(node, environment))
    return tuple(loops)


@pass_context
def each(context: Context, items: Iterable[Any], number: int) -> str:
    """The filter `_each`."""
    loop: Loop = context.parent["_loops"][number]
    return loop.printed(items, context.parent)


def _bodies(node: nodes.Node) -> Iterator[list[nodes.Node]]:
    for _, value in node.iter_fields():
        if isinstance(value, list):
            yield value
            for child in value:
                if isinstance(child, nodes.Node):
                    yield from _bodies(child)


def _is_alike(loop: nodes.For) -> bool:
    """Whether a round depends on nothing but its item, the kind of reader, and the prefix of links."""
    if loop.else_ or loop.test or not isinstance(loop.target, nodes.Name):
        return False
    allowed = {loop.target.name, "_prefix"}
    for statement in loop.body:
        for node in (statement, *statement.find_all(nodes.Node)):
            match node:
                case nodes.Name(name=name) if name not in allowed:
                    return False
                case nodes.For() | nodes.Assign() | nodes.Call():
                    return False
    return True


# No piece holds it, for quoted-printable encodes it.
_HOLE = "\x02"
