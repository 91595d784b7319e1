"""docs/api.md lists every call of the API, and none that is not there."""

import re
from pathlib import Path

from flask.testing import FlaskClient

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
_METHODS = "GET|POST|PUT|PATCH|DELETE"


def _documented() -> set[tuple[str, str]]:
    """`GET`, `PATCH /campaigns/{campaign_id}` are two calls: a method alone goes with the next path."""
    calls, waiting = set(), set()
    for method, path in re.findall(rf"`({_METHODS})(?: (/[^`]*))?`", DOCUMENTED.partition("## Subscribers")[2]):
        waiting.add(method)
        if path:
            calls |= {(each, path) for each in waiting}
            waiting.clear()
    return calls - {("GET", "/healthz")}


def test_the_documented_calls_are_those_of_the_description(client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").json["paths"]
    described = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, calls in paths.items()
        for method in calls
        if method.upper() in _METHODS.split("|")
    }
    assert _documented() == described
