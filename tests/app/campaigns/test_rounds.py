"""Rounds of loops that are remembered: the mail is the one that is made without remembering, for everybody."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.campaigns.compile import compile_edition
from app.campaigns.encode import Encoder
from app.campaigns.render import DirectUrls, RenderFailed
from app.campaigns.urls import TrackedUrls
from app.tokens import Tokens
from tests.app.campaigns.test_encode import OWN, TEXTS, decoded, same

SHELF = """<p>{{ first_name }}</p>
<table>{% for product in products %}<tr>
<td><img src="{{ product.image }}" alt="{{ product.name }}"> <a href="https://e.de/fixed">fixed</a></td>
<td><a href="{{ product.url }}">{{ product.name }}</a>{% if product.price %}, {{ product.price|money }}{% endif %}</td>
</tr>{% endfor %}</table>
<p>{% for product in products %}{{ loop.index }} {{ product.name }} {{ first_name }} {% endfor %}</p>
<p>{% for product in products %}{% for letter in product.letters %}{{ letter }}{% endfor %} {% endfor %}</p>
<p>{% for tag in tags %}{{ tag }}, {% endfor %}</p>"""
EDITION = compile_edition("News", "", SHELF)
TOKENS = Tokens("k" * 64)


def _urls(number: int) -> Any:
    """Four campaigns and people in turn, one of them without tracking."""
    if number % 4 == 3:
        return DirectUrls(EDITION.links)
    return TrackedUrls(TOKENS, "https://news.shop.example", number % 2, number)


PRODUCT = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "url": st.one_of(TEXTS, st.just("https://shop.example/tea?a=1&b=2"), st.none()),
        "image": TEXTS,
        "price": st.one_of(st.none(), st.floats(0, 1e6)),
        "letters": st.lists(st.sampled_from("ab. \n"), max_size=3),
    }
)


@settings(deadline=None, max_examples=60)
@given(products=st.lists(PRODUCT, min_size=1, max_size=3), names=st.lists(TEXTS, min_size=5, max_size=5))
def test_the_same_things_in_many_mails(products: list[dict[str, Any]], names: list[str]) -> None:
    """S3, S19: other links, other languages, other currencies, and the very same products."""
    for number, name in enumerate(names):
        own = {"name": "T", "currency": "EUR" if number % 3 else "CHF"}
        context = {"first_name": name, "language": "de" if number % 2 else "en", "organisation": own, "tags": [name]}
        same(EDITION, {**context, "products": products, **OWN}, _urls(number))


def test_a_round_has_each_readers_own_links() -> None:
    """S19"""
    encoder = Encoder(EDITION)
    product = {"name": "Sencha", "url": "https://shop.example/sencha", "image": "", "price": 3.5, "letters": []}
    for number in (1, 2, 5, 6):
        urls = _urls(number)
        mail = encoder.render({"products": [product, product], **OWN}, urls)
        for body in (decoded(mail.html), decoded(mail.text)):
            assert body.count(f"{urls.prefix}{urls.target(product['url'])}") == 2
            assert body.count("/c/") == body.count(urls.prefix)


def test_things_that_are_alike_are_not_the_same() -> None:
    encoder = Encoder(EDITION)

    def said(name: str) -> str:
        product = {"name": name, "url": "", "image": "", "price": None, "letters": []}
        return decoded(encoder.render({"products": [product], **OWN}, _urls(1)).html)

    for name in ("Sencha", "Gyokuro", "Sencha"):
        assert name in said(name)


def test_a_round_that_fails_fails_each_time_and_names_the_line() -> None:
    """Q12"""
    edition = compile_edition(
        "S", "", "<p>News</p>\n{% for product in products %}\n<p>{{ 1 / product.price }}</p>{% endfor %}"
    )
    encoder = Encoder(edition)
    bad, good = {"price": 0}, {"price": 2}
    for _ in range(2):
        with pytest.raises(RenderFailed) as caught:
            encoder.render({"products": [good, bad]}, _urls(1))
        assert caught.value.line == 3
    assert "0.5" in decoded(encoder.render({"products": [good]}, _urls(1)).html)


def test_what_long_values_cost_is_counted_for_each_mail() -> None:
    """S2"""
    html = (
        "{% for product in products %}" + "{% if product.name|upper == 'x' %}a{% endif %}" * 25 + "{% endfor %}<p>x</p>"
    )
    encoder = Encoder(compile_edition("S", "", html))
    product = {"name": "a" * 90_000}
    encoder.render({"products": [product]}, _urls(1))
    with pytest.raises(RenderFailed):
        encoder.render({"products": [product] * 12}, _urls(1))
