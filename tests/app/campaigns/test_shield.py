"""Jinja hidden from HTML tools, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.allowed import parse
from app.campaigns.place import IN_CLASS, IN_DECLARATIONS, IN_STYLE, IN_TAG
from app.campaigns.problem import TemplateInvalid
from app.campaigns.sandbox import HTML
from app.campaigns.shield import SPLIT_BLOCK, shield
from segments.label import Label
from tests.corpora import html_templates


def refusals(source: str) -> list[tuple[int, Label]]:
    parse(source)
    with pytest.raises(TemplateInvalid) as caught:
        shield(source)
    return [(problem.line, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("source", "shielded"),
    [
        ("a {{ x }} b", "a jjx0xj b"),
        ("<p>{% if x %}y{% endif %}</p>", "<p><!--jjx0xj-->y<!--jjx1xj--></p>"),
        ("<a href='{{ x }}'>", "<a href='jjx0xj'>"),
        ("<a href={{ x }}>y {# z #}", "<a href=jjx0xj>y <!--jjx1xj-->"),
        ('<a title="{% if x %}>{% endif %}">{{ y }}', '<a title="jjx0xj>jjx1xj">jjx2xj'),
        (
            '<td style="width:{{ w }}%;color:{% if x %}red{% endif %}">',
            '<td style="width:jjx0xj;color:jjx1xjredjjx2xj">',
        ),
        (
            "<title>{% if x %}y{% endif %}</title>{% if x %}{% endif %}",
            "<title>jjx0xjyjjx1xj</title><!--jjx2xj--><!--jjx3xj-->",
        ),
        ("<!--[if mso]>{{ x }}<![endif]-->{{ y }}", "<!--[if mso]>jjx0xj<![endif]-->jjx1xj"),
        ("a < b {{ x }}", "a < b jjx0xj"),
        ("{{ '}}' }}{{ \"%}\" }}{% if '%}' %}{% endif %}", "jjx0xjjjx1xj<!--jjx2xj--><!--jjx3xj-->"),
        ("{{\n  x\n}}{% if\n x %}{% endif %}", "jjx0xj<!--jjx1xj\n--><!--jjx2xj-->"),
        ("jjx {{ x }}", "jjx jjjx0xj"),
    ],
)
def test_every_place_gets_what_it_can_carry(source: str, shielded: str) -> None:
    parse(source)
    hidden = shield(source)
    assert hidden.html == shielded
    assert hidden.restore(hidden.html) == source


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("<style>\n.a { color: {{ c }} }</style>", 2, IN_STYLE),
        ("<style>{% if x %}.a{}{% endif %}</style>", 1, IN_STYLE),
        ("<script>var x = '{{ x }}'</script>", 1, IN_STYLE),
        ("<p>\n<td {% if x %}class='y'{% endif %}>", 2, IN_TAG),
        ("<td {{ attributes }}>", 1, IN_TAG),
        ("<{{ tag }}>", 1, IN_TAG),
        ("</{{ tag }}>", 1, IN_TAG),
        ("<td cla{{ x }}ss='y'>", 1, IN_TAG),
        ("<td class='a {% if x %}b{% endif %}'>", 1, IN_CLASS),
        ("<td class='{{ tier }}'>", 1, IN_CLASS),
        ("<td style='{% if x %}color:red{% endif %}'>", 1, IN_DECLARATIONS),
        ("<td style='a:b;{% if x %}color:red{% endif %}'>", 1, IN_DECLARATIONS),
        ("<td style='color:{% if x %}red;width:1px{% endif %}'>", 1, IN_DECLARATIONS),
        ("<p title='{% if x %}y'>\n{% endif %}", 1, SPLIT_BLOCK),
    ],
)
def test_where_a_tag_cannot_stand_it_is_refused_with_its_line(source: str, line: int, message: Label) -> None:
    assert (line, message) in refusals(source)


def test_braces_that_were_no_jinja_do_not_become_jinja() -> None:
    """S3: `&#123;&#123;` in a source is text, and stays text after HTML tools have unfolded it."""
    hidden = shield("{{ x }}")
    unfolded = "{{ evil }} {% evil %} {# evil #} {" + hidden.html
    restored = hidden.restore(unfolded)
    assert HTML.from_string(restored).render(x="X") == "{{ evil }} {% evil %} {# evil #} {X"


def test_tags_know_their_line_before_and_after() -> None:
    hidden = shield("a\nb {{ x }}\n\n{% if y %}\nc{% endif %}")
    moved = hidden.html.replace("a\nb ", "")
    assert hidden.lines(moved) == ((1, 2), (3, 4), (4, 5))


FRAGMENTS = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<br/>",
            "<a href='",
            "' title=\"",
            '">',
            "'>",
            "<!-- ",
            " -->",
            "<!--[if mso]>",
            "<![endif]-->",
        ),
        *(
            "<title>",
            "</title>",
            "<style>",
            "</style>",
            "text",
            " < ",
            "&amp;",
            "\n",
            "style='color:",
            ";",
            "=",
            "é",
            "jjx0xj",
        ),
        *("{{ x }}", "{{ '}}' }}", "{{- x -}}", '{{ "\'" }}', "{# c ' #}", "{% set a = 1 %}", "{{ x|default('{{') }}"),
        *("{% if x %}y{% endif %}", "{% for a in b %}{{ a }}{% else %}-{% endfor %}", "{%- if '%}' -%}{%- endif -%}"),
    ]
)


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_what_is_shielded_comes_back_unchanged(source: str) -> None:
    """And every tag that Jinja's lexer sees is hidden."""
    try:
        parse(source)
        hidden = shield(source)
    except TemplateInvalid:
        return
    assert hidden.restore(hidden.html) == source
    begins = [token for _, token, _ in HTML.lex(source) if token.endswith("_begin")]
    assert len(hidden.hidden) == len(begins)
    assert "{{" not in hidden.html


@pytest.mark.parametrize("path", html_templates(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_templates_come_back_unchanged(path) -> None:
    source = path.read_text(encoding="utf-8", errors="replace")
    try:
        parse(source)
        hidden = shield(source)
    except TemplateInvalid:
        assert "{{#" in source
        return
    assert hidden.restore(hidden.html) == source
