"""From what a marketer wrote to an Edition, once for each version of a campaign.

In charge of: the order of the steps. Each step is a module of its own: allowed, shield, inline, links, plaintext.
Not of whether the mail may be sent: lint says that.
"""

from dataclasses import replace

from lxml import etree

from app.campaigns.allowed import parse
from app.campaigns.edition import Edition
from app.campaigns.inline import Element, Tree, body_of, inlined, to_html
from app.campaigns.links import rewrite_links
from app.campaigns.merge_tags import used_tags
from app.campaigns.plaintext import text_of_tree
from app.campaigns.problem import TemplateInvalid, TemplateProblem
from app.campaigns.sandbox import PLAIN
from app.campaigns.shield import Shielded, shield, static_escaped


def compile_edition(subject: str, preheader: str, html: str) -> Edition:
    """Raises TemplateInvalid with the problems of all three parts; those of the HTML come last."""
    tags = _checked(subject=subject, preheader=preheader, html=html)
    shielded = shield(html)
    tree = inlined(shielded)
    links = rewrite_links(tree, shielded)
    _put_preheader(tree, shielded, preheader)
    text = text_of_tree(tree, shielded)
    _append_pixel(tree, shielded)
    page = to_html(tree)
    return Edition(
        subject=subject,
        preheader=preheader,
        html=shielded.restore(page),
        text=shielded.restore(text),
        links=links,
        merge_tags=tags,
        html_lines=shielded.lines(page),
        text_lines=shielded.lines(text),
    )


def _checked(**parts: str) -> tuple[str, ...]:
    problems: list[TemplateProblem] = []
    names: set[str] = set()
    for part, source in parts.items():
        try:
            names.update(use.name for use in used_tags(parse(source, PLAIN)))
        except TemplateInvalid as error:
            problems.extend(replace(problem, part=part) for problem in error.problems)
    if problems:
        raise TemplateInvalid(tuple(problems))
    return tuple(sorted(names))


def _put_preheader(tree: Tree, shielded: Shielded, preheader: str) -> None:
    """The line an inbox shows behind the subject, hidden in the mail itself."""
    if not preheader:
        return
    body = body_of(tree)
    place = next((node for node in body.iter(etree.Element) if is_preheader(node)), None)
    if place is None:
        place = etree.Element("div", {"class": "preheader", "style": _HIDDEN})
        place.tail, body.text = body.text, None
        body.insert(0, place)
    for child in list(place):
        place.remove(child)
    # The blanks keep the inbox from reading on into the mail.
    place.text = shielded.hide(static_escaped(preheader), 1) + "\u034f\u200c\u00a0" * 40


def is_preheader(element: Element) -> bool:
    return "preheader" in element.get("class", "").split() or element.get("id") == "preheader"


def _append_pixel(tree: Tree, shielded: Shielded) -> None:
    body = body_of(tree)
    word = shielded.hide("{{ _pixel }}", 0)
    if len(body):
        body[-1].tail = (body[-1].tail or "") + word
    else:
        body.text = (body.text or "") + word


_HIDDEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all"
