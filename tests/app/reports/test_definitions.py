"""What makes somebody lost is what marketers say: each definition, alone and together."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.errors import Invalid
from app.reports.definitions import Definitions, Lost, define, definitions
from app.reports.query import SegmentQuery
from app.reports.retention import Retention
from app.reports.segment_report import segment_report
from app.shop.kinds import PURCHASED
from app.subscribers.models import Status, Subscription
from tests import make
from tests.app.reports.world import at, happened, member

NOW = at("2026-11-21T12:00")
GIVEN = {
    "active_days": 60,
    "lost_when": ["silent"],
    "repeat_times": 3,
    "acquisition_cost": 1250,
    "new_days": 14,
    "cooling_days": 120,
    "sleeping_days": 300,
}


def october(session: Session, segment_id: int | None = None, **query: object) -> Retention:
    report = segment_report(session, segment_id, SegmentQuery(until="2026-10", months=1, **query), NOW, smallest=0)
    return report.months[0].retention


def test_what_is_defined_is_in_force(app: APIFlask) -> None:
    with transaction() as session:
        assert definitions(session) == Definitions()
        define(session, **GIVEN)
    with reading() as session:
        found = definitions(session)
    assert (found.active_days, found.lost_when, found.repeat_times) == (60, (Lost.SILENT,), 3)
    assert (found.ladder.new, found.ladder.active, found.ladder.sleeping) == (14, 60, 300)


@pytest.mark.parametrize("wrong", [{"lost_when": []}, {"cooling_days": 60}, {"sleeping_days": 100}])
def test_definitions_that_contradict_each_other_are_refused(app: APIFlask, wrong: dict[str, object]) -> None:
    with transaction() as session, pytest.raises(Invalid):
        define(session, **{**GIVEN, **wrong})


@pytest.mark.parametrize(
    ("lost_when", "people_at_end"),
    [
        # Of: silent since July; busy; busy and unsubscribed; busy and without a topic; silent and subscribed.
        ([Lost.SILENT], 3),
        ([Lost.UNSUBSCRIBED], 4),
        ([Lost.SUBSCRIPTION_ENDED], 4),
        ([Lost.SILENT, Lost.UNSUBSCRIBED], 2),
        ([Lost.SILENT, Lost.UNSUBSCRIBED, Lost.SUBSCRIPTION_ENDED], 1),
        ([Lost.UNSUBSCRIBED, Lost.SUBSCRIPTION_ENDED], 3),
    ],
)
def test_each_definition_loses_its_own(app: APIFlask, lost_when: list[Lost], people_at_end: int) -> None:
    with transaction() as session:
        define(session, **{**GIVEN, "lost_when": lost_when})
        long_ago = at("2026-01-05")
        silent, busy, gone, topicless, reading_on = (
            make.subscriber(session, created_at=long_ago, **more).id
            for more in (
                {},
                {},
                {"status": Status.UNSUBSCRIBED, "ended_at": at("2026-10-20")},
                {},
                {},
            )
        )
        happened(session, PURCHASED, silent, "2026-07-01")
        for person in (busy, gone, topicless):
            happened(session, PURCHASED, person, "2026-10-10")
        topics = [make.topic(session, key).id for key in ("news", "club")]
        rows = [
            (topics[0], topicless, "2026-10-15"),
            (topics[1], topicless, "2026-10-12"),
            (topics[0], busy, "2026-10-01"),
            (topics[1], busy, None),
            (topics[0], reading_on, None),
        ]
        session.execute(
            insert(Subscription),
            [
                {"topic_id": topic, "subscriber_id": one, "subscribed_at": long_ago, "ended_at": end and at(end)}
                for topic, one, end in rows
            ],
        )
        assert october(session).end == people_at_end


def test_of_a_segment_as_it_was_only_the_time_in_it_counts(app: APIFlask) -> None:
    with transaction() as session:
        left, came, never = (make.subscriber(session).id for _ in range(3))
        segment = make.segment(session, {"all": []}).id
        member(session, segment, left, "2026-08-01", "2026-10-10")
        member(session, segment, came, "2026-10-15")
        for person in (left, came, never):
            happened(session, PURCHASED, person, "2026-09-20")
        then, now = (october(session, segment, people=people) for people in ("then", "now"))
    assert (then.start, then.end, then.new, then.lost) == (1, 1, 1, 1)
    assert (now.start, now.end, now.new, now.lost) == (1, 1, 0, 0)


def test_the_page_keeps_what_is_typed_and_says_what_is_wrong(marketer: FlaskClient) -> None:
    form = {**GIVEN, "acquisition_cost": "12.50"}
    assert marketer.post("/reports/definitions", data=form).status_code == 302
    page = html.fromstring(marketer.get("/reports/definitions").data)
    assert page.get_element_by_id("active_days").value == "60"
    assert [box.get("value") for box in page.cssselect("input[type=checkbox]:checked, input[checked]")] == ["silent"]
    with reading() as session:
        assert definitions(session).acquisition_cost == 1250
    refused = marketer.post("/reports/definitions", data={**form, "cooling_days": "10"})
    assert b"must rise" in refused.data
    assert b"bought or confirmed in the last 60 days" in marketer.get("/reports/everybody").data
