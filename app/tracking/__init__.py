"""The tracking feature."""

from app.tracking import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="tracking")
