"""What no request may carry, refused at the door before any view reads it.

In charge of: text that no database can keep (NUL, halves of surrogate pairs), whole numbers beyond 64 bits, JSON nested
deeper than anything here, and how large a request may be. Not of: what an input means (each feature's forms and schemas
say), nor of what is in an uploaded file.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from flask import Flask, Request, current_app, request
from flask_babel import gettext as _
from pydantic import Field
from werkzeug.routing import IntegerConverter

from app.errors import Invalid, NotFound

MAX_ID = 2**63 - 1
# Room for a thousand orders with all their products.
MAX_BODY = 16 << 20
MAX_UPLOAD = 1 << 30
_MAX_DEPTH = 64
_MAX_FLOAT = sys.float_info.max
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_WHOLE = re.compile("[0-9]{1,15}", re.ASCII)

# The id of a row, or where a page of rows begins.
RowId = Annotated[int, Field(ge=0, le=MAX_ID)]


def register(app: Flask) -> None:
    """Look at every request before anything else does."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.converters["int"] = _RowNumber
    app.request_class = _Request
    app.before_request(_look)


def takes_uploads(view: Any) -> Any:
    """Let a view be sent a file as large as people's lists are."""
    view.max_content_length = MAX_UPLOAD
    return view


def whole(text: str) -> int:
    """A number in an address, for `args.get(…, type=whole)`: small enough to be counted with."""
    number = whole_or_none(text)
    if number is None:
        raise ValueError(text)
    return number


def whole_or_none(text: str | None) -> int | None:
    """The same for a form, where nothing may be chosen."""
    return int(text) if text and _WHOLE.fullmatch(text) else None


class _RowNumber(IntegerConverter):
    """The id of a row in an address; what fits no database is no address."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": MAX_ID, **options})


class _Request(Request):
    """Gives views only JSON that can be kept."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The document, or Invalid with the place of what cannot be kept."""
        try:
            document = super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise Invalid(_("This is nested too deeply.")) from None
        _check(document)
        return document


def _look() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    request.max_content_length = most = getattr(view, "max_content_length", MAX_BODY)
    if any(_NO_TEXT.search(str(value)) for value in (request.view_args or {}).values()):
        raise NotFound(_("There is no such page."))
    _check_texts(request.args.items(multi=True))
    # Reading the form of an upload would read the upload, before anybody has asked who sends it.
    if most == MAX_BODY and request.mimetype in _FORMS:
        _check_texts(request.form.items(multi=True))


def _check_texts(pairs: Iterable[tuple[str, str]]) -> None:
    places = {_plain(name): _not_text() for name, value in pairs if _NO_TEXT.search(name + value)}
    if places:
        raise Invalid(_not_text(), places)


def _check(document: Any) -> None:
    """Refuse what cannot be kept; without recursion, for the document is not known to be flat yet."""
    waiting = [("", document, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        problem = _problem(value, depth)
        if problem:
            raise Invalid(problem, {place[:200]: problem})
        waiting += [(f"{place}.{name}".lstrip("."), each, depth + 1) for name, each in _parts(value)]


def _problem(value: Any, depth: int) -> str | None:
    if depth > _MAX_DEPTH:
        return str(_("This is nested too deeply."))
    if isinstance(value, str) and _NO_TEXT.search(value):
        return _not_text()
    if isinstance(value, int | float) and not abs(value) <= (MAX_ID if isinstance(value, int) else _MAX_FLOAT):
        return str(_("This number is too large."))
    if isinstance(value, dict) and any(_NO_TEXT.search(name) for name in value):
        return _not_text()
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((_plain(name), each) for name, each in value.items())
    elif isinstance(value, list):
        yield from ((str(index), each) for index, each in enumerate(value))


def _plain(name: str) -> str:
    return _NO_TEXT.sub("?", name)[:100]


def _not_text() -> str:
    return str(_("This contains a character that is not text."))
