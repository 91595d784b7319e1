"""One compiled template of an Edition: subject, HTML or text.

In charge of: filling it in quickly, within bounds, and of naming the line where it cannot be. Not of what its values
are, nor of what is printed (sandbox, encode).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from jinja2 import Template, TemplateError, nodes

from app.campaigns.address import FUNCTIONS
from app.campaigns.allowed import parse
from app.campaigns.edition import Lines
from app.campaigns.filters import PART_LIMIT, Effort, bounded, effort
from app.campaigns.printing import Names, Printer, Values
from app.campaigns.sandbox import MailEnvironment, bounded_range
from segments.label import Label


class RenderFailed(Exception):
    """The mail of this one person cannot be made. `line` counts in the marketer's source."""

    def __init__(self, line: int, message: Label) -> None:
        super().__init__(f"line {line}: {message.en}")
        self.line = line
        self.message = message


class Part:
    """May be filled in from several threads."""

    def __init__(
        self, tree: nodes.Template, environment: MailEnvironment, lines: Lines = (), loops: Sequence[object] = ()
    ) -> None:
        """`loops` are what the tree has given away to be printed by `_each` (rounds)."""
        self._template: Template = environment.from_string(tree)
        self._context = partial(Values, environment)
        self._by_handful = environment.code_generator_class is Printer
        self._lines = lines
        self._loops = loops

    def fill(self, values: Names) -> str:
        """The part for these values, which `values_of` made. Raises RenderFailed."""
        values["_loops"] = self._loops
        rendering = self._template.root_render_func(self._context(values))
        pieces: list[str] = []
        size = 0
        token = effort.set(Effort())
        try:
            for printed in rendering:
                some = printed if self._by_handful else (printed,)
                pieces += some
                size += sum(map(len, some))
                if size > PART_LIMIT:
                    bounded(size, PART_LIMIT)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise RenderFailed(self._line(error, rendering), _not_possible(error)) from error
        finally:
            effort.reset(token)
        return "".join(pieces)

    def _line(self, error: BaseException, rendering: Any) -> int:
        # The generator still stands where it was if the error came from outside of it.
        frame, trace = rendering.gi_frame, error.__traceback__
        line = self._template.get_corresponding_lineno(frame.f_lineno) if frame else 1
        while trace:
            template = trace.tb_frame.f_globals.get("__jinja_template__")
            if isinstance(template, Template):
                line = template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return next((source for part, source in reversed(self._lines) if part <= line), line)


def edition_tree(source: str, environment: MailEnvironment) -> nodes.Template:
    """A part of an Edition as a tree."""
    return parse(source, environment, internal=FUNCTIONS)


def values_of(context: Mapping[str, Any]) -> Names:
    """A merge context without what is absent, and with what templates may call.

    Raises TypeError if it holds more than plain values: an object would show all its attributes (S1).
    """
    for value in context.values():
        if type(value) not in _PLAIN:
            _refuse_objects(value)
    values = Names({name: value for name, value in context.items() if value is not None})
    values["range"] = bounded_range
    return values


def _refuse_objects(value: Any) -> None:
    kind = type(value)
    if kind is dict:
        inside = value.values()
    elif kind is list or kind is tuple:
        inside = value
    elif isinstance(value, date):
        return
    else:
        raise TypeError(f"{kind.__name__} is not a plain value")
    if not _PLAIN.issuperset(map(type, inside)):
        for item in inside:
            if type(item) not in _PLAIN:
                _refuse_objects(item)


def _not_possible(error: Exception) -> Label:
    return Label(
        en=f"This tag cannot be filled in for this person: {error}",
        de=f"Dieser Tag lässt sich für diese Person nicht füllen: {error}",
    )


_PLAIN = frozenset({str, int, float, bool, Decimal, type(None)})
