"""The subscribers feature."""

from app.subscribers import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="subscribers")
