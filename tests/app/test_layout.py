"""The parts of pages say what they show, to eyes and to screen readers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel
from flask_wtf import FlaskForm
from jinja2 import FileSystemLoader
from lxml import html
from wtforms import StringField
from wtforms.validators import DataRequired

from app import assets, formatting

Render = Callable[..., html.HtmlElement]


class NameForm(FlaskForm):
    name = StringField("Name", [DataRequired("Say a name.")])


@pytest.fixture
def render() -> Render:
    """Renders a line that uses the macros, and parses what comes out."""
    app = Flask("app")
    app.config.update(SECRET_KEY="test", WTF_CSRF_ENABLED=False)
    app.jinja_loader = FileSystemLoader(Path(__file__).parents[2] / "templates" / "pages")
    Babel(app)
    assets.register(app)
    formatting.register(app)
    app.jinja_env.globals["csrf_token"] = lambda: "token"

    def rendered(line: str, **values: object) -> html.HtmlElement:
        with app.test_request_context(method="POST"):
            made = {name: value() if callable(value) else value for name, value in values.items()}
            source = '{% import "_layout/macros.html" as ui %}<div>' + line + "</div>"
            return html.fromstring(render_template_string(source, **made))

    return rendered


def test_the_error_of_a_field_is_tied_to_its_control(render: Render) -> None:
    def form() -> NameForm:
        filled = NameForm()
        assert not filled.validate()
        return filled

    page = render('{{ ui.field(form.name, help="Only you see it.") }}', form=form)
    control = page.get_element_by_id("name")
    described = [page.get_element_by_id(part).text_content() for part in control.get("aria-describedby").split()]
    assert control.get("aria-invalid") == "true"
    assert described == ["Only you see it.", "Say a name."]


def test_progress_is_a_progressbar_in_words(render: Render) -> None:
    bar = render('{{ ui.progress(8421, 12300, "Sent") }}').cssselect("[role=progressbar]")[0]
    assert (bar.get("aria-valuenow"), bar.get("aria-valuemax")) == ("8421", "12300")
    assert bar.get("aria-valuetext") == "Sent: 8,421 of 12,300"


def test_progress_of_nothing_is_not_a_division_by_zero(render: Render) -> None:
    assert "0%" in render('{{ ui.progress(0, 0, "Sent") }}').text_content()


def test_a_chart_stands_beside_its_numbers_and_cannot_be_broken_out_of(render: Render) -> None:
    data = {
        "labels": ["Jan", "Feb"],
        "unit": "percent",
        "series": [{"name": "</script><b>VIP", "values": [0.5, None]}],
    }
    page = render('{{ ui.chart("c", "line", data, "Retention") }}', data=data)
    assert not page.cssselect("b")
    rows = [[cell.text_content() for cell in row] for row in page.cssselect("details tr")]
    assert rows == [["", "</script><b>VIP"], ["Jan", "50.0%"], ["Feb", "–"]]


def test_a_cohort_grid_colours_by_steps_of_five_percent(render: Render) -> None:
    page = render('{{ ui.heatmap([("Jan", 12, [1, 0.43, none])], ["M0", "M1", "M2"], "Cohorts") }}')
    assert [cell.get("class") for cell in page.cssselect("td")] == ["size", "heat-100", "heat-45", None]


@pytest.mark.parametrize(
    ("delta", "good", "colour", "words"),
    [
        (0.03, "up", "green", "+3.0%"),
        (-0.03, "up", "red", "−3.0%"),
        (-0.03, "down", "green", "−3.0%"),
        (0, "up", "secondary", "±0.0%"),
    ],
)
def test_a_change_is_green_where_it_is_good(render: Render, delta: float, good: str, colour: str, words: str) -> None:
    badge = render("{{ ui.change(delta, good) }}", delta=delta, good=good).cssselect(".badge")[0]
    assert badge.text_content() == words
    assert f"bg-{colour}-lt" in badge.get("class")


def test_what_people_typed_is_escaped_everywhere(render: Render) -> None:
    evil = "<img src=x onerror=alert(1)>"
    page = render(
        "{{ ui.pill(v) }}{{ ui.stat(v, v, hint=v) }}{{ ui.bars([(v, 1, 1)]) }}{{ ui.tier_badge(v) }}"
        "{{ ui.copyable(v, v) }}{{ ui.empty_state('search', v, v, v, '#') }}{{ ui.heatmap([(v, 1, [])], [v], v) }}"
        "{% call ui.card(v, v) %}{{ v }}{% endcall %}{{ ui.progress(1, 2, v) }}",
        v=evil,
    )
    assert not page.cssselect("img")
