"""People through `/api/v1`."""

from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.db import transaction
from app.subscribers.custom_fields import add_field
from app.subscribers.lifecycle import suppress
from app.subscribers.models import FieldKind, Status, Subscriber, SuppressionReason
from app.subscribers.topics import set_tags, subscribe, topic_ids_of
from tests import make
from tests.app.subscribers.people import events, letters

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URL = "/api/v1/subscribers"


@pytest.fixture
def anna(app: APIFlask) -> int:
    with transaction() as session:
        add_field(session, "plan", "Plan", FieldKind.CHOICE, ["gold", "silver"])
        person = make.subscriber(session, "anna@example.org", language="de", attributes={"plan": "gold"}, birthday=517)
        set_tags(session, person.id, ["vip"])
        subscribe(
            session, person.id, [make.topic(session, "news").id, make.topic(session, "staff", is_public=False).id], NOW
        )
        return person.id


def _status(subscriber_id: int) -> Status:
    with transaction() as session:
        return session.get_one(Subscriber, subscriber_id).standing.status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", "/1"), ("PATCH", "/1"), ("PUT", "/1"), ("DELETE", "/1"), ("GET", "/1/export")],
)
def test_nothing_is_told_or_done_without_a_key(client: FlaskClient, anna: int, method: str, path: str) -> None:
    """TRUST S16."""
    assert client.open(URL + path, method=method, json={}).status_code == 401


def test_reading_and_writing_back_changes_nothing(api: FlaskClient, anna: int) -> None:
    """TRUST S17: with every field that a GET shows, and with those alone that a caller knows."""
    before = api.get(f"{URL}/{anna}").json
    assert before["topics"] == ["news", "staff"]
    assert before["birthday"] == "--05-17"
    assert api.put(f"{URL}/{anna}", json=before).json == before
    assert api.put(f"{URL}/{anna}", json={"email": "anna@example.org"}).json == before
    assert api.patch(f"{URL}/{anna}", json={}).json == before
    changed = api.patch(f"{URL}/{anna}", json={"first_name": "Änne", "attributes": {}}).json
    assert changed == {**before, "first_name": "Änne"}


def test_null_empties_a_word_and_says_nothing_of_lists(api: FlaskClient, anna: int) -> None:
    changed = api.patch(f"{URL}/{anna}", json={"language": None, "tags": None, "topics": None, "attributes": None}).json
    assert (changed["language"], changed["tags"], changed["topics"]) == (None, ["vip"], ["news", "staff"])
    assert changed["attributes"] == {"plan": "gold"}
    assert api.patch(f"{URL}/{anna}", json={"attributes": {"plan": None}}).json["attributes"] == {}


def test_what_cannot_be_changed_here_is_not_ignored(api: FlaskClient, anna: int) -> None:
    answer = api.patch(f"{URL}/{anna}", json={"status": "unsubscribed", "first_name": "Bea"})
    assert answer.status_code == 422
    assert answer.json["places"] == {"status": "cannot be changed here"}
    assert api.patch(f"{URL}/{anna}", json={"score": 100}).status_code == 422
    assert api.get(f"{URL}/{anna}").json["first_name"] == "Anna"


def test_mistakes_come_with_their_places(api: FlaskClient, anna: int) -> None:
    wrong = {"country": "XX", "attributes": {"plan": "bronze", "nope": 1}, "topics": ["nowhere"]}
    answer = api.patch(f"{URL}/{anna}", json=wrong)
    assert answer.status_code == 422
    assert answer.json["places"].keys() == {"country", "attributes.plan", "attributes.nope", "topics"}


def test_adding_needs_a_basis_to_make_somebody_mailable(api: FlaskClient) -> None:
    """TRUST L5."""
    with transaction() as session:
        make.sender(session)
        make.topic(session)
    assert api.post(URL, json={"email": "known@example.org"}).json["status"] == "pending"
    asked = api.post(URL, json={"email": "ask@example.org", "basis": "double_opt_in", "topics": ["news"]})
    assert (asked.status_code, asked.json["status"], asked.json["topics"]) == (201, "pending", [])
    given = {"email": "customer@example.org", "basis": "existing_customer", "topics": ["news"], "note": "Order 17"}
    assert api.post(URL, json=given).json["status"] == "active"
    assert api.post(URL, json={**given, "basis": None, "first_name": "Carla"}).json["first_name"] == "Carla"
    with transaction() as session:
        assert [letter.recipient for letter in letters(session)] == ["ask@example.org"]
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 3


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_nobody_is_turned_on_again(api: FlaskClient, status: Status) -> None:
    """TRUST L14: neither by status nor by the suppression list."""
    with transaction() as session:
        left = make.subscriber(session, "left@example.org", status=status).id
        angry = make.subscriber(session, "angry@example.org")
        suppress(session, angry.id, SuppressionReason.COMPLAINED, NOW)
    for email in ("LEFT@example.org", "angry@example.org"):
        assert api.post(URL, json={"email": email, "basis": "manual", "note": "x"}).status_code == 409
    assert (_status(left), _status(angry.id)) == (status, Status.COMPLAINED)


def test_unsubscribing_is_harmless_twice(api: FlaskClient, anna: int) -> None:
    api.post(f"{URL}/{anna}/unsubscribe", json={"topic": "news"})
    with transaction() as session:
        assert len(topic_ids_of(session, anna)) == 1
    assert api.post(f"{URL}/{anna}/unsubscribe", json={"topic": "nowhere"}).status_code == 404
    for _ in range(2):
        assert api.post(f"{URL}/{anna}/unsubscribe", json={}).json["status"] == "unsubscribed"
    with transaction() as session:
        assert events(session) == ["unsubscribed", "unsubscribed"]


def test_erasing_and_exporting(api: FlaskClient, anna: int) -> None:
    """TRUST L11, L12."""
    assert api.get(f"{URL}/{anna}/export").json["tables"]["subscriber"][0]["email"] == "anna@example.org"
    assert api.delete(f"{URL}/{anna}").status_code == 204
    assert api.get(f"{URL}/{anna}").json["status"] == "erased"
    assert api.get(URL).json["items"] == []
    assert api.patch(f"{URL}/{anna}", json={"first_name": "Anna"}).status_code == 409
    assert api.delete(f"{URL}/999").status_code == 404


def test_lists_are_walked_to_their_end(api: FlaskClient) -> None:
    with transaction() as session:
        for _ in range(7):
            make.subscriber(session)
    seen, after = [], 0
    while after is not None:
        page = api.get(f"{URL}?limit=3&after={after}").json
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) == 7
    assert api.get(f"{URL}?email=PERSON1@example.org").json["items"][0]["email"] == "person1@example.org"
    assert api.get(f"{URL}?q=person2").json["items"][0]["email"] == "person2@example.org"
    assert api.get(f"{URL}?limit=100000").status_code == 422
    assert api.get(f"{URL}?status=pending").json["items"] == []


def test_topics_fields_and_tags(api: FlaskClient, anna: int) -> None:
    assert {topic["key"] for topic in api.get("/api/v1/topics").json["items"]} == {"news", "staff"}
    assert api.post("/api/v1/topics", json={"key": "club", "name": "Club"}).json["is_public"] is True
    assert api.post("/api/v1/topics", json={"key": "club", "name": "Club"}).status_code == 409
    field = {"key": "seats", "label": "Seats", "kind": "number"}
    assert api.post("/api/v1/fields", json=field).status_code == 201
    assert [each["key"] for each in api.get("/api/v1/fields").json["items"]] == ["plan", "seats"]
    assert api.get("/api/v1/tags").json["items"] == [{"id": 1, "name": "vip", "people": 1}]
