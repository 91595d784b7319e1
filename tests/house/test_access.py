"""Every door has somebody at it (TRUST S16)."""

import pytest
from apiflask import APIFlask
from flask import Flask
from flask.testing import FlaskClient

from app.db import transaction
from tests import make

_PARTS = {"int": "1", "string": "x", "path": "x", "default": "x"}


def _address(app: Flask, rule: object) -> str:
    values = {
        name: min(converter.items) if hasattr(converter, "items") else _part(converter)
        for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        return app.url_for(rule.endpoint, **{name: value if value != "x" else "x" for name, value in values.items()})


def _part(converter: object) -> str:
    return _PARTS.get(type(converter).__name__.removesuffix("Converter").lower(), "1")


def test_every_blueprint_declares_its_access(app: APIFlask) -> None:
    undeclared = {name for name, blueprint in app.blueprints.items() if not hasattr(blueprint, "access")}
    assert undeclared <= {"security", "openapi"}


@pytest.mark.parametrize("access", ["marketers", "machines"])
def test_no_page_behind_a_login_opens_without_one(app: APIFlask, client: FlaskClient, access: str) -> None:
    with transaction() as session:
        make.user(session)
    tried = 0
    for rule in app.url_map.iter_rules():
        blueprint = app.blueprints.get(rule.endpoint.partition(".")[0])
        if getattr(blueprint, "access", None) != access:
            continue
        for method in rule.methods - {"OPTIONS"}:
            answer = client.open(_address(app, rule), method=method)
            tried += 1
            if access == "machines":
                assert answer.status_code == 401, rule
            else:
                assert answer.status_code == 302, rule
                assert "/login" in answer.location, rule
    assert tried > 0
