"""The importing feature: files of people, orders and answers, in batches that can be resumed and taken back."""

from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry
from app.importing import models  # noqa: F401 - its tables
from app.importing.jobs import ring
from app.queue import Timed


def _blueprints() -> tuple[Blueprint, ...]:
    from app.importing import api, views

    return views.blueprint, api.blueprint


feature = Feature(
    name="importing",
    blueprints=_blueprints,
    timetable=(Timed(ring, every=timedelta(seconds=30)),),
    navigation=(NavigationEntry(_l("Import"), "importing.index", "upload", 40),),
)
