"""The delivery feature: from a released campaign to mails at the relay, and the ledger of them all."""

from datetime import timedelta

from flask import Blueprint

from app.delivery import models  # noqa: F401 - its tables
from app.delivery.brake import watch_complaints
from app.delivery.fields import fields
from app.delivery.history import HISTORY
from app.delivery.jobs import launch_due, look_after_campaigns
from app.delivery.kinds import KINDS
from app.delivery.timeline import timeline
from app.feature import Feature
from app.queue import Timed


def _blueprints() -> tuple[Blueprint, ...]:
    from app.delivery import api, sending, views

    return views.blueprint, sending.blueprint, api.blueprint


feature = Feature(
    name="delivery",
    blueprints=_blueprints,
    event_kinds=KINDS,
    fields=fields,
    on_events=watch_complaints,
    history=HISTORY,
    timeline=timeline,
    timetable=(
        Timed(launch_due, every=timedelta(seconds=1)),
        Timed(look_after_campaigns, every=timedelta(seconds=5)),
    ),
)
