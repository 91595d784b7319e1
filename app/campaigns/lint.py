"""What a careful colleague would say before a campaign goes out.

In charge of: everything that can be seen in the source and its Edition alone. Not of: the audience, the sender's
domain, rendering for sampled people (preflight asks the database for those).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from app.campaigns.allowed import parse
from app.campaigns.compile import is_preheader
from app.campaigns.edition import Edition
from app.campaigns.foreign_tags import foreign_tags
from app.campaigns.inline import Tree, read_html
from app.campaigns.merge_tags import MERGE_TAGS, OPEN_GROUP, MergeTag, Use, did_you_mean, unknown, used_tags
from app.campaigns.sandbox import PLAIN
from app.campaigns.shield import Shielded, shield
from segments.label import Label

HEAVY, CLIPPED = 90_000, 102_000  # bytes; Gmail cuts a mail off at 102 KB
SUBJECT_LENGTHS = range(10, 79)
FEW_WORDS = 20


class Level(StrEnum):
    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable; `fix` names the field to go to: subject, preheader, html or sender."""

    level: Level
    code: str
    label: Label
    line: int | None = None
    fix: str = "html"


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign as written, with the sender's display name."""

    subject: str
    preheader: str
    html: str
    sender_name: str = ""


def lint(draft: Draft, edition: Edition, tags: Iterable[MergeTag] = MERGE_TAGS) -> tuple[Finding, ...]:
    """Everything to say about a draft that compiles; what blocks comes first, then in order of line."""
    known, shielded = tuple(tags), shield(draft.html)
    tree = read_html(shielded.html)
    uses = [(part, use) for part in ("subject", "preheader", "html") for use in _uses(getattr(draft, part))]
    found = [
        *_obligations(edition, uses),
        *_subject(draft),
        *_preheader(draft, tree),
        *_sender(draft),
        *_unknown_tags(uses, known),
        *_unguarded_tags(uses, known),
        *_foreign_tags(draft),
        *_links(tree, shielded),
        *_pictures(tree),
        *_weight(edition),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.level, finding.line or 0)))


def _uses(source: str) -> Iterator[Use]:
    return used_tags(parse(source, PLAIN))


def _obligations(edition: Edition, uses: list[tuple[str, Use]]) -> Iterator[Finding]:
    names = {use.name for part, use in uses if part == "html"}
    if "unsubscribe_url" not in names:
        yield Finding(Level.BLOCK, "no-unsubscribe", NO_UNSUBSCRIBE)
    if "sender.imprint" not in names:
        yield Finding(Level.BLOCK, "no-imprint", NO_IMPRINT)
    if len(re.sub(r"\{[{%].*?[%}]\}", "", edition.text).split()) < FEW_WORDS:
        yield Finding(Level.WARN, "little-text", LITTLE_TEXT)


def _subject(draft: Draft) -> Iterator[Finding]:
    subject = draft.subject.strip()
    if not subject:
        yield Finding(Level.BLOCK, "no-subject", NO_SUBJECT, fix="subject")
        return
    if len(re.sub(r"\{[{%].*?[%}]\}", "Anna", subject)) not in SUBJECT_LENGTHS:
        yield Finding(Level.WARN, "subject-length", SUBJECT_LENGTH, fix="subject")
    if re.match(r"(re|fwd?|aw|wg)\s*:", subject, re.IGNORECASE):
        yield Finding(Level.WARN, "subject-pretends", SUBJECT_PRETENDS, fix="subject")


def _preheader(draft: Draft, tree: Tree) -> Iterator[Finding]:
    if not draft.preheader.strip() and not any(is_preheader(node) for node in tree.iter(etree.Element)):
        yield Finding(Level.WARN, "no-preheader", NO_PREHEADER, fix="preheader")


def _sender(draft: Draft) -> Iterator[Finding]:
    """The display name says who writes, and nothing else (Gmail's sender guidelines; R3)."""
    if re.search(r"\{\{|@|\b(?:re|fwd?):|[\U0001F300-\U0001FAFF\u2600-\u27BF]", draft.sender_name, re.IGNORECASE):
        yield Finding(Level.WARN, "display-name", DISPLAY_NAME, fix="sender")


def _unknown_tags(uses: list[tuple[str, Use]], tags: tuple[MergeTag, ...]) -> Iterator[Finding]:
    names = [tag.name for tag in tags]
    for part, use in uses:
        if not use.name.endswith("[]") and unknown(use.name, names):
            near = did_you_mean(use.name, names)
            yield Finding(Level.BLOCK, "unknown-tag", _unknown(use.name, near), use.line, part)


def _unguarded_tags(uses: list[tuple[str, Use]], tags: tuple[MergeTag, ...]) -> Iterator[Finding]:
    optional = {tag.name for tag in tags if tag.optional}
    for part, use in uses:
        if not use.guarded and (use.name in optional or use.name.startswith(f"{OPEN_GROUP}.")):
            yield Finding(Level.WARN, "no-fallback", _no_fallback(use.name), use.line, part)


def _foreign_tags(draft: Draft) -> Iterator[Finding]:
    for part in ("subject", "preheader", "html"):
        for tag in foreign_tags(getattr(draft, part)):
            yield Finding(Level.WARN, "foreign-tag", tag.label, tag.line, part)


def _links(tree: Tree, shielded: Shielded) -> Iterator[Finding]:
    for link in tree.iter("a", "area"):
        address = link.get("href")
        if address is None or shielded.word.search(address):
            continue
        if _LEADS_NOWHERE.match(address.strip()):
            yield Finding(Level.BLOCK, "dead-link", _dead(address.strip()), link.sourceline)
        elif address.strip().lower().startswith("http:"):
            yield Finding(Level.WARN, "http-link", _insecure(address.strip()), link.sourceline)


def _pictures(tree: Tree) -> Iterator[Finding]:
    for image in tree.iter("img"):
        if image.get("alt") is None:
            yield Finding(Level.WARN, "no-alt", NO_ALT, image.sourceline)


def _weight(edition: Edition) -> Iterator[Finding]:
    size = len(edition.html.encode())
    if size > HEAVY:
        yield Finding(Level.WARN, "clipped" if size > CLIPPED else "heavy", _heavy(size))


def _unknown(name: str, near: str | None) -> Label:
    return Label(
        en=f"“{name}” is not a merge tag." + (f" Did you mean “{near}”?" if near else ""),
        de=f"„{name}“ ist kein Platzhalter." + (f" Meinten Sie „{near}“?" if near else ""),
    )


def _no_fallback(name: str) -> Label:
    return Label(
        en=f'“{name}” is empty for some people. Give a fallback: {{{{ {name}|default("…") }}}}.',
        de=f'„{name}“ ist bei manchen leer. Geben Sie einen Ersatz an: {{{{ {name}|default("…") }}}}.',
    )


def _dead(address: str) -> Label:
    return Label(
        en=f"This link leads nowhere for the reader: “{address}”.",
        de=f"Dieser Link führt für Lesende nirgendwohin: „{address}“.",
    )


def _insecure(address: str) -> Label:
    return Label(en=f"This link is not encrypted: {address}", de=f"Dieser Link ist unverschlüsselt: {address}")


def _heavy(size: int) -> Label:
    kb = size // 1000
    return Label(
        en=f"The HTML has {kb} KB; Gmail cuts a mail off at 102 KB.",
        de=f"Das HTML hat {kb} KB; Gmail schneidet eine Mail bei 102 KB ab.",
    )


# Empty, an anchor, a script, a relative address, a machine of one's own.
_LEADS_NOWHERE = re.compile(
    r"(?!https?://|mailto:.|tel:.)|https?://(?:localhost|127\.|0\.0\.0\.0|\[::1\]|[^/]*\.(?:local|test|localhost)\b)",
    re.IGNORECASE,
)

NO_UNSUBSCRIBE = Label(
    en="There is no unsubscribe link: put {{ unsubscribe_url }} into a link.",
    de="Der Abmeldelink fehlt: Setzen Sie {{ unsubscribe_url }} in einen Link.",
)
NO_IMPRINT = Label(
    en="The imprint is missing: put {{ sender.imprint }} into the footer.",
    de="Das Impressum fehlt: Setzen Sie {{ sender.imprint }} in die Fußzeile.",
)
NO_SUBJECT = Label(en="There is no subject.", de="Der Betreff fehlt.")
SUBJECT_LENGTH = Label(
    en="Subjects of 10 to 78 characters are read best.", de="Am besten liest sich ein Betreff von 10 bis 78 Zeichen."
)
SUBJECT_PRETENDS = Label(
    en="“Re:” and “Fwd:” pretend a conversation; mail providers count that as deception.",
    de="„Re:“, „AW:“ und „Fwd:“ täuschen ein Gespräch vor; Mailanbieter werten das als Irreführung.",
)
NO_PREHEADER = Label(
    en="Without a preheader the inbox shows whatever comes first in the mail.",
    de="Ohne Vorschautext zeigt der Posteingang, was in der Mail zuerst kommt.",
)
DISPLAY_NAME = Label(
    en="The sender's name should be a name only: no merge tag, address, emoji or “Re:”.",
    de="Der Absendername sollte nur ein Name sein: kein Platzhalter, keine Adresse, kein Emoji, kein „Re:“.",
)
NO_ALT = Label(
    en='This picture has no alt text. Decoration takes an empty one: alt="".',
    de='Dieses Bild hat keinen Alternativtext. Schmuck bekommt einen leeren: alt="".',
)
LITTLE_TEXT = Label(
    en="There is very little text; spam filters distrust mails of pictures.",
    de="Die Mail hat sehr wenig Text; Spamfilter misstrauen Mails aus Bildern.",
)
