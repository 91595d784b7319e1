"""The pages of segments: building one with and without scripts, looking at it, exporting it."""

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from apiflask import APIFlask
from flask import render_template
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from app.accounts.users import User
from app.audiences.builder import ROOT, Mode, from_rule, understood
from app.audiences.builder_form import from_form
from app.audiences.builder_views import with_chosen
from app.audiences.jobs import refresh_segments
from app.audiences.models import LASTS, Membership, Segment, Snapshot
from app.audiences.reading import reader
from app.db import transaction
from app.i18n import language
from app.shop.models import Product
from app.subscribers.models import Standing, Status
from segments.canonical import canonical
from segments.rule import MAX_DEPTH, Rule, parse
from tests import make
from tests.conftest import NOW
from tests.segments.people import VOCABULARY
from tests.segments.test_where import RULES

GERMANY = {"field": "country", "op": "is", "value": "DE"}
ROWS = {"n.mode": "all", "n.0.field": "country", "n.0.op": "is", "n.0.value": "DE"}


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", answer.text)))


class Inputs(HTMLParser):
    """Collects what a browser would send of the form as it is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.name = ""
        self.reading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"select", "textarea"}:
            self.name = given["name"]
        elif tag == "option" and "selected" in given:
            self.found.append((self.name, given["value"]))
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.found.append((given["name"], given.get("value", "")))
        self.reading = tag == "textarea"

    def handle_data(self, data: str) -> None:
        if self.reading:
            self.found.append((self.name, data))
            self.reading = False


def inputs(page: str) -> list[tuple[str, str]]:
    """The inputs of the rows."""
    parser = Inputs()
    parser.feed(page)
    return [(name, value) for name, value in parser.found if name.startswith("n.")]


def test_an_empty_list_offers_ready_made_segments(marketer: FlaskClient) -> None:
    page = marketer.get("/segments/")
    assert "No segments yet" in page.text
    start = re.search(r"/segments/new\?start=engaged", page.text)
    assert start
    assert "Engaged in the last 30 days" in marketer.get(start[0]).text


def test_a_segment_is_built_without_scripts(marketer: FlaskClient) -> None:
    page = marketer.get("/segments/new")
    page = marketer.post(
        "/segments/draft", data={"name": "Germans", "n.mode": "all", "n.0.field": "country", "n.0.was": ""}
    )
    assert page.status_code == 200
    form = dict(inputs(page.text)) | {"n.0.value": "DE", "name": "Germans"}
    page = marketer.post("/segments/draft", data=form | {"action": "row:n"})
    assert "Row 2" in text(page) or 'aria-label="Row 2"' in page.text
    form = dict(inputs(page.text)) | {"name": "Germans"}
    page = marketer.post("/segments/draft", data=form | {"action": "remove:n.1"})
    page = marketer.post("/segments/save", data=dict(inputs(page.text)) | {"name": "Germans"}, follow_redirects=True)
    assert "country is Germany" in text(page)
    with transaction() as session:
        assert session.scalar(select(Segment.rule)) == {"all": [GERMANY]}


def test_rows_come_alone_for_scripts(marketer: FlaskClient) -> None:
    answer = marketer.post("/segments/draft", data=ROWS | {"action": "copy:n.0"}, headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert answer.text.count('.field"') == 2


def test_the_preview_says_how_many_and_who(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org", country="DE")
        make.subscriber(session, "bea@example.org", country="AT", first_name="Bea")
    page = text(marketer.post("/segments/preview", data=ROWS))
    assert "1 person matches now" in page
    assert "country is Germany" in page
    assert "Anna" in page
    assert "Bea" not in page


def test_the_preview_waits_for_unfinished_rows(marketer: FlaskClient) -> None:
    row = {"n.1.field": "clicks", "n.1.op": "at_least"}
    for value, problem in (("x", "row 2: must be a number"), ("", "row 2: A value is missing.")):
        assert f"Not yet: {problem}" in text(marketer.post("/segments/preview", data=ROWS | row | {"n.1.value": value}))
    # Rows that say nothing yet are left out of the count, and keep their number.
    held = {
        "n.1.field": "",
        "n.2.mode": "any",
        "n.2.0.field": "segment_held",
        "n.2.0.op": "held_for",
        "n.2.0.days": "9",
    }
    assert "Not yet: row 3.1: A value is missing." in text(marketer.post("/segments/preview", data=ROWS | held))


def test_a_group_says_how_it_is_joined(marketer: FlaskClient) -> None:
    for mode, joined in (("all", "… and in this group"), ("any", "… or in this group"), ("none", "… or in this group")):
        page = marketer.post("/segments/draft", data=ROWS | {"n.mode": mode, "action": "group:n"})
        assert joined in text(page)


def test_a_day_of_the_year_is_typed_as_the_language_writes_it(marketer: FlaskClient) -> None:
    row = {"n.mode": "all", "n.0.field": "birthday", "n.0.op": "between", "n.0.low": "24.12.", "n.0.high": "6. Januar"}
    assert "birthday is between December 24 and January 6" in text(marketer.post("/segments/preview", data=row))
    page = marketer.post("/segments/draft?lang=de", data=row).text
    assert 'value="24.12."' in page
    assert 'value="06.01."' in page
    assert "must be a day" in text(marketer.post("/segments/preview", data=row | {"n.0.high": "31.2."}))


def test_mistakes_are_shown_at_their_row_and_nothing_typed_is_lost(marketer: FlaskClient) -> None:
    form = ROWS | {
        "name": "Mine",
        "description": "For spring",
        "n.1.field": "",
        "n.2.field": "clicks",
        "n.2.op": "between",
    }
    answer = marketer.post("/segments/save", data=form | {"n.2.low": "5", "n.2.high": "2"})
    assert answer.status_code == 422
    assert "Choose what this row is about." in answer.text
    assert 'id="n.2.error">the second value is below the first' in answer.text
    assert "For spring" in answer.text
    with transaction() as session:
        assert session.scalar(select(Segment.id)) is None


def test_a_taken_name_is_said_in_the_form(marketer: FlaskClient) -> None:
    marketer.post("/segments/save", data=ROWS | {"name": "Mine"})
    answer = marketer.post("/segments/save", data=ROWS | {"name": "Mine"})
    assert answer.status_code == 422
    assert "Another segment has this name." in answer.text
    assert dict(inputs(answer.text))["n.0.value"] == "DE"


DEEP: dict[str, Any] = dict(GERMANY)
for _ in range(MAX_DEPTH - 2):
    DEEP = {"any": [DEEP]}


@pytest.mark.parametrize(
    "rule",
    [
        {
            "all": [
                GERMANY,
                {"not": {"any": [{"field": "first_name", "op": "is_any_of", "value": ["Ä \"'<b>", "{{ 7 * 7 }}"]}]}},
            ]
        },
        {
            "all": [
                {"field": "country", "op": "is_any_of", "value": ["AT", "DE"]},
                {"field": "clicks", "op": "between", "value": [1, 2]},
            ]
        },
        {"all": [{"field": "clicked", "op": "happened", "value": {"at_least": 3, "days": 30}}]},
        {
            "all": [
                {"field": "birthday", "op": "in_month", "value": 5},
                {"field": "joined", "op": "after", "value": "2026-01-31"},
            ]
        },
        {"all": [{"field": "status", "op": "is_any_of", "value": ["pending", "active"]}]},
        {"all": [{"field": "custom.gone", "op": "is", "value": ["<script>", None]}]},
        {"all": [{"field": "clicks", "op": "at_least", "value": "2.5"}, {"field": "last_clicked", "op": "is_empty"}]},
        {
            "all": [
                {
                    "field": "clicked",
                    "op": "happened",
                    "value": {"at_least": 1, "since": "2026-01-01", "link": "a “b” <i>"},
                },
                {"field": "spent_in", "op": "less_than", "value": {"amount": "99.5", "days": 7, "product": "x"}},
                {"field": "birthday", "op": "between", "value": ["12-20", "01-05"]},
                {"field": "segment_held", "op": "held_for", "value": {"value": "1", "days": 30}},
                {"field": "sample", "op": "in_sample", "value": {"percent": "12.5", "seed": 7}},
                {"field": "segments", "op": "has_none", "value": ["1"]},
            ]
        },
        {"all": [DEEP]},
        {"any": []},
    ],
)
def test_every_rule_survives_being_drawn_and_sent_back(marketer: FlaskClient, rule: dict[str, Any]) -> None:
    with transaction() as session:
        make.segment(session, GERMANY, "The first")
        session.add(Product(key="x", name="X <i>"))
        segment = make.segment(session, rule).id
    page = marketer.get(f"/segments/{segment}/edit")
    assert page.status_code == 200
    assert "<b>" not in page.text
    assert '<script>"' not in page.text

    with transaction() as session:
        words = reader(session, NOW).vocabulary
    assert from_form(MultiDict(inputs(page.text)), words).to_json() == rule


@given(rule=RULES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rule_survives_the_form_and_the_typed_sentence(app: APIFlask, rule: Rule) -> None:
    """JSON → rows → JSON, and the sentence beside them, mean one rule."""
    plain = canonical(rule, VOCABULARY)
    with app.test_request_context():
        shown = {"tree": from_rule(plain), "words": VOCABULARY, "ROOT": ROOT, "Mode": Mode, "understood": understood}
        named = {"with_chosen": with_chosen, "spoken": language, "months": dict.fromkeys(range(1, 13), "Month")}
        page = render_template("audiences/_builder.html", **shown, **named, size=None, problem="")
    assert canonical(parse(from_form(MultiDict(inputs(page)), VOCABULARY).to_json()), VOCABULARY) == plain


def test_a_typed_sentence_becomes_rows_and_rows_a_sentence(marketer: FlaskClient) -> None:
    scripts = {"HX-Request": "true"}
    answer = marketer.post("/segments/typed", data={"typed": "country in (DE, AT) and clicks >= 2"}, headers=scripts)
    with transaction() as session:
        words = reader(session, NOW).vocabulary
    rows = from_form(MultiDict(inputs(answer.text)), words)
    assert rows.to_json() == {
        "all": [
            {"field": "country", "op": "is_any_of", "value": ["AT", "DE"]},
            {"field": "clicks", "op": "at_least", "value": 2},
        ]
    }
    assert 'id="typed"' not in answer.text
    drawn = marketer.post("/segments/preview", data=MultiDict(inputs(answer.text)), headers=scripts).text
    said = unescape(re.findall(r'hx-swap-oob="outerMorph">(.*?)</textarea>', drawn, re.DOTALL)[0])
    assert said == "country is Austria or Germany and number of clicks is at least 2"
    assert marketer.post("/segments/typed", data={"typed": said}, headers=scripts).text == answer.text


def test_what_cannot_be_read_is_lit_up_and_the_rows_stay(marketer: FlaskClient) -> None:
    wrong = {**ROWS, "typed": "country is Germny"}
    answer = marketer.post("/segments/typed", data=wrong, headers={"HX-Request": "true"})
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#misread", "innerHTML")
    assert "did you mean “Germany”?" in answer.text
    assert "<mark>Germny</mark>" in answer.text
    page = marketer.post("/segments/typed", data=wrong | {"name": "Mine"})
    assert page.status_code == 422
    assert dict(inputs(page.text))["n.0.value"] == "DE"
    assert "country is Germny</textarea>" in page.text


def test_the_preview_says_what_is_shared_with_another_segment(marketer: FlaskClient) -> None:
    with transaction() as session:
        for country, language in [("DE", "de"), ("DE", "de"), ("DE", "en"), ("GB", "en")]:
            make.subscriber(session, country=country, language=language)
        english = make.segment(session, {"field": "language", "op": "is", "value": "en"}, "English").id
    page = text(marketer.post("/segments/preview", data=ROWS | {"against": str(english)}))
    assert "3 people match now" in page
    assert "also in “English” 1 only here 2 only there 1" in page


def test_a_segment_is_frozen_and_stays_as_it_was(marketer: FlaskClient) -> None:
    with transaction() as session:
        anna, bea = (make.subscriber(session, country="DE") for _ in range(2))
        segment = make.segment(session, GERMANY, "Germans").id
    answer = marketer.post(f"/segments/{segment}/freeze", data={"name": "Germans of old"}, follow_redirects=True)
    assert "snapshots include “Germans of old”" in text(answer)
    with transaction() as session:
        session.get_one(Standing, anna.id).country = "AT"
        session.get_one(Standing, bea.id).status = Status.UNSUBSCRIBED
        make.subscriber(session, country="DE")
        frozen = session.scalars(select(Segment).where(Segment.name == "Germans of old")).one()
        people = reader(session, NOW).people(frozen.rule)
        assert session.scalars(select(Standing.subscriber_id).where(people)).all() == [anna.id]
        assert session.scalars(select(Snapshot.size)).all() == [2]


def test_a_segment_that_others_name_is_not_put_away_and_cannot_name_them(marketer: FlaskClient) -> None:
    with transaction() as session:
        inner = make.segment(session, GERMANY, "Inner").id
        rule = {"not": {"field": "segments", "op": "has_any", "value": [str(inner)]}}
        outer = make.segment(session, rule, "Outer").id
    assert "Outer" in text(marketer.get(f"/segments/{inner}"))
    refused = marketer.post(f"/segments/{inner}/archive")
    assert refused.status_code == 409
    assert "Other segments name this one: Outer." in text(refused)
    held = {"n.0.field": "segment_held", "n.0.op": "held_for", "n.0.days": "3"}
    for circle in (
        {"n.0.field": "segments", "n.0.op": "has_any", "n.0.value": str(outer)},
        held | {"n.0.value": str(outer)},
        held | {"n.0.value": str(inner)},
    ):
        named = {"name": "Inner", "segment_id": str(inner), "n.mode": "all"}
        refused = marketer.post("/segments/save", data=circle | named)
        assert refused.status_code == 422
        assert "The rule leads back to this segment itself." in text(refused)


def test_the_answer_to_why_marks_what_decided_and_says_what_is_known(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org", country="AT", clicks=2)
        inner = make.segment(session, {"all": [GERMANY]}, "Inner").id
        clicks = {"field": "clicked", "op": "happened", "value": {"at_least": 2}}
        rule = {"all": [clicks, {"field": "segments", "op": "has_any", "value": [str(inner)]}]}
        segment = make.segment(session, rule, "Outer").id
    page = marketer.get(f"/segments/{segment}/why?address=anna@example.org").text
    marked = [text_of(each) for each in re.findall(r"<mark.*?</mark>", page, re.DOTALL)]
    assert marked == ["segments include Inner", "country is Germany"]
    assert "clicked at least 2 times here: 0 times" in re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", page)))
    assert "here: Austria" in page


def text_of(part: str) -> str:
    return unescape(re.sub("<[^>]+>", "", part))


def test_the_page_of_a_segment_shows_its_members(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org", country="DE", last_name="Müller")
        segment = make.segment(session, GERMANY, "Germans").id
    refresh_segments()
    page = text(marketer.get(f"/segments/{segment}"))
    assert "Anna Müller" in page
    assert "country is Germany" in page
    assert "Nothing uses this segment yet." in page
    assert "country is Germany" in text(marketer.get("/segments/"))


def test_a_segment_that_cannot_be_read_breaks_no_page(marketer: FlaskClient) -> None:
    with transaction() as session:
        segment = make.segment(session, {"field": "custom.gone", "op": "is", "value": "x"}).id
    for path in ("/segments/", f"/segments/{segment}", f"/segments/{segment}/edit"):
        answer = marketer.get(path)
        assert answer.status_code == 200
        assert "there is no field “custom.gone”" in text(answer), path
    with transaction() as session:
        make.subscriber(session, "anna@example.org")
    assert "cannot be used any more" in marketer.get(f"/segments/{segment}/why?address=anna@example.org").text


def test_a_page_says_why_somebody_is_not_in_it(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org", country="AT")
        segment = make.segment(session, {"all": [GERMANY]}).id
    page = text(marketer.get(f"/segments/{segment}/why?address=Anna@example.org"))
    assert "Anna is not in this segment." in page
    assert "country is Germany" in page
    assert "Nobody has the address x@example.org" in text(
        marketer.get(f"/segments/{segment}/why?address=x@example.org")
    )


def test_an_export_holds_no_formulas(marketer: FlaskClient) -> None:
    """S7"""
    with transaction() as session:
        make.subscriber(session, "anna@example.org", first_name="=HYPERLINK(1)", last_name=" +1")
        segment = make.segment(session, {"all": []}).id
    refresh_segments()
    answer = marketer.get(f"/segments/{segment}/members.csv")
    assert answer.mimetype == "text/csv"
    lines = answer.text.splitlines()
    assert lines[0] == "\ufeffemail,first_name,last_name,language,country,since"
    assert lines[1].startswith("anna@example.org,'=HYPERLINK(1),' +1,,,20")


def test_putting_a_segment_away_can_be_undone(marketer: FlaskClient) -> None:
    with transaction() as session:
        segment = make.segment(session, GERMANY, "Germans").id
    page = marketer.post(f"/segments/{segment}/archive", follow_redirects=True)
    assert f'action="/segments/{segment}/restore"' in page.text
    with transaction() as session:
        assert session.get_one(Segment, segment).archived_at
    marketer.post(f"/segments/{segment}/restore")
    with transaction() as session:
        assert session.get_one(Segment, segment).archived_at is None


@pytest.mark.parametrize("path", ["/segments/", "/segments/new", "/segments/1", "/segments/1/edit"])
def test_visitors_see_no_segments(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 302


def test_the_sentence_is_said_in_german_too(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.segment(session, GERMANY)

        session.execute(update(User).values(locale="de"))
    assert "Land ist Deutschland" in text(marketer.get("/segments/"))


def test_who_saves_a_segment_that_somebody_else_has_changed_since_is_told(marketer: FlaskClient) -> None:
    made = marketer.post("/segments/save", data={**ROWS, "name": "Near"}).headers["Location"]
    page = marketer.get(f"{made}/edit").text
    fields = {"segment_id": made.rpartition("/")[2], "name": "Near", "mark": page.split('name="mark" value="')[1][:16]}
    assert marketer.post("/segments/save", data={**ROWS, **fields, "n.0.value": "AT"}).status_code == 302

    refused = marketer.post("/segments/save", data={**ROWS, **fields, "n.0.value": "CH"})
    assert refused.status_code == 409
    assert "Somebody else has changed this since you opened the page." in text(refused)
    assert "country is Switzerland" in text(refused)
    assert "country is Austria" in text(marketer.get(made))

    fields["mark"] = refused.text.split('name="mark" value="')[1][:16]
    assert marketer.post("/segments/save", data={**ROWS, **fields, "n.0.value": "CH"}).status_code == 302
    assert "country is Switzerland" in text(marketer.get(made))


def test_times_on_a_segments_page_are_the_organisations(marketer: FlaskClient) -> None:
    with transaction() as session:
        segment, person = make.segment(session, {"all": []}).id, make.subscriber(session).id
        since = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
        session.add(Membership(segment_id=segment, subscriber_id=person, joined_at=since, left_at=LASTS))
    assert "1 Feb 2026, 00:30" in text(marketer.get(f"/segments/{segment}"))
