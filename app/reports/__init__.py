"""The reports feature."""

from app.feature import Feature

feature = Feature(name="reports")
