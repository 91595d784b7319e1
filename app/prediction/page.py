"""The prediction as one value, for its page and the API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.prediction.models import Prediction, PredictionFit


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """People who had bought `repeats` times more (the last group: so often or more) before the time held out: what was
    expected of each in it, and what came, in purchases per person."""

    repeats: int
    people: int
    expected: float
    actual: float


@dataclass(frozen=True, slots=True)
class Check:
    """The time held out, and how wrong the model was in it: `mae` is the mean absolute error in purchases per person,
    `naive` that of expecting everybody's mean of each."""

    since: datetime
    until: datetime
    customers: int
    expected: float
    actual: float
    mae: float
    naive: float
    groups: tuple[CalibrationGroup, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """`parameters` are those of BG/NBD (times in weeks) and Gamma-Gamma (money in minor units); sums over all
    customers are of the next 365 days. `is_fitted` is False before the first fit and where there is none."""

    is_fitted: bool
    has_problem: bool
    is_wanted: bool
    as_of: datetime | None
    customers: int
    parameters: dict[str, Any]
    alive: float | None
    purchases_90: float | None
    purchases_365: float | None
    value: int | None
    check: Check | None


def outlook(session: Session) -> Outlook:
    """What is expected of all, and how far that can be trusted."""
    row = session.get(PredictionFit, 1)
    fitted = row is not None and row.fitted_at is not None and not row.problem
    sums: tuple[Any, ...] = (None,) * 4
    if fitted:
        columns = (Prediction.alive, Prediction.purchases_90, Prediction.purchases_365, Prediction.value)
        sums = tuple(session.execute(select(*(func.sum(each) for each in columns))).one())
    return Outlook(
        is_fitted=fitted,
        has_problem=row is not None and row.problem,
        is_wanted=row is not None and row.wanted_at is not None,
        as_of=row.as_of if row else None,
        customers=row.customers if row else 0,
        parameters=dict(row.parameters) if row else {},
        alive=sums[0],
        purchases_90=sums[1],
        purchases_365=sums[2],
        value=None if sums[3] is None else int(sums[3]),
        check=_check(row.check) if row and row.check else None,
    )


def _check(kept: dict[str, Any]) -> Check:
    return Check(
        since=datetime.fromtimestamp(kept["since"], UTC),
        until=datetime.fromtimestamp(kept["until"], UTC),
        customers=kept["customers"],
        expected=kept["expected"],
        actual=kept["actual"],
        mae=kept["mae"],
        naive=kept["naive"],
        groups=tuple(CalibrationGroup(int(at), int(people), *rest) for at, people, *rest in kept["groups"]),
    )
