"""The importing feature: files of people and orders, in batches that can be resumed and taken back."""

from datetime import timedelta

from app.feature import Feature
from app.importing import models  # noqa: F401 - its tables
from app.importing.jobs import ring
from app.queue import Timed

feature = Feature(name="importing", timetable=(Timed(ring, every=timedelta(seconds=30)),))
