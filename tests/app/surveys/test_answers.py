"""Answers that come in by the API: each once, the latest known, words forgotten with their person."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.events.models import Event
from app.feature import house
from app.scoring.defaults import defaults
from app.scoring.saving import current_plan
from app.scoring.words import merge_tags
from app.subscribers.erasing import erase
from app.subscribers.exporting import export_person
from app.subscribers.models import Standing, Subscriber
from app.surveys.answers import NewAnswer, hold_people, take_answers
from app.surveys.kinds import ANSWERED
from segments.rule import parse, to_json
from segments.sentence import sentence
from segments.typed import read_sentence
from segments.where import where
from tests import make

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THEN = datetime(2026, 11, 1, 10, tzinfo=UTC)


def _latest(session: Session, person: int) -> tuple[int | None, datetime | None]:
    found = session.execute(select(Standing.last_nps, Standing.nps_at).where(Standing.subscriber_id == person)).one()
    return found.last_nps, found.nps_at


def _people(*names: str) -> list[int]:
    with transaction() as session:
        return [make.subscriber(session, f"{name}@example.org", first_name=name.title()).id for name in names]


def _answer(**said: Any) -> dict[str, Any]:
    return {"email": "anna@example.org", "score": 9, "answered_at": "2026-11-01T11:00:00+01:00", **said}


def test_machines_bring_answers_as_often_as_they_like(app: APIFlask, api: FlaskClient) -> None:
    anna, berta = _people("anna", "berta")
    sent = [_answer(email="Anna@example.org", comment=" Great cheese\nand\tbutter "), _answer(email=None, score=3)]
    sent[1] = {**sent[1], "subscriber_id": berta}
    del sent[1]["email"]
    assert api.post("/api/v1/answers", json={"answers": sent}).json == {"created": 2, "known": 0, "rejected": []}
    changed = [{**each, "score": 0} for each in sent]
    assert api.post("/api/v1/answers", json={"answers": changed}).json == {"created": 0, "known": 2, "rejected": []}
    first, second = api.get("/api/v1/answers").json["items"]
    assert (first["subscriber_id"], first["score"], first["group"]) == (anna, 9, "promoter")
    assert (first["comment"], first["email"]) == ("Great cheese and butter", "anna@example.org")
    assert (second["score"], second["group"], second["comment"]) == (3, "detractor", None)
    assert [each["score"] for each in api.get(f"/api/v1/answers?subscriber_id={berta}").json["items"]] == [3]
    with reading() as session:
        assert _latest(session, anna) == (9, THEN)


def test_a_key_of_ones_own_tells_answers_apart_and_is_of_one_person(app: APIFlask, api: FlaskClient) -> None:
    _people("anna", "berta")
    same = [_answer(key="1"), _answer(key="2"), _answer(key="1", email="berta@example.org"), _answer(key="x" * 200)]
    assert api.post("/api/v1/answers", json={"answers": [*same, *same]}).json["created"] == 4
    assert api.post("/api/v1/answers", json={"answers": same}).json["known"] == 4


def test_answers_that_cannot_be_are_refused_alone(app: APIFlask, api: FlaskClient) -> None:
    (anna,) = _people("anna")
    (erased,) = _people("erased")
    with transaction() as session:
        erase(session, erased, NOW)
    sent = [
        _answer(email="nobody@example.org"),
        _answer(email="bad"),
        {**{name: value for name, value in _answer().items() if name != "email"}, "subscriber_id": erased},
        _answer(answered_at="2999-01-01T00:00:00Z"),
        _answer(answered_at="1999-01-01T00:00:00Z"),
        _answer(),
    ]
    answer = api.post("/api/v1/answers", json={"answers": sent}).json
    assert (answer["created"], answer["known"]) == (1, 0)
    assert [each["reason"] for each in answer["rejected"]] == [
        "There is nobody with this address.",
        "This is no email address.",
        "There is nobody with this id.",
        "Nobody can have answered then: the moment is in the future, or before 2003.",
        "Nobody can have answered then: the moment is in the future, or before 2003.",
    ]
    with reading() as session:
        assert _latest(session, anna) == (9, THEN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": 11},
        {"score": -1},
        {"score": 9.5},
        {"score": "many"},
        {"subscriber_id": 1},
        {"email": None},
        {"answered_at": "2026-11-01T11:00:00"},
        {"comment": "x" * 5001},
        {"key": ""},
        {"mood": "good"},
    ],
)
def test_what_is_no_answer_is_refused_with_its_place(app: APIFlask, api: FlaskClient, wrong: dict[str, Any]) -> None:
    _people("anna")
    refused = api.post("/api/v1/answers", json={"answers": [_answer(**wrong)]})
    assert refused.status_code == 422
    with reading() as session:
        assert session.scalars(select(Event.id).where(Event.kind == ANSWERED.code)).all() == []


@pytest.mark.parametrize("seed", range(3))
def test_the_latest_answer_is_known_in_any_order_of_arrival_and_after_any_loss(app: APIFlask, seed: int) -> None:
    """Against a list that is sorted: batches in random order, then events taken away."""
    people, dice = _people("anna", "berta", "carla"), random.Random(seed)
    given = [
        NewAnswer(dice.choice(people), dice.randint(0, 10), THEN + timedelta(seconds=dice.randrange(12)), key=str(at))
        for at in range(40)
    ]
    kept: list[NewAnswer] = []
    while given:
        batch, given = given[: dice.randint(1, 6)], given[6:]
        kept += batch
        with transaction() as session:
            take_answers(session, batch)
            _check(session, people, kept)
    while kept:
        gone, kept = kept[:4], kept[4:]
        with transaction() as session:
            session.execute(delete(Event).where(Event.key.in_([each.event_key for each in gone])))
            house().on_events_removed(session, people)
            _check(session, people, kept)


def _check(session: Session, people: list[int], kept: list[NewAnswer]) -> None:
    for person in people:
        own = sorted((each.answered_at, each.score) for each in kept if each.subscriber_id == person)
        assert _latest(session, person) == ((own[-1][1], own[-1][0]) if own else (None, None))


def test_erasing_forgets_the_words_and_keeps_the_number(app: APIFlask, api: FlaskClient) -> None:
    (anna,) = _people("anna")
    api.post("/api/v1/answers", json={"answers": [_answer(comment="my secret words")]})
    with transaction() as session:
        exported = export_person(session, session.get_one(Subscriber, anna), NOW)
        assert "my secret words" in str(exported)
        erase(session, anna, NOW)
    with reading() as session:
        event = session.scalars(select(Event).where(Event.kind == ANSWERED.code)).one()
        assert (event.value, event.data) == (9, None)
        assert _latest(session, anna) == (9, THEN)
    assert "secret" not in api.get("/api/v1/answers").text


def test_her_page_tells_what_she_answered_and_no_money(app: APIFlask, api: FlaskClient, marketer: FlaskClient) -> None:
    with transaction() as session:
        defaults(session, NOW)
    (anna,) = _people("anna")
    api.post("/api/v1/answers", json={"answers": [_answer(comment="<b>great</b>")]})
    page = marketer.get(f"/subscribers/{anna}").text
    assert "9 of 10: &lt;b&gt;great&lt;/b&gt;" in page
    assert "€0.09" not in page
    score = marketer.get(f"/scoring/people/{anna}").text
    assert "Answered" in score
    assert "€0.09" not in score
    (event,) = api.get("/api/v1/events?kind=answered").json["items"]
    assert event["value"] == 9


def test_answers_earn_points_by_what_they_are(app: APIFlask, api: FlaskClient) -> None:
    with transaction() as session:
        defaults(session, NOW)
    people = _people("anna", "berta", "carla")
    plan = api.get("/api/v1/scoring").json
    rules = [
        {"kind": "answered", "points": "1"},
        {"kind": "answered", "points": "10", "only": {"answer_at_least": " 08 "}},
        {"kind": "answered", "points": "100", "only": {"nps_group": "detractor"}},
    ]
    plan["scores"][0]["rules"] = rules
    sent = {name: plan[name] for name in ("scores", "tiers", "margin_percent", "grace_days")}
    assert api.put("/api/v1/scoring", json=sent).status_code == 200
    at = datetime.now(UTC)
    with transaction() as session:
        assert current_plan(session).scores[0].rules[1].only == {"answer_at_least": "8"}
        take_answers(session, [NewAnswer(one, said, at) for one, said in zip(people, (9, 7, 0), strict=True)])
        earned = merge_tags(session, people, {"score"})
    assert [earned[one]["score"] for one in people] == [11.0, 1.0, 101.0]
    for wrong in (
        {"points": "1", "per_amount": "1"},
        {"points": "1", "only": {"answer_at_least": "11"}},
        {"points": "1", "only": {"nps_group": "fan"}},
        {"points": "1", "only": {"amount_at_least": "5"}},
    ):
        plan["scores"][0]["rules"] = [{"kind": "answered", **wrong}]
        assert api.put("/api/v1/scoring", json=sent).status_code == 422, wrong


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (("nps", "at_least", 7), "anna berta"),
        (("nps", "is_empty", None), "dora"),
        (("nps", "is_filled", None), "anna berta carla"),
        (("nps_group", "is", "promoter"), "anna"),
        (("nps_group", "is_any_of", ["passive", "detractor"]), "berta carla"),
        (("nps_group", "is_not", "promoter"), "berta carla dora"),
        (("last_answered", "within_days", 3), "anna"),
        (("last_answered", "is_empty", None), "dora"),
        (("answered", "happened", {"at_least": 2}), "anna"),
        (("answered", "happened", {"at_least": 2, "days": 5}), ""),
        (("answered", "happened", {"since": "2026-11-01", "until": "2026-11-10"}), "anna berta carla"),
        (("answered", "not_happened", {}), "dora"),
    ],
)
def test_answers_are_words_of_rules(app: APIFlask, rule: tuple[str, str, Any], names: str) -> None:
    anna, berta, carla, _dora = _people("anna", "berta", "carla", "dora")
    with transaction() as session:
        given = [
            NewAnswer(anna, 2, THEN),
            NewAnswer(anna, 10, NOW - timedelta(days=1)),
            NewAnswer(berta, 7, THEN),
            NewAnswer(carla, 6, THEN),
        ]
        take_answers(session, given)
    field, op, value = rule
    with reading() as session:
        said = parse({"field": field, "op": op, "value": value})
        condition = where(said, house().vocabulary(session), NOW, ZoneInfo("Europe/Berlin"))
        found = session.scalars(select(Subscriber.email).join(Standing).where(condition).order_by(Subscriber.id)).all()
    assert [each.split("@")[0] for each in found] == names.split()


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        ("en", "NPS group in (promoter, passive) and NPS answer >= 8 and last answer in 30 days and answered 2 times"),
        (
            "de",
            (
                "NPS-Gruppe in (Promotor, Passiver) und NPS-Antwort >= 8 und letzte Antwort in 30 Tagen "
                "und mindestens 2-mal geantwortet"
            ),
        ),
    ],
)
def test_rules_about_answers_are_typed_and_said_in_both_languages(app: APIFlask, language: str, typed: str) -> None:
    with reading() as session:
        words = house().vocabulary(session)
    found = read_sentence(typed, words, language)
    assert to_json(found) == {
        "all": [
            {"field": "nps_group", "op": "is_any_of", "value": ["passive", "promoter"]},
            {"field": "nps", "op": "at_least", "value": 8},
            {"field": "last_answered", "op": "within_days", "value": 30},
            {"field": "answered", "op": "happened", "value": {"at_least": 2}},
        ]
    }
    assert read_sentence(sentence(found, words, language), words, language) == found


def test_why_says_what_she_answered(app: APIFlask, api: FlaskClient) -> None:
    (anna,) = _people("anna")
    said = (("nps_group", "is", "promoter"), ("nps", "less_than", 9), ("answered", "happened", {}))
    rule = {"all": [{"field": field, "op": op, "value": value} for field, op, value in said]}
    api.post("/api/v1/answers", json={"answers": [_answer()]})
    segment = api.post("/api/v1/segments", json={"name": "Odd", "rule": rule}).json["id"]
    why = api.get(f"/api/v1/segments/{segment}/why/{anna}").json
    assert not why["is_in"]
    assert [each["fact"] for each in why["judgement"]["parts"]] == ["promoter", "9", "1 time"]


def test_two_who_bring_the_same_answer_at_once_bring_it_once(app: APIFlask) -> None:
    _people("anna")
    taken = threading.Event()

    def bring(*, waits: bool) -> int:
        with app.app_context(), transaction() as session:
            people, _there = hold_people(session, ["anna@example.org"], ())
            created = take_answers(session, [NewAnswer(people["anna@example.org"], 9, THEN)])
            taken.set()
            # Time enough for the other one to come, were it not waiting.
            time.sleep(0.3 if waits else 0)
            return created

    with ThreadPoolExecutor() as pool:
        first = pool.submit(bring, waits=True)
        taken.wait(10)
        second = pool.submit(bring, waits=False)
        assert (first.result(), second.result()) == (1, 0)
