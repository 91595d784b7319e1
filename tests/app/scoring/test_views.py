"""The page "Tiers & scores", the card on a person's page, and the same for machines."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.models import User
from app.db import transaction
from app.events.record import happening, record
from app.scoring.defaults import defaults
from app.scoring.plan import Plan, current_plan
from app.subscribers.kinds import CONFIRMED
from tests import make

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _rules(app: object) -> None:
    with transaction() as session:
        defaults(session, NOW)


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", answer.text)))


def plan() -> Plan:
    with transaction() as session:
        found = current_plan(session)
    assert found
    return found


def form(**changes: str) -> dict[str, str]:
    """The form as the page draws it."""
    given = {f"points.{rule.kind}": str(rule.points) for rule in plan().rules}
    for place, tier in enumerate(plan().tiers):
        values = {"id": tier.id, "name": tier.name, "threshold": tier.threshold, "colour": tier.colour}
        given |= {f"tier.{place}.{name}": str(value) for name, value in values.items()}
    return {**given, "half_life_days": "180", **changes}


def reader_with(points: int) -> int:
    with transaction() as session:
        person = make.subscriber(session).id
        for _ in range(points // 10):
            record(session, [happening(CONFIRMED, person, NOW)])
    return person


def test_the_page_shows_points_tiers_and_people(marketer: FlaskClient) -> None:
    reader_with(20)
    page = marketer.get("/scoring/")
    for words in ("New", "Reader", "Regular", "Loyal", "Confirmed", "Half-life in days"):
        assert words in text(page), words
    assert "100.0%" in text(page)


def test_what_is_saved_applies_to_the_past_and_can_be_undone(marketer: FlaskClient) -> None:
    before = plan()
    answer = marketer.post("/scoring/", data=form(**{"points.confirmed": "12,5", "tier.3.name": "Gold"}))
    assert answer.status_code == 302
    rules = {rule.kind: str(rule.points) for rule in plan().rules}
    assert (rules["confirmed"], plan().tiers[3].name) == ("12.5", "Gold")
    page = marketer.get("/scoring/")
    assert "being worked out anew for the past" in page.text
    assert 'action="/scoring/undo"' in page.text
    marketer.post("/scoring/undo")
    assert plan().tiers == before.tiers
    assert {rule.kind: rule.points for rule in plan().rules} == {rule.kind: rule.points for rule in before.rules}


def test_undo_twice_does_nothing(marketer: FlaskClient) -> None:
    before = plan()
    assert marketer.post("/scoring/undo").status_code == 302
    assert plan() == before


def test_the_preview_says_how_many_would_move(marketer: FlaskClient) -> None:
    reader_with(20)
    reader_with(20)
    page = text(marketer.post("/scoring/preview", data=form(**{"tier.1.threshold": "30"})))
    assert "2 people would change tier : 0 up, 2 down." in page
    page = text(marketer.post("/scoring/preview", data=form(**{"points.confirmed": "100"})))
    assert "2 people would change tier : 2 up, 0 down." in page
    assert "Nobody would change tier." in text(marketer.post("/scoring/preview", data=form()))


def test_tiers_are_added_and_removed_without_saving(marketer: FlaskClient) -> None:
    page = marketer.post("/scoring/draft", data=form(action="add"))
    assert 'name="tier.4.name"' in page.text
    page = marketer.post("/scoring/draft", data=form(action="remove:1"))
    assert 'value="Reader"' not in page.text
    assert len(plan().tiers) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tier.1.threshold": "0"}, "Two tiers begin at the same points."),
        ({"tier.1.name": "loyal"}, "Two tiers have the same name."),
        ({"half_life_days": "0"}, "Half-life in days: at least 1"),
        ({"points.confirmed": "many"}, "Points: this is missing, too long, or no number as expected"),
        ({"tier.1.id": "4711"}, "removed by somebody else"),
    ],
)
def test_a_mistake_is_said_and_nothing_saved(marketer: FlaskClient, changes: dict[str, str], message: str) -> None:
    before = plan()
    answer = marketer.post("/scoring/", data=form(**changes))
    assert answer.status_code == 422
    assert message in text(answer)
    assert plan() == before


def test_a_person_s_page_explains_her_score(marketer: FlaskClient) -> None:
    person = reader_with(20)
    page = text(marketer.get(f"/subscribers/{person}"))
    assert "20.0 points" in page
    assert "20.0 points to Regular" in page
    assert "Together 20.0" in page
    assert "New → Reader" in page


def test_names_of_tiers_that_came_with_the_house_are_translated(marketer: FlaskClient) -> None:
    with transaction() as session:
        session.execute(update(User).values(locale="de"))
    assert "Stammleser" in text(marketer.get("/scoring/"))


def test_machines_read_and_replace_the_plan(api: FlaskClient) -> None:
    found = api.get("/api/v1/scoring").json
    assert found
    assert [tier["name"] for tier in found["tiers"]] == ["New", "Reader", "Regular", "Loyal"]
    given = {"rules": [{"kind": "confirmed", "points": "5"}], "half_life_days": 90, "tiers": found["tiers"]}
    answer = api.put("/api/v1/scoring", json=given).json
    assert answer
    assert (answer["half_life_days"], answer["rebuilding"]) == (90, True)
    wrong = api.put("/api/v1/scoring", json={**given, "half_life_days": 0})
    assert wrong.status_code == 422
    assert wrong.json
    assert "half_life_days" in wrong.json["places"]


def test_visitors_see_no_scores(client: FlaskClient) -> None:
    assert client.get("/scoring/").status_code == 302
    assert client.get("/api/v1/scoring").status_code == 401
