"""The importing feature."""

from app.importing import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="importing")
