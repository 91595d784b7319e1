"""The monthly report by mail: who gets it, when, once, and what it says."""

from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select

from app.db import reading, transaction
from app.outbox.models import Letter
from app.reports import monthly
from app.reports.models import KeptReport, ReportReader
from app.reports.query import SegmentQuery
from app.reports.reasons import lines, reasons
from app.reports.segment_report import segment_report
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED
from tests import make
from tests.app.reports.world import at, delivered, happened, launched

FIRST = at("2026-11-01T08:00")


@pytest.fixture
def readers(app: APIFlask) -> list[int]:
    """Two marketers, English and German, who began to read in October; ten buyers in September, six of them again."""
    with transaction() as session:
        make.sender(session)
        ids = [make.user(session, f"{locale}@kaeserei.example", locale=locale).id for locale in ("en", "de")]
        for user_id in ids:
            monthly.subscribe(session, user_id, at("2026-10-10"))
        campaign = launched(session, "2026-10-05").id
        for number in range(10):
            person = make.subscriber(session, created_at=at("2026-01-05")).id
            happened(session, PURCHASED, person, "2026-09-10", value=2000)
            delivered(session, campaign, person, "2026-10-05")
            if number < 6:
                happened(session, PURCHASED, person, "2026-10-10", value=2100)
                happened(session, CLICKED, person, "2026-10-06")
    return ids


def due(now: datetime) -> int:
    with transaction() as session:
        return monthly.post_due(session, now)


def test_each_reader_gets_it_once_in_the_morning_of_the_first(readers: list[int]) -> None:
    assert due(at("2026-10-31T12:00")) == 0
    assert due(at("2026-11-01T05:30")) == 0  # half past six in Berlin
    assert due(FIRST) == 2
    assert due(FIRST + timedelta(hours=1)) == 0
    assert due(at("2026-12-01T08:00")) == 2
    with reading() as session:
        letters = session.scalars(select(Letter).order_by(Letter.id)).all()
    assert [letter.recipient for letter in letters[:2]] == ["en@kaeserei.example", "de@kaeserei.example"]
    assert [letter.subject for letter in letters[:2]] == [
        "Report of October 2026 for Käserei Müller",
        "Bericht für Oktober 2026: Käserei Müller",
    ]
    english, german = letters[:2]
    for letter in (english, german):
        assert "/reports/everybody?until=2026-10" in letter.html
        assert "/reports/definitions" in letter.text
    assert "6 people after 10" in english.text
    assert "6 Personen nach 10" in german.text
    assert "€126.00" in english.html
    assert "126,00\xa0€" in german.html


def test_who_stops_gets_no_more(readers: list[int]) -> None:
    with transaction() as session:
        monthly.stop(session, readers[0])
        assert not monthly.is_reader(session, readers[0])
        monthly.subscribe(session, readers[1], FIRST)
        assert session.scalars(select(ReportReader.last_month)).one() == "2026-09"
    assert due(FIRST) == 1


def test_the_month_in_which_somebody_begins_is_the_first(app: APIFlask) -> None:
    with transaction() as session:
        make.sender(session)
        monthly.subscribe(session, make.user(session).id, at("2026-11-03T12:00"))
    assert due(at("2026-11-03T12:00")) == 0
    assert due(at("2026-12-01T12:00")) == 1


def test_a_large_house_counts_first(readers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reports.kept.LIVE_EVENTS", 0)
    assert due(FIRST) == 0
    with reading() as session:
        assert session.scalars(select(KeptReport.kind)).all() == ["segment"]
        assert session.scalars(select(Letter)).all() == []


@pytest.mark.parametrize("locale", ["en", "de"])
def test_three_sentences_say_what_the_numbers_say(readers: list[int], locale: str) -> None:
    with reading() as session:
        report = segment_report(session, None, SegmentQuery(months=3, until="2026-10"), FIRST)
    with force_locale(locale):
        said, shown = reasons(report, "EUR"), lines(report, "EUR")
    assert len(said) == 3
    assert all(sentence.endswith(".") for sentence in said)
    numbers = [["10", "10", "0"], ["126", "6", "10"], ["6", "0", "10"]]
    for sentence, expected in zip(said, numbers, strict=True):
        assert all(number in sentence for number in expected), sentence
    assert [line.change for line in shown if line.now.startswith(("€126", "126"))] == (
        ["−37.0%"] if locale == "en" else ["−37,0\xa0%"]
    )


def test_a_marketer_begins_and_stops_by_a_button(marketer: FlaskClient) -> None:
    assert b"Send it to me" in marketer.get("/reports/definitions").data
    marketer.post("/reports/monthly", data={"wanted": "yes"})
    assert b"You get it." in marketer.get("/reports/definitions").data
    marketer.post("/reports/monthly", data={"wanted": "no"})
    assert b"Send it to me" in marketer.get("/reports/definitions").data
