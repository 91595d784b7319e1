"""The API describes itself truly: OpenAPI 3.1, valid, with examples."""

import json

from apiflask import APIFlask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator


def _spec(client: FlaskClient) -> dict[str, object]:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return json.loads(answer.text)


def test_the_description_is_valid(client: FlaskClient) -> None:
    spec = _spec(client)
    assert str(spec["openapi"]).startswith("3.1")
    assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []


def test_every_address_of_the_api_is_described(app: APIFlask, client: FlaskClient) -> None:
    described = {path.replace("{", "<").replace("}", ">") for path in _spec(client)["paths"]}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "openapi.spec":
            assert rule.rule.replace("<int:", "<") in described, rule.rule


def test_every_call_says_what_it_is_for(client: FlaskClient) -> None:
    for path, calls in _spec(client)["paths"].items():
        for method, call in calls.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                assert call.get("summary"), f"{method} {path}"
                assert call.get("tags"), f"{method} {path}"


def test_the_shapes_carry_examples(client: FlaskClient) -> None:
    assert _spec(client)["components"]["schemas"]
    assert json.dumps(_spec(client)).count('"example') > 30
