"""Letters: single mails that somebody waits for, written with the change that causes them and sent by the workers."""

from datetime import timedelta

from flask import Blueprint

from app.feature import Feature
from app.outbox import models  # noqa: F401 - its tables
from app.outbox.jobs import deliver, purge
from app.queue import Timed


def _blueprints() -> tuple[Blueprint, ...]:
    from app.outbox import views

    return (views.blueprint,)


feature = Feature(
    name="outbox",
    blueprints=_blueprints,
    timetable=(Timed(deliver, every=timedelta(seconds=15)), Timed(purge, every=timedelta(hours=6))),
)
