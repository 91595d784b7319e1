"""The spine: what happened, to whom, when; written in one place, read by everybody."""

from flask import Blueprint

from app.events import models  # noqa: F401 - its tables
from app.feature import Feature, History


def _blueprints() -> tuple[Blueprint, ...]:
    from app.events import api

    return (api.blueprint,)


feature = Feature(
    name="events",
    blueprints=_blueprints,
    history=History({"event": "occurred_at"}),
)
