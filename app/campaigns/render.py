"""One person's mail from an Edition.

In charge of: filling in, quickly, many times from one compilation, within bounds. Not of where links lead: the caller
gives the Urls, according to the person's tracking mode; nor of headers and bytes (app/mail).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from jinja2 import Template, TemplateError
from markupsafe import Markup

from app.campaigns.allowed import parse
from app.campaigns.edition import Edition, Lines
from app.campaigns.filters import bounded
from app.campaigns.links import FUNCTIONS, safe_address
from app.campaigns.plaintext import tidy
from app.campaigns.sandbox import HTML, PLAIN, ROUNDS, MailEnvironment, missing_names
from segments.label import Label


class Urls(Protocol):
    """Where the links of one person's mail lead."""

    @property
    def pixel(self) -> str:
        """The address of the picture that counts opens; empty for none."""

    def link(self, index: int) -> str:
        """For the link with this number in Edition.links."""

    def dynamic(self, url: str) -> str:
        """For a target that only the person's own values make; it is http or https."""


@dataclass(frozen=True, slots=True)
class DirectUrls:
    """Links as the marketer wrote them: for previews, and for people who are not tracked (L8)."""

    links: tuple[str, ...]
    pixel: str = ""

    def link(self, index: int) -> str:
        return self.links[index]

    def dynamic(self, url: str) -> str:
        return url


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of one mail; `missing` are the names that were printed without a value."""

    subject: str
    html: str
    text: str
    missing: frozenset[str]


class RenderFailed(Exception):
    """The mail of this one person cannot be made. `line` counts in the marketer's source."""

    def __init__(self, line: int, message: Label) -> None:
        super().__init__(f"line {line}: {message.en}")
        self.line = line
        self.message = message


class Renderer:
    """Compiles an Edition once; render() is then cheap and may be called from several threads."""

    def __init__(self, edition: Edition) -> None:
        self._subject, self._html, self._text = _compiled(edition)

    def render(self, context: Mapping[str, Any], urls: Urls) -> Rendered:
        """Raises RenderFailed, and TypeError if the context holds more than plain values (S1)."""
        values = {name: _plain(value) for name, value in context.items() if value is not None}
        values |= _functions(urls)
        missing: set[str] = set()
        token = missing_names.set(missing)
        try:
            subject = header_safe(self._subject.fill(values))
            html = self._html.fill(values | {"_pixel": _pixel(urls.pixel)})
            text = tidy(self._text.fill(values))
        finally:
            missing_names.reset(token)
        return Rendered(subject, html, text, frozenset(missing))


def header_safe(text: str) -> str:
    """One line without control characters, whatever a merge value holds (S3, R21)."""
    return _UNFIT_FOR_HEADERS.sub(" ", text).strip()


class _Part:
    """One compiled template and the lines of its source."""

    def __init__(self, source: str, environment: MailEnvironment, lines: Lines) -> None:
        tree = parse(source, environment, internal=FUNCTIONS)
        self.template: Template = environment.from_string(tree)
        self.lines = lines

    def fill(self, values: dict[str, Any]) -> str:
        context = self.template.new_context(values | {"_budget": [ROUNDS]})
        rendering = self.template.root_render_func(context)
        pieces: list[str] = []
        size = 0
        try:
            for piece in rendering:
                size += len(piece)
                bounded(size)
                pieces.append(piece)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise RenderFailed(self._line(error, rendering), _not_possible(error)) from error
        return "".join(pieces)

    def _line(self, error: BaseException, rendering: Any) -> int:
        # The generator still stands where it was if the error came from outside of it.
        frame, trace = rendering.gi_frame, error.__traceback__
        line = self.template.get_corresponding_lineno(frame.f_lineno) if frame else 1
        while trace:
            if trace.tb_frame.f_globals.get("__jinja_template__") is self.template:
                line = self.template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return next((source for part, source in reversed(self.lines) if part <= line), line)


@lru_cache(maxsize=32)
def _compiled(edition: Edition) -> tuple[_Part, _Part, _Part]:
    return (
        _Part(edition.subject, PLAIN, ()),
        _Part(edition.html, HTML, edition.html_lines),
        _Part(edition.text, PLAIN, edition.text_lines),
    )


def _functions(urls: Urls) -> dict[str, Any]:
    def dynamic(address: Any) -> str:
        safe = safe_address(str(address))
        return urls.dynamic(safe) if safe[:4].lower() == "http" else safe

    return {"_link": urls.link, "_dynamic": dynamic, "_address": lambda address: safe_address(str(address))}


def _pixel(address: str) -> Markup:
    if not address:
        return Markup("")
    return Markup('<img src="{}" width="1" height="1" alt="" style="display:block;border:0">').format(address)


def _plain(value: Any) -> Any:
    """The value, if there is nothing in it but plain values: an object would show all its attributes (S1)."""
    kind = type(value)
    if kind in _ATOMS or value is None or isinstance(value, date):
        return value
    if kind is dict:
        for item in value.values():
            _plain(item)
    elif kind in {list, tuple}:
        for item in value:
            _plain(item)
    else:
        raise TypeError(f"{kind.__name__} is not a plain value")
    return value


def _not_possible(error: Exception) -> Label:
    return Label(
        en=f"This tag cannot be filled in for this person: {error}",
        de=f"Dieser Tag lässt sich für diese Person nicht füllen: {error}",
    )


_ATOMS = frozenset({str, int, float, bool, Decimal})
_UNFIT_FOR_HEADERS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
