"""A quick look at a JSON document before it is parsed.

SQLite keeps a document as text and parses it for every person who is asked; to look whether a word stands in it at all
takes a quarter of that. In charge of one SQL construct, `written`, which can only exclude: what it lets through is
asked as if it were not there. PostgreSQL keeps documents parsed and has nothing to gain.
"""

from collections.abc import Sequence
from typing import Any, TypeGuard

from sqlalchemy import BinaryExpression, Boolean, ColumnElement, String, false, literal, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# To look for more than these takes as long as parsing.
_FEW = 3
_MEMBERS = {operators.json_getitem_op, operators.json_path_getitem_op}


def is_member(value: object) -> TypeGuard[BinaryExpression[Any]]:
    """Whether the value is read from a JSON document."""
    return isinstance(value, BinaryExpression) and value.operator in _MEMBERS


def written(
    value: ColumnElement[Any], texts: Sequence[str], *, open_start: bool = False, open_end: bool = False
) -> ColumnElement[bool]:
    """Holds wherever `value` is one of the texts, in any case and with anything at an open end, if it is a member of a
    document; of another value always."""
    if is_member(value):
        return written_in(value.left, texts, open_start=open_start, open_end=open_end)
    return true()


def written_in(
    document: ColumnElement[Any], texts: Sequence[str], *, open_start: bool = False, open_end: bool = False
) -> ColumnElement[bool]:
    """Holds wherever one of the texts is a value in the document."""
    if len(texts) > _FEW:
        return true()
    before, after = "" if open_start else '"', "" if open_end else '"'
    patterns = (f"%{before}{_plain(each)}{after}%" for each in texts)
    return or_(false(), *(Written(document, literal(pattern, String)) for pattern in patterns))


def _plain(text: str) -> str:
    """Letters and digits of ASCII, which everybody writes alike; anything may stand for the others."""
    return "".join(each if each.isascii() and (each.isalnum() or each == " ") else "%" for each in text)


class Written(FunctionElement[bool]):
    """Asks the document for a pattern; true where there is nothing to gain."""

    type = Boolean()
    inherit_cache = True
    name = "written"


@compiles(Written, "sqlite")
def _on_sqlite(element: Written, compiler: SQLCompiler, **options: Any) -> str:
    """LIKE takes capital letters of ASCII for small ones."""
    document, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({document} LIKE {pattern})"


@compiles(Written, "postgresql")
def _on_postgresql(element: Written, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001
    return "true"
