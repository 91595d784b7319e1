"""What is sent is, to the letter, what the slow way makes: for every template and every value (decision 0006)."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path
from quopri import decodestring
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.campaigns.address import Urls
from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.encode import Encoder
from app.campaigns.layouts import layouts
from app.campaigns.merge_tags import example_context
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import DirectUrls, Renderer, RenderFailed
from app.campaigns.urls import TrackedUrls
from app.quoted import quoted
from app.tokens import Tokens
from bench.letters import letter_7k, letter_34k, person_values
from tests.corpora import html_templates, naughty_strings
from tests.naive import naive_html

TRACKED = TrackedUrls(Tokens("k" * 64), "https://news.shop.example", 7, 123456)
OWN = {
    name: f"https://news.shop.example/{name}/{'x' * 40}?a=1&b=2"
    for name in ("unsubscribe_url", "preferences_url", "tracking_off_url", "webview_url")
}

# Every place a value can stand in.
PLACES = """<html><head><style>p { color: red } td { padding: 4px }</style></head><body>
<p title="{{ a }}" style="color:{{ a }};background:url({{ a }})">Dear {{ a }},</p>
<p>. {{ b }}</p>{% if b %}<p>and {{ a|upper }} </p>{% endif %}
<table>{% for each in many %}<tr><td>{{ each }}</td><td>{{ loop.index }}={{ number }}</td></tr>
{% endfor %}</table>
<p><a href="https://e.de/{{ a }}?q={{ b }}&amp;r=1">{{ b }}</a>
<a href="{{ a }}">{{ a }}</a> <a href="{{ b }}"></a> <a href="https://e.de/ü?a=1&amp;b=2">https://e.de/ü?a=1&amp;b=2</a>
<a href="mailto:{{ a }}">write</a> <img src="{{ a }}" alt="{{ b }}"> <a href="{{ unsubscribe_url }}">leave</a></p>
</body></html>"""

TEXTS = st.one_of(st.sampled_from(naughty_strings()), st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
URLS = st.sampled_from([DirectUrls(("https://e.de/%C3%BC?a=1&b=2",)), TRACKED])


def same(edition: Edition, context: Mapping[str, Any], urls: Urls) -> None:
    """Both ways give the same mail, or fail in the same line with the same words."""
    expected, found = (_made(renderer, context, urls) for renderer in _renderers(edition))
    if isinstance(expected, RenderFailed) or isinstance(found, RenderFailed):
        assert str(found) == str(expected)
        return
    assert found.subject == expected.subject
    assert decoded(found.text) == expected.text
    assert decoded(found.html).removesuffix("\n") == lines(expected.html).removesuffix("\n")
    for body in filter(None, (found.text, found.html)):
        fit_for_the_wire(body)


@lru_cache(4)
def _renderers(edition: Edition) -> tuple[Renderer, Encoder]:
    return Renderer(edition), Encoder(edition)


def _made(renderer: Any, context: Mapping[str, Any], urls: Urls) -> Any:
    try:
        return renderer.render(context, urls)
    except RenderFailed as error:
        return error


def decoded(body: str) -> str:
    return decodestring(body.encode("ascii")).decode().replace("\r\n", "\n")


def lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def fit_for_the_wire(body: str) -> None:
    """R17, R18: 7 bits, CRLF alone, at most 76 characters; no dot begins a line, blanks never end one or meet."""
    assert body.endswith("\r\n")
    assert not re.search(r"[^\t\r\n -~]|(?<!\r)\n|\r(?!\n)", body)
    for line in body.split("\r\n"):
        assert len(line) <= 76
        assert not line.startswith(".")
        assert not line.endswith(" ")
        assert "  " not in line
        assert "\t" not in line


@settings(deadline=None)
@given(a=TEXTS, b=TEXTS, many=st.lists(TEXTS, max_size=3), number=st.one_of(st.none(), st.floats()), urls=URLS)
def test_any_value_in_any_place_gives_the_same_mail(
    a: str, b: str, many: list[str], number: float | None, urls: Urls
) -> None:
    """S3, R17, R18"""
    same(_everywhere(), {"a": a, "b": b, "many": many, "number": number, **OWN}, urls)


@cache
def _everywhere() -> Edition:
    return compile_edition("{{ a }} {{ b }}", "{{ a }}", PLACES)


def test_a_naughty_value_stays_in_its_place() -> None:
    """S3: whatever it holds, the page has the elements and attributes that it has for a harmless one."""
    encoder = Encoder(_everywhere())

    def shape(value: str) -> list[tuple[str, list[str]]]:
        context = {"a": value, "b": value, "many": [value], **OWN}
        parser = _Shape()
        parser.feed(decoded(encoder.render(context, TRACKED).html))
        return parser.elements

    expected = shape("Anna")
    assert [string for string in filter(None, naughty_strings()) if shape(string) != expected] == []


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, [name for name, _value in attrs]))

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", [data]))


STATIC = st.text(st.sampled_from("ab. =\n\t-ü漢<>&\"'"), max_size=90)
PIECE = st.one_of(
    STATIC,
    st.sampled_from(
        ["{{ a }}", "{{ b }}", "{{ _link(0) }}", "{{ (_link(1))|_beside }}", "{{ ((u)|_dynamic)|_beside(u) }}"]
    ),
    STATIC.map(lambda text: f"{{% if b %}}{text}{{% else %}}{{{{ a }}}}{{% endif %}}"),
    STATIC.map(lambda text: f"{{% for each in many %}}{text}{{{{ each }}}}{{% endfor %}}"),
)


@settings(deadline=None)
@given(
    template=st.lists(PIECE, max_size=12).map("".join),
    a=TEXTS,
    b=st.sampled_from(["", " ", "\n", " \n\n\n", ".", "x \n", "\r\n"]),
    urls=URLS,
)
def test_any_template_gives_the_same_mail(template: str, a: str, b: str, urls: Urls) -> None:
    links = ("https://e.de/%C3%BC?a=1&b=2", "https://e.de/" + "y" * 80)
    urls = urls if urls.prefix else DirectUrls(links)
    context = {"a": a, "b": b, "many": ["", "\n", " x", ". "], "u": "https://e.de/p?a=1&b=2"}
    same(Edition("S", "", template, template, links, ()), context, urls)


@settings(deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("ab. =\n\r\tü漢\0"), max_size=200), max_size=5))
def test_pieces_can_be_joined_in_any_order(texts: list[str]) -> None:
    """R17, R18"""
    body = "".join(map(quoted, texts))
    assert decoded(body) == "".join(lines(text) for text in texts)
    fit_for_the_wire(body + quoted("\n"))


def test_every_real_template_that_compiles_gives_the_same_mail() -> None:
    """The whole corpus where it is at hand, the sample otherwise."""
    compiled = 0
    context = example_context() | OWN | {"name": "Anna <b>Weiß</b> & Söhne", "products": [{"name": "=.\n."}] * 3}
    for file in html_templates():
        edition = _compiled(file)
        if edition is None:
            continue
        compiled += 1
        same(edition, context, TRACKED)
        same(edition, context, DirectUrls(edition.links))
    assert compiled > len(html_templates()) / 2


def test_every_real_template_that_compiles_gives_what_filling_in_first_gives() -> None:
    """Addresses aside: where a value stands in one, a mail's is encoded for its place."""
    for file in html_templates():
        if edition := _compiled(file):
            context = example_context() | OWN | dict.fromkeys(edition.merge_tags, "Anna Weiß")
            html = decoded(Encoder(edition).render(context, DirectUrls(edition.links)).html)
            naive = naive_html(file.read_text(encoding="utf-8", errors="replace"), context)
            assert _without_addresses(html) == _without_addresses(naive), file.name


def _without_addresses(html: str) -> str:
    return "".join(re.sub(r' (href|src|background|action)="[^"]*"', r" \1", html).split())


@cache
def _compiled(file: Path) -> Edition | None:
    try:
        return compile_edition("S {{ name }}", "", file.read_text(encoding="utf-8", errors="replace"))
    except TemplateInvalid:
        return None


@pytest.mark.parametrize("letter", [*layouts(), letter_34k(), letter_7k()], ids=lambda letter: letter.name)
@pytest.mark.parametrize("number", [0, 1])
def test_our_own_letters_give_the_same_mail(letter: Any, number: int) -> None:
    edition = compile_edition(letter.subject, letter.preheader, letter.html)
    context = person_values(number) | OWN
    same(edition, context, TRACKED)
    same(edition, context, DirectUrls(edition.links))
    edition = compile_edition("S", "", letter.html)
    html = decoded(Encoder(edition).render(context, DirectUrls(edition.links)).html)
    assert "".join(html.split()) == "".join(naive_html(letter.html, context).split())
