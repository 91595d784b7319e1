"""How well the model would have done: fitted to the first part of the past, compared with what came after.

The last third of the time since the first purchase is held out, at most a year. For each number of earlier repeats: how
many purchases were expected in that time, and how many there were.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.prediction.histories import first_and_last, histories, later_purchases
from segments.prediction import Buying, Paying, expected_purchases

_LONGEST = timedelta(days=365)
_SHORTEST = timedelta(days=30)
# Repeats of so many and more are one group: beyond, there are few people.
MOST = 7
SMALLEST_GROUP = 10

Fit = Callable[[Session, datetime], tuple[Buying, Paying | None, int]]


def check(session: Session, fit: Fit) -> dict[str, Any]:
    """What is kept of it, as JSON: `since` and `until` of the time held out (seconds), `customers`, `expected` and
    `actual` purchases of all, `mae` (the mean absolute error per customer), `naive` (that of giving everybody the
    mean), and `groups` of (repeats, people, expected and actual per person). Empty where too little time has passed."""
    import numpy as np

    span = first_and_last(session)
    if span is None:
        return {}
    first, last = span
    until = last + timedelta(days=1)
    held = min((until - first) / 3, _LONGEST)
    if held < _SHORTEST:
        return {}
    since = until - held
    bought, _paid, _customers = fit(session, since)
    came = later_purchases(session, since, until)
    repeats, expected, actual = [], [], []
    for some in histories(session, since):
        ahead = held / timedelta(weeks=1)
        expected.append(expected_purchases(bought, ahead, some.repeats, some.recency, some.age))
        actual.append(np.array([came.get(person, 0) for person in some.ids.tolist()], dtype=float))
        repeats.append(some.repeats)
    found, truth, times = (np.concatenate(each) for each in (expected, actual, repeats))
    return {
        "since": int(since.timestamp()),
        "until": int(until.timestamp()),
        "customers": len(truth),
        "expected": float(found.sum()),
        "actual": float(truth.sum()),
        "mae": float(np.abs(found - truth).mean()),
        "naive": float(np.abs(truth.mean() - truth).mean()),
        "groups": _groups(times, found, truth),
    }


def _groups(times: Any, found: Any, truth: Any) -> list[list[float]]:
    groups = []
    for number in range(MOST + 1):
        those = times >= MOST if number == MOST else times == number
        people = int(those.sum())
        if people >= SMALLEST_GROUP:
            groups.append([number, people, float(found[those].mean()), float(truth[those].mean())])
    return groups
