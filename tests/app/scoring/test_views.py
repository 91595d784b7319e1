"""The page "Tiers & scores", the card on a person's page, and the same for machines."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.users import User
from app.audiences.count import count
from app.audiences.reading import reader
from app.db import transaction
from app.events.record import happening, record
from app.scoring.defaults import defaults
from app.scoring.jobs import keep_scores
from app.scoring.plan import Plan
from app.scoring.saving import current_plan
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
    given = {"margin_percent": "10", "grace_days": "0"}
    for place, score in enumerate(plan().scores):
        values = {"id": score.id, "name": score.name, "half_life_days": score.half_life_days}
        given |= {f"score.{place}.{name}": str(value) for name, value in values.items()}
        for number, rule in enumerate(score.rules):
            data = rule.model_dump(mode="json")
            asked = {f"only.{name}": value for name, value in data.pop("only").items()}
            rows = {name: value for name, value in {**data, **asked}.items() if value is not None}
            given |= {f"score.{place}.rule.{number}.{name}": str(value) for name, value in rows.items()}
    for place, tier in enumerate(plan().tiers):
        values = {"id": tier.id, "name": tier.name, "threshold": tier.threshold, "colour": tier.colour}
        given |= {f"tier.{place}.{name}": str(value) for name, value in values.items()}
    return {**given, **changes}


def points_of(kind: str) -> str:
    """The name of the input with the points of the first rule for this kind."""
    place = next(number for number, rule in enumerate(plan().scores[0].rules) if rule.kind == kind)
    return f"score.0.rule.{place}.points"


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
    answer = marketer.post("/scoring/", data=form(**{points_of("confirmed"): "12,5", "tier.3.name": "Gold"}))
    assert answer.status_code == 302
    rules = {rule.kind: str(rule.points) for rule in plan().scores[0].rules}
    assert (rules["confirmed"], plan().tiers[3].name) == ("12.5", "Gold")
    page = marketer.get("/scoring/")
    assert "being worked out anew for the past: Engagement" in page.text
    assert "0 of" in text(marketer.get("/scoring/progress"))
    keep_scores()
    done = marketer.get("/scoring/progress")
    assert "those of the new rules" in text(done)
    assert 'id="tier-size-1" hx-swap-oob="true"' in done.text
    assert 'action="/scoring/undo"' in page.text
    marketer.post("/scoring/undo")
    assert plan().tiers == before.tiers
    assert plan().scores == before.scores


def mark(page: str) -> str:
    found = re.search(r'name="mark" value="([^"]*)"', page)
    assert found
    return found[1]


def test_who_saves_what_somebody_else_has_changed_since_is_told(marketer: FlaskClient) -> None:
    seen = mark(marketer.get("/scoring/").text)
    first, second = form(**{"score.0.rule.3.points": "7"}), form(**{"score.0.half_life_days": "90"})
    assert marketer.post("/scoring/", data={**first, "mark": seen}).status_code == 302

    refused = marketer.post("/scoring/", data={**second, "mark": seen})
    assert refused.status_code == 409
    assert "Somebody else has changed this since you opened the page." in text(refused)
    assert 'value="90"' in refused.text
    assert (plan().scores[0].rules[3].points, plan().scores[0].half_life_days) == (7, 180)

    # Saved once more, it is what she wants.
    assert marketer.post("/scoring/", data={**second, "mark": mark(refused.text)}).status_code == 302
    assert (plan().scores[0].rules[3].points, plan().scores[0].half_life_days) == (3, 90)


def test_undo_takes_nothing_back_from_somebody_else(marketer: FlaskClient, api: FlaskClient) -> None:
    marketer.post("/scoring/", data=form(**{"score.0.half_life_days": "90"}))
    theirs = {**api.get("/api/v1/scoring").get_json(), "margin_percent": 20}
    api.put("/api/v1/scoring", json={name: theirs[name] for name in Plan.model_fields})

    answer = marketer.post("/scoring/undo", follow_redirects=True)
    assert "nothing was taken back" in text(answer)
    assert (plan().scores[0].half_life_days, plan().margin_percent) == (90, 20)


def test_a_tier_that_somebody_else_has_removed_is_said_in_the_form(marketer: FlaskClient) -> None:
    answer = marketer.post("/scoring/", data=form(**{"tier.1.id": "999", "tier.1.name": "Fans"}))
    assert answer.status_code == 422
    assert "A tier has been removed by somebody else." in text(answer)
    assert 'value="Fans"' in answer.text


def test_undo_twice_does_nothing(marketer: FlaskClient) -> None:
    before = plan()
    assert marketer.post("/scoring/undo").status_code == 302
    assert plan() == before


def test_the_preview_says_how_many_would_move(marketer: FlaskClient) -> None:
    reader_with(20)
    reader_with(20)
    page = text(marketer.post("/scoring/preview", data=form(**{"tier.1.threshold": "30"})))
    assert "2 people would change tier : 0 up, 2 down." in page
    assert "Reader New 2" in page
    page = text(marketer.post("/scoring/preview", data=form(**{points_of("confirmed"): "100"})))
    assert "2 people would change tier : 2 up, 0 down." in page
    assert "Anna Reader → Loyal" in page
    assert "Nobody would change tier." in text(marketer.post("/scoring/preview", data=form()))


def test_tiers_are_added_and_removed_without_saving(marketer: FlaskClient) -> None:
    page = marketer.post("/scoring/draft", data=form(action="tier:add"))
    assert 'name="tier.4.name"' in page.text
    page = marketer.post("/scoring/draft", data=form(action="tier:remove:1"))
    assert 'value="Reader"' not in page.text
    assert len(plan().tiers) == 4


def test_rules_and_scores_are_added_and_removed_without_saving(marketer: FlaskClient) -> None:
    page = marketer.post("/scoring/draft", data=form(action="score:add"))
    assert 'name="score.1.rule.0.points"' in page.text
    rules = len(plan().scores[0].rules)
    page = marketer.post("/scoring/draft", data=form(action="rule:add:0"))
    assert f'name="score.0.rule.{rules}.points"' in page.text
    page = marketer.post("/scoring/draft", data=form(action="rule:remove:0:0"))
    assert f'name="score.0.rule.{rules - 1}.points"' not in page.text
    page = marketer.post("/scoring/draft", data=form(action="score:remove:0"))
    assert 'name="score.0.rule.0.points"' in page.text
    assert len(plan().scores) == 1


def test_the_preview_of_very_many_is_an_estimate_until_all_are_asked(
    marketer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        reader_with(20)
    monkeypatch.setattr("app.scoring.preview.ASKED", 4)
    changes = form(**{points_of("confirmed"): "100"})
    page = text(marketer.post("/scoring/preview", data=changes))
    assert "About 4 people would change tier" in page
    assert "one in 2 people was asked" in page
    assert "4 people would change tier : 4 up" in text(marketer.post("/scoring/preview?all=1", data=changes))


def test_every_entry_of_a_score_has_its_page_and_all_add_up(
    marketer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.scoring.person_views.PAGE", 2)
    person = reader_with(50)
    page = text(marketer.get(f"/scoring/people/{person}"))
    assert "Confirmed 5 50.00" in page
    assert "Older ones together 30.00" in page
    assert "Reader → Regular" in page
    page = text(marketer.get(f"/scoring/people/{person}?page=3"))
    assert "Newer ones together 40.00" in page
    assert "Together 50.00" in page
    assert marketer.get(f"/scoring/people/{person}?score=9").status_code == 404
    assert marketer.get(f"/scoring/people/{person}?score={2**40}").status_code == 404
    assert marketer.get("/scoring/people/999").status_code == 404


def test_a_second_score_stands_on_her_page_and_in_segments(marketer: FlaskClient) -> None:
    person = reader_with(20)
    second = {"name": "Buying", "half_life_days": "30", "rule.0.kind": "confirmed", "rule.0.points": "1.5"}
    marketer.post("/scoring/", data=form(**{f"score.1.{name}": value for name, value in second.items()}))
    keep_scores()
    assert "Buying 3.0" in text(marketer.get(f"/subscribers/{person}"))
    assert "Buying 3.00" in text(marketer.get(f"/scoring/people/{person}?score=2"))
    rule = {"all": [{"field": "score.2", "op": "at_least", "value": 2.9}]}
    with transaction() as session:
        words = reader(session, NOW)
        assert count(session, words.people(rule)) == 1
        assert words.sentence(rule, "de") == "Punktestand „Buying“ ist mindestens 2,9"
    marketer.post("/scoring/", data=form(**{"score.1.name": "Shopping"}))
    assert [score.name for score in plan().scores] == ["Engagement", "Shopping"]
    marketer.post("/scoring/undo")
    assert [score.name for score in plan().scores] == ["Engagement", "Buying"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tier.1.threshold": "0"}, "Two tiers begin at the same points."),
        ({"tier.1.name": "loyal"}, "Two tiers have the same name."),
        ({"score.0.half_life_days": "0"}, "Half-life in days: at least 1"),
        ({"score.0.rule.0.points": "many"}, "Points: this is missing, too long, or no number as expected"),
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
    rule = {"kind": "purchased", "points": "5", "only": {"amount_at_least": "50"}, "per_day": 1, "since": "2026-01-01"}
    score = {"id": 1, "name": "Loyalty", "half_life_days": 90, "rules": [rule]}
    given = {"scores": [score, {**score, "id": None, "name": "Second"}], "tiers": found["tiers"], "grace_days": 14}
    answer = api.put("/api/v1/scoring", json=given).json
    assert answer
    assert (answer["grace_days"], answer["margin_percent"], answer["rebuilding"]) == (14, 10, True)
    assert [(each["id"], each["name"]) for each in answer["scores"]] == [(1, "Loyalty"), (2, "Second")]
    assert {name: answer["scores"][1]["rules"][0][name] for name in rule} == rule
    wrong = api.put("/api/v1/scoring", json={**given, "scores": [{**score, "half_life_days": 0}]})
    assert wrong.status_code == 422
    assert wrong.json
    assert "scores.0.half_life_days" in wrong.json["places"]


def test_visitors_see_no_scores(client: FlaskClient) -> None:
    assert client.get("/scoring/").status_code == 302
    assert client.get("/api/v1/scoring").status_code == 401
