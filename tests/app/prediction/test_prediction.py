"""From CDNOW's orders to what is expected of each customer: the fit, the rows, the words for rules, the pages."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select

from app.audiences.count import count
from app.audiences.reading import reader
from app.db import reading, transaction
from app.events.models import Event
from app.prediction.api import OutlookOut
from app.prediction.fit import fit, is_due, want_fit
from app.prediction.histories import histories
from app.prediction.jobs import predict, refit
from app.prediction.models import Prediction, PredictionFit
from app.prediction.page import outlook
from app.shop.kinds import PURCHASED
from segments.prediction import Buying, alive, expected_purchases
from tests import make
from tests.app.reports.test_against_plain_python import Purchases, read_orders, write
from tests.app.reports.world import happened

END = datetime(1997, 10, 1, tzinfo=UTC)
LAST = datetime(1998, 7, 1, tzinfo=UTC)


def days_of(purchases: Purchases) -> dict[int, dict[int, int]]:
    """What each customer paid on each day."""
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for one, rows in purchases.items():
        for at, cents in rows:
            found[one][int(at.timestamp()) // 86_400] += cents
    return found


@pytest.fixture
def purchases(app: APIFlask) -> Purchases:
    found = read_orders()
    with transaction() as session:
        write(session, found)
    return found


def test_histories_are_those_of_the_file(purchases: Purchases) -> None:
    end = int(END.timestamp()) // 86_400
    with reading() as session:
        (found,) = histories(session, END)
    expected = {}
    for one, days in days_of(purchases).items():
        first, *later = sorted(day for day in days if day < end)
        expected[one] = (
            len(later),
            ((later or [first])[-1] - first) / 7,
            (end - first) / 7,
            sum(days[day] for day in later),
        )
    columns = (found.repeats, found.recency, found.age, found.spent)
    assert {
        one: tuple(values) for one, *values in zip(found.ids.tolist(), *map(list, columns), strict=True)
    } == expected


def test_a_large_house_is_read_some_at_a_time(purchases: Purchases, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading() as session:
        (whole,) = histories(session, END)
        monkeypatch.setattr("app.prediction.histories._CHUNK", 1_000)
        parts = list(histories(session, END))
    assert [len(part.ids) for part in parts] == [1000, 1000, 357]
    assert np.array_equal(np.concatenate([part.spent for part in parts]), whole.spent)


def test_every_customer_has_what_the_model_says_of_her(purchases: Purchases) -> None:
    now = LAST
    refit(now)
    with reading() as session:
        bought, _paid, customers = fit(session, now)
        (past,) = histories(session, now)
        rows = {row.subscriber_id: row for row in session.scalars(select(Prediction))}
        kept = session.get_one(PredictionFit, 1)
    assert customers == len(rows) == 2357
    assert kept.parameters["buying"] == pytest.approx(
        {"r": bought.r, "alpha": bought.alpha, "a": bought.a, "b": bought.b}
    )
    chance = alive(bought, past.repeats, past.recency, past.age)
    year = expected_purchases(bought, 365 / 7, past.repeats, past.recency, past.age)
    for at in range(0, 2357, 97):
        row = rows[int(past.ids[at])]
        assert (row.alive, row.purchases_365) == pytest.approx((float(chance[at]), float(year[at])))
        assert 0 <= row.purchases_90 <= row.purchases_365
        assert row.value >= 0


def test_the_check_compares_with_what_came(purchases: Purchases) -> None:
    refit(LAST)
    with reading() as session:
        check = outlook(session).check
    assert check
    since, until = check.since, check.until
    assert timedelta(days=170) < until - since < timedelta(days=190)
    cut = int(since.timestamp())
    came = {one: {day for day, _ in rows_after(rows, cut)} for one, rows in purchases.items()}
    assert check.customers == 2357
    assert check.actual == sum(map(len, came.values()))
    assert check.expected == pytest.approx(check.actual, rel=0.15)
    assert check.mae < check.naive
    assert sum(group.people for group in check.groups) <= 2357
    assert check.groups[0].repeats == 0
    assert check.groups[-1].expected > 5 * check.groups[0].expected


def rows_after(rows: list[tuple[datetime, int]], cut: int) -> list[tuple[int, int]]:
    return [(int(at.timestamp()) // 86_400, cents) for at, cents in rows if at.timestamp() >= cut]


def test_rules_may_speak_of_it(purchases: Purchases) -> None:
    refit(LAST)
    rule = {
        "all": [
            {"field": "alive", "op": "at_least", "value": 90},
            {"field": "expected_purchases_365", "op": "at_least", "value": 2.5},
            {"field": "predicted_value", "op": "at_least", "value": 50},
        ]
    }
    with reading() as session:
        words = reader(session, LAST)
        found = count(session, words.people(rule))
        expected = session.scalar(
            select(func.count()).where(
                Prediction.alive >= 0.9,
                Prediction.purchases_365 >= 2.5,
                Prediction.value >= 5000,
            )
        )
        assert "predicted value of 365 days is at least" in words.sentence(rule, "en")
    assert found == expected
    assert found


def test_without_repeat_customers_there_is_no_prediction(marketer: FlaskClient) -> None:
    with transaction() as session:
        for _ in range(20):
            happened(session, PURCHASED, make.subscriber(session).id, "2026-10-01")
    refit(datetime(2026, 11, 1, tzinfo=UTC))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Prediction)) == 0
    page = marketer.get("/reports/prediction/").get_data(as_text=True)
    assert "needs some customers who bought again" in page


def test_the_job_fits_once_a_day_and_when_asked(app: APIFlask) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)

    def due(at: datetime) -> bool:
        with reading() as session:
            return is_due(session, at)

    assert due(now)
    refit(now)
    assert not due(now + timedelta(hours=1))
    with transaction() as session:
        want_fit(session, now)
    assert due(now + timedelta(hours=1))
    refit(now)
    assert not due(now + timedelta(hours=1))
    assert due(now + timedelta(hours=21))


def test_who_is_no_customer_any_more_loses_her_prediction(purchases: Purchases) -> None:
    refit(LAST)
    with transaction() as session:
        gone = session.scalars(select(func.max(Prediction.subscriber_id))).one()
        session.execute(delete(Event).where(Event.subscriber_id.in_([1, gone])))
    refit(LAST)
    with reading() as session:
        assert session.get(Prediction, 1) is None
        assert session.get(Prediction, gone) is None
        assert session.scalar(select(func.count()).select_from(Prediction)) == 2355


def test_page_file_card_and_api_say_it(marketer: FlaskClient, api: FlaskClient, purchases: Purchases) -> None:
    assert marketer.get("/reports/prediction/").status_code == 200
    assert marketer.post("/reports/prediction/fit").status_code == 302
    assert "being made anew" in marketer.get("/reports/prediction/").get_data(as_text=True)
    predict()
    page = marketer.get("/reports/prediction/").get_data(as_text=True)
    assert "being made anew" not in page
    found = api.get("/api/v1/reports/prediction").json
    assert found["customers"] == 2357
    assert f"{found['check']['mae']:.3f}" in page
    lines = marketer.get("/reports/prediction/calibration.csv").data.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(found["check"]["groups"])
    assert b"Still a customer" in marketer.get("/subscribers/1").data


def test_a_program_can_have_it_made_anew(api: FlaskClient, purchases: Purchases) -> None:
    asked = api.post("/api/v1/reports/prediction")
    assert (asked.status_code, asked.json["is_wanted"], asked.json["is_fitted"]) == (202, True, False)
    predict()
    found = api.get("/api/v1/reports/prediction").json
    assert (found["is_wanted"], found["is_fitted"]) == (False, True)


def test_the_example_of_the_api_is_of_its_shape() -> None:
    (example,) = OutlookOut.model_json_schema(mode="serialization")["examples"]
    assert OutlookOut.model_validate(example).model_dump(mode="json") == example
    assert Buying(**example["parameters"]["buying"]).r == 0.243
