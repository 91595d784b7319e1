"""The outbox feature."""

from app.feature import Feature
from app.outbox import models  # noqa: F401 - its tables

feature = Feature(name="outbox")
