"""The scoring feature."""

from app.scoring import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="scoring")
