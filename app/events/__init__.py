"""The spine: what happened, to whom, when; written in one place, read by everybody."""

from app.events import api, models  # noqa: F401 - models: its tables
from app.feature import Feature, History

feature = Feature(
    name="events",
    blueprints=(api.blueprint,),
    history=History({"event": "occurred_at"}),
)
