"""Scores and tiers: what engagement is worth, how it fades, and the names it has."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.db import utc_now
from app.feature import Feature, NavigationEntry
from app.queue import Timed
from app.scoring.apply import tally_scores
from app.scoring.card import score_card
from app.scoring.defaults import defaults
from app.scoring.history import HISTORY
from app.scoring.jobs import keep_scores
from app.scoring.kinds import KINDS
from app.scoring.rebuild import rebuild as rebuild_scores
from app.scoring.words import captions, fields, merge_tags


def _on_events_removed(session: Session, people: Sequence[int]) -> None:
    rebuild_scores(session, utc_now(), people)


def _blueprints() -> tuple[Blueprint, ...]:
    from app.scoring import api, person_views, views

    return views.blueprint, person_views.blueprint, api.blueprint


feature = Feature(
    name="scoring",
    blueprints=_blueprints,
    event_kinds=KINDS,
    fields=fields,
    merge_tags=merge_tags,
    tally=tally_scores,
    on_events_removed=_on_events_removed,
    timetable=(Timed(keep_scores, every=timedelta(hours=1)),),
    navigation=(NavigationEntry(_l("Tiers & scores"), "scoring.index", "award", 50),),
    profile_cards=(score_card,),
    captions=captions,
    history=HISTORY,
    defaults=defaults,
)
