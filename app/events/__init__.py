"""The events feature."""

from app.events import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="events")
