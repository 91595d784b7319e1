"""Templates compiled for many readers: what Jinja does for each mail and could do once, done once.

In charge of: the code of templates whose pieces need nothing more done to them (`encode.py`), and the context that any
mail is rendered in. Not of what templates may do (sandbox).
"""

from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.utils import missing


class Names(dict[str, Any]):
    """The values of a mail by name; what has no value is missing, as Jinja says it."""

    def __missing__(self, name: str) -> Any:
        return missing


class Values(Context):
    """A context without blocks and globals, made in a third of the time."""

    name, globals_keys, blocks = None, frozenset[str](), {}  # type: ignore[assignment]

    def __init__(self, environment: Any, values: dict[str, Any], *_nothing: Any, **_globals: Any) -> None:
        parent = values if type(values) is Names else Names(values)
        self.parent, self.environment = parent, environment
        self.eval_ctx: EvalContext = environment.eval_ctx
        self.vars, self.exported_vars = {}, set()
        # Asked before anything is set in the template.
        self.resolve_or_missing = parent.__getitem__  # type: ignore[assignment,method-assign]


class Printer(CodeGenerator):
    """Hands out pieces by the handful, each of them text already."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - its name in Jinja
        """`yield (piece, piece, …)`"""
        self.writeline("yield (", node)
        self.indent()
        for piece in node.nodes:
            self.newline(piece)
            if isinstance(piece, nodes.TemplateData):
                self.write(repr(piece.data))
            else:
                self.visit(piece, frame)
            self.write(",")
        self.outdent()
        self.writeline(")")
