"""The words a marketer can put into a mail.

In charge of: the list that the editor's menu, the preview and the preflight check share, and of finding which
of them a template uses. Not of their values: whoever sends builds the context.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from segments.label import Label


@dataclass(frozen=True, slots=True)
class MergeTag:
    """`name` is the path in the context; `products[].name` is a field of each item in a loop over products.

    `optional` ones are empty for some people and want a fallback.
    """

    name: str
    label: Label
    example: Any
    optional: bool = False

    @property
    def source(self) -> str:
        """What the editor inserts."""
        group, _, attribute = self.name.partition("[].")
        if attribute:
            item = group.removesuffix("s")
            return f"{{% for {item} in {group} %}}{{{{ {item}.{attribute} }}}}{{% endfor %}}"
        fallback = '|default("…")' if self.optional else ""
        return f"{{{{ {self.name}{fallback} }}}}"


@dataclass(frozen=True, slots=True)
class Use:
    """One tag at one place. `guarded` means that a fallback or a condition covers its absence."""

    name: str
    line: int
    guarded: bool


def _tag(name: str, en: str, de: str, example: Any, *, optional: bool = False) -> MergeTag:
    return MergeTag(name, Label(en=en, de=de), example, optional)


MERGE_TAGS: tuple[MergeTag, ...] = (
    _tag("first_name", "First name", "Vorname", "Anna", optional=True),
    _tag("last_name", "Last name", "Nachname", "Weber", optional=True),
    _tag("name", "Full name", "Voller Name", "Anna Weber", optional=True),
    _tag("email", "Email address", "E-Mail-Adresse", "anna@example.org"),
    _tag("language", "Language", "Sprache", "de"),
    _tag("country", "Country", "Land", "DE", optional=True),
    _tag("birthday", "Birthday", "Geburtstag", "1990-05-17", optional=True),
    _tag("tags", "Tags", "Tags", ["tea"]),
    _tag("topics", "Topics", "Themen", ["Newsletter"]),
    _tag("score", "Score", "Punktestand", 42),
    _tag("tier", "Tier", "Stufe", "Loyal", optional=True),
    _tag("orders.count", "Number of orders", "Anzahl Bestellungen", 3),
    _tag("orders.sum", "Sum of all orders", "Summe aller Bestellungen", 129.7),
    _tag("orders.last_at", "Date of the last order", "Datum der letzten Bestellung", "2026-10-02", optional=True),
    _tag("products[].name", "Product: name", "Produkt: Name", "Darjeeling First Flush"),
    _tag("products[].url", "Product: address", "Produkt: Adresse", "https://shop.example/darjeeling"),
    _tag("products[].image", "Product: picture", "Produkt: Bild", "https://shop.example/darjeeling.jpg", optional=True),
    _tag("products[].price", "Product: price", "Produkt: Preis", 12.9),
    _tag("sender.name", "Sender: name", "Absender: Name", "Teehaus Lindenhof"),
    _tag("sender.address", "Sender: email address", "Absender: E-Mail-Adresse", "post@shop.example"),
    _tag("sender.imprint", "Imprint", "Impressum", "Teehaus Lindenhof GmbH, Lindenweg 4, 21335 Lüneburg"),
    _tag("organisation.name", "Organisation", "Organisation", "Teehaus Lindenhof"),
    _tag("organisation.currency", "Currency", "Währung", "EUR"),
    _tag("unsubscribe_url", "Unsubscribe link", "Abmeldelink", "https://shop.example/unsubscribe"),
    _tag("preferences_url", "Preferences link", "Link zu den Einstellungen", "https://shop.example/preferences"),
    _tag("tracking_off_url", "Turn-off-tracking link", "Link: Messung ausschalten", "https://shop.example/quiet"),
    _tag("webview_url", "Browser version", "Browser-Ansicht", "https://shop.example/view"),
)

#: Custom fields of people: any name may follow.
OPEN_GROUP = "attributes"


def example_context(tags: Iterable[MergeTag] = MERGE_TAGS) -> dict[str, Any]:
    """A context of the examples, for previews without a person."""
    context: dict[str, Any] = {OPEN_GROUP: {}}
    for tag in tags:
        group, _, attribute = tag.name.partition("[].")
        if attribute:
            context.setdefault(group, [{}])[0][attribute] = tag.example
        else:
            _put(context, tag.name, tag.example)
    return context


def unknown(name: str, known: Iterable[str]) -> bool:
    """Whether no person can have a value for this name. A group (`sender`) is known by its parts."""
    if name == OPEN_GROUP or (name.startswith(f"{OPEN_GROUP}.") and name.count(".") == 1):
        return False
    return not any(tag == name or tag.startswith((f"{name}.", f"{name}[]")) for tag in known)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.6)), None)


def first_words(names: Iterable[str]) -> frozenset[str]:
    """What has to be known to fill in these tags: `orders` for `orders.count`, and what the filters ask for."""
    return frozenset({re.split(r"[.\[]", name, maxsplit=1)[0] for name in names} | {"language"})


def used_tags(tree: nodes.Template) -> Iterator[Use]:
    """Every merge tag of a template, with loops followed: `p.name` in a loop over products is `products[].name`."""
    return _uses(tree, {}, frozenset(), guarded=False)


def _uses(node: nodes.Node, local: dict[str, str], sure: frozenset[str], *, guarded: bool) -> Iterator[Use]:
    match node:
        case nodes.Name(ctx="load") | nodes.Getattr() | nodes.Getitem() if path := _path(node, local):
            if not _OWN_WORD.match(path):
                yield Use(path, node.lineno, guarded or path in sure)
        case nodes.Filter(name="default" | "fallback", node=inner) if inner is not None:
            yield from _uses(inner, local, sure, guarded=True)
            for argument in node.args:
                yield from _uses(argument, local, sure, guarded=guarded)
        case nodes.If() | nodes.CondExpr():
            yield from _condition(node, local, sure, guarded=guarded)
        case nodes.For():
            yield from _uses(node.iter, local, sure, guarded=True)
            yield from _all([*node.body, *node.else_, *([node.test] if node.test else [])], _looped(node, local), sure)
        case nodes.Assign(target=nodes.Name(name=name)):
            yield from _uses(node.node, local, sure, guarded=True)
            local[name] = "="
        case _:
            for child in node.iter_child_nodes():
                yield from _uses(child, local, sure, guarded=guarded)


def _condition(
    node: nodes.If | nodes.CondExpr, local: dict[str, str], sure: frozenset[str], *, guarded: bool
) -> Iterator[Use]:
    tested = list(_uses(node.test, local, sure, guarded=True))
    yield from tested
    inside = sure | {use.name for use in tested}
    if isinstance(node, nodes.CondExpr):
        yield from _uses(node.expr1, local, inside, guarded=guarded)
        yield from _all([node.expr2] if node.expr2 else [], local, sure)
    else:
        yield from _all(node.body, local, inside)
        yield from _all([*node.elif_, *node.else_], local, sure)


def _all(children: Iterable[nodes.Node], local: dict[str, str], sure: frozenset[str]) -> Iterator[Use]:
    for child in children:
        yield from _uses(child, local, sure, guarded=False)


def _looped(loop: nodes.For, local: dict[str, str]) -> dict[str, str]:
    group = _path(loop.iter.node if isinstance(loop.iter, nodes.Filter) and loop.iter.node else loop.iter, local)
    names = [name.name for name in loop.target.find_all(nodes.Name)]
    if isinstance(loop.target, nodes.Name):
        names.append(loop.target.name)
    return local | dict.fromkeys(names, f"{group}[]" if group and group != "=" else "=")


def _path(node: nodes.Node, local: dict[str, str]) -> str | None:
    """`orders.count` for a chain of names, `=` for a word the template made itself, None for anything else."""
    match node:
        case nodes.Name(name=name):
            return local.get(name, name)
        case nodes.Getattr(node=inner, attr=attribute):
            return _below(_path(inner, local), attribute)
        case nodes.Getitem(node=inner, arg=nodes.Const(value=str() as attribute)):
            return _below(_path(inner, local), attribute)
        case nodes.Getitem(node=inner, arg=nodes.Slice()):
            return _path(inner, local)
        case nodes.Getitem(node=inner, arg=nodes.Const(value=int())):
            return _below(_path(inner, local), "")
    return None


def _below(path: str | None, attribute: str) -> str | None:
    if path is None or path == "=":
        return path
    return f"{path}.{attribute}" if attribute else f"{path}[]"


_OWN_WORD = re.compile(r"(?:=|_|(?:loop|range)\b)")


def _put(context: dict[str, Any], name: str, value: Any) -> None:
    group, _, attribute = name.partition(".")
    if attribute:
        context.setdefault(group, {})[attribute] = value
    else:
        context[name] = value
