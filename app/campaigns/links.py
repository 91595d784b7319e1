"""The addresses in a mail.

In charge of: a number for every link with a fixed target, and of safe addresses where a value takes part in one. Not
of what a click records, nor of how the numbers become URLs: whoever renders gives the Urls.

A link becomes `{{ _link(3) }}`; an address with values becomes `{{ _dynamic(…) }}` (may be tracked) or
`{{ _address(…) }}` (images, and the recipient's own links, never tracked).
"""

import re
from collections.abc import Callable

from lxml import etree

from app.campaigns.inline import Comment, Element, Tree
from app.campaigns.place import Kind
from app.campaigns.problem import TemplateInvalid, TemplateProblem
from app.campaigns.shield import Hidden, Shielded
from segments.label import Label

#: The recipient's own links: a click on them is never recorded.
OWN_LINKS = frozenset({"unsubscribe_url", "preferences_url", "tracking_off_url", "webview_url"})

#: What the rewritten template calls; parse(internal=…) lets exactly these pass.
FUNCTIONS = frozenset({"_link", "_dynamic", "_address", "_pixel", "_part", "_mailbox"})


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


def safe_address(address: str) -> str:
    """The address if a mail may lead to it, else nothing: http, https, mailto, tel, and cid for images."""
    address = address.strip()
    return _encoded(address) if _SAFE.match(address) else ""


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
        self.links.append(_encoded(clean(address)))
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
        return self.shielded.hide(f"{{{{ {'_address' if own else function}({expression}) }}}}", tags[0].line or line)


def _piece(piece: str | Hidden, index: int, start: str | Hidden) -> str:
    if isinstance(piece, str):
        return '"' + piece.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
    if index == 0 or re.search(r"\|\s*urlencode\s*$", piece.inner):
        return f"({piece.inner})"
    mailbox = isinstance(start, str) and start.startswith(("mailto:", "tel:"))
    return f"({piece.inner})|{'_mailbox' if mailbox else '_part'}"


def _encoded(address: str) -> str:
    """Every character an address cannot hold, percent-encoded; what is encoded already stays."""
    return re.sub(r"[^\w:/?#\[\]@!$&'()*+,;=%.~-]", _percent, address, flags=re.ASCII)


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _unquoted(address: str) -> str:
    return address.replace("&amp;", "&")


_ADDRESSES = {"href", "src", "background", "action", "poster"}
_SAFE = re.compile(r"(?:https?://|mailto:|tel:|cid:)[^\s]", re.IGNORECASE)
_MSO_LINK = re.compile(r"(\bhref=[\"'])([^\"']+)", re.IGNORECASE)

CONDITION_IN_ADDRESS = Label(
    en="A condition cannot stand inside an address. Put it around the whole link or image.",
    de="Eine Bedingung darf nicht in einer Adresse stehen. Setzen Sie sie um den ganzen Link oder das ganze Bild.",
)
