"""Whether all parts live: `GET /healthz`, for supervisors, load balancers and the operator's eyes.

Public, so it names no host, no address and no error text. Not in charge of: restarting anything.
"""

import time
from typing import Any

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.db import reading
from app.feature import Feature
from app.queue import QUEUES, redis

# Signs of life, written by workers/runtime.py and workers/schedule.py: the time of the last one.
WORKER_KEY = "letterbond:worker:"
TICK_KEY = "letterbond:timetable"
BEAT_SECONDS = 5

blueprint = Blueprint("health", __name__)
# Said here, as app.accounts.access stands on a higher floor: everybody may ask.
blueprint.access = "visitors"  # type: ignore[attr-defined]
feature = Feature(name="health", blueprints=lambda: (blueprint,))


def health() -> dict[str, Any]:
    """The state of each part; `ok` is true when mail would go out now."""
    parts = {"database": _database(), **_queue()}
    return {"ok": all(part["ok"] for part in parts.values()), **parts}


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 when all is well, 503 otherwise."""
    state = health()
    return jsonify(state), 200 if state["ok"] else 503


def _database() -> dict[str, Any]:
    began = time.perf_counter()
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return {"ok": False}
    return {"ok": True, "ms": _ms_since(began)}


def _queue() -> dict[str, Any]:
    """What Redis knows: the queues themselves, who serves them, and the timetable."""
    began = time.perf_counter()
    try:
        waiting = {name: redis().llen(f"rq:queue:{name}") for name in QUEUES}
        seen = {name: _seen(redis().scan_iter(f"{WORKER_KEY}{name}:*")) for name in QUEUES}
        ticked = _seen([TICK_KEY])
    except RedisError:
        return {name: {"ok": False} for name in ("queue", "workers", "timetable")}
    workers = {name: {"count": len(ago), "seconds_ago": min(ago, default=None)} for name, ago in seen.items()}
    return {
        "queue": {"ok": True, "ms": _ms_since(began), "waiting": waiting},
        "workers": {"ok": all(seen.values()), **workers},
        "timetable": {"ok": bool(ticked), "seconds_ago": min(ticked, default=None)},
    }


def _seen(keys: Any) -> list[int]:
    """Seconds since each sign that has not expired."""
    now = int(time.time())
    signs = redis().mget(list(keys) or [TICK_KEY + ":none"])
    return [max(0, now - int(sign)) for sign in signs if sign is not None]


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
