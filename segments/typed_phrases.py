"""What may be typed for an operator: its wording in both languages, and signs such as >= for those who are quick.

In charge of tables. How they are read is in `segments.typed_conditions`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from segments import wording as say
from segments.operators import OPERATIONS, FieldType, Operation, Shape
from segments.operators import Operator as Op


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand for some operators of a type; `listed` wants its values in parentheses, `step` moves a day or a
    count by one (">" of whole things)."""

    words: str
    operations: tuple[Operation, ...]
    listed: bool = False
    step: int = 0


_EQUAL, _UNEQUAL = ("=", "==", ":"), ("!=", "<>", "≠")
_TEXT_SIGNS = {
    **dict.fromkeys(_EQUAL, Op.IS),
    **dict.fromkeys(_UNEQUAL, Op.IS_NOT),
    "~": Op.CONTAINS,
    "like": Op.CONTAINS,
}
_NUMBER_SIGNS = {
    **dict.fromkeys(_EQUAL, Op.EQUALS),
    **dict.fromkeys(_UNEQUAL, Op.NOT_EQUALS),
    ">": Op.MORE_THAN,
    ">=": Op.AT_LEAST,
    "≥": Op.AT_LEAST,
    "<": Op.LESS_THAN,
    "<=": Op.AT_MOST,
    "≤": Op.AT_MOST,
    **dict.fromkeys(("more than", "over", "mehr als", "über"), Op.MORE_THAN),
    **dict.fromkeys(("at least", "mindestens"), Op.AT_LEAST),
    **dict.fromkeys(("less than", "under", "weniger als", "unter"), Op.LESS_THAN),
    **dict.fromkeys(("at most", "höchstens"), Op.AT_MOST),
    **dict.fromkeys(("between", "zwischen"), Op.BETWEEN),
}
_DAY_SIGNS = {
    **dict.fromkeys((*_EQUAL, "on", "am"), Op.ON),
    "<": Op.BEFORE,
    ">": Op.AFTER,
    "before": Op.BEFORE,
    "vor dem": Op.BEFORE,
    "vor": Op.BEFORE,
    "after": Op.AFTER,
    "nach dem": Op.AFTER,
    "nach": Op.AFTER,
    "between": Op.BETWEEN,
    "zwischen dem": Op.BETWEEN,
    "zwischen": Op.BETWEEN,
}
_SIGNS: dict[FieldType, dict[str, Op]] = {
    FieldType.TEXT: _TEXT_SIGNS,
    FieldType.CHOICE: {**dict.fromkeys(_EQUAL, Op.IS), **dict.fromkeys(_UNEQUAL, Op.IS_NOT)},
    FieldType.NUMBER: _NUMBER_SIGNS,
    FieldType.MONEY: _NUMBER_SIGNS,
    FieldType.DATE: _DAY_SIGNS,
    FieldType.MOMENT: _DAY_SIGNS,
    FieldType.LIST: {
        **dict.fromkeys((*_EQUAL, "has", "have", "haben", "is", "are", "sind"), Op.HAS_ANY),
        **dict.fromkeys(_UNEQUAL, Op.HAS_NONE),
    },
    FieldType.BIRTHDAY: {
        **dict.fromkeys(("in", "im"), Op.IN_MONTH),
        **dict.fromkeys(("between", "zwischen dem", "zwischen"), Op.BETWEEN),
    },
    FieldType.FLAG: {
        **dict.fromkeys((f"{sign} {yes}" for sign in "=:" for yes in ("yes", "ja", "true", "1")), Op.IS_TRUE),
        **dict.fromkeys((f"{sign} {no}" for sign in "=:" for no in ("no", "nein", "false", "0")), Op.IS_FALSE),
        **dict.fromkeys((f"{sign}{yes}" for sign in "=:" for yes in ("yes", "ja", "true", "1")), Op.IS_TRUE),
        **dict.fromkeys((f"{sign}{no}" for sign in "=:" for no in ("no", "nein", "false", "0")), Op.IS_FALSE),
    },
    FieldType.TOTAL: {sign: each for sign, each in _NUMBER_SIGNS.items() if each in OPERATIONS[FieldType.TOTAL]},
}
_LISTED: dict[FieldType, tuple[Op, Op | None]] = {
    FieldType.TEXT: (Op.IS_ANY_OF, None),
    FieldType.CHOICE: (Op.IS_ANY_OF, Op.IS_NONE_OF),
    FieldType.LIST: (Op.HAS_ANY, Op.HAS_NONE),
}
_NUMBER = r"(\d[\d.,]*)"
_UNIT = r"\s*(d|days?|tagen?|tage|w|weeks?|wochen?|months?|monat(?:en|e)?|years?|jahr(?:en|e)?)(?!\w)"
# A month and a year are so many days whatever the calendar says; the sentence of the rule says the days.
_DAYS_OF = {"d": 1, "t": 1, "w": 7, "m": 30, "y": 365, "j": 365}


def _typed(pattern: str) -> re.Pattern[str]:
    """With any white space where the pattern has a space."""
    return re.compile(pattern.replace(" ", r"\s+"))


# "in 30 days", "in the last 2 weeks", "last 30 days", "30d"; and what lies ahead.
_LATELY, _SOON = "(?:in )?(?:the |den )?(?:last|past|letzten) ", "(?:in )?(?:the |den )?(?:next|nächsten) "
LAST = _typed(rf"(?:within |innerhalb von |in |{_LATELY}){_NUMBER}{_UNIT}")
NEXT = _typed(rf"{_SOON}{_NUMBER}{_UNIT}")
AGO = _typed(rf"(?:older than|more than|>|älter als|vor mehr als)\s*{_NUMBER}{_UNIT}(?: (?:ago|zurück))?(?!\w)")
TYPED_DAYS = {Op.WITHIN_DAYS: LAST, Op.IN_NEXT_DAYS: NEXT, Op.OLDER_THAN_DAYS: AGO}
HELD = _typed(rf"(?:for|seit)?\s*(?:at least |mindestens |>=\s*)?{_NUMBER}{_UNIT}")
WINDOW = _typed(f"{_LATELY}|{_SOON}")


def days_in(unit: str) -> int:
    """How many days one of the units that `LAST` and its like find is."""
    return _DAYS_OF[unit[0]]


_SIGN_WORDS = {
    **dict.fromkeys(("at least", "mindestens", "≥"), ">="),
    **dict.fromkeys(("more than", "mehr als"), ">"),
    **dict.fromkeys(("at most", "höchstens", "≤"), "<="),
    **dict.fromkeys(("fewer than", "less than", "weniger als"), "<"),
    **dict.fromkeys(("exactly", "genau", "=="), "="),
}
_SIGN = "|".join((*_SIGN_WORDS, ">=", "<=", ">", "<", "="))
_TIMES = r"\s*(?:times?|x|mal|-mal)(?!\w)"
_IN_WORDS = {"once": "1", "twice": "2", "einmal": "1", "zweimal": "2", "dreimal": "3"}
_ONCE = rf"({'|'.join(_IN_WORDS)})(?!\w)"
# How often, behind an event or before it; before it "times" must be said.
OFTEN = _typed(rf"(?:({_SIGN})\s*)?(?:{_NUMBER}(?:{_TIMES})?|{_ONCE})")
SO_OFTEN = _typed(rf"(?:({_SIGN})\s*)?(?:{_NUMBER}{_TIMES}|{_ONCE})")


def sign_and_number(found: re.Match[str]) -> tuple[str, str]:
    """What `OFTEN` or `SO_OFTEN` found: one of >=, >, <=, <, =, and the digits."""
    sign = " ".join((found[1] or ">=").split())
    return _SIGN_WORDS.get(sign, sign), found[2] or _IN_WORDS[found[3]]


@lru_cache(maxsize=32)
def phrases(type_: FieldType) -> tuple[Phrase, ...]:
    """All that may stand after a field of this type, the longest first."""
    found: dict[str, list[Operation]] = {}
    for operation in OPERATIONS[type_].values():
        for words in _wordings(operation):
            found.setdefault(words.lower(), []).append(operation)
    made = [Phrase(words, tuple(operations)) for words, operations in found.items()]
    signs = [Phrase(sign, (OPERATIONS[type_][op],)) for sign, op in _SIGNS.get(type_, {}).items() if sign not in found]
    if type_ in {FieldType.DATE, FieldType.MOMENT}:
        after, before = OPERATIONS[type_][Op.AFTER], OPERATIONS[type_][Op.BEFORE]
        signs += [Phrase(sign, (after,), step=-1) for sign in (">=", "≥", "since", "seit", "seit dem", "ab dem", "ab")]
        signs += [Phrase(sign, (before,), step=1) for sign in ("<=", "≤", "until", "bis", "bis zum")]
    if type_ in _LISTED:
        inside, outside = _LISTED[type_]
        signs.append(Phrase("in", (OPERATIONS[type_][inside],), listed=True))
        if outside:
            signs += [Phrase(words, (OPERATIONS[type_][outside],), listed=True) for words in ("not in", "nicht in")]
    return tuple(sorted(made + signs, key=lambda phrase: -len(phrase.words)))


def _wordings(operation: Operation) -> list[str]:
    both = [text for label in (operation.says, operation.label) for text in (label.en, label.de)]
    if operation.shape is Shape.DAYS:
        both += [one for text in both for one in _of_one_day(text)]
    return list(dict.fromkeys(both))


def _of_one_day(text: str) -> list[str]:
    pairs = ((say.LAST_DAYS, say.LAST_DAY), (say.NEXT_DAYS, say.NEXT_DAY), (say.DAYS_AGO, say.DAY_AGO))
    return [text.replace(many(each), one(each)) for many, one in pairs for each in ("en", "de") if many(each) in text]
