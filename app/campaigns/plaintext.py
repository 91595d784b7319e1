"""The text part of a mail, read off its HTML.

In charge of: what a person sees who reads mail without HTML: every heading, every link with its address, lists and
tables as lines. Not of Jinja: it works on the shielded tree, so that tags and conditions come along as words.

A stub instead of a real text part costs points with every spam filter (R19).
"""

import re

from lxml import etree

from app.campaigns.holes import tidy
from app.campaigns.inline import Comment, Element, Tree, body_of
from app.campaigns.place import Kind
from app.campaigns.shield import Hidden, Shielded, expression


def text_of_tree(tree: Tree, shielded: Shielded) -> str:
    """The body as text; still shielded."""
    writer = _Writer(shielded)
    writer.children(body_of(tree))
    return writer.finished()


class _Writer:
    """Writes words; `end` is the last character that is surely there, whatever conditions say."""

    def __init__(self, shielded: Shielded) -> None:
        self.shielded = shielded
        self.out: list[str] = []
        self.end = "\n"

    def finished(self) -> str:
        return tidy("".join(self.out))

    def children(self, parent: Element) -> None:
        self.words(parent.text)
        for child in parent:
            self.node(child)
            self.words(child.tail)

    def node(self, node: Element) -> None:
        if isinstance(node, Comment):
            self.statement((node.text or "").strip("\n"))
        elif isinstance(node.tag, str) and node.tag not in _SILENT and not _is_hidden(node):
            _ELEMENTS.get(node.tag, _Writer.children)(self, node)

    def statement(self, word: str) -> None:
        tag = self.shielded.hidden.get(word)
        if tag and tag.kind is Kind.STATEMENT:
            self.out.append(word)

    def words(self, text: str | None) -> None:
        text = _SPACE.sub(" ", _INVISIBLE.sub("", text or ""))
        if self.end in " \n":
            text = text.lstrip(" ")
        if text:
            self.out.append(text)
            self.end = text[-1]

    def line(self, lines: int = 1) -> None:
        """Begin a new line, after an empty one if `lines` is 2."""
        if self.end != "\n":
            self.out.append("\n")
        self.out.append("\n" * (lines - 1))
        self.end = "\n"

    def block(self, element: Element) -> None:
        self.line()
        self.children(element)
        self.line()

    def paragraph(self, element: Element) -> None:
        self.line(2)
        self.children(element)
        self.line(2)

    def table(self, element: Element) -> None:
        """A table that is only there for the looks begins no paragraph."""
        if element.get("role") == "presentation":
            self.block(element)
        else:
            self.paragraph(element)

    def heading(self, element: Element) -> None:
        self.line(2)
        start = len(self.out)
        self.children(element)
        width = len("".join(self.out[start:]).strip())
        self.line()
        if width:
            self.out.append(("=" if element.tag == "h1" else "-") * min(width, 60) + "\n\n")

    def item(self, element: Element) -> None:
        self.line()
        self.words(f"{_bullet(element)} ")
        self.children(element)
        self.line()

    def row(self, element: Element) -> None:
        """Cells of words stand in one line; cells that hold blocks stand below each other."""
        self.line()
        cells = [cell for cell in element if cell.tag in {"td", "th"}]
        in_line = len(cells) > 1 and not any(_holds_blocks(cell) for cell in cells)
        for child in element:
            if in_line and child.tag in {"td", "th"} and self.end not in "\n|" and _has_words(child):
                self.words(" | ")
            self.node(child)
            if not in_line:
                self.line()
        self.line()

    def link(self, element: Element) -> None:
        address = (element.get("href") or "").strip()
        start = len(self.out)
        self.children(element)
        said = "".join(self.out[start:]).strip()
        target = address.removeprefix("mailto:").removeprefix("tel:")
        if not address or address.startswith("#") or said == target:
            return
        if not said:
            self.words(target)
        elif tag := self.shielded.hidden.get(address):
            source = f"{{{{ ({tag.inner})|_beside{self._ending(said)} }}}}"
            self.words(self.shielded.hide(source, tag.line))
        else:
            self.words(f" ({target})")

    def _ending(self, said: str) -> str:
        """The last word of a link, for `_beside`, where it may be the address itself; nothing where it cannot."""
        pieces = self.shielded.pieces(said.rsplit(maxsplit=1)[-1])
        if any(isinstance(piece, Hidden) and piece.kind is not Kind.EXPRESSION for piece in pieces):
            return ""
        if not isinstance(pieces[0], Hidden) and "://" not in pieces[0]:
            return ""
        return f"({' ~ '.join(expression(piece) for piece in pieces)})"

    def image(self, element: Element) -> None:
        self.words(element.get("alt"))

    def rule(self, _element: Element) -> None:
        self.line(2)
        self.words("-" * 40)
        self.line(2)

    def break_line(self, _element: Element) -> None:
        self.out.append("\n")
        self.end = "\n"


def _bullet(item: Element) -> str:
    parent = item.getparent()
    numbered = parent is not None and parent.tag == "ol" and not any(isinstance(node, Comment) for node in parent)
    return f"{len(list(item.itersiblings('li', preceding=True))) + 1}." if numbered else "-"


def _is_hidden(element: Element) -> bool:
    style = re.sub(r"\s", "", element.get("style", "").lower())
    return (
        "display:none" in style
        or "mso-hide:all" in style
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
    )


def _holds_blocks(cell: Element) -> bool:
    return any(node.tag in _BLOCKS for node in cell.iter(etree.Element) if node is not cell)


def _has_words(cell: Element) -> bool:
    return bool("".join(cell.itertext(etree.Element)).strip()) or cell.find(".//img[@alt]") is not None


_SILENT = {"head", "style", "script", "title", "noscript", "template"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {*_HEADINGS, "p", "div", "table", "ul", "ol", "li", "blockquote", "hr", "center", "pre", "br"}
_ELEMENTS = {
    **dict.fromkeys(_HEADINGS, _Writer.heading),
    **dict.fromkeys(("p", "blockquote", "ul", "ol", "pre"), _Writer.paragraph),
    **dict.fromkeys(("div", "center", "section", "article", "header", "footer"), _Writer.block),
    "table": _Writer.table,
    "li": _Writer.item,
    "tr": _Writer.row,
    "a": _Writer.link,
    "img": _Writer.image,
    "hr": _Writer.rule,
    "br": _Writer.break_line,
}
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u034f\u00ad]")
