"""The tracking feature: who opened and clicked, as far as each person agreed to be asked."""

from datetime import timedelta

from flask import Flask

from app.events.buffer import Spool
from app.feature import Feature
from app.queue import Timed
from app.tracking import models  # noqa: F401 - its tables
from app.tracking.counts import count_readers
from app.tracking.endpoint import TrackingEndpoint
from app.tracking.fields import fields
from app.tracking.history import HISTORY
from app.tracking.jobs import ingest_hits
from app.tracking.kinds import KINDS
from app.tracking.shortcut import Shortcut
from app.tracking.targets import Targets


def _attach(app: Flask) -> None:
    """Put the endpoint in front of `app`, and lay out what a server needs to answer even before that."""
    config, tokens = app.extensions["letterbond.config"], app.extensions["letterbond.tokens"]
    spool, targets = Spool(config.spool), Targets(app.extensions["letterbond.database"], config.links)
    app.extensions["letterbond.spool"] = spool
    app.extensions["letterbond.shortcut"] = Shortcut(tokens, targets)
    app.wsgi_app = TrackingEndpoint(app.wsgi_app, tokens, targets, spool)  # type: ignore[method-assign]


feature = Feature(
    name="tracking",
    event_kinds=KINDS,
    fields=fields,
    history=HISTORY,
    tally=count_readers,
    attach=_attach,
    timetable=(Timed(ingest_hits, every=timedelta(seconds=2)),),
)
