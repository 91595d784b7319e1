"""CSS into style attributes, once for each version of a campaign.

In charge of: HTML without Jinja in, tree out, with the rules of its <style> written into the elements and what cannot
be (media queries, :hover, fonts) left in <style>. Not of Jinja: it comes shielded, and inlined() only proves
that no tag was lost or moved. No network, no external style sheet.
"""

import logging
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from cssselect import SelectorError
from lxml import etree

from app.campaigns.problem import TemplateInvalid, TemplateProblem
from app.campaigns.selectors import changing_rules
from app.campaigns.shield import SPLIT_BLOCK, Shielded, blocks
from segments.label import Label

Tree = etree._ElementTree  # noqa: SLF001 - lxml has no public name for it
Element = etree._Element  # noqa: SLF001
Comment = etree._Comment  # noqa: SLF001


def inlined(shielded: Shielded) -> Tree:
    """The shielded HTML as a tree with its CSS inlined. Raises TemplateInvalid."""
    tree = read_html(shielded.html)
    _refuse(_misplaced(shielded, tree))
    _refuse(changing_rules(tree, shielded))
    inline(tree)
    _refuse(_lost(shielded, to_html(tree)))
    return tree


def inline(tree: Tree) -> None:
    """Write the rules of the tree's <style> elements into its elements."""
    own = {element: "!important" in element.get("style", "") for element in tree.iter(etree.Element)}
    for style in tree.iter("style"):
        _keep_at_rules(style)
    try:
        _premailer()(
            allow_network=False,
            strip_important=False,
            disable_validation=True,
            cache_css_parsing=False,
            disable_link_rewrites=True,
        ).transform(tree.getroot())
    except (SelectorError, AttributeError, ValueError) as error:
        line = next((style.sourceline or 1 for style in tree.iter("style")), 1)
        raise TemplateInvalid((TemplateProblem(line, UNREADABLE_CSS),)) from error
    for element, was_important in own.items():
        # An inlined !important would beat the media queries, which it never did in the style sheet.
        if "!important" in element.get("style", "") and not was_important:
            element.set("style", _IMPORTANT.sub("", element.get("style", "")))


@cache
def _premailer() -> Any:
    """Fetched when it is needed: it brings 10 MB with it, and a sender inlines nothing."""
    import cssutils
    from premailer import Premailer

    # cssutils reports what it does not know on stderr; mails are full of proprietary properties.
    cssutils.log.setLevel(logging.CRITICAL)
    return Premailer


def read_html(html: str) -> Tree:
    """The HTML as libxml2 reads it: loops may stand in tables, for it moves nothing out of them."""
    parser = etree.HTMLParser(encoding="utf-8", default_doctype=False)
    if not _PAGE.search(html):
        html = f"<html><body>{html}</body></html>"  # tags of a fragment would fall out of the page otherwise
    root = etree.fromstring(html.encode(), parser)
    body = root.find("body")
    if body is None or not (len(body) or (body.text or "").strip()):
        raise TemplateInvalid((TemplateProblem(1, EMPTY),))
    for meta in root.iter("meta"):
        if meta.get("charset"):
            meta.set("charset", "utf-8")  # what app.mail writes
    return root.getroottree()


def to_html(tree: Tree) -> str:
    return etree.tostring(tree, method="html", encoding="unicode")


def body_of(tree: Tree) -> Element:
    """The <body>, which read_html() has made sure of."""
    body = tree.getroot().find("body")
    assert body is not None
    return body


def _keep_at_rules(style: Element) -> None:
    """Set @font-face, @supports and the like aside: premailer keeps only @media."""
    css = style.text or ""
    kept = [found[0] for found in _AT_RULE.finditer(css) if not found[0].lower().startswith("@media")]
    if not kept:
        return
    style.text = _AT_RULE.sub(lambda found: "" if found[0] in kept else found[0], css)
    aside = etree.Element("style", {"data-premailer": "ignore", **dict(style.attrib)})
    aside.text = "\n".join(kept)
    style.addprevious(aside)


def _misplaced(shielded: Shielded, tree: Tree) -> Iterator[TemplateProblem]:
    """Blocks whose ends have different parents: a tree would close their elements for them."""
    comments: dict[str, Element | None] = {}
    for comment in tree.iter(etree.Comment):
        comments[(comment.text or "").strip("\n")] = comment.getparent()
    for block in blocks(shielded.hidden):
        if len({comments.get(word) for word in block}) > 1:
            yield TemplateProblem(shielded.hidden[block[0]].line, SPLIT_BLOCK)


def _lost(shielded: Shielded, html: str) -> Iterator[TemplateProblem]:
    """Tags of the template that did not come through, or came out in another order."""
    found = [match[1] or match[2] for match in shielded.word.finditer(html)]
    places = {word: index for index, word in reversed(list(enumerate(found)))}
    last = -1
    for word, tag in shielded.hidden.items():
        if word not in places or (tag.keyword and not tag.place and places[word] < last):
            yield TemplateProblem(tag.line, LOST)
        elif tag.keyword and not tag.place:
            last = places[word]


def _refuse(problems: Iterator[TemplateProblem]) -> None:
    if found := tuple(problems):
        raise TemplateInvalid(found)


_PAGE = re.compile(r"<(?:html|head|body)\b", re.IGNORECASE)
_IMPORTANT = re.compile(r"\s*!important")
_AT_RULE = re.compile(r"@[\w-]+[^{};]*(?:;|\{(?:[^{}]|\{[^{}]*\})*\})")

EMPTY = Label(en="The mail has no content.", de="Die Mail hat keinen Inhalt.")
LOST = Label(
    en="This tag stands in a place where HTML or CSS cannot keep it.",
    de="Dieser Tag steht an einer Stelle, an der HTML oder CSS ihn nicht behalten kann.",
)
UNREADABLE_CSS = Label(
    en="The rules in this <style> cannot be read.", de="Die Regeln in diesem <style> sind nicht lesbar."
)
