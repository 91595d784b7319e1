"""What is expected of each customer, and the fit that says so."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Prediction(Base):
    """Expected purchases in the next 90 and 365 days, the probability to be still a customer (0 … 1), and what the next
    365 days will bring, in minor units. Only of people who bought."""

    __tablename__ = "prediction"
    # Derived rows go when their person does (undoing an import).
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"derived": True}},)

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    purchases_90: Mapped[float] = mapped_column(Float(53))
    purchases_365: Mapped[float] = mapped_column(Float(53))
    alive: Mapped[float] = mapped_column(Float(53))
    value: Mapped[int]


class PredictionFit(Base):
    """The parameters in force and how well they did on time held out; row 1. `problem` says why there is no fit."""

    __tablename__ = "prediction_fit"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    wanted_at: Mapped[datetime | None]
    fitted_at: Mapped[datetime | None]
    as_of: Mapped[datetime | None]
    customers: Mapped[int]
    parameters: Mapped[dict[str, Any]]
    # The held-out check: see prediction/check.py.
    check: Mapped[dict[str, Any]]
    problem: Mapped[bool]
