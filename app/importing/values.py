"""Days, moments, amounts and numbers as people write them, read without guessing.

In charge of: every notation that has one meaning, and of finding out over a whole column what `03/04/2026` and `1.234`
mean there. Where the column does not tell, the value is refused with a sentence, never guessed. `parse_…` raise
Invalid. Not of: words (countries, languages), which the features know.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from flask_babel import gettext as _

from app.errors import Invalid

Proof = TypeVar("Proof", bound=StrEnum)


class Unclear(Invalid):
    """It means one of two things, and the column does not tell which."""


class DateOrder(StrEnum):
    """What comes first in `03/04/2026`."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


class DecimalSign(StrEnum):
    """What stands before the cents."""

    COMMA = ","
    POINT = "."


@dataclass(frozen=True, slots=True)
class Habits:
    """How a column is written; None where that is not known."""

    order: DateOrder | None = None
    sign: DecimalSign | None = None
    zone: tzinfo = UTC
    currency: str = "EUR"


_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})")
_CLOCK = re.compile(
    r"(.+?)(?:T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(am|pm)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?(?:\s*uhr)?",
    re.IGNORECASE,
)


def parse_day(text: str, habits: Habits) -> date:
    """`2026-12-31`, `31.12.2026`, `20261231`; `31/12/2026` and `12/31/2026` where the column tells which it is."""
    return _day(text.strip(), habits.order, text)


def parse_moment(text: str, habits: Habits) -> datetime:
    """A day with or without a time and a zone, in UTC; without a zone it is the column's."""
    given = text.strip()
    match = _CLOCK.fullmatch(given)
    if not match:
        return datetime.combine(_day(given, habits.order, text), time(), habits.zone).astimezone(UTC)
    day, hour, minute, second, half, zone = match.groups()
    try:
        clock = time(_hour(int(hour), half), int(minute), int(second or 0), tzinfo=_zone(zone) or habits.zone)
        return datetime.combine(_day(day, habits.order, text), clock).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_date(text) from error


def _day(given: str, order: DateOrder | None, text: str) -> date:
    if match := _YEAR_FIRST.fullmatch(given):
        parts = match[1], match[3], match[4]
        if match[2] or len(given) == 8:
            return _date(parts, text)
    elif match := _DOTTED.fullmatch(given):
        return _date((match[3], match[2], match[1]), text)
    elif match := _SLASHED.fullmatch(given):
        first, second = match[1], match[3]
        decided = order or _order_of(int(first), int(second))
        if decided is None:
            raise Unclear(_("“%(text)s” may mean two days: choose how this column writes dates.", text=_short(text)))
        month, day = (second, first) if decided is DateOrder.DAY_FIRST else (first, second)
        return _date((match[4], month, day), text)
    raise _no_date(text)


def _date(parts: tuple[str, str, str], text: str) -> date:
    try:
        found = date(*map(int, parts))
    except ValueError as error:
        raise _no_date(text) from error
    if not 1900 <= found.year <= 2199:
        raise _no_date(text)
    return found


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _zone(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _no_date(text: str) -> Invalid:
    return Invalid(_("“%(text)s” is not a date like 2026-12-31 or 31.12.2026.", text=_short(text)))


def _order_of(first: int, second: int) -> DateOrder | None:
    """What one date proves: only a day can be more than 12, and 5/5 is the same either way."""
    if first > 12 or first == second:
        return DateOrder.DAY_FIRST
    return DateOrder.MONTH_FIRST if second > 12 else None


_CURRENCIES = {"€": ("EUR",), "£": ("GBP",), "$": ("USD", "CAD", "AUD", "NZD"), "¥": ("JPY", "CNY"), "Fr.": ("CHF",)}
_MARKED = re.compile(
    r"(?P<before>[A-Z]{3}|[€£$¥]|Fr\.)?\s*(?P<number>.*?)\s*(?P<after>[A-Z]{3}|[€£$¥]|Fr\.)?", re.DOTALL
)
# Spaces of any width and the Swiss apostrophe group digits and mean nothing else; lines of a cell are no groups.
_GROUPING = re.compile(r"(?<=\d)(?:[^\S\r\n]|['’])(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Whole numbers up to here are exact as floats too. Money is summed in 64 bits.
_MOST = 10**15
_MOST_MONEY = 10**14


def parse_amount(text: str, habits: Habits) -> int:
    """Money in minor units: `1.234,56`, `1,234.56`, `€ 12`, `12,00 EUR`, `-3`, `3-`, `(3)`."""
    number, marks = _unmarked(text)
    for mark in marks:
        if habits.currency not in _CURRENCIES.get(mark, (mark,)):
            raise Invalid(_("“%(text)s” is not in %(currency)s.", text=_short(text), currency=habits.currency))
    minor = _decimal(number, habits.sign, text) * 100
    if abs(minor) > _MOST_MONEY:
        raise _too_large(text)
    if minor != int(minor):
        raise Invalid(_("“%(text)s” has more than two decimal places.", text=_short(text)))
    return int(minor)


def parse_number(text: str, habits: Habits) -> int | float:
    """A number, whole where it can be."""
    number = _decimal(text, habits.sign, text)
    return int(number) if number == int(number) else float(number)


def parse_whole(text: str, habits: Habits) -> int:
    """A number without decimals: `3`, `1 000`, `3,0`."""
    number = parse_number(text, habits)
    if isinstance(number, float):
        raise Invalid(_("“%(text)s” is not a whole number.", text=_short(text)))
    return number


def _unmarked(text: str) -> tuple[str, list[str]]:
    """The number without its currency, and which that was; `-€ 3` has its sign outside."""
    given = unicodedata.normalize("NFKC", text).strip()
    sign = given[0] if given[:1] in {"-", "−", "+"} else ""
    match = _MARKED.fullmatch(given[len(sign) :].strip())
    assert match
    return sign + match["number"], [mark for mark in (match["before"], match["after"]) if mark]


def _decimal(number: str, sign: DecimalSign | None, text: str) -> Decimal:
    digits, negative = _signed(number)
    if not _NUMBER.fullmatch(digits) or len(digits) > 20:
        raise Invalid(_("“%(text)s” is not a number.", text=_short(text)))
    decided = sign or _sign_of(digits)
    if decided is None and any(mark in digits for mark in ".,"):
        raise Unclear(_("“%(text)s” may mean two numbers: choose how this column writes decimals.", text=_short(text)))
    value = _value(digits, decided or DecimalSign.POINT, text)
    if value > _MOST:
        raise _too_large(text)
    return -value if negative else value


def _too_large(text: str) -> Invalid:
    return Invalid(_("“%(text)s” is too large.", text=_short(text)))


def _signed(number: str) -> tuple[str, bool]:
    given = unicodedata.normalize("NFKC", number).strip().replace("−", "-")
    if given.startswith("(") and given.endswith(")"):
        given = "-" + given[1:-1].strip()
    if given.endswith("-"):
        given = "-" + given[:-1].strip()
    negative = given.startswith("-")
    return _GROUPING.sub("", given[1:].strip() if given[:1] in {"-", "+"} else given), negative


def _value(digits: str, sign: DecimalSign, text: str) -> Decimal:
    whole, mark, fraction = digits.partition(sign)
    first, *groups = whole.split("." if sign is DecimalSign.COMMA else ",")
    grouped = not groups or (len(first) <= 3 and first != "0" and all(len(group) == 3 for group in groups))
    if not grouped or (mark and not fraction.isdigit()):
        raise Invalid(_("“%(text)s” does not fit how this column writes numbers.", text=_short(text)))
    return Decimal(f"{first}{''.join(groups)}.{fraction or 0}")


def _sign_of(digits: str) -> DecimalSign | None:
    """What one number proves: `1.234` nothing, `1.234,5`, `1.2` and `1.234.567` do."""
    marks = [letter for letter in digits if letter in ".,"]
    if not marks:
        return None
    if len(set(marks)) == 2:
        return DecimalSign(marks[-1])
    if len(marks) > 1:
        return DecimalSign.COMMA if marks[0] == "." else DecimalSign.POINT
    whole, _mark, fraction = digits.partition(marks[0])
    could_be_grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if could_be_grouped else DecimalSign(marks[0])


_TRUE = frozenset({"true", "yes", "y", "1", "on", "ja", "j", "wahr", "x", "✓"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "falsch", "-"})


def parse_flag(text: str, habits: Habits) -> bool:  # noqa: ARG001 - every parser takes both
    """`yes`, `ja`, `1`, `true`, `x` or their opposites."""
    word = text.strip().casefold()
    if word not in _TRUE | _FALSE:
        raise Invalid(_("“%(text)s” is neither yes nor no.", text=_short(text)))
    return word in _TRUE


def date_evidence(text: str) -> DateOrder | None:
    """What a cell proves about the order of its column."""
    match = _SLASHED.match(text.strip())
    if not match or match[1].lstrip("0") == match[3].lstrip("0"):
        return None
    return _order_of(int(match[1]), int(match[3]))


def number_evidence(text: str) -> DecimalSign | None:
    """What a cell proves about the decimals of its column."""
    digits, _negative = _signed(_unmarked(text)[0])
    return _sign_of(digits) if _NUMBER.fullmatch(digits) else None


def only_one(proofs: Iterable[Proof | None]) -> Proof | None:
    """What all cells that prove something agree on."""
    found = {proof for proof in proofs if proof}
    return found.pop() if len(found) == 1 else None


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 40 else text[:39] + "…"
