"""The delivery feature."""

from app.delivery import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="delivery")
