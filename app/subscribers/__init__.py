"""People: signing up, confirming, choosing, leaving; what is known of each, and the proof of her consent."""

from datetime import timedelta

from app.feature import Feature
from app.queue import Timed
from app.subscribers import models  # noqa: F401 - its tables
from app.subscribers.fields import fields
from app.subscribers.jobs import purge
from app.subscribers.kinds import KINDS
from app.subscribers.merge_tags import merge_tags

feature = Feature(
    name="subscribers",
    event_kinds=KINDS,
    fields=fields,
    merge_tags=merge_tags,
    timetable=(Timed(purge, every=timedelta(hours=1)),),
)
