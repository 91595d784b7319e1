"""From source to Edition: links, preheader, pixel, and the lines of mistakes."""

import json
import re

import pytest

from app.campaigns.compile import compile_edition
from app.campaigns.edition import Edition
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import DirectUrls, Renderer

FOOTER = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'


def compiled(html: str, subject: str = "Subject", preheader: str = "") -> Edition:
    return compile_edition(subject, preheader, f"<html><body>{html}</body></html>")


def test_fixed_links_get_numbers_by_position() -> None:
    edition = compiled(
        '<a href="https://e.de/a?x=1&amp;y=ü">a</a><a href="http://e.de/b c">b</a><map><area href="https://e.de/a"></map>'
    )
    assert edition.links == ("https://e.de/a?x=1&y=%C3%BC", "http://e.de/b%20c", "https://e.de/a")
    assert [edition.html.count(f'href="{{{{ _link({n}) }}}}"') for n in range(4)] == [1, 1, 1, 0]
    assert "e.de" not in edition.html
    assert [edition.text.count(f"{{{{ (_link({n}))|_beside }}}}") for n in range(2)] == [1, 1]


def test_a_button_for_outlook_is_a_link_too() -> None:
    edition = compiled('<!--[if mso]><v:rect href="https://e.de/a?b=1&amp;c=2"></v:rect><![endif]-->')
    assert edition.links == ("https://e.de/a?b=1&c=2",)
    assert '<!--[if mso]><v:rect href="{{ _link(0) }}">' in edition.html


@pytest.mark.parametrize("name", ["unsubscribe_url", "preferences_url", "tracking_off_url", "webview_url"])
def test_the_recipients_own_links_are_never_tracked(name: str) -> None:
    edition = compiled(f'<a href="{{{{ {name} }}}}">a</a><a href="{{{{ {name} }}}}?x={{{{ email }}}}">b</a>')
    assert edition.links == ()
    assert "_dynamic" not in edition.html + edition.text
    assert f'href="{{{{ {name} }}}}"' in edition.html


@pytest.mark.parametrize("address", ["mailto:a@e.de", "tel:+491234", "#top", "page.html"])
def test_other_addresses_stay_as_they_are(address: str) -> None:
    edition = compiled(f'<a href="{address}">a</a>')
    assert edition.links == ()
    assert f'href="{address}"' in edition.html


@pytest.mark.parametrize(
    ("address", "value", "expected"),
    [
        ("https://e.de/{{ x }}", "a/b?c=d#e&ü", "https://e.de/a%2Fb%3Fc%3Dd%23e%26%C3%BC"),
        ("https://e.de/?q={{ x }}&amp;r=1", 'a&b="c"', "https://e.de/?q=a%26b%3D%22c%22&r=1"),
        ("https://e.de/?q={{ x|urlencode }}", "a b", "https://e.de/?q=a%20b"),
        (
            "https://e.de/{{ x }}",
            "{{ 7*7 }}\r\nLocation: x",
            "https://e.de/%7B%7B%207%2A7%20%7D%7D%0D%0ALocation%3A%20x",
        ),
        ("{{ x }}", "https://e.de/a?b=c&d=ü e", "https://e.de/a?b=c&d=%C3%BC%20e"),
        ("{{ x }}", "javascript:alert(1)", ""),
        ("{{ x }}", " JavaScript:alert(1)", ""),
        ("{{ x }}", "data:text/html,x", ""),
        ("{{ x }}", "//evil.example", ""),
        ("{{ x }}", None, ""),
        ("{{ x }}/more", "https://e.de", "https://e.de/more"),
        ("mailto:{{ x }}", "a+b@e.de", "mailto:a+b@e.de"),
        ("https://e.de{{ x }}", "@evil.example", "https://e.de%40evil.example"),
    ],
)
def test_a_value_in_an_address_stays_in_its_place(address: str, value: str | None, expected: str) -> None:
    """S3, S6"""
    edition = compiled(f'<a href="{address}">a</a>')
    html = Renderer(edition).render({"x": value}, DirectUrls(edition.links)).html
    assert f'href="{expected}"'.replace("&", "&amp;") in html


def test_picture_addresses_are_safe_and_never_tracked() -> None:
    class Loud(DirectUrls):
        def target(self, url: str) -> str:
            raise AssertionError(url)

    edition = compiled('<img src="https://e.de/{{ x }}.png" alt=""><td background="{{ y }}">')
    html = Renderer(edition).render({"x": "a b", "y": "javascript:x"}, Loud(())).html
    assert 'src="https://e.de/a%20b.png"' in html
    assert 'background=""' in html


@pytest.mark.parametrize(
    ("style", "value", "expected"),
    [
        ("color:{{ x }}", "#c00", "color:#c00"),
        ("width:{{ x }}%", 40, "width:40%"),
        ("font:{{ x }}", "bold 12.5px, serif", "font:bold 12.5px, serif"),
        ("color:{{ x }}", "red;position:fixed;top:0", "color:redpositionfixedtop0"),
        ("color:{{ x }}", "red}</style><script>", "color:redstylescript"),
        ("width:{{ x }}", "expression(alert(1))", "width:expressionalert1"),
        ("background:url({{ x }})", "https://e.de/a.png", "background:url(https://e.de/a.png)"),
        ("background:url({{ x }})", "https://e.de/a.png);color:red", "background:url(https://e.de/a.png%29;color:red)"),
        ("background:url({{ x }})", "javascript:alert(1)", "background:url()"),
        ("background:url(https://e.de/{{ x }}.png)", "a/../b)", "background:url(https://e.de/a%2F..%2Fb%29.png)"),
    ],
)
def test_a_value_in_a_style_stays_one_value(style: str, value: object, expected: str) -> None:
    """S3"""
    edition = compiled(f'<p style="{style}">a</p>')
    html = Renderer(edition).render({"x": value}, DirectUrls(())).html
    assert f'style="{expected}"' in re.sub(r"(?<=:) |(?<=,) (?=serif)", "", html).replace("px,serif", "px, serif")


def test_a_condition_inside_an_address_is_refused() -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compiled('\n<a href="{% if x %}https://a.de{% else %}https://b.de{% endif %}">a</a>')
    assert caught.value.problems[0].line == 2
    assert "around the whole link" in caught.value.problems[0].message.en


def test_the_preheader_is_the_first_thing_in_the_body_and_hidden() -> None:
    edition = compiled("<p>x</p>", preheader="Käse & {{ first_name }}{% if y %}!{% endif %}")
    html = Renderer(edition).render({"first_name": "<A>"}, DirectUrls(())).html
    assert '<body><div class="preheader" style="display:none;' in html
    assert "Käse &amp; &lt;A&gt;\u034f" in html
    assert "Käse" not in edition.text


def test_an_own_preheader_element_takes_the_text() -> None:
    own = '<span class="preheader" style="display:none">old <b>text</b></span><p>x</p>'
    assert "old" in compiled(own).html
    edition = compiled(own, preheader="new")
    assert "old" not in edition.html
    assert edition.html.count("preheader") == 1
    assert '<span class="preheader" style="display:none">new' in edition.html


def test_the_pixel_comes_last_and_only_when_there_is_one() -> None:
    """L8"""
    edition = compiled("<p>x</p>")
    assert edition.html.endswith("<p>x</p>{{ _pixel }}</body></html>")
    with_pixel = Renderer(edition).render({}, DirectUrls((), pixel="https://t.de/o?a=1&b=2")).html
    assert '<img src="https://t.de/o?a=1&amp;b=2" width="1" height="1" alt=""' in with_pixel
    assert "<img" not in Renderer(edition).render({}, DirectUrls(())).html


def test_mistakes_of_all_parts_come_together() -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile_edition("{{ a|nope }}", "{{ b.c() }}", "<p>\n{{ d|nope }}</p>")
    assert [(problem.part, problem.line) for problem in caught.value.problems] == [
        ("subject", 1),
        ("preheader", 1),
        ("html", 2),
    ]


def test_an_edition_goes_through_json_unchanged() -> None:
    edition = compiled('<a href="https://e.de">{{ first_name }}</a>', preheader="x")
    again = Edition.from_json(json.loads(json.dumps(edition.to_json())))
    assert again == edition
    assert again.hash == edition.hash != compiled("<p>other</p>").hash


def test_the_edition_names_the_merge_tags_it_uses() -> None:
    edition = compiled(
        "{% for p in products %}{{ p.name }}{% endfor %}{{ attributes.city }}", "{{ first_name }}", "{{ tier }}"
    )
    assert edition.merge_tags == ("attributes.city", "first_name", "products", "products[].name", "tier")


def test_what_our_compiler_writes_no_marketer_can_write() -> None:
    for attack in ("{{ _link(0) }}", "{{ _dynamic('x') }}", "{{ x|_part }}", "{{ _pixel }}"):
        with pytest.raises(TemplateInvalid):
            compiled(attack)
