"""The addresses in a mail.

In charge of: a number for every link with a fixed target, and an expression for every address where a value takes part.
Not of what a click records, nor of how the expressions become addresses (address).

A link becomes `{{ _link(3) }}`; an address with values becomes `{{ (…)|_dynamic }}` (may be tracked) or
`{{ (…)|_address }}` (images, and the recipient's own links, never tracked).
"""

import re
from collections.abc import Callable

from lxml import etree

from app.campaigns.address import OWN_LINKS, encoded
from app.campaigns.inline import Comment, Element, Tree
from app.campaigns.place import Kind
from app.campaigns.problem import TemplateInvalid, TemplateProblem
from app.campaigns.shield import Hidden, Shielded, expression
from segments.label import Label


def rewrite_links(tree: Tree, shielded: Shielded) -> tuple[str, ...]:
    """Replace the addresses in the tree; the answer holds the fixed targets by their number."""
    rewriter = _Rewriter(shielded)
    for node in tree.iter(etree.Element, etree.Comment):
        if isinstance(node, Comment):
            rewriter.comment(node)
        else:
            rewriter.element(node)
    if rewriter.problems:
        raise TemplateInvalid(tuple(rewriter.problems))
    return tuple(rewriter.links)


class _Rewriter:
    def __init__(self, shielded: Shielded) -> None:
        self.shielded = shielded
        self.links: list[str] = []
        self.problems: list[TemplateProblem] = []

    def element(self, element: Element) -> None:
        for name in _ADDRESSES & set(element.keys()):
            address = element.get(name, "").strip()
            is_link = name == "href" and element.tag in {"a", "area"}
            line = element.sourceline or 1
            element.set(name, self._replaced(address, line) if is_link else self._filled(address, line, "_address"))

        if style := element.get("style"):
            element.set("style", self.shielded.word.sub(lambda found: self._styled(found, style), style))

    def _styled(self, found: re.Match[str], style: str) -> str:
        """A value in `style="…"` stays one value; in `url(…)` it is an address, or a part of one."""
        tag = self.shielded.hidden[found[1] or found[2]]
        if tag.kind is not Kind.EXPRESSION:
            return found[0]
        in_url = _IN_URL.search(style, 0, found.start())
        name = "_style" if not in_url else "_part" if in_url[1] else "_style_url"
        return self.shielded.hide(f"{{{{ ({tag.inner})|{name} }}}}{tag.percent}", tag.line)

    def comment(self, comment: Element) -> None:
        """Outlook's buttons stand in conditional comments and are clicked like any other."""
        text, line = comment.text or "", comment.sourceline or 1
        if text.startswith("[if"):
            comment.text = _MSO_LINK.sub(lambda found: found[1] + self._replaced(found[2], line, _unquoted), text)

    def _replaced(self, address: str, line: int, clean: Callable[[str], str] = str) -> str:
        if self.shielded.word.search(address):
            return self._filled(address, line, "_dynamic")
        if not re.match(r"https?://", address, re.IGNORECASE):
            return address
        self.links.append(encoded(clean(address)))
        return self.shielded.hide(f"{{{{ _link({len(self.links) - 1}) }}}}", line)

    def _filled(self, address: str, line: int, function: str) -> str:
        """The address with the values in it encoded for the part of the address they stand in."""
        pieces = self.shielded.pieces(address)
        tags = [piece for piece in pieces if isinstance(piece, Hidden)]
        if not tags or (len(pieces) == 1 and tags[0].inner in OWN_LINKS):
            return address
        if any(tag.kind is Kind.STATEMENT for tag in tags):
            self.problems.append(TemplateProblem(tags[0].line, CONDITION_IN_ADDRESS))
            return address
        own = any(re.search(rf"\b(?:{'|'.join(OWN_LINKS)})\b", tag.inner) for tag in tags)
        expression = " ~ ".join(_piece(piece, index, pieces[0]) for index, piece in enumerate(pieces))
        return self.shielded.hide(f"{{{{ ({expression})|{'_address' if own else function} }}}}", tags[0].line or line)


def _piece(piece: str | Hidden, index: int, start: str | Hidden) -> str:
    if isinstance(piece, str) or index == 0 or re.search(r"\|\s*urlencode\s*$", piece.inner):
        return expression(piece)
    mailbox = isinstance(start, str) and start.startswith(("mailto:", "tel:"))
    return f"{expression(piece)}|{'_mailbox' if mailbox else '_part'}"


def _unquoted(address: str) -> str:
    return address.replace("&amp;", "&")


_ADDRESSES = {"href", "src", "background", "action", "poster"}
_IN_URL = re.compile(r"url\(\s*[\"']?([^()\"']*)$", re.IGNORECASE)
_MSO_LINK = re.compile(r"(\bhref=[\"'])([^\"']+)", re.IGNORECASE)

CONDITION_IN_ADDRESS = Label(
    en="A condition cannot stand inside an address. Put it around the whole link or image.",
    de="Eine Bedingung darf nicht in einer Adresse stehen. Setzen Sie sie um den ganzen Link oder das ganze Bild.",
)
