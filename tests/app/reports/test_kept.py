"""Reports that take long: the same numbers from DuckDB over the live database, kept, renewed, never counted twice."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import literal, select, update

from app.config import Config
from app.db import reading, transaction
from app.reports import kept
from app.reports.columnar import columnar
from app.reports.daily import build
from app.reports.jobs import count, renew
from app.reports.kinds import (
    CAMPAIGN,
    COHORTS,
    COMPARISON,
    KINDS,
    MOVES,
    RFM,
    SEGMENT,
    SURVIVAL,
    CampaignAsked,
    ComparisonAsked,
    Kind,
    SegmentAsked,
)
from app.reports.models import CountState, KeptReport
from app.reports.query import CohortQuery, MovesQuery, RfmQuery, SurvivalQuery
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED
from tests import make
from tests.app.reports.world import at, delivered, happened, launched, member

NOW = at("2026-11-21T12:00")


@pytest.fixture
def segment(app: APIFlask) -> int:
    """A few months of some people in and out of a segment."""
    with transaction() as session:
        segment = make.segment(session, {"all": []}, "It's loyal").id
        campaign = launched(session, "2026-09-01").id
        for number in range(14):
            person = make.subscriber(
                session,
                created_at=at(f"2026-0{1 + number % 8}-05"),
                last_order_at=at(f"2026-10-{10 + number}"),
                orders=1 + number % 4,
                spent=3000 * number,
            ).id
            delivered(session, campaign, person, "2026-09-01")
            member(session, segment, person, f"2026-07-{1 + number:02}", "2026-10-10" if number % 3 == 0 else None)
            for month in range(1 + number % 5, 11, 1 + number % 3):
                happened(session, PURCHASED, person, f"2026-{month:02}-{10 + number}", value=1000 + number)
            happened(session, CLICKED, person, "2026-10-03")
    return segment


def questions(segment: int) -> list[tuple[Kind[Any, Any], Any]]:
    return [
        (CAMPAIGN, CampaignAsked(campaign_id=1)),
        (COMPARISON, ComparisonAsked()),
        (SURVIVAL, SurvivalQuery()),
        (SURVIVAL, SurvivalQuery(of="source", segment=segment)),
        (SURVIVAL, SurvivalQuery(of="segment")),
        (MOVES, MovesQuery()),
        *((RFM, RfmQuery(borders=borders)) for borders in ("fixed", "own")),
        (MOVES, MovesQuery(segment=segment, people="then", since="2026-08-01")),
        *((COHORTS, CohortQuery(until="2026-11", metric=metric)) for metric in ("active", "revenue", "subscribed")),
        (COHORTS, CohortQuery(since="event", event="clicked", segment=segment)),
        *(
            (SEGMENT, SegmentAsked(until="2026-11", segment_id=each, presence=presence, people=people, months=6))
            for each in (None, segment)
            for presence, people in (("active", "now"), ("active", "then"), ("member", "then"))
        ),
    ]


def test_the_columnar_reader_says_what_the_database_says(config: Config, segment: int, tmp_path: Path) -> None:
    with reading() as session, columnar(config.database_url, tmp_path) as rows:
        for kind, query in questions(segment):
            live = kind.count(session, session, query, NOW)
            assert kind.count(session, rows, query, NOW) == live
            assert kind.restored(kind.stored(live)) == live, kind.name


def test_whole_numbers_divide_to_whole_numbers(config: Config, app: APIFlask, tmp_path: Path) -> None:
    statement = select(literal(7) // literal(2), literal(-7) + literal(10))
    with reading() as session, columnar(config.database_url, tmp_path) as rows:
        assert [tuple(row) for row in rows.execute(statement)] == [tuple(row) for row in session.execute(statement)]
        assert [tuple(row) for row in rows.execute(statement)] == [(3, 3)]


def test_it_cannot_write(config: Config, segment: int, tmp_path: Path) -> None:
    from sqlalchemy import text

    with columnar(config.database_url, tmp_path) as rows, pytest.raises(Exception, match="read-only"):
        rows.execute(text("DELETE FROM event"))


def test_a_count_never_runs_more_statements_than_it_says(segment: int) -> None:
    for kind, query in questions(segment):
        told: list[int] = []
        with reading() as session:
            kind.count(session, kept.Told(session, told.append), query, NOW)  # type: ignore[arg-type]
        assert bool(told) == bool(kind.statements), kind.name
        assert len(told) <= kind.statements, kind.name
    assert {kind.name for kind, _ in questions(segment)} == set(KINDS)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reports.kept.LIVE_EVENTS", 0)


@pytest.mark.usefixtures("large")
def test_in_a_large_house_a_page_offers_to_count_and_then_shows_it(marketer: FlaskClient, segment: int) -> None:
    address = "/reports/cohorts?until=2026-11&metric=bought"
    assert b"has to be counted" in marketer.get(address).data
    form = {"kind": "cohorts", "asked": COHORTS.asked(CohortQuery(until="2026-11", metric="bought")), "back": address}
    answer = marketer.post("/reports/counts", data=form)
    assert (answer.status_code, answer.location) == (302, address)
    assert b"progressbar" in marketer.get("/reports/counts/1").data
    assert b"Waiting for its turn" in marketer.get(address).data
    count()
    done = marketer.get("/reports/counts/1")
    assert done.headers["HX-Refresh"] == "true"
    page = marketer.get(address).get_data(as_text=True)
    assert "lb-heat" in page
    assert "What you see is of" in page
    with reading() as session:
        live = COHORTS.count(session, session, CohortQuery(until="2026-11", metric="bought"), NOW)
        row = session.scalars(select(KeptReport)).one()
    assert row.result
    assert COHORTS.restored(row.result).cohorts == live.cohorts


@pytest.mark.usefixtures("large")
def test_what_pages_show_unasked_is_counted_every_night(marketer: FlaskClient, segment: int) -> None:
    renew()
    with reading() as session:
        assert len(session.scalars(select(KeptReport)).all()) == 7
    count()
    for address in ("/reports/", "/reports/everybody", f"/reports/segments/{segment}", "/reports/survival"):
        assert "What you see is of" in marketer.get(address).get_data(as_text=True), address
    renew()
    with reading() as session:
        assert {row.state for row in session.scalars(select(KeptReport))} == {CountState.DONE}


@pytest.mark.usefixtures("large")
def test_old_ones_are_renewed_and_dead_ones_taken_again(app: APIFlask) -> None:
    asked = SegmentAsked()

    def state(session: Any) -> CountState:
        return session.scalars(select(KeptReport.state)).one()

    with transaction() as session:
        kept_id = kept.want(session, SEGMENT, asked, NOW)
        assert kept.want(session, SEGMENT, asked, NOW) == kept_id
        taken = kept.take(session, NOW)
        assert taken is not None
        assert kept.take(session, NOW) is None
        assert kept.renew(session, NOW + timedelta(minutes=30)) == 0
        assert kept.renew(session, NOW + timedelta(hours=2)) == 1
        assert state(session) is CountState.WAITING
        assert kept.take(session, NOW) is not None
        kept.settle(session, kept_id, "{}", NOW)
        assert kept.renew(session, NOW + timedelta(hours=1)) == 0
        assert kept.renew(session, NOW + timedelta(hours=21)) == 1
        session.execute(update(KeptReport).values(state=CountState.DONE, wanted_at=NOW - timedelta(days=40)))
        assert kept.renew(session, NOW + timedelta(hours=21)) == 0


@pytest.mark.usefixtures("large")
def test_what_cannot_be_counted_says_why(marketer: FlaskClient) -> None:
    with transaction() as session:
        kept.want(session, COHORTS, CohortQuery(since="event", event="no_such_thing"), NOW)
    count()
    with reading() as session:
        row = session.scalars(select(KeptReport)).one()
    assert (row.state, row.error) == (CountState.FAILED, "There is no such event.")
    assert b"There is no such event." in marketer.get("/reports/counts/1").data


@pytest.mark.usefixtures("large")
def test_the_api_says_that_it_has_to_be_counted(api: FlaskClient, segment: int) -> None:
    assert api.get("/api/v1/reports/survival").status_code == 409
    asked = api.post("/api/v1/reports/counts", json={"kind": "survival"})
    assert (asked.status_code, asked.json["state"]) == (202, "waiting")
    count()
    found = api.get(f"/api/v1/reports/counts/{asked.json['id']}").json
    assert (found["state"], found["progress"]) == ("done", 100)
    assert api.get("/api/v1/reports/survival").json["curves"][0]["stays"] == 14
    assert api.post("/api/v1/reports/counts", json={"kind": "cohorts", "query": {"months": 900}}).status_code == 422
    assert api.post("/api/v1/reports/counts", json={"kind": "nothing"}).status_code == 422
    assert api.get("/api/v1/reports/counts/99").status_code == 404


def test_nonsense_is_not_counted(marketer: FlaskClient) -> None:
    assert marketer.post("/reports/counts", data={"kind": "cohorts", "asked": "{]"}).status_code == 422
    assert marketer.post("/reports/counts", data={"kind": "DROP", "asked": "{}"}).status_code == 404
    away = marketer.post("/reports/counts", data={"kind": "survival", "asked": "{}", "back": "//evil.example/reports"})
    assert away.location.startswith("/reports/counts/")


def test_a_rebuilt_day_is_as_of_its_build(app: APIFlask, segment: int) -> None:
    moment: datetime = NOW
    with transaction() as session:
        build(session, moment)
    with reading() as session:
        assert kept.is_large(session) is False
