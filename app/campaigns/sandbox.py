"""The one Jinja environment for templates that marketers write.

In charge of: how names, operators and loops behave while a mail is rendered, and of what they may cost. Not of
what a template may say at all (allowed), nor of our own templates (app/mail_templates).

The sandbox of Jinja stops escapes, not exhaustion, and shows every public attribute of what it is given; so
only plain values go in, attributes are looked up in dicts alone, and all that can grow is bounded (S1, S2).
"""

import math
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import ChainableUndefined, pass_context, pass_eval_context
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.campaigns.address import ADDRESSES
from app.campaigns.filters import (
    FILTERS,
    Effort,
    TooMuch,
    bounded,
    concat,
    effort,
    listed,
    mailbox_part,
    text_of,
    url_part,
)
from app.campaigns.printing import Printer, Values

RANGE_LIMIT = 1000
NUMBER_LIMIT = 10**15

#: The names that were printed without a value while one mail was rendered.
missing_names: ContextVar[set[str]] = ContextVar("missing_names")


class Blank(ChainableUndefined):
    """An absent value: prints as nothing, compares as false, never keeps a person from getting her mail."""

    __slots__ = ()

    def __str__(self) -> str:
        if (names := missing_names.get(None)) is not None and self._undefined_name:
            names.add(self._undefined_name)
        return ""

    def __html__(self) -> str:
        return str(self)

    def _never(self, _other: object) -> bool:
        return False

    def _zero(self) -> int:
        return 0

    def _neither(self, _other: object) -> float:
        """Neither even nor odd."""
        return math.nan

    __neg__ = __pos__ = _zero  # type: ignore[assignment]
    __mod__ = _neither  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Plain values only, None is Blank, operators are bounded.

    `prints` are filters through which our own compiler sends what is printed: then nothing else is done to it.
    """

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    context_class = Values

    def __init__(self, *, html: bool, prints: Mapping[str, Callable[[Any], str]] | None = None) -> None:
        finalize = None if prints else _finalized
        super().__init__(autoescape=html and not prints, undefined=Blank, finalize=finalize, cache_size=0)
        self.globals = {"range": bounded_range}
        escape = {} if html else {"escape": text_of}
        self.filters = FILTERS | escape | {"e": (FILTERS | escape)["escape"], **INTERNAL, **(prints or {})}
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS}
        self.eval_ctx = EvalContext(self)
        if prints:
            self.code_generator_class = Printer

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a dict, the loop's counters, or a part of a date: never a Python attribute."""
        if type(obj) is dict and (value := obj.get(attribute)) is not None:
            return value
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        value: Any = None
        if isinstance(obj, dict):
            value = obj.get(argument)
        elif isinstance(obj, (list, tuple, str)) and isinstance(argument, (int, slice)):
            value = _item(obj, argument)
        elif isinstance(obj, _ATTRIBUTES_OF) and argument in _ATTRIBUTES:
            value = getattr(obj, argument, None)
        elif isinstance(obj, Blank):
            return obj
        return Blank(obj=obj, name=str(argument)) if value is None else value

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        left, right = _operand(left, right), _operand(right, left)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return concat((left, right))
        if not isinstance(left, _NUMBERS) or not isinstance(right, _NUMBERS) or operator == "**":
            raise TypeError(f"“{operator}” needs two numbers")
        if isinstance(left, Decimal) != isinstance(right, Decimal):
            left, right = float(left), float(right)
        result = self.binop_table[operator](left, right)
        if abs(result) > NUMBER_LIMIT:
            raise TooMuch("a number too large for a mail")
        return result


def bounded_range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > RANGE_LIMIT:
        raise TooMuch(f"a range of more than {RANGE_LIMIT}")
    return numbers


@pass_context
def _rounds(_context: Context, value: Any, steps: int) -> list[Any] | tuple[Any, ...] | range:
    """What a loop goes through, paid for from what this rendering may cost; a round has so many `steps`.

    It asks for a context, though it needs none, so that Jinja does not go through constants while it compiles.
    """
    items = value if isinstance(value, (list, tuple, range)) else list(value or ())
    left = effort.get(None) or Effort()
    left.rounds -= len(items)
    left.steps -= len(items) * steps
    if left.rounds < 0 or left.steps < 0:
        raise TooMuch("more rounds of loops than a mail can need")
    return items


def printed(value: Any) -> Any:
    """What `{{ … }}` prints: text_of, but what is Markup stays it, and numbers are left to Jinja.

    Lines end with a line feed, so that half of a line break cannot meet another half.
    """
    if isinstance(value, str):
        bounded(len(value))
        return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    return text_of(value) if value is None or isinstance(value, (list, tuple, dict)) else value


@pass_eval_context
def _finalized(_context: EvalContext, value: Any) -> Any:
    """It asks for a context, so that Jinja does not print constants while it compiles.

    There it escapes them first, and `{{ none }}` would be the word "None".
    """
    return printed(value)


def _item(sequence: Any, index: int | slice) -> Any:
    try:
        return sequence[index]
    except IndexError:
        return None


def _operand(value: Any, other: Any) -> Any:
    """An absent operand takes the neutral value of the other one's kind."""
    if value is None or isinstance(value, Blank):
        return "" if isinstance(other, str) else 0
    return value


TESTS = frozenset(
    {
        *("defined", "undefined", "none", "string", "number", "mapping", "sequence", "true", "false"),
        *("even", "odd", "divisibleby", "in", "eq", "ne", "lt", "le", "gt", "ge", "equalto", "greaterthan"),
        *("lessthan", "==", "!=", "<", "<=", ">", ">="),
    }
)

_NUMBERS = (int, float, Decimal)
_ATTRIBUTES_OF = (LoopContext, date)
_ATTRIBUTES = frozenset(
    {
        *("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"),
        *("year", "month", "day", "hour", "minute"),
    }
)

INTERNAL: dict[str, Callable[..., Any]] = {
    "_concat": concat,
    "_listed": listed,
    "_rounds": _rounds,
    "_part": url_part,
    "_mailbox": mailbox_part,
    **ADDRESSES,
}

#: Values in HTML are escaped; in the text part and in headers they are not.
HTML = MailEnvironment(html=True)
PLAIN = MailEnvironment(html=False)
