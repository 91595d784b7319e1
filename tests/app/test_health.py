"""What /healthz says when parts are missing."""

import json
import time
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from redis import Redis

from app.db import Database
from app.health import TICK_KEY, WORKER_KEY
from app.queue import QUEUES
from app.queue import redis as current_redis


@pytest.fixture
def alive(app: APIFlask) -> Iterator[None]:
    """Signs of life of every part."""
    now = int(time.time())
    current_redis().mset({TICK_KEY: now, **{f"{WORKER_KEY}{queue}:host-1": now - 3 for queue in QUEUES}})
    yield
    current_redis().flushall()


def test_all_is_well_when_every_part_gave_a_sign(client: FlaskClient, alive: None) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json["ok"] is True
    assert answer.json["workers"]["send"] == {"count": 1, "seconds_ago": 3}


@pytest.mark.parametrize("missing", [TICK_KEY, f"{WORKER_KEY}send:host-1"])
def test_one_part_without_a_sign_is_enough(missing: str, client: FlaskClient, alive: None) -> None:
    current_redis().delete(missing)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json["ok"] is False
    assert answer.json["database"]["ok"] is True


def test_waiting_jobs_are_counted_by_queue(client: FlaskClient, alive: None) -> None:
    current_redis().rpush("rq:queue:long", "a", "b")
    assert client.get("/healthz").json["queue"]["waiting"] == {"quick": 0, "long": 2, "send": 0}


def test_a_redis_that_is_away_is_said_and_not_why(app: APIFlask, client: FlaskClient) -> None:
    here = app.extensions["letterbond.redis"]
    app.extensions["letterbond.redis"] = Redis(unix_socket_path="/secret/place.sock", retry=None)
    answer = client.get("/healthz")
    app.extensions["letterbond.redis"] = here
    assert answer.status_code == 503
    assert answer.json["queue"] == {"ok": False}
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_said_and_not_why(app: APIFlask, client: FlaskClient, alive: None) -> None:
    here = app.extensions["letterbond.database"]
    app.extensions["letterbond.database"] = Database("sqlite:////secret/place.db")
    answer = client.get("/healthz")
    app.extensions["letterbond.database"] = here
    assert answer.status_code == 503
    assert answer.json["database"] == {"ok": False}
    assert "secret" not in answer.text
    assert json.loads(answer.text)["queue"]["ok"] is True
