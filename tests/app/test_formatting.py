"""Numbers and times as each language writes them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, render_template_string, request
from flask_babel import Babel

from app import formatting

MOMENT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


@pytest.fixture
def app() -> Flask:
    bare = Flask(__name__)
    Babel(
        bare,
        locale_selector=lambda: request.args.get("lang", "en"),
        timezone_selector=lambda: "Europe/Berlin",
    )
    formatting.register(bare)
    return bare


def both(app: Flask, template: str, **values: object) -> tuple[str, str]:
    """The template in English and in German, rendered by one and the same compiled template."""

    def renderings() -> Iterator[str]:
        for language in ("en", "de"):
            with app.test_request_context(f"/?lang={language}"):
                yield render_template_string(template, **values).replace("\u00a0", " ")

    english, german = renderings()
    return english, german


@pytest.mark.parametrize(
    ("template", "value", "english", "german"),
    [
        ("{{ v|number }}", 12345, "12,345", "12.345"),
        ("{{ v|number(2) }}", 0.5, "0.50", "0,50"),
        ("{{ v|percent }}", 0.064, "6.4%", "6,4 %"),
        ("{{ v|percent(0) }}", 1, "100%", "100 %"),
        ("{{ v|money }}", Decimal("1234.5"), "€1,234.50", "1.234,50 €"),
        ("{{ v|money('USD') }}", 3, "$3.00", "3,00 $"),
        ("{{ v|date }}", date(2026, 3, 1), "1 Mar 2026", "01.03.2026"),
        ("{{ v|date('long') }}", date(2026, 3, 1), "Sunday, 1 March 2026", "Sonntag, 1. März 2026"),
        ("{{ v|datetime }}", MOMENT, "22 Nov 2026, 00:30", "22.11.2026, 00:30"),
        ("{{ v|datetime('short') }}", MOMENT, "22 Nov, 00:30", "22. Nov., 00:30"),
    ],
)
def test_a_value_is_written_as_the_language_writes_it(
    app: Flask, template: str, value: object, english: str, german: str
) -> None:
    assert both(app, template, v=value) == (english, german)


def test_a_date_is_that_of_the_readers_time_zone(app: Flask) -> None:
    """23:30 in UTC is the next day in Berlin."""
    assert both(app, "{{ v|date }}", v=MOMENT) == ("22 Nov 2026", "22.11.2026")


def test_the_long_width_names_the_time_zone(app: Flask) -> None:
    english, _german = both(app, "{{ v|datetime('long') }}", v=MOMENT)
    assert english == "Sunday, 22 November 2026, 00:30 Europe/Berlin"


@pytest.mark.parametrize("filter_name", ["number", "percent", "money", "date", "datetime", "ago", "when"])
def test_nothing_is_written_as_a_dash(app: Flask, filter_name: str) -> None:
    assert both(app, f"{{{{ none|{filter_name} }}}}") == ("–", "–")


def test_constants_in_templates_follow_the_language_too(app: Flask) -> None:
    assert both(app, "{{ 12345|number }}") == ("12,345", "12.345")


def test_when_shows_the_moment_and_keeps_the_distance_as_title(app: Flask) -> None:
    english, german = both(app, "{{ v|when(now) }}", v=MOMENT, now=MOMENT + timedelta(hours=3))
    assert english == '<time datetime="2026-11-21T23:30:00+00:00" title="3 hours ago">22 Nov 2026, 00:30</time>'
    assert 'title="vor 3 Stunden"' in german


def test_what_is_to_come_is_said_as_such(app: Flask) -> None:
    assert both(app, "{{ v|ago(now) }}", v=MOMENT + timedelta(days=2), now=MOMENT) == ("in 2 days", "in 2 Tagen")
