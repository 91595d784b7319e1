"""Predicted value: how often each customer will buy, whether she is still one, and for how much. A leaf."""

from datetime import timedelta

from flask import Blueprint

from app.feature import Feature
from app.prediction.card import card
from app.prediction.fields import fields
from app.prediction.jobs import predict
from app.queue import Timed


def _blueprints() -> tuple[Blueprint, ...]:
    from app.prediction import api, views

    return views.blueprint, api.blueprint


feature = Feature(
    name="prediction",
    blueprints=_blueprints,
    fields=fields,
    timetable=(Timed(predict, every=timedelta(hours=1)),),
    profile_cards=(card,),
)
