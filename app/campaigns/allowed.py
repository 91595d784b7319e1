"""What a marketer's template may say.

In charge of: reading a template with every mistake named by its line, the allow-list of tags, filters, tests
and operators, and the counters put into the tree (S2). Not of running it: sandbox is the environment.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from app.campaigns.filters import FILTERS
from app.campaigns.problem import TemplateInvalid, TemplateProblem, syntax_sentence
from app.campaigns.sandbox import HTML, TESTS
from segments.label import Label

SOURCE_LIMIT = 500_000  # characters; Gmail cuts a mail off at 102 KB
LOOP_DEPTH = 5
EXPRESSION_DEPTH = 40


def parse(source: str, environment: Environment = HTML, *, internal: frozenset[str] = frozenset()) -> nodes.Template:
    """The template as a tree ready to compile. Raises TemplateInvalid with everything that is wrong in it.

    `internal` are the functions that our own compiler has put in; no marketer can write them.
    """
    tree = _syntax_tree(source, environment)
    if problems := tuple(_violations(tree, internal)):
        raise TemplateInvalid(tuple(sorted(problems, key=lambda problem: problem.line)))
    return _guarded(tree, environment)


def _syntax_tree(source: str, environment: Environment) -> nodes.Template:
    if len(source) > SOURCE_LIMIT:
        raise TemplateInvalid((TemplateProblem(1, TOO_LARGE),))
    if found := _NOT_TEXT.search(source):
        raise TemplateInvalid((TemplateProblem(source.count("\n", 0, found.start()) + 1, NOT_TEXT),))
    try:
        # Jinja's lexer unfolds `raw` before any tree exists, so it is looked for here.
        for line, token, _ in environment.lex(source):
            if token == "raw_begin":  # noqa: S105
                raise TemplateInvalid((TemplateProblem(line, syntax_sentence("Encountered unknown tag 'raw'")),))
        return environment.parse(source)
    except TemplateSyntaxError as error:
        problem = TemplateProblem(error.lineno, syntax_sentence(error.message or ""))
        raise TemplateInvalid((problem,)) from error
    except (RecursionError, ValueError) as error:
        raise TemplateInvalid((TemplateProblem(1, TOO_DEEP),)) from error


def _violations(
    tree: nodes.Node, internal: frozenset[str], loops: int = 0, depth: int = 0
) -> Iterator[TemplateProblem]:
    message = _violation(tree, internal)
    loops += isinstance(tree, nodes.For)
    depth = depth + 1 if isinstance(tree, nodes.Expr) else 0
    if loops > LOOP_DEPTH or depth > EXPRESSION_DEPTH:
        message = TOO_DEEP
    if message:
        yield TemplateProblem(tree.lineno, message)
        return
    for child in tree.iter_child_nodes():
        yield from _violations(child, internal, loops, depth)


def _violation(node: nodes.Node, internal: frozenset[str]) -> Label | None:
    match node:
        case nodes.Filter(name=name) if name not in FILTERS and name != "e" and name not in internal:
            return _no_such("filter", "Filter", name, FILTERS)
        case nodes.Test(name=name) if name not in TESTS:
            return _no_such("test", "Test", name, TESTS)
        case nodes.Name(name=name) | nodes.Getattr(attr=name) if name.startswith("_") and name not in internal:
            return _no_such("merge tag", "Platzhalter", name, ())
        case nodes.Call() if not _may_be_called(node, internal):
            return CALL
        case nodes.For(recursive=True):
            return _unknown_tag("recursive")
        case nodes.Pow():
            return POWER
    if type(node) not in _ALLOWED:
        return _UNKNOWN.get(type(node)) or _unknown_tag(type(node).__name__.lower())
    return None


def _may_be_called(call: nodes.Call, internal: frozenset[str]) -> bool:
    match call.node:
        case nodes.Name(name=name):
            return (name == "range" or name in internal) and not (call.kwargs or call.dyn_args or call.dyn_kwargs)
    return False


def _guarded(tree: nodes.Template, environment: Environment) -> nodes.Template:
    """`~`, lists and loops go through filters that count, for Jinja cannot intercept them."""
    for loop in tree.find_all(nodes.For):
        steps = nodes.Const(sum(1 for _ in loop.find_all(nodes.Node)), lineno=loop.lineno)
        loop.iter = nodes.Filter(loop.iter, "_rounds", [steps], [], None, None, lineno=loop.lineno)
    _replace_in(tree)
    tree.set_environment(environment)
    return tree


def _replace_in(node: nodes.Node) -> None:
    for name, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_counted(item) for item in value]
        else:
            setattr(node, name, _counted(value))


def _counted(value: Any) -> Any:
    if isinstance(value, nodes.Node):
        _replace_in(value)
    if isinstance(value, nodes.Concat):
        return _filtered(nodes.List(value.nodes, lineno=value.lineno), "_concat")
    if isinstance(value, nodes.List) or (isinstance(value, nodes.Tuple) and value.ctx == "load"):
        return _filtered(value, "_listed")
    return value


def _filtered(value: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


def _no_such(en: str, de: str, name: str, known: Iterable[str]) -> Label:
    near = difflib.get_close_matches(name, [word for word in known if not word.startswith("_")], 1)
    return Label(
        en=f"There is no {en} “{name}”." + (f" Did you mean “{near[0]}”?" if near else ""),
        de=f"„{name}“ gibt es hier nicht ({de})." + (f" Meinten Sie „{near[0]}“?" if near else ""),
    )


def _unknown_tag(name: str) -> Label:
    return syntax_sentence(f"Encountered unknown tag '{name}'")


TOO_DEEP = Label(
    en="Loops, brackets or expressions are nested too deeply.",
    de="Schleifen, Klammern oder Ausdrücke sind zu tief verschachtelt.",
)
TOO_LARGE = Label(
    en="The template is larger than 500,000 characters.", de="Die Vorlage ist größer als 500.000 Zeichen."
)
NOT_TEXT = Label(en="There is a control character in this line.", de="In dieser Zeile steht ein Steuerzeichen.")
CALL = Label(
    en="Functions cannot be called in a mail; use a filter such as “|upper”. Only range(…) is allowed.",
    de="Funktionen lassen sich hier nicht aufrufen; nehmen Sie einen Filter wie „|upper“. Erlaubt ist range(…).",
)
POWER = Label(en="“**” is not allowed in a mail.", de="„**“ ist in einer Mail nicht erlaubt.")

_UNKNOWN: dict[type[nodes.Node], Label] = {
    nodes.CallBlock: _unknown_tag("call"),
    nodes.FilterBlock: _unknown_tag("filter"),
    nodes.FromImport: _unknown_tag("from"),
    nodes.AssignBlock: Label(
        en="“set” needs a value: {% set word = … %}.", de="„set“ braucht einen Wert: {% set wort = … %}."
    ),
    nodes.Dict: Label(
        en="Curly brackets cannot stand inside a tag.",
        de="Geschweifte Klammern dürfen nicht in einem Tag stehen.",
    ),
}
_ALLOWED: frozenset[type[nodes.Node]] = frozenset(
    {
        *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
        *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice),
        *(nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword, nodes.CondExpr, nodes.Compare, nodes.Operand),
        *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat),
        *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
    }
)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
