"""Writing mails to many: campaigns, their compilation into editions, the checklist and the way to launch."""

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.campaigns.captions import captions
from app.campaigns.conditions import CONDITIONS
from app.campaigns.uses import segment_uses
from app.feature import Feature, NavigationEntry


def _blueprints() -> tuple[Blueprint, ...]:
    from app.campaigns import api, public, release, views

    return views.blueprint, release.blueprint, public.blueprint, api.blueprint


feature = Feature(
    name="campaigns",
    blueprints=_blueprints,
    captions=captions,
    score_conditions=CONDITIONS,
    segment_uses=segment_uses,
    navigation=(NavigationEntry(_l("Campaigns"), "campaigns.index", "send", 10, shortcut="g c"),),
)
