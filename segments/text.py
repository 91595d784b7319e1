"""Case-insensitive text matching that means the same on SQLite and PostgreSQL.

In charge of one SQL construct, `matches`. Neither `lower()` nor `ILIKE` can be used: SQLite folds ASCII only,
and what PostgreSQL folds depends on how its cluster was made. So the case lives in the *pattern*: "Jörg" is
looked for as `[Jj][Öö][Rr][Gg]`, by GLOB on SQLite and by a regular expression on PostgreSQL, both of which
compare the characters of a class exactly. The pattern is bound, and wildcards in the value are escaped.

Limits: case pairs of one character each ("ß" is not "SS"); accents count ("é" is not "e"); text is compared
as stored, so it should be in one Unicode normal form (NFC) there and in the rule.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_GLOB_SPECIAL = frozenset("*?[")
_SIGMA = frozenset("Σσς")  # the one letter with two small forms
_REGEX_SPECIAL = frozenset(r"\.^$*+?()[]{}|-")


def matches(
    text: ColumnElement[Any], value: str, *, open_start: bool = False, open_end: bool = False
) -> ColumnElement[bool]:
    """`text` is `value`, in any case; with an open end anything may follow, with an open start precede it."""
    regex = ("" if open_start else "^") + _regex(value) + ("" if open_end else "$")
    if value.isascii() and not open_start and not open_end:
        return _Equals(text, literal(value, String), literal(regex, String))
    glob = ("*" if open_start else "") + _glob(value) + ("*" if open_end else "")
    return _Matches(text, literal(glob, String), literal(regex, String))


class _Matches(FunctionElement[bool]):
    """Carries both patterns; each dialect renders, and so binds, its own."""

    type = Boolean()
    inherit_cache = True
    name = "matches"


class _Equals(_Matches):
    """Whole and ASCII, whose letters SQLite folds by itself and faster: carries the value and the regular
    expression."""

    inherit_cache = True
    name = "equals"


@compiles(_Matches, "sqlite")
def _on_sqlite(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:
    text, glob, _ = element.clauses
    return f"({compiler.process(text, **options)} GLOB {compiler.process(glob, **options)})"


@compiles(_Equals, "sqlite")
def _equal_on_sqlite(element: _Equals, compiler: SQLCompiler, **options: Any) -> str:
    text, value, _ = element.clauses
    return f"({compiler.process(text, **options)} = {compiler.process(value, **options)} COLLATE NOCASE)"


@compiles(_Matches, "postgresql")
def _on_postgresql(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:
    text, _, regex = element.clauses
    return f"({compiler.process(text, **options)} ~ {compiler.process(regex, **options)})"


def _glob(value: str) -> str:
    return "".join(_class(each) or (f"[{each}]" if each in _GLOB_SPECIAL else each) for each in value)


def _regex(value: str) -> str:
    return "".join(_class(each) or (f"\\{each}" if each in _REGEX_SPECIAL else each) for each in value)


def _class(character: str) -> str:
    """`[Öö]`, or nothing for a character without case."""
    variants = {each for each in (character, character.upper(), character.lower()) if len(each) == 1}
    if variants & _SIGMA:
        variants = set(_SIGMA)
    return f"[{''.join(sorted(variants))}]" if len(variants) > 1 else ""
