"""Rules of a style sheet that match differently for different people.

In charge of: finding selectors that count or compare neighbours (`:first-child`, `h2 + p`) where a condition or a loop
decides which neighbours there are, and selectors that look into an attribute which holds a value of the person. CSS is
inlined once for all (inline), so they cannot be kept. Media queries can: mail programs apply them to each mail.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cssselect import GenericTranslator, SelectorError
from lxml import etree

from app.campaigns.problem import TemplateProblem
from app.campaigns.shield import Shielded
from segments.label import Label


@dataclass(frozen=True, slots=True)
class _Compound:
    """What a selector asks of one element: `p.small:first-child` after `>`."""

    combinator: str
    text: str

    @property
    def looks_around(self) -> bool:
        return self.combinator in {"+", "~"} or bool(_STRUCTURE.search(self.text))

    @property
    def attributes(self) -> set[str]:
        """Those whose value it asks for."""
        return set(_ATTRIBUTE.findall(self.text)) | ({"id"} if "#" in _ATTRIBUTE_PART.sub("", self.text) else set())

    @property
    def base(self) -> str:
        """The same for any neighbours and any values of attributes."""
        return _ID.sub("", _STRUCTURE.sub("", _NOT.sub("", _ATTRIBUTE_PART.sub("", self.text)))) or "*"


def changing_rules(tree: "etree._ElementTree", shielded: Shielded) -> Iterator[TemplateProblem]:
    """Rules that cannot be written into the elements once for all, each at the line of the tag it depends on."""
    for selector in _selectors(tree):
        compounds = _compounds(selector)
        for index, compound in enumerate(compounds):
            if compound.looks_around or compound.attributes:
                for element in _candidates(tree, compounds[: index + 1]):
                    if line := _depends(element, compound, shielded):
                        yield TemplateProblem(line, _label(selector))
                        break


def _selectors(tree: "etree._ElementTree") -> Iterator[str]:
    for style in tree.iter("style"):
        css = _AT_RULE.sub("", _REMARK.sub("", style.text or ""))
        for rule in css.split("}"):
            yield from filter(None, map(str.strip, rule.partition("{")[0].split(",")))


def _compounds(selector: str) -> list[_Compound]:
    text = _BRACKETS.sub(lambda found: re.sub(r"[\s+~>]", "", found[0]), selector)
    parts = re.split(r"\s*([>+~])\s*|\s+", text)
    return [_Compound((parts[at - 1] or " ") if at else " ", parts[at]) for at in range(0, len(parts), 2)]


def _candidates(tree: "etree._ElementTree", compounds: list[_Compound]) -> Iterator["etree._Element"]:
    """Elements that the last compound could be about, for some person."""
    kept: list[str] = []
    for compound in compounds:
        if compound.combinator in {"+", "~"}:
            kept.pop()
        elif kept:
            kept.append(compound.combinator)
        kept.append(compound.base)
    try:
        yield from tree.xpath(GenericTranslator().css_to_xpath("".join(kept)))
    except SelectorError:
        return  # neither can it be inlined


def _depends(element: "etree._Element", compound: _Compound, shielded: Shielded) -> int:
    """The line of a tag of the template that decides whether the compound matches; 0 for none."""
    if compound.looks_around:
        parent = element.getparent()
        around = [*(parent if parent is not None else ()), *(element if ":empty" in compound.text else ())]
        for node in around:
            tag = shielded.hidden.get((node.text or "").strip("\n")) if node.tag is etree.Comment else None
            if tag:
                return tag.line
    values = [element.get(name, "") for name in compound.attributes]
    if ":empty" in compound.text:
        values.append(element.text or "")
    found = [word for value in values if (word := shielded.word.search(value))]
    return shielded.hidden[found[0][1] or found[0][2]].line if found else 0


def _label(selector: str) -> Label:
    return Label(
        en=f"The rule “{selector}” in <style> depends on this tag: it would match differently for different people. "
        "Give the element a class.",
        de=f"Die Regel „{selector}“ in <style> hängt von diesem Tag ab: Sie träfe bei verschiedenen Personen "
        "Verschiedenes. Geben Sie dem Element eine Klasse.",
    )


_REMARK = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_RULE = re.compile(r"@[\w-]+[^{};]*(?:;|\{(?:[^{}]|\{[^{}]*\})*\})")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\]]*\]")
_STRUCTURE = re.compile(r":(?:(?:first|last|only)-(?:child|of-type)|nth-[\w-]+\([^)]*\)|empty)")
_NOT = re.compile(r":not\([^)]*\)+")
_ATTRIBUTE = re.compile(r"\[\s*([\w-]+)\s*[~|^$*]?=")
_ATTRIBUTE_PART = re.compile(r"\[[^\]]*\]")
_ID = re.compile(r"#[\w-]+")
