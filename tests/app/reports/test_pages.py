"""Every report as a page, as a file and through the API: three faces of one value."""

import csv
import io
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from lxml import html
from openpyxl import load_workbook
from pydantic import BaseModel
from sqlalchemy import insert, select

from app.campaigns.models import Link
from app.db import transaction, utc_now
from app.reports.daily import build
from app.reports.schemas import (
    CampaignReportOut,
    CohortGridOut,
    CountIn,
    CountOut,
    HistoryOut,
    MovesOut,
    OverviewOut,
    RfmOut,
    SegmentReportOut,
    SurvivalOut,
)
from app.shop.kinds import PURCHASED
from app.spreadsheet import guarded, workbook
from app.subscribers.models import Standing
from tests import make
from tests.app.reports.world import delivered, happened, launched, member

PEOPLE = 12
HOSTILE = "=cmd|' /C calc'!A0"


@pytest.fixture
def filled(app: APIFlask) -> dict[str, int]:
    """A campaign and a segment with some numbers, and a name that is a formula."""
    with transaction() as session:
        people = [make.subscriber(session, last_order_at=utc_now()).id for _ in range(PEOPLE)]
        segment = make.segment(session, {"all": []}, HOSTILE).id
        campaign = launched(session, "2026-11-01T09:00").id
        session.execute(insert(Link).values(campaign_id=campaign, position=0, target="https://a.example/"))
        for person in people:
            member(session, segment, person, "2026-01-01")
            delivered(session, campaign, person, "2026-11-01T09:00", clicked_at="2026-11-01T10:00")
            happened(session, PURCHASED, person, "2026-09-20", value=1999)
            happened(session, PURCHASED, person, "2026-10-20", value=1999)
    return {"segment": segment, "campaign": campaign}


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.data
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


ADDRESSES = (
    "/",
    "/reports/",
    "/reports/everybody",
    "/reports/everybody?presence=member&days=30&months=24&until=2026-06",
    "/reports/segments/{segment}",
    "/reports/segments/{segment}?presence=member&until=",
    "/reports/cohorts",
    "/reports/segments/{segment}?people=then&days=30&times=3",
    "/reports/cohorts?metric=subscribed&since=first_order&segment={segment}",
    "/reports/cohorts?metric=revenue&since=event&event=purchased",
    "/reports/survival",
    "/reports/survival?of=segment",
    "/reports/survival?of=source&segment={segment}",
    "/reports/ladder",
    "/reports/ladder?since=2026-09-01&until=2026-11-01&segment={segment}&people=then",
    "/reports/rfm",
    "/reports/rfm?segment={segment}",
    "/reports/history",
    "/reports/definitions",
    "/campaigns/{campaign}/report",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_shows_its_numbers(marketer: FlaskClient, filled: dict[str, int], address: str) -> None:
    answer = marketer.get(address.format(**filled))
    assert answer.status_code == 200
    assert html.fromstring(answer.data).cssselect("h1")


@pytest.mark.parametrize(
    "address",
    [
        "/",
        *(f"/reports/{name}" for name in ("", "everybody", "cohorts", "survival", "ladder", "rfm", "history")),
    ],
)
def test_a_new_house_has_pages_without_numbers(marketer: FlaskClient, address: str) -> None:
    assert marketer.get(address).status_code == 200


def test_a_new_house_is_led_to_its_first_steps(marketer: FlaskClient) -> None:
    page = html.fromstring(marketer.get("/").data)
    steps = [step.text_content() for step in page.cssselect(".list-group-item .fw-bold")]
    assert len(steps) == 5
    assert page.cssselect('.list-group-item a[href="/campaigns/new"]')


def test_a_draft_has_nothing_to_report_yet(marketer: FlaskClient) -> None:
    with transaction() as session:
        campaign = make.campaign(session).id
    assert b"Nothing to report yet" in marketer.get(f"/campaigns/{campaign}/report").data


def test_the_page_says_how_it_counts(marketer: FlaskClient, filled: dict[str, int]) -> None:
    address = f"/reports/segments/{filled['segment']}"
    active, then = (marketer.get(f"{address}?presence={one}").get_data(as_text=True) for one in ("active", "member"))
    assert "bought or confirmed in the last 90 days" in active
    assert "was in the segment at that time" in then


def test_page_csv_and_api_say_the_same(marketer: FlaskClient, api: FlaskClient, filled: dict[str, int]) -> None:
    query = "months=6&until=2026-10"
    address = f"/reports/segments/{filled['segment']}"
    months = api.get(f"/api/v1{address}?{query}").json["months"]
    rows = rows_of(marketer.get(f"{address}.csv?{query}"))
    table = html.fromstring(marketer.get(f"{address}?{query}").data).cssselect("table.card-table")[0]
    shown = [[cell.text_content().strip() for cell in row] for row in table.cssselect("tbody tr")]
    assert len(months) == len(rows) == len(shown) == 6
    october = months[-1]
    assert (october["label"], rows[-1]["month"], shown[-1][0]) == ("2026-10", "2026-10", "Oct 2026")
    assert october["retention"]["retention"] == 100.0
    assert (rows[-1]["retention_percent"], shown[-1][7]) == ("100.00", "100.0%")
    assert (october["engagement"]["revenue"], rows[-1]["revenue"]) == (PEOPLE * 1999, "239.88")
    assert (october["repeat"]["rate"], rows[-1]["repeat_rate_percent"]) == (100.0, "100.00")


def test_of_a_segment_of_few_nothing_but_its_size_is_shown(
    marketer: FlaskClient, api: FlaskClient, filled: dict[str, int]
) -> None:
    with transaction() as session:
        few = make.segment(session, {"all": []}, "Few").id
        for person in session.scalars(select(Standing.subscriber_id).limit(9)).all():
            member(session, few, person, "2026-01-01")
    for people in ("now", "then"):
        page = marketer.get(f"/reports/segments/{few}?people={people}").get_data(as_text=True)
        assert "9 active people are in this segment today" in page
        assert "Bought again so far" not in page
        assert rows_of(marketer.get(f"/reports/segments/{few}.csv?people={people}")) == []
        found = api.get(f"/api/v1/reports/segments/{few}?people={people}").json
        assert (found["people"], found["months"]) == (9, [])
    whole = marketer.get(f"/reports/segments/{filled['segment']}").get_data(as_text=True)
    assert "Bought again so far" in whole


def test_numbers_in_tables_are_defined_beside_their_names(marketer: FlaskClient, filled: dict[str, int]) -> None:
    """By hovering and by the keyboard: what can be focused is described by what it means."""
    with transaction() as session:
        build(session, utc_now())
    for address, number in (("/reports/everybody", 7), ("/reports/", 5), ("/reports/history", 2)):
        page = html.fromstring(marketer.get(address).get_data(as_text=True))
        terms = page.xpath("//th//*[contains(@class, 'lb-term')][@tabindex='0']")
        assert all(page.get_element_by_id(term.get("aria-describedby")).text_content() for term in terms)
        assert len(terms) == number, address


def test_the_cohort_csv_has_people_and_percent_for_each_month(marketer: FlaskClient, filled: dict[str, int]) -> None:
    rows = rows_of(marketer.get("/reports/cohorts.csv?metric=bought&until=2026-10&months=10"))
    january = rows[0]
    assert (january["cohort"], january["size"], january["people_9"], january["percent_9"]) == (
        "2026-01",
        "12",
        "12",
        "100.00",
    )
    assert rows[-1]["people_1"] == ""


def test_names_in_csv_are_never_formulas(marketer: FlaskClient, filled: dict[str, int]) -> None:
    """TRUST S7."""
    rows = rows_of(marketer.get(f"/campaigns/{filled['campaign']}/report.csv"))
    assert {row["item"] for row in rows if row["part"] == "segment"} == {"'" + HOSTILE}
    assert {row["figure"]: row["value"] for row in rows if row["part"] == "segment"}["click_rate_percent"] == "100.00"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", " =1", '"=1', "\uff1d1", "\u00a0=1", "\r1"])
def test_what_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    """TRUST S7."""
    assert guarded(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["Anna", "5 - 3", "a=b", -5, None])
def test_other_cells_stay_as_they_are(cell: str | int | None) -> None:
    assert guarded(cell) == cell


FILES = (
    "reports/everybody",
    "reports/segments/{segment}",
    "reports/cohorts",
    "reports/survival",
    "reports/ladder",
    "reports/rfm",
    "reports/history",
    "campaigns/{campaign}/report",
)


@pytest.mark.parametrize("address", FILES)
def test_csv_and_workbook_hold_the_same(marketer: FlaskClient, filled: dict[str, int], address: str) -> None:
    path = "/" + address.format(**filled)
    text = list(csv.reader(io.StringIO(marketer.get(f"{path}.csv").data.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(marketer.get(f"{path}.xlsx").data), data_only=False).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(text) > 1 or address == "reports/history"
    assert len(cells) == len(text)
    for row, line in zip(cells, text, strict=True):
        for cell, word in zip(row, line, strict=True):
            assert (float(word) == cell) if isinstance(cell, int | float) else ((cell or "") == word)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_a_workbook_runs_nothing_and_links_nowhere(app: APIFlask) -> None:
    """TRUST S7."""
    answer = workbook("x", [("name",), (HOSTILE,), ("https://evil.example/",)])
    cells = [row[0] for row in load_workbook(io.BytesIO(answer.get_data())).active.iter_rows()]
    assert [cell.value for cell in cells] == ["name", "'" + HOSTILE, "https://evil.example/"]
    assert {(cell.data_type, cell.hyperlink) for cell in cells} == {("s", None)}


def test_a_name_in_a_page_is_text(marketer: FlaskClient) -> None:
    """TRUST S8."""
    with transaction() as session:
        segment = make.segment(session, {"all": []}, "<script>alert(1)</script>").id
    assert b"<script>alert" not in marketer.get(f"/reports/segments/{segment}").data
    assert b"<script>alert" not in marketer.get("/reports/").data


@pytest.mark.parametrize(
    "address",
    [
        "/reports/everybody?days=x",
        "/reports/cohorts?metric=x",
        "/reports/everybody.csv?until=2026-99",
        "/reports/ladder?since=0001-01-01",
        "/reports/ladder?until=9999-12-31",
    ],
)
def test_nonsense_is_refused_with_a_page(marketer: FlaskClient, address: str) -> None:
    assert marketer.get(address).status_code == 422


@pytest.mark.parametrize(
    "address",
    [
        "/reports/segments/99",
        "/campaigns/99/report",
        "/reports/segments/99.csv",
        *(f"/reports/{report}?segment=99" for report in ("cohorts", "survival", "ladder", "rfm")),
    ],
)
def test_what_is_not_there_is_not_found(marketer: FlaskClient, address: str) -> None:
    assert marketer.get(address).status_code == 404


def test_the_api_reports(api: FlaskClient, filled: dict[str, int]) -> None:
    campaign = api.get(f"/api/v1/reports/campaigns/{filled['campaign']}").json
    assert (campaign["people"]["click_rate"], campaign["books"]) == (100.0, {"sent": PEOPLE})
    assert campaign["segments"][0]["click_rate"] == 100.0
    assert api.get("/api/v1/reports/overview").json["last"]["subscribers"] == PEOPLE
    assert len(api.get("/api/v1/reports/cohorts?months=3&until=2026-10").json["cohorts"]) == 3
    assert api.get("/api/v1/reports/everybody?months=2").json["segment_id"] is None
    assert api.get("/api/v1/reports/everybody?months=0").status_code == 422
    assert api.get("/api/v1/reports/segments/99").status_code == 404


SHAPES = [
    SegmentReportOut,
    CohortGridOut,
    CampaignReportOut,
    OverviewOut,
    SurvivalOut,
    MovesOut,
    RfmOut,
    HistoryOut,
    CountIn,
    CountOut,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_examples_in_the_description_of_the_api_are_of_its_shapes(shape: type[BaseModel]) -> None:
    (example,) = shape.model_json_schema(mode="serialization")["examples"]
    assert shape.model_validate(example).model_dump(mode="json") == example
