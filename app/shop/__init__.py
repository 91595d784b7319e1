"""The shop feature."""

from app.shop import models  # noqa: F401 - its tables
from app.feature import Feature

feature = Feature(name="shop")
