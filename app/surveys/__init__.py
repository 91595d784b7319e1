"""What people answer when they are asked how likely they are to recommend, and what follows for segments and scores.

A leaf. Asking is not its business yet: answers come in by API and from files. Reports count them without knowing this
folder, by the measure of its kind of event.
"""

from flask import Blueprint

from app.feature import Feature
from app.importing.importer import Importer
from app.surveys.conditions import CONDITIONS
from app.surveys.counts import on_events_removed, tally_answers
from app.surveys.fields import fields
from app.surveys.history import HISTORY
from app.surveys.kinds import KINDS
from app.surveys.words import captions


def _blueprints() -> tuple[Blueprint, ...]:
    from app.surveys import api

    return (api.blueprint,)


def _importers() -> tuple[Importer, ...]:
    from app.surveys.importing import importer

    return (importer,)


feature = Feature(
    name="surveys",
    blueprints=_blueprints,
    event_kinds=KINDS,
    score_conditions=CONDITIONS,
    fields=fields,
    tally=tally_answers,
    on_events_removed=on_events_removed,
    importers=_importers,
    history=HISTORY,
    captions=captions,
)
