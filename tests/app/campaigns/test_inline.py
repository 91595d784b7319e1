"""CSS into elements, once, with nothing lost."""

import pytest

from app.campaigns.allowed import parse
from app.campaigns.inline import LOST, inline, inlined, read_html, to_html
from app.campaigns.problem import TemplateInvalid
from app.campaigns.sandbox import HTML
from app.campaigns.shield import SPLIT_BLOCK, shield
from tests.corpora import html_templates

STYLE = """<style>
@import url("https://fonts.example/x.css");
@font-face { font-family: House; src: url(https://shop.example/h.woff) }
p { color: red; margin: 0 !important }
.a { color: blue }
a:hover { color: green }
@media (prefers-color-scheme: dark) { p { color: white } }
@supports (display: grid) { p { color: pink } }
</style>"""


def through(source: str) -> str:
    parse(source)
    hidden = shield(source)
    return hidden.restore(to_html(inlined(hidden)))


def test_rules_go_into_elements_and_the_rest_stays_in_style(capfd: pytest.CaptureFixture[str]) -> None:
    html = through(f'{STYLE}<body><p class="a">x</p></body>')
    assert '<p class="a" style="color:blue; margin:0">x</p>' in html
    for kept in ("@import", "@font-face", "@supports", "prefers-color-scheme: dark", "a:hover"):
        assert html.count(kept) == 1
    assert "color: white !important" in html
    assert capfd.readouterr() == ("", "")


def test_an_important_rule_does_not_beat_the_media_query() -> None:
    html = through("<style>p{color:red!important}@media print{p{color:blue}}</style><body><p>x</p></body>")
    assert '<p style="color:red">' in html
    assert "color: blue !important" in html


def test_an_important_style_of_the_element_itself_stays() -> None:
    assert 'style="margin:0; color:red !important"' in through(
        '<style>p{margin:0}</style><body><p style="color:red !important">x</p></body>'
    )


def test_jinja_comes_through_in_every_allowed_place() -> None:
    source = (
        '<style>td{color:blue}.w{font-weight:bold}</style><body><table>{% for p in products %}<tr class="w">'
        '<td style="width:{{ p.w }}%" title="{{ p.a > 3 }}">{{ p.name }}</td></tr>{% else %}<tr><td>none</td></tr>'
        '{% endfor %}</table><a href="{{ url }}?a={{ b|default("fr&d") }}">x</a></body>'
    )
    html = through(source)
    assert '<td style="color:blue; width:{{ p.w }}%" title="{{ p.a > 3 }}" width="{{ p.w }}%">{{ p.name }}</td>' in html
    assert 'href="{{ url }}?a={{ b|default("fr&d") }}"' in html
    assert "<table>{% for p in products %}<tr" in html


@pytest.mark.parametrize(
    "source",
    [
        "<body>{% if x %}<div>{% endif %}y</div></body>",
        "<body>{% if x %}<div class=a>{% else %}<div class=b>{% endif %}y</div></body>",
        "<body><p>{% for a in b %}<b>{{ a }}{% endfor %}</b></p></body>",
        "<body><table><tr>{% if x %}<td>a</td></tr><tr>{% endif %}<td>b</td></tr></table></body>",
    ],
)
def test_a_block_across_elements_is_refused(source: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        inlined(shield(source))
    assert caught.value.problems[0].message == SPLIT_BLOCK


def test_a_tag_that_css_would_swallow_is_refused_and_not_lost() -> None:
    with pytest.raises(TemplateInvalid) as caught:
        inlined(shield('<style>p{margin:0}</style><body>\n<p style="{{ css }}">x</p></body>'))
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [(2, LOST)]


@pytest.mark.parametrize("source", ["", "  \n", "<html><body> </body></html>", "<html><head></head></html>"])
def test_a_mail_without_content_is_refused(source: str) -> None:
    with pytest.raises(TemplateInvalid):
        through(source)


def test_nothing_is_fetched_for_a_linked_style_sheet() -> None:
    """L16"""
    html = through('<head><link rel="stylesheet" href="http://127.0.0.1:1/x.css"></head><body><p>x</p></body>')
    assert "127.0.0.1:1/x.css" in html


def test_the_charset_of_the_page_is_the_charset_of_the_mail() -> None:
    assert '<meta charset="utf-8">' in through('<head><meta charset="iso-8859-1"></head><body>ü</body>')


CONTEXT = {"name": "Anna", "product_name": "Tee", "action_url": "https://shop.example/a?b=1&c=2", "show": True}


def squeezed(html: str) -> str:
    return "".join(html.split())


@pytest.mark.parametrize("path", html_templates(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_inlining_first_and_filling_in_first_give_the_same_mail(path) -> None:
    """Real mails: compiled once and filled in equals the slow path, filled in and then inlined."""
    source = path.read_text(encoding="utf-8", errors="replace")
    try:
        fast = HTML.from_string(through(source)).render(CONTEXT)
    except TemplateInvalid:
        assert "{{#" in source
        return
    tree = read_html(HTML.from_string(parse(source)).render(CONTEXT))
    inline(tree)
    assert squeezed(fast) == squeezed(to_html(tree))
