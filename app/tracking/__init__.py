"""The tracking feature: who opened and clicked, as far as each person agreed to be asked."""

from datetime import timedelta

from app.feature import Feature
from app.queue import Timed
from app.tracking import models  # noqa: F401 - its tables
from app.tracking.counts import count_readers
from app.tracking.endpoint import register
from app.tracking.fields import fields
from app.tracking.history import HISTORY
from app.tracking.jobs import ingest_hits
from app.tracking.kinds import KINDS

feature = Feature(
    name="tracking",
    event_kinds=KINDS,
    fields=fields,
    history=HISTORY,
    on_events=count_readers,
    attach=register,
    timetable=(Timed(ingest_hits, every=timedelta(seconds=2)),),
)
