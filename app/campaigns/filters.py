"""The filters a marketer may use, and the bounds on what they can grow to.

In charge of: what `|default`, `|money` and the rest do, for a value that may be absent. Not of who may use
them: sandbox and allowed read FILTERS. An absent value (None, an unknown name) counts as empty everywhere.
"""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from babel import UnknownLocaleError
from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from markupsafe import escape as escape_html

PART_LIMIT = 1_000_000  # characters of one rendered part (S2)
VALUE_LIMIT = 100_000  # characters of one value
LETTERS = 20_000_000  # characters of long values that the filters of one part may go through together
LIST_LIMIT = 1000  # entries of a list that the template writes
LONG = 1000  # characters; below it a value costs no more than any other step


class TooMuch(ValueError):
    """A template asked for more text, numbers or rounds than a mail can need."""


@dataclass(slots=True)
class Effort:
    """What is left of the work that one part of one mail may cost: rounds of loops, steps in them, letters (S2)."""

    rounds: int = 10_000
    steps: int = 500_000
    letters: int = LETTERS


#: Of the part that is being rendered.
effort: ContextVar[Effort] = ContextVar("effort")


def text_of(value: object) -> str:
    """The value as readers see it: an absent one is empty, a list has commas. Never Python's own notation."""
    if isinstance(value, (list, tuple)):
        return join(value, ", ")
    if isinstance(value, dict):
        raise TypeError("this is a group of values; name one of them")
    text = "" if value is None else str(value)
    if len(text) > LONG:
        _charge(len(text))
    return text


def _charge(letters: int) -> None:
    bounded(letters)
    if left := effort.get(None):
        left.letters -= letters
        if left.letters < 0:
            raise TooMuch("more work with long texts than a mail can need")


def is_absent(value: object) -> bool:
    return value is None or value == "" or isinstance(value, Undefined)


def bounded(length: int, limit: int = VALUE_LIMIT) -> None:
    """Raises TooMuch."""
    if length > limit:
        raise TooMuch("more text than a mail can hold")


def concat(parts: Iterable[Any]) -> str:
    """What `~` does; Markup stays Markup and makes its neighbours safe."""
    words = [part if isinstance(part, Markup) else text_of(part) for part in parts]
    bounded(sum(map(len, words)))
    return Markup("").join(words) if any(isinstance(word, Markup) for word in words) else "".join(words)


def default(value: Any, fallback: Any = "") -> Any:
    """The fallback for whatever is absent: unknown, None or an empty text."""
    return fallback if is_absent(value) else value


def capitalize(value: Any) -> str:
    """First letter large, the rest as written: `|capitalize` must not turn McKay into Mckay."""
    text = text_of(value)
    return text[:1].upper() + text[1:]


def truncate(value: Any, length: int = 80, end: str = "…") -> str:
    """At most `length` characters, cut between words where there is a space in the second half."""
    text = text_of(value)
    if len(text) <= length:
        return text
    cut = text[: max(0, length - len(end))]
    space = cut.rfind(" ")
    return (cut[:space] if space > length // 2 else cut).rstrip() + end


def replace(value: Any, old: str, new: str) -> str:
    text = text_of(value)
    bounded(len(text) + text.count(str(old)) * len(str(new)))
    return text.replace(str(old), str(new))


def length(value: Any) -> int:
    return 0 if is_absent(value) else len(value)


def join(value: Any, separator: str = "") -> str:
    items: list[str] = []
    size = 0
    for item in [] if is_absent(value) else value:
        items.append(text_of(item))
        size += len(items[-1]) + len(separator)
        bounded(size)
    return separator.join(items)


def listed(items: Any) -> Any:
    """A list that the template wrote: of plain values, or of short lists of them, for a grid grows by itself."""
    size = 0
    for item in items:
        inner = item if isinstance(item, (list, tuple)) else ()
        size += 1 + len(inner)
        if size > LIST_LIMIT or any(isinstance(each, (list, tuple)) for each in inner):
            raise TooMuch("lists within lists of lists, or more than a mail can need")
    return items


def first(value: Any) -> Any:
    return "" if is_absent(value) or not len(value) else value[0]


def last(value: Any) -> Any:
    return "" if is_absent(value) or not len(value) else value[-1]


def rounded(value: Any, digits: int = 0) -> Any:
    """Whole numbers come without a decimal point."""
    if is_absent(value):
        return ""
    return round(value) if digits == 0 else round(value, min(int(digits), 12))


@pass_context
def money(context: Context, value: Any, currency: str | None = None) -> str:
    """`19.9|money` is `19,90 €` for a German reader and `€19.90` for an English one, in the organisation's currency."""
    if is_absent(value):
        return ""
    language, own = reader(context.parent)
    return _money(value, str(currency or own), language)


@pass_context
def day(context: Context, value: Any, style: str = "long") -> str:
    """A date or ISO date as the reader's language writes it; `style` is short, medium, long or full."""
    if is_absent(value):
        return ""
    moment = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    return _day(moment, style, reader(context.parent)[0])


def url_part(value: Any) -> str:
    """One value inside an address: it can neither end the path nor open a query of its own."""
    return quote(text_of(value), safe="")


def mailbox_part(value: Any) -> str:
    """The same inside mailto: and tel:, where @ and + mean themselves."""
    return quote(text_of(value), safe="@+")


def reader(values: Mapping[str, Any]) -> tuple[str, str]:
    """All that filters ask of a context: the reader's language, and the currency."""
    own = values.get("organisation")
    currency = own.get("currency") if isinstance(own, dict) else None
    return str(values.get("language") or "en"), str(currency or "EUR")


@lru_cache(4096, typed=True)
def _money(value: Any, currency: str, language: str) -> str:
    return format_currency(Decimal(str(value)), currency, locale=_locale(language))


@lru_cache(4096)
def _day(value: date, style: str, language: str) -> str:
    return format_date(value, style, locale=_locale(language))


@lru_cache(64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "fallback": default,
    "upper": lambda value: text_of(value).upper(),
    "lower": lambda value: text_of(value).lower(),
    "title": lambda value: text_of(value).title(),
    "capitalize": capitalize,
    "trim": lambda value: text_of(value).strip(),
    "truncate": truncate,
    "replace": replace,
    "length": length,
    "count": length,
    "join": join,
    "first": first,
    "last": last,
    "round": rounded,
    "money": money,
    "date": day,
    "urlencode": url_part,
    "escape": lambda value: escape_html(text_of(value)),
}
