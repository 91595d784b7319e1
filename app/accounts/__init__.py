"""Who runs this installation: login, first-run setup, the organisation, its senders and their signatures, API keys."""

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry


def _blueprints() -> tuple[Blueprint, ...]:
    from app.accounts import public, signing_views, views

    return public.blueprint, views.blueprint, signing_views.blueprint


feature = Feature(
    name="accounts",
    blueprints=_blueprints,
    navigation=(NavigationEntry(_l("Settings"), "settings.index", "settings", 90),),
)
