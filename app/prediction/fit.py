"""Fitting the model to all customers, and writing down what it expects of each.

The parameters come from a sample, drawn evenly by id, where there are more customers than that: they are known to
three digits by then. In charge of both, and of the check on time held out.
"""

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.prediction.check import check
from app.prediction.histories import Histories, histories
from app.prediction.models import Prediction, PredictionFit
from segments.prediction import (
    Buying,
    NoFitError,
    Paying,
    alive,
    expected_payment,
    expected_purchases,
    fit_buying,
    fit_paying,
)

SAMPLE = 50_000
_WEEKS = {90: 90 / 7, 365: 365 / 7}


def refit(session: Session, now: datetime) -> None:
    """Fit anew and write every prediction; where nothing can be fitted, say so and predict nothing."""
    try:
        bought, paid, customers = fit(session, now)
        checked = check(session, fit)
    except NoFitError:
        session.execute(delete(Prediction))
        _keep(session, now, customers=0, parameters={}, check={}, problem=True)
        return
    session.execute(delete(Prediction))
    for some in histories(session, now):
        session.execute(insert(Prediction), _rows(bought, paid, some))
    parameters = {"buying": asdict(bought), "paying": asdict(paid) if paid else None}
    _keep(session, now, customers=customers, parameters=parameters, check=checked, problem=False)


def fit(session: Session, until: datetime) -> tuple[Buying, Paying | None, int]:
    """The parameters by what had happened until then, and of how many customers. Raises NoFitError."""
    import numpy as np

    parts: dict[str, list[Any]] = defaultdict(list)
    for some in histories(session, until):
        for name in ("repeats", "recency", "age", "spent"):
            parts[name].append(getattr(some, name))
    if not parts:
        raise NoFitError("nobody bought")
    columns = [np.concatenate(parts[name]) for name in ("repeats", "recency", "age", "spent")]
    customers = len(columns[0])
    repeats, recency, age, spent = (column[:: max(1, -(-customers // SAMPLE))] for column in columns)
    bought = fit_buying(repeats, recency, age, np.ones(len(age)))
    again = (repeats > 0) & (spent > 0)
    try:
        paid = fit_paying(repeats[again], spent[again] / repeats[again], np.ones(int(again.sum())))
    except NoFitError:
        paid = None
    return bought, paid, customers


def want_fit(session: Session, now: datetime) -> None:
    """Ask for it; the job looks."""
    asked = update(PredictionFit).where(PredictionFit.id == 1).values(wanted_at=now).returning(PredictionFit.id)
    if session.execute(asked).first() is None:
        empty = PredictionFit(id=1, wanted_at=now, customers=0, parameters={}, check={}, problem=False)
        session.add(empty)


def is_due(session: Session, now: datetime) -> bool:
    """Whether somebody asked, or the last fit is of another day."""
    row = session.get(PredictionFit, 1)
    if row is None or row.fitted_at is None:
        return True
    return row.wanted_at is not None or now - row.fitted_at > timedelta(hours=20)


def _keep(session: Session, now: datetime, **values: Any) -> None:
    session.merge(PredictionFit(id=1, wanted_at=None, fitted_at=now, as_of=now, **values))


def _rows(bought: Buying, paid: Paying | None, some: Histories) -> list[dict[str, Any]]:
    import numpy as np

    history = (some.repeats, some.recency, some.age)
    soon, year = (expected_purchases(bought, weeks, *history) for weeks in _WEEKS.values())
    chance = alive(bought, *history)
    each = some.spent / np.maximum(some.repeats, 1)
    worth = expected_payment(paid, some.repeats, each) if paid else each
    columns = (some.ids.tolist(), soon.tolist(), year.tolist(), chance.tolist(), np.rint(year * worth).tolist())
    return [
        {"subscriber_id": person, "purchases_90": near, "purchases_365": far, "alive": lives, "value": int(value)}
        for person, near, far, lives, value in zip(*columns, strict=True)
    ]
