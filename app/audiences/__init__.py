"""The audiences feature."""

from app.audiences import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="audiences")
