"""Predicted value: how often each customer will buy, whether she is still one, and for how much. A leaf."""

from datetime import timedelta

from app.feature import Feature
from app.prediction import api, views
from app.prediction.fields import fields
from app.prediction.jobs import predict
from app.queue import Timed

feature = Feature(
    name="prediction",
    blueprints=(views.blueprint, api.blueprint),
    fields=fields,
    timetable=(Timed(predict, every=timedelta(hours=1)),),
    profile_cards=(views.card,),
)
