"""The table in SQL equals the scores of each buyer, one by one."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from apiflask import APIFlask

from app.db import transaction
from app.reports.query import BordersOf, RfmQuery
from app.reports.rfm import rfm_report
from segments.rfm import Borders, RfmClass, quintiles, scores
from tests import make
from tests.app.reports.world import at

NOW = at("2026-11-21T12:00")


@pytest.mark.parametrize("borders", list(BordersOf))
def test_everybody_is_where_her_scores_say(app: APIFlask, borders: BordersOf) -> None:
    dice = random.Random(5)
    people = [
        (dice.randrange(400), dice.choice([1, 1, 1, 2, 2, 3, 5, 9, 20]), dice.randrange(500, 90_000))
        for _ in range(300)
    ]
    with transaction() as session:
        for days, orders, spent in people:
            make.subscriber(session, orders=orders, spent=spent, last_order_at=NOW - timedelta(days=days, hours=3))
        make.subscriber(session)
        found = rfm_report(session, RfmQuery(borders=borders), NOW)
    if borders is BordersOf.OWN:
        assert found.borders.recency == quintiles([days for days, _, _ in people])
        assert found.borders.orders == quintiles([orders for _, orders, _ in people])
    else:
        assert found.borders == Borders()
    each = [scores(days, orders, spent, found.borders) for days, orders, spent in people]
    classes = Counter(one.rfm_class for one in each)
    assert {name: group.people for name, group in found.classes.items() if group.people} == classes
    grid = Counter((one.recency, one.frequency) for one in each)
    for recency, row in enumerate(found.grid, 1):
        for frequency, group in enumerate(row, 1):
            assert group.people == grid[recency, frequency]
            assert (group.spent is None) == (group.people < 10)
    champions = found.classes[RfmClass.CHAMPIONS]
    paid = [spent for (_, _, spent), one in zip(people, each, strict=True) if one.rfm_class is RfmClass.CHAMPIONS]
    assert champions.spent == sum(paid)
