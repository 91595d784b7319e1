"""The campaigns feature."""

from app.campaigns import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="campaigns")
