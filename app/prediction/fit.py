"""Fitting the model to all customers, and writing down what it expects of each.

The parameters come from a sample, drawn evenly by id, where there are more customers than that: they are known to
three digits by then. In charge of both, and of the check on time held out.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
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


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a fit found: nothing is expected of anybody where `buying` is None. `check` is `check.check`'s."""

    buying: Buying | None
    paying: Paying | None = None
    customers: int = 0
    check: dict[str, Any] = field(default_factory=dict)


def learn(session: Session, now: datetime) -> Learnt:
    """Fit anew and check it; this takes seconds and writes nothing."""
    try:
        bought, paid, customers = fit(session, now)
        return Learnt(bought, paid, customers, check(session, fit))
    except NoFitError:
        return Learnt(None)


def write_some(session: Session, learnt: Learnt, after: int, some: Histories) -> int:
    """Put what is expected of these customers in the place of what was, from behind the id `after` on; the last id."""
    assert learnt.buying
    last = int(some.ids[-1])
    session.execute(delete(Prediction).where(Prediction.subscriber_id > after, Prediction.subscriber_id <= last))
    session.execute(insert(Prediction), _rows(learnt.buying, learnt.paying, some))
    return last


def finish(session: Session, learnt: Learnt, after: int, now: datetime) -> None:
    """Forget what was expected of those behind the last id, and keep the fit."""
    session.execute(delete(Prediction).where(Prediction.subscriber_id > after))
    parameters: dict[str, Any] = {}
    if learnt.buying:
        parameters = {"buying": asdict(learnt.buying), "paying": asdict(learnt.paying) if learnt.paying else None}
    session.merge(
        PredictionFit(
            id=1,
            wanted_at=None,
            fitted_at=now,
            as_of=now,
            customers=learnt.customers,
            parameters=parameters,
            check=learnt.check,
            problem=learnt.buying is None,
        )
    )


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
