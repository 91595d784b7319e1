"""What no request may carry is refused at the door, with its place."""

import json

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.intake import MAX_BODY


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("a\x00b", "name"),
        ("\ud800", "name"),
        ([{"deep": "\udfff"}], "name.0.deep"),
        (2**63, "name"),
        (float("nan"), "name"),
        (float("-inf"), "name"),
        ({"a\x00b": 1}, "name"),
    ],
)
def test_a_call_that_cannot_be_kept_is_refused_with_its_place(api: FlaskClient, value: object, place: str) -> None:
    answer = api.post("/api/v1/topics", json={"key": "news", "name": value})
    assert answer.status_code == 422
    assert list(answer.json["places"]) == [place]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_without_a_bottom_is_refused(api: FlaskClient, opening: str) -> None:
    for depth in (70, 900, 100_000):
        nested = opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth
        answer = api.post("/api/v1/topics", data=nested, content_type="application/json")
        assert answer.status_code == 422
        assert "nested too deeply" in answer.json["message"]


def test_the_deepest_rule_gets_to_those_who_read_rules(api: FlaskClient) -> None:
    rule: object = {"all": []}
    for _ in range(20):
        rule = {"all": [rule]}
    answer = api.post("/api/v1/segments/count", json={"rule": rule})
    assert "16" in answer.json["message"]


def test_a_form_with_nul_is_refused_with_its_place(marketer: FlaskClient) -> None:
    answer = marketer.post("/topics/new", data={"key": "news", "name": "N\x00ws"})
    assert answer.status_code == 422
    assert "not text" in answer.text


@pytest.mark.parametrize("number", [2**63, 10**40])
def test_an_id_that_fits_no_database_is_no_address(marketer: FlaskClient, api: FlaskClient, number: int) -> None:
    assert marketer.get(f"/subscribers/{number}").status_code == 404
    assert api.get(f"/api/v1/subscribers/{number}").status_code == 404
    assert api.get(f"/api/v1/subscribers?after={number}").status_code == 422


def test_nul_in_an_address_leads_nowhere(client: FlaskClient) -> None:
    assert client.get("/f/a%00b").status_code == 404


def test_pages_beyond_counting_show_the_first(marketer: FlaskClient) -> None:
    assert marketer.get("/subscribers/?page=" + "9" * 30).status_code == 200
    assert marketer.get("/subscribers/?page=²").status_code == 200


def test_only_files_may_be_large(app: APIFlask, api: FlaskClient, client: FlaskClient) -> None:
    large = b"email\n" + b"anna@example.org\n" * (MAX_BODY // 16)
    assert client.post("/f/any", data={"website": "x" * MAX_BODY}).status_code == 413
    document = json.dumps({"key": "news", "name": "x" * MAX_BODY})
    assert api.post("/api/v1/topics", data=document, content_type="application/json").status_code == 413
    assert api.post("/api/v1/imports", data=large, content_type="text/csv").status_code == 201


def test_a_password_without_an_end_is_refused(marketer: FlaskClient) -> None:
    answer = marketer.post("/settings/password", data={"password": "x" * 5000, "new_password": "y" * 5000})
    assert answer.status_code == 422


def test_arguments_of_an_address_cannot_steer_where_links_lead(marketer: FlaskClient) -> None:
    answer = marketer.get("/subscribers/?endpoint=a&_external=1&_scheme=javascript&q=anna")
    assert answer.status_code == 200
    assert "javascript:" not in answer.text
