"""The first page and the reports: what campaigns, segments and cohorts came to. A leaf: nobody imports it."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.feature import Feature, NavigationEntry
from app.queue import Timed
from app.reports import models  # noqa: F401 - its tables
from app.reports.jobs import build_days, post_monthly, renew


def _on_events_removed(session: Session, _people: Sequence[int]) -> None:
    from app.reports import daily

    daily.forget(session)


def _blueprints() -> tuple[Blueprint, ...]:
    from app.reports import api, people_views, setting_views, shelf, views  # noqa: F401 - two hang pages on the shelf

    return views.home, shelf.blueprint, api.blueprint


feature = Feature(
    name="reports",
    blueprints=_blueprints,
    on_events_removed=_on_events_removed,
    timetable=(
        Timed(build_days, every=timedelta(hours=1)),
        # It rings for what waits, too.
        Timed(renew, every=timedelta(minutes=5)),
        Timed(post_monthly, every=timedelta(hours=1)),
    ),
    navigation=(
        NavigationEntry(_l("Overview"), "overview.index", icon="home", position=0, shortcut="g o"),
        NavigationEntry(_l("Reports"), "reports.index", icon="chart-bar", position=60, shortcut="g r"),
    ),
)
