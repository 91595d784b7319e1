"""A typed text and what can be recognised at a place in it: phrases, quotes, numbers, days.

In charge of characters. What they mean where they stand is `segments.typed`'s business. Everything takes a place and
gives what was found with the place after it, or None.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import get_month_names

from segments.naming import small

# What ends a quotation, the right one first: word processors curl one of two quotes, or none.
_CLOSING = {
    "“": '”"',
    "”": "”",
    "„": '“”"',
    '"': '"”“',
    "«": "»",
    "»": "«",
    "‘": "’'",
    "’": "’",
    "‚": "‘’'",
    "'": "'’",
    "‹": "›",
    "›": "‹",
}
# Pasted text has spaces that do not break, and some that cannot be seen at all.
_UNSEEN = "\u200b\u2060\ufeff"
_SPACE = re.compile(rf"[\s{_UNSEEN}]*")
_BARE = re.compile(rf"[^\s{_UNSEEN}(),;\"“”„«»]+")
_SPACES = {ord(each): " " for each in f"\u00a0\u202f\u2007{_UNSEEN}"} | {0x2011: "-"}
_WHOLE = re.compile(r"\d{1,3}(?:[.,]\d{3})+(?!\d)|\d+")
_GROUPED = {
    "en": re.compile(r"([-−]?)(\d{1,3}(?:,\d{3})+(?![\d]))(?:\.(\d+))?"),
    "de": re.compile(r"([-−]?)(\d{1,3}(?:\.\d{3})+(?![\d]))(?:,(\d+))?"),
}
_PLAIN = re.compile(r"([-−]?)(\d+)(?:[.,](\d+))?")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})(?!\d)")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.(?!\s?\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s+([^\W\d_]+)\.?(?:\s+(\d{4})(?!\d))?")
_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\w)(?:,?\s+(\d{4})(?!\d))?")
_MONTH_DAY = re.compile(r"(\d{2})-(\d{2})(?![\d-])")
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    names = {}
    for language in ("en", "de"):
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, locale=language).items():
                names[small(name).rstrip(".")] = number
    return names


@lru_cache(maxsize=8192)
def _pattern(phrase: str) -> re.Pattern[str]:
    parts = [re.escape(each) for each in small(phrase).split()]
    end = r"(?!\w)" if re.search(r"\w$", phrase) else ""
    return re.compile(r"\s+".join(parts).replace("…", r"(\d[\d.,]*)") + end)


class Text:
    """What was typed."""

    def __init__(self, raw: str, language: str) -> None:
        self.raw = raw
        self.low = small(raw).translate(_SPACES)
        self._language = language

    def skip(self, at: int) -> int:
        """The place after white space."""
        found = _SPACE.match(self.raw, at)
        return found.end() if found else at

    def phrase(self, at: int, phrase: str) -> int | None:
        """The place after the phrase, in any case and with any white space in it."""
        found = _pattern(phrase).match(self.low, at)
        return found.end() if found else None

    def first(self, at: int, *phrases: str) -> int | None:
        """The place after the first of the phrases that stands here."""
        return next((end for each in phrases if (end := self.phrase(at, each)) is not None), None)

    def before_number(self, at: int, *phrases: str) -> int | None:
        """The place after the first of the phrases that stands right before a digit, or is followed by a space."""
        for each in phrases:
            end = at + len(each)
            if self.low.startswith(small(each), at) and self.raw[end : end + 1].isdigit():
                return end
        return self.first(at, *phrases)

    def match(self, at: int, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """A pattern over the lower-case text."""
        return pattern.match(self.low, at)

    def counted(self, at: int, phrase: str) -> tuple[int, int] | None:
        """The number at the “…” of the phrase."""
        found = _pattern(phrase).match(self.low, at)
        number = self.whole(found.start(1)) if found else None
        return (number[0], found.end()) if found and number and number[1] == found.end(1) else None

    def quoted(self, at: int) -> tuple[str, int] | None:
        """A text in quotes; a backslash takes the character after it as it is."""
        ends = _CLOSING.get(self.raw[at : at + 1])
        for end in ends or "":
            found = re.compile(rf"((?:[^\\{end}]|\\.)*){end}", re.DOTALL).match(self.raw, at + 1)
            if found:
                return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), found.end()
        return None

    def unclosed(self, at: int) -> str | None:
        """What would end the quotation that begins here and has no end."""
        ends = _CLOSING.get(self.raw[at : at + 1])
        return ends[0] if ends and self.quoted(at) is None else None

    def bare(self, at: int) -> tuple[str, int] | None:
        """A word up to white space, a comma or a parenthesis."""
        found = _BARE.match(self.raw, at)
        return (found[0], found.end()) if found else None

    def number(self, at: int) -> tuple[Decimal, int] | None:
        """A number as the language groups it; else the first point or comma is the decimal one."""
        found = _GROUPED[self._language].match(self.raw, at) or _PLAIN.match(self.raw, at)
        if not found or found.end() - at > 40:
            return None
        sign, whole, fraction = found.groups()
        digits = re.sub("[.,]", "", whole)
        return Decimal(f"{'-' if sign else ''}{digits}.{fraction or '0'}"), found.end()

    def whole(self, at: int) -> tuple[int, int] | None:
        """A whole number."""
        found = _WHOLE.match(self.raw, at)
        if not found or found.end() - at > 20:
            return None
        return int(re.sub("[.,]", "", found[0])), found.end()

    def month(self, at: int) -> tuple[int, int] | None:
        """The name of a month, in either language."""
        found = _WORD.match(self.low, at)
        number = _months().get(found[0]) if found else None
        return (number, found.end()) if found and number else None

    def day(self, at: int) -> tuple[date, int] | None:
        """A day with its year: 2026-03-01, 1.3.2026, 1.3.26, 1. März 2026, March 1, 2026."""
        if found := _ISO.match(self.low, at):
            return self._date(found[1], int(found[2]), found[3], found.end())
        if found := _DOTTED.match(self.low, at):
            return self._date(found[3] if len(found[3]) == 4 else f"20{found[3]}", int(found[2]), found[1], found.end())
        if (found := _DAY_FIRST.match(self.low, at)) and found[3]:
            return self._date(found[3], _months().get(found[2]), found[1], found.end())
        if (found := _MONTH_FIRST.match(self.low, at)) and found[3]:
            return self._date(found[3], _months().get(found[1]), found[2], found.end())
        return None

    def birthday(self, at: int) -> tuple[str, int] | None:
        """A day without a year: 12-24, 24.12., 24. Dezember, December 24; as MM-DD."""
        if found := _MONTH_DAY.match(self.low, at):
            month, day, end = int(found[1]), found[2], found.end()
        elif found := _DOTTED_DAY.match(self.low, at):
            month, day, end = int(found[2]), found[1], found.end()
        elif (found := _DAY_FIRST.match(self.low, at)) and found[2] in _months():
            month, day, end = _months()[found[2]], found[1], found.end(2)
        elif (found := _MONTH_FIRST.match(self.low, at)) and found[1] in _months():
            month, day, end = _months()[found[1]], found[2], found.end(2)
        else:
            return None
        return (f"{month:02}-{int(day):02}", end) if self._date("2000", month, day, end) else None

    def _date(self, year: str, month: int | None, day: str, end: int) -> tuple[date, int] | None:
        try:
            return date(int(year), month or 0, int(day)), end
        except ValueError:
            return None
