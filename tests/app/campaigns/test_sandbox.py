"""What a marketer's template may say and cost, and what it does with what is missing."""

import contextlib
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.allowed import parse
from app.campaigns.edition import Edition
from app.campaigns.problem import TemplateInvalid
from app.campaigns.render import DirectUrls, Renderer, RenderFailed
from tests.corpora import naughty_strings

ANNA = {
    "first_name": "Anna",
    "language": "de",
    "score": 42,
    "price": 1234.5,
    "birthday": "1990-05-17",
    "tags": ["tea", "books"],
    "attributes": {"city": "Lüneburg", "items": "own key", "nothing": None},
    "products": [{"name": "Tee", "price": 4.5}, {"name": "Kanne", "price": 48}],
}


def fill(source: str, context: dict[str, Any] | None = None) -> str:
    """The source as the HTML of a mail, without the steps of the compiler."""
    edition = Edition("", "", source, "", (), ())
    return Renderer(edition).render(ANNA if context is None else context, DirectUrls(())).html


def problems(source: str) -> list[tuple[int, str, str]]:
    with pytest.raises(TemplateInvalid) as caught:
        parse(source)
    return [(problem.line, problem.message.en, problem.message.de) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ first_name }}", "Anna"),
        ('{{ last_name|default("liebe Leserin") }}', "liebe Leserin"),
        ('{{ attributes.nothing|fallback("x") }}', "x"),
        ("{{ first_name|upper }} {{ first_name|lower }}", "ANNA anna"),
        ('{{ "grüner tee"|title }} {{ "mcKay"|capitalize }}', "Grüner Tee McKay"),
        ('{{ "ein langer Satz über Tee"|truncate(12) }}', "ein langer…"),
        ("{{ tags|join(', ') }} {{ tags|first }} {{ tags|last }} {{ tags|length }}", "tea, books tea books 2"),
        ("{{ tags }}", "tea, books"),
        ("{{ tags ~ '.' }} {{ tags|upper }}", "tea, books. TEA, BOOKS"),
        ("{{ 2.5|round }} {{ 2.345|round(2) }}", "2 2.35"),
        ("{{ price|money }}", "1.234,50\u00a0€"),
        ('{{ price|money("CHF") }}', "1.234,50\u00a0CHF"),
        ("{{ birthday|date }}", "17. Mai 1990"),
        ('{{ birthday|date("short") }}', "17.05.90"),
        ('{{ first_name|replace("n", "m") }}', "Amma"),
        ('{{ "a/b?c=d&e"|urlencode }}', "a%2Fb%3Fc%3Dd%26e"),
        ("{{ '<b>'|escape }} {{ '<b>'|e }} {{ '<b>' }}", "&lt;b&gt; &lt;b&gt; &lt;b&gt;"),
        ("{% if score > 40 and 'tea' in tags %}yes{% elif score %}no{% else %}none{% endif %}", "yes"),
        (
            "{% for p in products %}{{ loop.index }}:{{ p.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1:Tee, 2:Kanne",
        ),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
        ("{% for x in nothing %}x{% else %}empty{% endfor %}", "empty"),
        ("{% set total = score + 8 %}{{ total * 2 }} {{ score % 5 }} {{ 7 // 2 }} {{ 7 / 2 }}", "100 2 3 3.5"),
        ('{{ "Hallo " ~ first_name ~ "!" }} {{ "a" + "b" }}', "Hallo Anna! ab"),
        ("{{ attributes.city }} {{ attributes['city'] }} {{ attributes.items }}", "Lüneburg Lüneburg own key"),
        ("{{ 'ja' if score is defined and score is even else 'nein' }}", "ja"),
        ("{{ products[0].name }} {{ products[9].name }} {{ products[:1]|length }}", "Tee  1"),
        ("{# nobody sees this #}x", "x"),
    ],
)
def test_what_a_template_may_say(source: str, expected: str) -> None:
    """S2"""
    assert fill(source) == expected


def test_english_readers_get_english_money_and_dates() -> None:
    assert fill("{{ price|money }} {{ birthday|date }}", ANNA | {"language": "en"}) == "€1,234.50 May 17, 1990"
    assert fill("{{ price|money }}", ANNA | {"language": "xx-nonsense"}) == "€1,234.50"


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name }}{{ a.b.c.d }}{{ a|upper }}{{ a['b'] }}",
        "{% if a > 3 %}x{% endif %}{% if a.b < c.d %}x{% endif %}{% if a == 3 %}x{% endif %}",
        "{{ a + 1 }}{{ a * 3 }}{{ a ~ a.b }}{{ a|money }}{{ a|date }}{{ a|round }}{{ a|first }}{{ a|join }}",
        "{% for x in a.b %}x{% endfor %}{{ a|length }}{{ (a|last).name }}{{ a|truncate(3) }}{{ a|urlencode }}",
        "{{ a|replace('x', 'y') }}{{ a|title }}{{ a|capitalize }}{{ a|trim }}{{ -a }}{{ a is even }}",
    ],
)
@pytest.mark.parametrize("value", [{}, {"a": None}], ids=["unknown", "none"])
def test_a_person_without_a_value_still_gets_her_mail(source: str, value: dict[str, Any]) -> None:
    assert "None" not in fill(source, value)


def test_none_is_never_printed() -> None:
    context = {"first_name": None, "attributes": {"city": None}, "tags": [None, "x"]}
    source = "{{ none }}{{ first_name|title }}{{ attributes.city }}{{ attributes.city|upper }}{{ tags[0] }}"
    assert fill(source + "{{ tags }}{% for tag in tags %}{{ tag }}{{ tag|upper }}{% endfor %}", context) == ", xxX"


def test_names_printed_without_a_value_are_reported() -> None:
    edition = Edition(
        "{{ nick }}", "", "{{ first_name }}{{ attributes.city|upper }}{{ last_name|default('x') }}", "", (), ()
    )
    rendered = Renderer(edition).render({"attributes": {}}, DirectUrls(()))
    assert rendered.missing == {"nick", "first_name", "city"}


@pytest.mark.parametrize(
    ("source", "line", "sentence"),
    [
        ("a\n{{ first_name", 2, "not closed"),
        ("a\nb\n{% if x %}y", 3, "“{% if %}” is opened but never closed"),
        ("{% if x %}\n{% endfor %}", 2, "“{% if %}” is still open"),
        ("{% endfro %}", 1, "There is no tag “{% endfro %}”"),
        ("\n{{ first name }}", 2, "expected before 'name'"),
        ("{{#each items}}", 1, "Handlebars"),
        ("{# never ends", 1, "comment"),
        ("{{ }}", 1, "empty"),
        ("{{ a|uper }}", 1, "There is no filter “uper”. Did you mean “upper”?"),
        ("{{ a is defind }}", 1, "Did you mean “defined”?"),
        ("{{ first_name.upper() }}", 1, "Functions cannot be called"),
        ("{% macro x() %}{% endmacro %}", 1, "no tag “{% macro %}”"),
        ("{% include 'x' %}", 1, "no tag “{% include %}”"),
        ("{% import 'x' as y %}", 1, "no tag “{% import %}”"),
        ("{% raw %}{{ x }}{% endraw %}", 1, "no tag “{% raw %}”"),
        ("{% set x %}y{% endset %}", 1, "needs a value"),
        ("{% filter upper %}y{% endfilter %}", 1, "no tag “{% filter %}”"),
        ("{% for x in y recursive %}{% endfor %}", 1, "recursive"),
        ("{{ {'a': 1} }}", 1, "Curly brackets"),
        ("{{ 2 ** 9 }}", 1, "“**” is not allowed"),
        ("\n\n{{ _pixel }}", 3, "no merge tag “_pixel”"),
        ("{{ a|_part }}", 1, "no filter “_part”"),
        ("{{ a.__class__ }}", 1, "no merge tag “__class__”"),
        ("x\n\0", 2, "control character"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", 1, "nested too deeply"),
        ("{{ " + "-" * 100 + "1 }}", 1, "nested too deeply"),
        ("{% for a in b %}" * 6 + "{% endfor %}" * 6, 1, "nested too deeply"),
        ("x" * 500_001, 1, "larger than"),
        ("{{ " + "9" * 5000 + " }}", 1, "nested too deeply"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_a_plain_sentence(source: str, line: int, sentence: str) -> None:
    found = problems(source)
    assert found[0][0] == line
    assert sentence in found[0][1]
    assert found[0][2] != found[0][1]


def test_all_mistakes_are_shown_at_once() -> None:
    assert [line for line, _, _ in problems("{{ a|nope }}\n{{ b.c() }}\n{{ 2 ** 3 }}")] == [1, 2, 3]


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ first_name['__class__'] }}",
        "{{ first_name|attr('__class__') }}",
        "{{ '%s'|format(first_name) }}",
        "{{ lipsum() }}{{ cycler() }}{{ joiner() }}{{ namespace() }}",
        "{{ self }}{{ config }}{{ request }}{{ g }}{{ environment }}",
        "{{ loop.changed }}{{ tags.append }}{{ tags.__len__ }}{{ attributes.update }}",
    ],
)
def test_no_way_leads_out_of_the_values(attack: str) -> None:
    """S1"""
    try:
        assert "class" not in fill(attack)
        assert "<" not in fill(attack)
    except TemplateInvalid:
        return


BOMBS = [
    "{{ 'A' * 2000000000 }}",
    "{{ '%2000000000d' % 1 }}",
    "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
    "{% for a in range(1001) %}{% endfor %}",
    "{{ range(99999999999) }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "{% set a = 99 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a|replace('x', 'xxxxxxxxxx') %}" * 20 + "{{ a }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a, a, a]|join(a) %}" * 20 + "{{ a }}",
    "{% set a = ['x'] %}" + "{% set a = a + a %}" * 60,
    "{{ 'x'" + "|replace('x', 'xxxxxxxxxx')" * 20 + " }}",
    "{% set a = 'x'|replace('x', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy') %}"
    + "{% set a = a ~ a %}" * 12
    + "{% for n in range(900) %}{{ a }}{% endfor %}",
    "{{ 5|join }}",
    "{{ 'abc' > 5 }}",
    "{{ 1 / 0 }}",
    "{{ 'soon'|date }}",
    "{{ 'viel'|money }}",
    "{{ first_name|round }}",
    "{{ attributes }}",
    "{{ 1e300 * 1e300 }}",
    "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "{% set a = [1, 2] %}{% set b = [1, 2] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40 + "{{ a == b }}",
    "{% set a = [" + "'x'," * 2000 + "] %}",
    "{% for a in range(1000) %}{% for b in range(10) %}"
    + "{% if a == b %}{% endif %}" * 2000
    + "{% endfor %}{% endfor %}",
    "{% set a = 'ABC'|replace('B', 'B' ~ 'xxxxxxxxxx'|replace('x', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyy')) %}"
    + "{% set a = a ~ a %}" * 8
    + "{% for n in range(1000) %}{% if a|title|lower|upper == a %}{% endif %}{% endfor %}",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_grows_without_bound_fails_quickly_for_this_person_alone(bomb: str) -> None:
    """S2, Q12"""
    started = time.process_time()
    with pytest.raises((RenderFailed, TemplateInvalid)) as caught:
        fill("\n" + bomb)
    assert time.process_time() - started < 2
    if isinstance(caught.value, RenderFailed):
        assert caught.value.line == 2


def test_what_grows_without_bound_takes_little_memory() -> None:
    """Q12: a worker that holds many mails at once must not die of one."""
    tracemalloc.start()
    for bomb in (bomb for bomb in BOMBS if len(bomb) < 2000):
        with pytest.raises((RenderFailed, TemplateInvalid)):
            fill(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_only_plain_values_go_in() -> None:
    """S1"""

    class Person:
        secret = "x"

    for value in (Person(), [Person()], {"a": {"b": Person()}}, Person):
        with pytest.raises(TypeError):
            fill("{{ x.secret }}", {"x": value})


@pytest.mark.parametrize("string", [*naughty_strings(), "{{ 7 * 7 }}", "{% if 1 %}x{% endif %}", "{# x #}"], ids=repr)
def test_a_value_is_data_whatever_it_looks_like(string: str) -> None:
    """S3"""
    edition = Edition("{{ x }}", "", "<p>{{ x }}</p>", "{{ x }}|", (), ())
    rendered = Renderer(edition).render({"x": string}, DirectUrls(()))
    assert "49" not in rendered.html.replace(string, "")
    inside = rendered.html.removeprefix("<p>").removesuffix("</p>")
    assert not set(inside) & set("<>\"'")
    assert not any(character in rendered.subject for character in "\r\n\0\u2028\u2029")
    if not any(character in string for character in " \t\r\n("):
        assert rendered.text == (string + "|").strip(" \t\n") + "\n"


WORDS = st.sampled_from(
    [
        "a",
        "products",
        "x.y",
        "first_name",
        "score",
        "'t'",
        "1",
        "2.5",
        "none",
        "a|upper",
        "x|length",
        "a ~ 1",
        "score + a",
    ]
)
PIECES = st.one_of(
    st.builds("{{{{ {} }}}}".format, WORDS),
    st.builds("{{{{ {} {} {} }}}}".format, WORDS, st.sampled_from("+-*/%~<>"), WORDS),
    st.builds("{{% if {} %}}y{{% endif %}}".format, WORDS),
    st.builds("{{% for i in {} %}}{{{{ i }}}}{{% endfor %}}".format, WORDS),
)
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xya"), inner, max_size=3),
    max_leaves=6,
)


@given(
    source=st.lists(PIECES, max_size=4).map("".join),
    values=st.dictionaries(st.sampled_from(["a", "x", "score"]), VALUES),
)
def test_a_template_fills_in_or_says_why_not(source: str, values: dict[str, Any]) -> None:
    """Q12: nothing but RenderFailed comes out, so that one person cannot stop the batch."""
    with contextlib.suppress(RenderFailed):
        assert "None" not in fill(source, values)
