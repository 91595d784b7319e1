"""Campaigns through the API."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.db import transaction
from tests import make


def _draft(api: FlaskClient, **values: object) -> dict[str, object]:
    answer = api.post("/api/v1/campaigns", json={"name": "November", "layout": "newsletter.de", **values})
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_campaign_is_written_checked_released_and_taken_back(app: APIFlask, api: FlaskClient) -> None:
    with transaction() as session:
        make.sender(session)
        make.subscriber(session)
    draft = _draft(api)
    path = f"/api/v1/campaigns/{draft['id']}"
    assert api.patch(path, json={"revision": 0, "subject": "Neues aus der Käserei"}).json["revision"] == 1
    assert api.patch(path, json={"revision": 0, "subject": "zu spät"}).status_code == 409
    assert not [one for one in api.get(f"{path}/preflight").json if one["level"] == "block"]
    assert "Käserei" in api.get(f"{path}/preview?seen_as=1").json["subject"]
    assert api.post(f"{path}/schedule", json={}).json["state"] == "holding"
    assert api.post(f"{path}/undo").json["state"] == "draft"
    assert api.post(f"{path}/undo").status_code == 409
    assert api.post(f"{path}/schedule", json={"at": "2099-01-01T09:00:00+01:00"}).json["state"] == "scheduled"
    assert api.post(f"{path}/cancel").json["state"] == "cancelled"


def test_blockers_are_listed_in_the_refusal(app: APIFlask, api: FlaskClient) -> None:
    with transaction() as session:
        make.sender(session)
    draft = _draft(api, html="<p>Hi</p>", subject="")
    answer = api.post(f"/api/v1/campaigns/{draft['id']}/schedule", json={})
    assert answer.status_code == 422
    assert {"no-unsubscribe", "no-imprint", "no-subject", "nobody"} <= answer.json["places"].keys()


def test_wrong_input_is_refused_with_its_place(app: APIFlask, api: FlaskClient) -> None:
    with transaction() as session:
        make.sender(session)
    assert api.post("/api/v1/campaigns", json={"name": ""}).status_code == 422
    assert api.post("/api/v1/campaigns", json={"name": "x", "layout": "nope"}).status_code == 422
    assert api.post("/api/v1/campaigns", json={"name": "x", "colour": "red"}).status_code == 422
    draft = _draft(api)
    answer = api.get(f"/api/v1/campaigns/{draft['id']}/preview?seen_as=1;drop")
    assert answer.status_code == 422


def test_the_list_comes_in_pages(app: APIFlask, api: FlaskClient) -> None:
    with transaction() as session:
        make.sender(session)
    ids = [_draft(api)["id"] for _ in range(3)]
    first = api.get("/api/v1/campaigns?limit=2").json
    second = api.get(f"/api/v1/campaigns?limit=2&after={first['next']}").json
    assert [row["id"] for row in first["items"] + second["items"]] == ids
    assert second["next"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "November\r\nBcc: all@example.org"),
        ("subject", "News\x85"),
        ("from_name", "Dairy\u2028"),
        ("reply_to", "a b@example.org"),
        ("sender_id", 99),
        ("topic_id", 99),
        ("included", [99]),
        ("excluded", [99]),
    ],
)
def test_what_no_mail_can_be_made_of_is_refused(app: APIFlask, api: FlaskClient, name: str, value: object) -> None:
    """TRUST R21, S20."""
    with transaction() as session:
        make.sender(session)
    answer = api.post("/api/v1/campaigns", json={"name": "November", "layout": "newsletter.de", name: value})
    assert answer.status_code == 422, answer.json
    assert {name, "segments"} & answer.json["places"].keys()


@pytest.mark.parametrize("name", ["name", "subject", "preheader", "language", "html", "crash_policy"])
def test_null_takes_nothing_away_that_a_mail_needs(app: APIFlask, api: FlaskClient, name: str) -> None:
    with transaction() as session:
        make.sender(session)
    draft = _draft(api)
    answer = api.patch(f"/api/v1/campaigns/{draft['id']}", json={"revision": 0, name: None})
    assert answer.status_code == 422
    assert list(answer.json["places"]) == [name]
