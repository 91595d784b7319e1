"""The text part, derived from the HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from app.campaigns.compile import compile_edition
from app.campaigns.inline import read_html
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import DirectUrls, Renderer
from tests.corpora import html_templates


def text_of(html: str, **context: object) -> str:
    edition = compile_edition("Subject", "Hidden line", html)
    return Renderer(edition).render(context, DirectUrls(edition.links)).text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>Hello</h1><p>One\n  two&nbsp;<b>three</b></p><p>Four</p>", "Hello\n=====\n\nOne two three\n\nFour\n"),
        ("<h3>Sub</h3>text", "Sub\n---\n\ntext\n"),
        ('<p>See <a href="https://e.de/a?b=1&amp;c=2">our shop</a>.</p>', "See our shop (https://e.de/a?b=1&c=2).\n"),
        ('<a href="https://e.de/a">https://e.de/a</a>', "https://e.de/a\n"),
        ('<a href="https://e.de/a"><img src="x.png" alt="Logo"></a>', "Logo (https://e.de/a)\n"),
        ('<a href="https://e.de/a"><img src="x.png" alt=""></a>', "https://e.de/a\n"),
        ('<a href="mailto:a@e.de">Write</a> <a href="#top">top</a>', "Write (a@e.de) top\n"),
        ("<ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol>", "- a\n- b\n\n1. c\n2. d\n"),
        (
            "<table><tr><th>Day</th><th>Hour</th></tr><tr><td>Mon</td><td>9</td></tr></table>x",
            "Day | Hour\nMon | 9\n\nx\n",
        ),
        ('<table role="presentation"><tr><td><p>a</p></td><td><p>b</p></td></tr></table>', "a\n\nb\n"),
        ("a<br>b<hr>c", f"a\nb\n\n{'-' * 40}\n\nc\n"),
        (
            '<div style="display: none">no</div><p hidden>no</p><p aria-hidden="true">no</p>yes<style>p{}</style>',
            "yes\n",
        ),
        ("<!-- a note --><!--[if mso]>Outlook<![endif]-->x", "x\n"),
        ("<p>a\u200b\u00adb</p>", "ab\n"),
        ("{% if no %}<p>hidden</p>{% endif %}<p>shown</p>{# remark #}", "shown\n"),
        ("<ul>{% for n in range(3) %}<li>{{ n }}</li>{% endfor %}</ul>", "- 0\n- 1\n- 2\n"),
        (
            "<p>Hi {% if no %}x {% endif %}you</p>{% for n in range(2) %}<p>{{ n }}</p>{% endfor %}",
            "Hi you\n\n0\n\n1\n",
        ),
        ("&#123;&#123; 7*7 }} {", "{{ 7*7 }} {\n"),
        ('<a href="{{ missing.url }}">Product</a>', "Product\n"),
    ],
)
def test_text_reads_like_the_mail(html: str, text: str) -> None:
    """R19, S3"""
    assert text_of(f"<body>{html}</body>") == text


def test_values_are_not_escaped_in_text() -> None:
    assert text_of("<p>{{ x }}</p>", x="<Käse & Brot>") == "<Käse & Brot>\n"


WORDS = st.text(st.sampled_from("abcdeüß"), min_size=1, max_size=8)
LINKS = st.builds('<a href="https://e.de/{}">{}</a>'.format, WORDS.map(lambda word: word.encode().hex()), WORDS)
HEADINGS = st.builds("<h{0}>{1}</h{0}>".format, st.integers(1, 6), WORDS)
LEAVES = st.one_of(WORDS.map("<p>{}</p>".format), LINKS, HEADINGS, WORDS)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"<div>{''.join(parts)}</div>"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: f"<table><tr>{''.join(f'<td>{part}</td>' for part in parts)}</tr></table>"
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: f"<ul>{''.join(f'<li>{part}</li>' for part in parts)}</ul>"
        ),
        inner.map("{{% if yes %}}{}{{% endif %}}".format),
    ),
    max_leaves=8,
)


@given(TREES)
def test_every_link_and_heading_is_in_the_text(html: str) -> None:
    """R19"""
    text = text_of(f"<body>{html}</body>", yes=True)
    for target in re.findall(r'href="([^"]+)"', html):
        assert target in text
    for heading in re.findall(r"<h\d>([^<]+)</h", html):
        assert re.search(rf"^{heading}$|{heading}", text, re.MULTILINE)
    assert "\n\n\n" not in text


@pytest.mark.parametrize("path", html_templates(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_link_and_heading_of_real_mails_is_in_the_text(path) -> None:
    """R19"""
    source = path.read_text(encoding="utf-8", errors="replace")
    try:
        edition = compile_edition("Subject", "", source)
    except TemplateInvalid:
        return
    text = Renderer(edition).render({}, DirectUrls(edition.links)).text
    seen = " ".join(text.split())
    for element in read_html(edition.html).getroot().iter("h1", "h2", "h3"):
        words = " ".join("".join(element.itertext(etree.Element)).split())
        if (
            "{" not in words
            and not _hidden(element)
            and element.find(".//a") is None
            and element.find(".//img") is None
        ):
            assert words in seen


def _hidden(element: etree._Element) -> bool:
    chain = [element, *element.iterancestors()]
    return any("display:none" in node.get("style", "").replace(" ", "") for node in chain)
