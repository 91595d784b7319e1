"""The shop feature: what people bought, as facts with money, and what follows for segments, scores and mails."""

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry
from app.importing.importer import Importer
from app.shop import models  # noqa: F401 - its tables
from app.shop.conditions import CONDITIONS
from app.shop.counts import on_events_removed, tally_orders
from app.shop.fields import fields
from app.shop.history import HISTORY
from app.shop.kinds import KINDS
from app.shop.merge_tags import merge_tags


def _blueprints() -> tuple[Blueprint, ...]:
    from app.shop import api, views

    return views.blueprint, api.blueprint


def _importers() -> tuple[Importer, ...]:
    from app.shop.importing import importer

    return (importer,)


feature = Feature(
    name="shop",
    blueprints=_blueprints,
    event_kinds=KINDS,
    score_conditions=CONDITIONS,
    fields=fields,
    merge_tags=merge_tags,
    history=HISTORY,
    tally=tally_orders,
    on_events_removed=on_events_removed,
    navigation=(NavigationEntry(_l("Shop"), "shop.index", "shopping-bag", 55),),
    importers=_importers,
)
