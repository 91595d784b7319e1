"""Rules that match differently for different people are refused, and only these."""

import pytest

from app.campaigns.compile import compile_edition
from app.campaigns.problem import TemplateInvalid

LOOP = "<table>\n{% for p in products %}<tr><td>{{ p.name }}</td></tr>{% endfor %}</table><ul><li>a</li><li>b</li></ul>"
IF = "<div>\n{% if x %}<h2>a</h2>{% endif %}<p>b</p></div>"
VALUE = '<a\nhref="{{ u }}">a</a><b id="n{{ u }}">b</b>'


@pytest.mark.parametrize(
    ("rule", "html"),
    [
        ("tr:nth-child(2n + 1)", LOOP),
        ("tr:first-child td", LOOP),
        ("table > tr:not(:last-child)", LOOP),
        ("tr + tr", LOOP),
        ("table tr ~ tr td", LOOP),
        ("h2 + p", IF),
        ("div p:first-of-type", IF),
        ("p, div > :last-child", IF),
        ("a[href^='https:']", VALUE),
        ("#n1", VALUE),
        ("b#n1 + p", VALUE),
        ("td:empty", LOOP),
    ],
)
def test_a_rule_that_depends_on_the_person_is_refused(rule: str, html: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile_edition("S", "", f"<html><head><style>{rule} {{ color: red }}</style></head><body>{html}</body></html>")
    problem = caught.value.problems[0]
    assert problem.line == 2
    assert "different people" in problem.message.en
    assert "Geben Sie dem Element eine Klasse" in problem.message.de


@pytest.mark.parametrize(
    ("rule", "html"),
    [
        ("li:first-child", LOOP),
        ("ul li + li", LOOP),
        ("td:first-child", LOOP),
        ("tr td", LOOP),
        (".other tr:first-child", LOOP),
        ("a[href]", VALUE),
        ("#other", "<p id='other'>x</p>" + IF),
        ("@media (max-width: 9px) { tr:first-child { color: red } } p", LOOP),
        ("p::first-letter", IF),
    ],
)
def test_a_rule_that_is_the_same_for_everybody_stays(rule: str, html: str) -> None:
    compile_edition("S", "", f"<html><head><style>{rule} {{ color: red }}</style></head><body>{html}</body></html>")
