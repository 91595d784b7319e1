"""Hides Jinja from tools that read HTML, and brings it back.

In charge of: one opaque word for each tag of the template, in a form its place in the HTML can carry (a
comment in content, a word in an attribute). Not of which places those are (place), nor of what a tag may say: sandbox
has looked at the source before.

A tree of HTML cannot keep raw Jinja: `href="{{ url }}"` becomes `{{%20url%20}}`, `a > 3` becomes `a &gt; 3`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from markupsafe import escape

from app.campaigns.place import HtmlPlace, Kind
from app.campaigns.problem import TemplateInvalid, TemplateProblem
from segments.label import Label


@dataclass(frozen=True, slots=True)
class Hidden:
    """One tag of the template: its text, the line it began on, and the place it stands in (0 is content)."""

    kind: Kind
    source: str
    line: int
    place: int = 0

    @property
    def inner(self) -> str:
        """What stands between the braces."""
        return re.sub(r"^[-+]|[-+]$", "", self.source.removesuffix(self.percent)[2:-2]).strip()

    @property
    def percent(self) -> str:
        """The sign that `take_percent` has moved behind the braces."""
        return "%" if self.source.endswith("}}%") else ""

    @property
    def keyword(self) -> str:
        return self.inner.split(maxsplit=1)[0] if self.kind is Kind.STATEMENT and self.inner else ""


@dataclass(slots=True)
class Shielded:
    """HTML without Jinja, and what its words stand for."""

    html: str
    mark: str
    hidden: dict[str, Hidden] = field(default_factory=dict)

    def hide(self, source: str, line: int, kind: Kind = Kind.EXPRESSION, place: int = 0) -> str:
        """A new word that will be restored as `source`; `line` is 0 for what no marketer wrote."""
        word = f"{self.mark}x{len(self.hidden)}xj"
        self.hidden[word] = Hidden(kind, source, line, place)
        return word

    def take_percent(self, text: str, before: list[str]) -> str:
        """Move a percent sign into the word before it: CSS could not read `width:word%`."""
        tag = self.hidden.get(before[-1]) if before else None
        if tag is None or not text.startswith("%"):
            return text
        self.hidden[before[-1]] = replace(tag, source=tag.source + "%")
        return text[1:]

    @property
    def word(self) -> re.Pattern[str]:
        return re.compile(rf"<!--({self.mark}x\d+xj)\n*-->|({self.mark}x\d+xj)")

    def pieces(self, text: str) -> list[str | Hidden]:
        """The text cut at its words, which come as what they hide."""
        parts = [part for part in self.word.split(text) if part]
        return [self.hidden.get(part, part) for part in parts]

    def restore(self, html: str) -> str:
        """The template again. Braces that were no Jinja in the source do not become Jinja now (S3)."""
        return self.word.sub(lambda found: self._tag(found).source, self._harmless(html))

    def lines(self, html: str) -> tuple[tuple[int, int], ...]:
        """For each tag: the line it has in restore(html), and the line it had in the source."""
        html, line, end, found_lines = self._harmless(html), 1, 0, []
        for found in self.word.finditer(html):
            tag = self._tag(found)
            line += html.count(NEWLINE, end, found.start())
            if tag.line:
                found_lines.append((line, tag.line))
            line += tag.source.count(NEWLINE)
            end = found.end()
        return tuple(found_lines)

    def _tag(self, found: re.Match[str]) -> Hidden:
        return self.hidden[found[1] or found[2]]

    def _harmless(self, html: str) -> str:
        return re.sub(rf"\{{(?=[{{%#]|(?:<!--)?{self.mark}x)", "{{ '{' }}", html)


def shield(source: str) -> Shielded:
    """Hide the Jinja of a template that sandbox.parse() has accepted. Raises TemplateInvalid."""
    mark = "jj"
    while f"{mark}x" in source:
        mark += "j"
    shielded, place, line = Shielded("", mark), HtmlPlace(), 1
    html: list[str] = []
    problems: list[TemplateProblem] = []
    for text, kind in _split(source):
        if kind is None:
            html.append(shielded.take_percent(text, html) if place.in_style else text)
            place.read(text)
        elif message := place.refusal(kind, text):
            problems.append(TemplateProblem(line, message))
        else:
            place.pass_over(kind)
            word = shielded.hide(text, line, kind, place.number)
            html.append(word if place.takes_words(kind) else f"<!--{word}{NEWLINE * text.count(NEWLINE)}-->")
        line += text.count(NEWLINE)
    if problems := problems or list(_split_blocks(shielded.hidden)):
        raise TemplateInvalid(tuple(sorted(problems, key=lambda problem: problem.line)))
    shielded.html = "".join(html)
    return shielded


def static_escaped(source: str) -> str:
    """A template of plain words as one for HTML: its static text escaped, its tags as they are."""
    return "".join(text if kind else str(escape(text)) for text, kind in _split(source))


def expression(piece: str | Hidden) -> str:
    """The piece of `Shielded.pieces` as it stands inside of a tag."""
    if isinstance(piece, Hidden):
        return f"({piece.inner})"
    return '"' + piece.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def blocks(hidden: dict[str, Hidden]) -> list[list[str]]:
    """The words that belong together: each `if` with its `elif`, `else`, `endif`; each `for` with `endfor`."""
    found: list[list[str]] = []
    stack: list[list[str]] = []
    for word, tag in hidden.items():
        if tag.keyword in {"if", "for"}:
            stack.append([word])
        elif tag.keyword in {"elif", "else"}:
            stack[-1].append(word)
        elif tag.keyword in {"endif", "endfor"}:
            found.append([*stack.pop(), word])
    return found


def _split(source: str) -> Iterator[tuple[str, Kind | None]]:
    """The source cut into static text and tags, at the places where Jinja's own lexer cuts it."""
    end = 0
    for found in _TAG.finditer(source):
        if found.start() > end:
            yield source[end : found.start()], None
        text, end = found[0], found.end()
        yield text, Kind(text[:2])
    if end < len(source):
        yield source[end:], None


def _split_blocks(hidden: dict[str, Hidden]) -> Iterator[TemplateProblem]:
    for block in blocks(hidden):
        if len({hidden[word].place for word in block}) > 1:
            yield TemplateProblem(hidden[block[0]].line, SPLIT_BLOCK)


NEWLINE = "\n"
_QUOTED = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_TAG = re.compile(
    rf"\{{\{{(?:{_QUOTED}|(?!\}}\}})[^\"'])*\}}\}}"
    rf"|\{{%(?:{_QUOTED}|(?!%\}})[^\"'])*%\}}"
    r"|\{#.*?#\}",
    re.DOTALL,
)

SPLIT_BLOCK = Label(
    en="This condition or loop begins and ends in different elements. Put it around whole elements.",
    de="Diese Bedingung oder Schleife beginnt und endet in verschiedenen Elementen; umschließen Sie ganze.",
)
