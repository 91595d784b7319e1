"""The importing feature: files of people and orders, in batches that can be resumed and taken back."""

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry
from app.importing import models  # noqa: F401 - its tables
from app.importing.api import blueprint as api
from app.importing.jobs import ring
from app.importing.views import blueprint
from app.queue import Timed

feature = Feature(
    name="importing",
    blueprints=(blueprint, api),
    timetable=(Timed(ring, every=timedelta(seconds=30)),),
    navigation=(NavigationEntry(_l("Import"), "importing.index", "upload", 40),),
)
