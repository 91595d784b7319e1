"""One person's mail from an Edition, as it is sent: parts in quoted-printable, what is the same for all encoded once.

In charge of: compiling the parts so that each piece of text between two tags is encoded while compiling, and each value
alone while rendering. Not of headers and the lines around the parts (app/mail), nor of previews (render), to whose
result this comes down to the letter (decision 0006).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, TypeAlias

from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from markupsafe import escape

from app.campaigns.address import OWN_LINKS, Urls, beside, is_web, safe_address
from app.campaigns.edition import Edition
from app.campaigns.filters import text_of
from app.campaigns.holes import without_holes
from app.campaigns.part import Part, edition_tree, values_of
from app.campaigns.render import PIXEL, header_safe, pixel, subject_part
from app.campaigns.rounds import each, take_out
from app.campaigns.sandbox import MailEnvironment, printed
from app.quoted import quoted, whole

_OFTEN = 200  # characters; longer values are hardly the same for two people
_HERS = OWN_LINKS | {"email"}  # never the same


@dataclass(frozen=True, slots=True)
class Encoded:
    """The parts of one mail; `html` and `text` are bodies in quoted-printable."""

    subject: str
    html: str
    text: str


class Encoder:
    """Compiles an Edition once; render() is then cheap and may be called from several threads."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._subject = subject_part(edition)

    def render(self, context: Mapping[str, Any], urls: Urls) -> Encoded:
        """Raises RenderFailed, and TypeError if the context holds more than plain values (S1)."""
        values = values_of(context)
        values |= {"_urls": urls, "_link": urls.link}
        subject = header_safe(self._subject.fill(values))
        html, text = self._numbered if urls.prefix else self._direct
        picture = urls.pixel if urls.prefix else pixel(urls.pixel)
        values["_pixel"], values["_prefix"] = _in_html(picture), _in_html(urls.prefix)
        in_html = whole(html.fill(values))
        values["_prefix"] = quoted(urls.prefix)
        return Encoded(subject, in_html, _tidied(text.fill(values)))

    @cached_property
    def _direct(self) -> tuple[Part, Part]:
        """HTML and text for people whose links lead where the marketer wrote."""
        return _parts(self._edition, lambda index: [self._edition.links[index]], [_own("_pixel")])

    @cached_property
    def _numbered(self) -> tuple[Part, Part]:
        """HTML and text for people whose links are one address and a number."""
        before, after = str(PIXEL).split("{}")
        return _parts(self._edition, lambda index: [_own("_prefix"), str(index)], [before, _own("_pixel"), after])


@lru_cache(8)
def encoder_for(edition: Edition) -> Encoder:
    """The same one for all shards of a campaign that a process sends."""
    return Encoder(edition)


# What is printed: text that is known while compiling, or what is known only for each mail.
Piece: TypeAlias = str | nodes.Expr
Link: TypeAlias = Callable[[int], list[Piece]]


def _parts(edition: Edition, link: Link, picture: list[Piece]) -> tuple[Part, Part]:
    def escaped(piece: Piece) -> Piece:
        return str(escape(piece)) if isinstance(piece, str) else piece

    html, text = edition_tree(edition.html, _HTML), edition_tree(edition.text, _TEXT)
    _encode(html, _HTML, quoted, lambda index: [escaped(piece) for piece in link(index)], picture)
    _encode(text, _TEXT, _line_piece, link, picture)
    in_html, in_text = take_out(html, _HTML), take_out(text, _TEXT)
    return Part(html, _HTML, edition.html_lines, in_html), Part(text, _TEXT, edition.text_lines, in_text)


def _encode(
    tree: nodes.Template, environment: MailEnvironment, static: Callable[[str], str], link: Link, picture: list[Piece]
) -> None:
    """Let the template print pieces in quoted-printable."""
    for output in tree.find_all(nodes.Output):
        pieces = [piece for node in output.nodes for piece in _pieces(node, link, picture)]
        output.nodes = [
            nodes.TemplateData(static(piece), lineno=output.lineno) if isinstance(piece, str) else _printing(piece)
            for piece in _joined(pieces)
        ]
        output.set_environment(environment)


def _pieces(node: nodes.Expr, link: Link, picture: list[Piece]) -> list[Piece]:
    match node:
        case nodes.TemplateData(data=text):
            return [text]
        case nodes.Name(name="_pixel"):
            return picture
        case nodes.Call(node=nodes.Name(name="_link"), args=[nodes.Const(value=index)]):
            return link(index)
        case nodes.Filter(name="_beside", node=nodes.Call(args=[nodes.Const(value=index)]), args=said):
            return _beside(link(index), said) or [node]
    return [node]


def _beside(target: list[Piece], said: list[nodes.Expr]) -> list[Piece]:
    """What the filter of that name prints for a link of the table; nothing if that is not known yet."""
    match target, said:
        case [str(address)], []:
            return [beside(address)]
        case [str(address)], [nodes.Const(value=words)]:
            return [beside(address, words)]
        case [str()], _:
            return []
    # No words end with an address that this very mail is the first to carry.
    return [" (", *target, ")"]


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    for is_text, run in groupby(pieces, lambda piece: isinstance(piece, str)):
        if is_text:
            yield "".join(map(str, run))
        else:
            yield from run


def _printing(piece: nodes.Expr) -> nodes.Expr:
    match piece:
        case nodes.Name(name="_pixel" | "_prefix"):
            return piece
        case nodes.Name(name=name) if name in _HERS:
            quote = "_quoted_once"
        case nodes.Filter(name="_dynamic", node=nodes.Expr() as address):
            return _through("_quoted_dynamic", address)
        case nodes.Filter(name="_beside", node=nodes.Filter(name="_dynamic", node=nodes.Expr() as address), args=said):
            return _through("_quoted_beside", address, *said)
        case nodes.Filter(name="_each"):
            return piece
        case nodes.Filter(name="_beside"):
            quote = "_quoted_once"
        case _:
            quote = "_quoted"
    return _through(quote, piece)


def _through(name: str, piece: nodes.Expr, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(piece, name, list(arguments), [], None, None, lineno=piece.lineno)


def _own(name: str) -> nodes.Expr:
    return nodes.Name(name, "load", lineno=1)


def _in_html(value: Any) -> str:
    if type(value) is str and not ("&" in value or "<" in value or ">" in value or '"' in value or "'" in value):
        return quoted(str(printed(value)))
    return quoted(str(escape(printed(value))))


def _in_text(value: Any) -> str:
    return _line_piece(str(printed(value)))


def _line_piece(text: str) -> str:
    """A piece whose line breaks at both ends are marks, for `_tidied` to see where pieces meet."""
    if "\n" not in text and "\r" not in text:
        return quoted(text)
    text = without_holes(text)
    indent = text[len(text.rstrip(" \t")) :]
    if indent and text[: -len(indent)].endswith("\n"):
        return _line_piece(text[: -len(indent)]) + quoted(indent)
    inner = text.strip("\n")
    if not inner:
        return _MARK * len(text)
    before = len(text) - len(text.lstrip("\n"))
    return _MARK * before + quoted(inner) + _MARK * (len(text) - before - len(inner))


def _often(encode: Callable[[Any], str]) -> Callable[[Any], str]:
    """The same, remembering short values: many people have the same name, tier or product."""
    known = lru_cache(4096)(encode)
    return lambda value: known(value) if type(value) is str and len(value) < _OFTEN else encode(value)


def _tidied(body: str) -> str:
    """What `holes.tidy` does to the text, done where its pieces meet, for inside of them it is done."""
    lines: list[str] = []
    last = ""
    for piece in body.split(_MARK):
        # An equals sign at the end is a soft break: one that was meant is encoded, as are blanks behind a blank.
        line = piece.rstrip(_ENDS)
        while line.endswith(_BLANKS):
            line = line[:-3].rstrip(_ENDS)
        if line or last:
            lines.append(line)
        last = line
    text = _START.sub("", "\r\n".join(lines if last else lines[:-1]))
    after_dots = text.lstrip(".")
    return f"{quoted('.' * (len(text) - len(after_dots)))}{after_dots}\r\n"


def _prints(once: Callable[[Any], str]) -> dict[str, Callable[..., str]]:
    """The filters through which a part prints; `once` makes a piece of a value."""
    often = _often(once)

    def dynamic(context: Context, address: Any) -> str:
        """Pieces of an address: the prefix, and a target that other people's mails may hold as well."""
        safe, values = safe_address(text_of(address)), context.parent
        return f"{values['_prefix']}{often(values['_urls'].target(safe))}" if is_web(safe) else often(safe)

    def dynamic_beside(context: Context, address: Any, said: Any = "") -> str:
        safe = safe_address(text_of(address))
        if is_web(safe) and context.parent["_prefix"]:
            return f"{_OPEN}{dynamic(context, safe)}{_CLOSE}"
        return once(beside(safe, text_of(said)))

    own = {"_quoted_dynamic": pass_context(dynamic), "_quoted_beside": pass_context(dynamic_beside)}
    return {"_quoted": often, "_quoted_once": once, "_each": each, **own}


_HTML = MailEnvironment(html=True, prints=_prints(_in_html))
_TEXT = MailEnvironment(html=False, prints=_prints(_in_text))

_OPEN, _CLOSE = quoted(" ("), quoted(")")
# No piece holds it, for quoted-printable encodes it.
_MARK = "\x01"
_START = re.compile(r"\A(?:(?: |=20|=09)+(?:=\r\n)?)+")
# Blanks as `quoted` writes them, and soft breaks.
_ENDS, _BLANKS = " \r\n=", ("=20", "=09")
