"""People: signing up, confirming, choosing, leaving; what is known of each, and the proof of her consent."""

from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry
from app.importing.importer import Importer
from app.queue import Timed
from app.subscribers import models  # noqa: F401 - its tables
from app.subscribers.defaults import defaults
from app.subscribers.fields import fields
from app.subscribers.jobs import purge
from app.subscribers.kinds import KINDS
from app.subscribers.merge_tags import merge_tags


def _blueprints() -> tuple[Blueprint, ...]:
    from app.subscribers import (
        action_views,
        api,
        api_words,
        edit_views,
        form_views,
        public_choices,
        public_signup,
        views,
        word_views,
    )

    pages = views, edit_views, action_views, form_views, word_views, public_signup, public_choices
    return tuple(module.blueprint for module in (*pages, api, api_words))


def _importers() -> tuple[Importer, ...]:
    from app.subscribers.importing import importer

    return (importer,)


feature = Feature(
    name="subscribers",
    blueprints=_blueprints,
    event_kinds=KINDS,
    fields=fields,
    merge_tags=merge_tags,
    timetable=(Timed(purge, every=timedelta(hours=1)),),
    navigation=(
        NavigationEntry(_l("Subscribers"), "subscribers.index", "users", 20, shortcut="g s"),
        NavigationEntry(_l("Forms"), "forms.index", "forms", 35, shortcut="g f"),
    ),
    importers=_importers,
    defaults=defaults,
)
