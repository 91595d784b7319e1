"""Segments for machines."""

import pytest
from flask.testing import FlaskClient

from app.audiences.jobs import refresh_segments
from app.db import transaction
from tests import make

GERMANY = {"field": "country", "op": "is", "value": "DE"}


def test_a_segment_is_made_changed_and_put_away(api: FlaskClient) -> None:
    made = api.post("/api/v1/segments", json={"name": "Germans", "rule": {"all": [GERMANY]}})
    assert made.status_code == 201
    assert made.json
    assert made.json["sentence"] == {"en": "country is Germany", "de": "Land ist Deutschland"}
    path = f"/api/v1/segments/{made.json['id']}"
    assert api.patch(path, json={"name": "Deutsche"}).json["name"] == "Deutsche"  # type: ignore[index]
    assert api.get(path).json["rule"] == {"all": [GERMANY]}  # type: ignore[index]
    assert api.delete(path).status_code == 204
    assert api.get("/api/v1/segments").json == {"items": [], "next": None}
    assert api.get(path).json["archived_at"]  # type: ignore[index]


def test_a_wrong_rule_is_refused_with_its_place(api: FlaskClient) -> None:
    answer = api.post(
        "/api/v1/segments", json={"name": "X", "rule": {"all": [{"field": "country", "op": "is", "value": 1.5}]}}
    )
    assert answer.status_code == 422
    assert answer.json
    assert "rule.all[0].value" in answer.json["places"]


def test_a_rule_is_counted_without_saving_it(api: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, country="DE")
        make.subscriber(session, country="AT")
    answer = api.post("/api/v1/segments/count", json={"rule": GERMANY})
    assert answer.json == {"count": 1, "sentence": {"en": "country is Germany", "de": "Land ist Deutschland"}}


def test_members_come_in_pages(api: FlaskClient) -> None:
    with transaction() as session:
        people = [make.subscriber(session, country="DE").id for _ in range(5)]
        segment = make.segment(session, GERMANY).id
    refresh_segments()
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = api.get(f"/api/v1/segments/{segment}/members?limit=2&after={after}").json
        assert page
        seen += [member["id"] for member in page["items"]]
        after = page["next"]
    assert seen == people


def test_a_broken_segment_is_listed_with_its_problem(api: FlaskClient) -> None:
    with transaction() as session:
        make.segment(session, {"field": "custom.gone", "op": "is", "value": "x"})
    (item,) = api.get("/api/v1/segments").json["items"]  # type: ignore[index]
    assert (item["problem"], item["sentence"]) == ("there is no field “custom.gone”", {})


def test_a_machine_is_told_why_somebody_is_in_a_segment(api: FlaskClient) -> None:
    english = {"field": "language", "op": "is", "value": "en"}
    with transaction() as session:
        anna = make.subscriber(session, country="DE", language="de").id
        inner = make.segment(session, {"any": [english, GERMANY]}, "Readers").id
        named = {"field": "segments", "op": "has_any", "value": [str(inner)]}
        segment = make.segment(session, {"all": [named, {"not": GERMANY}]}, "Abroad").id
        broken = make.segment(session, {"field": "custom.gone", "op": "is", "value": "x"}, "Broken").id
    path = f"/api/v1/segments/{segment}/why/{anna}"
    why = api.get(path).json
    assert why
    assert (why["is_in"], why["counts"]) == (False, True)
    inside, outside = why["judgement"]["parts"]
    assert (inside["holds"], inside["decides"], outside["holds"], outside["decides"]) == (True, False, False, True)
    (leaf,) = outside["parts"]
    assert (leaf["text"], leaf["fact"]) == ("country is Germany", "Germany")
    assert inside["text"] == "segments include Readers"
    assert "language is English" in str(inside["parts"])
    german = api.get(f"{path}?language=de").json
    assert german
    assert german["judgement"]["parts"][1]["parts"][0]["text"] == "Land ist Deutschland"
    assert api.get(f"/api/v1/segments/{segment}/why/4711").status_code == 404
    assert api.get(f"/api/v1/segments/4711/why/{anna}").status_code == 404
    assert api.get(f"/api/v1/segments/{broken}/why/{anna}").status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/segments", "/api/v1/segments/1", "/api/v1/segments/1/members"])
def test_without_a_key_there_is_no_answer(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401
