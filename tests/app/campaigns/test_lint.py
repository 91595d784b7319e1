"""What is said before a campaign goes out."""

import pytest

from app.campaigns.compile import compile_edition
from app.campaigns.lint import Draft, Finding, Level, lint
from app.campaigns.merge_tags import MERGE_TAGS, MergeTag
from segments.label import Label

GOOD = Draft(
    subject="A subject of decent length",
    preheader="A line for the inbox",
    html='<p>Hello {{ first_name|default("friend") }},</p>\n<p>'
    + "here is a sentence with some words to read. " * 4
    + "</p>\n"
    '<a href="https://shop.example">Shop</a>\n<p>{{ sender.imprint }}</p>\n<a href="{{ unsubscribe_url }}">Leave</a>',
    sender_name="Teehaus Lindenhof",
)


def findings(**changes: str) -> list[Finding]:
    draft = Draft(
        **{name: changes.get(name, getattr(GOOD, name)) for name in ("subject", "preheader", "html", "sender_name")}
    )
    return list(lint(draft, compile_edition(draft.subject, draft.preheader, draft.html)))


def codes(**changes: str) -> list[str]:
    return [finding.code for finding in findings(**changes)]


def html_with(addition: str) -> str:
    return f"{GOOD.html}\n{addition}"


def test_a_good_draft_has_no_findings() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("changes", "level", "code"),
    [
        ({"html": GOOD.html.replace("unsubscribe_url", "webview_url")}, Level.BLOCK, "no-unsubscribe"),
        ({"html": GOOD.html.replace("sender.imprint", "sender.name")}, Level.BLOCK, "no-imprint"),
        ({"subject": "  "}, Level.BLOCK, "no-subject"),
        ({"html": html_with("{{ frist_name }}")}, Level.BLOCK, "unknown-tag"),
        ({"html": html_with("{{ sender.imprnt }}")}, Level.BLOCK, "unknown-tag"),
        ({"html": html_with("{% for p in products %}{{ p.nmae }}{% endfor %}")}, Level.BLOCK, "unknown-tag"),
        ({"subject": "Hello to you, {{ nickname }}"}, Level.BLOCK, "unknown-tag"),
        ({"html": html_with('<a href="http://localhost:5000/x">x</a>')}, Level.BLOCK, "dead-link"),
        ({"html": html_with('<a href="">x</a>')}, Level.BLOCK, "dead-link"),
        ({"html": html_with('<a href="#">x</a>')}, Level.BLOCK, "dead-link"),
        ({"html": html_with('<a href="javascript:void(0)">x</a>')}, Level.BLOCK, "dead-link"),
        ({"html": html_with('<a href="/relative">x</a>')}, Level.BLOCK, "dead-link"),
        ({"html": html_with('<a href="https://127.0.0.1/x">x</a>')}, Level.BLOCK, "dead-link"),
        ({"preheader": ""}, Level.WARN, "no-preheader"),
        ({"html": html_with("Dear *|FNAME|*")}, Level.WARN, "foreign-tag"),
        ({"subject": "A subject for %FIRSTNAME%, and more"}, Level.WARN, "foreign-tag"),
        ({"html": html_with('<img src="https://e.de/x.png">')}, Level.WARN, "no-alt"),
        ({"html": html_with("<p>" + "x " * 46_000 + "</p>")}, Level.WARN, "heavy"),
        ({"html": html_with("<p>" + "x " * 52_000 + "</p>")}, Level.WARN, "clipped"),
        ({"subject": "Short"}, Level.WARN, "subject-length"),
        ({"subject": "x" * 79}, Level.WARN, "subject-length"),
        ({"subject": "Re: your question of yesterday"}, Level.WARN, "subject-pretends"),
        ({"subject": "WG: your question of yesterday"}, Level.WARN, "subject-pretends"),
        ({"html": html_with("{{ first_name }}")}, Level.WARN, "no-fallback"),
        ({"html": html_with("{{ attributes.city }}")}, Level.WARN, "no-fallback"),
        ({"html": html_with('<a href="http://e.de">x</a>')}, Level.WARN, "http-link"),
        ({"html": '<p>Hi.</p>{{ sender.imprint }}<a href="{{ unsubscribe_url }}">x</a>'}, Level.WARN, "little-text"),
        ({"sender_name": "{{ first_name }} from Teehaus"}, Level.WARN, "display-name"),
        ({"sender_name": "teehaus@gmail.com"}, Level.WARN, "display-name"),
        ({"sender_name": "Teehaus \U0001f375"}, Level.WARN, "display-name"),
    ],
)
def test_each_finding_is_said(changes: dict[str, str], level: Level, code: str) -> None:
    """R3, L7"""
    found = findings(**changes)
    assert [(finding.level, finding.code) for finding in found] == [(level, code)]
    assert found[0].label.en != found[0].label.de


@pytest.mark.parametrize(
    "html",
    [
        "{% if first_name %}{{ first_name }}{% endif %}",
        "{{ first_name if first_name else 'you' }}",
        "{% set who = first_name %}{{ who|default('you') }}",
        "{{ first_name|title|default('you') }}",
        "{{ attributes.city|fallback('your town') }}",
        '<img src="https://e.de/x.png" alt="">',
        '<a href="mailto:a@e.de">x</a><a href="tel:+49123">x</a><a name="top">x</a>',
        "{% for product in products %}{{ product.name }}{{ loop.index }}{% endfor %}{{ products[0].url }}",
        "{% for tag in tags %}{{ tag }}{% endfor %}{{ orders.count }}{{ topics|join(', ') }}",
        '<a href="{{ preferences_url }}">x</a>',
    ],
)
def test_what_is_fine_is_not_blamed(html: str) -> None:
    assert codes(html=html_with(html)) == []


def test_a_finding_leads_to_its_place() -> None:
    found = findings(html=html_with("{{ frist_name }}"), subject="")
    assert [(finding.fix, finding.line) for finding in found] == [("subject", None), ("html", 6)]
    assert "Did you mean “first_name”?" in found[1].label.en


def test_an_own_hidden_line_counts_as_preheader() -> None:
    assert codes(preheader="", html=html_with('<div class="preheader" style="display:none">x</div>')) == []


def test_features_can_bring_their_own_tags() -> None:
    """DESIGN 6"""
    draft = Draft(GOOD.subject, GOOD.preheader, html_with("{{ voucher }}"), "")
    edition = compile_edition(draft.subject, draft.preheader, draft.html)
    voucher = MergeTag("voucher", Label(en="Voucher", de="Gutschein"), "ABC")
    assert lint(draft, edition, (*MERGE_TAGS, voucher)) == ()
