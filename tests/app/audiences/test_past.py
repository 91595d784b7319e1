"""Who was in a segment on a day: on the page and in the API, by the rule of then and by the rule of today."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from app.audiences.history import sizes
from app.audiences.jobs import work_out_histories
from app.audiences.models import LASTS, Membership
from app.audiences.refresh import refresh_all
from app.audiences.segment import archive, change, create
from app.db import transaction, utc_now
from app.events.models import Verdict
from app.events.record import happening, record
from app.feature import house
from app.subscribers.models import Standing
from tests import make

pytestmark = pytest.mark.usefixtures("app")

NOW = utc_now().replace(hour=11, minute=0, second=0, microsecond=0)
GERMANY = {"all": [{"field": "country", "op": "is", "value": "DE"}]}
CLICKED = {"all": [{"field": "clicks", "op": "at_least", "value": 1}]}


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def day(days: int) -> str:
    return ago(days).date().isoformat()


def test_sizes_are_those_of_the_intervals() -> None:
    """Also of those who came, or had gone, long before the first moment."""
    stays = [(400, None), (400, 350), (200, 40), (60, 20), (60, None), (20, None), (5, 1), (0, None)]
    with transaction() as session:
        found = make.segment(session, {"all": []}).id
        for joined, left in stays:
            left_at = LASTS if left is None else ago(left)
            person = make.subscriber(session).id
            values = {"segment_id": found, "subscriber_id": person, "joined_at": ago(joined), "left_at": left_at}
            session.execute(insert(Membership).values(values))
        moments = [ago(days) + timedelta(hours=1) for days in range(90, -1, -1)]
        meant = [
            sum(ago(joined) < moment and (left is None or ago(left) >= moment) for joined, left in stays)
            for moment in moments
        ]
        assert sizes(session, found, moments) == meant


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", answer.text)))


@pytest.fixture
def segment() -> int:
    """Anna and Berta were in it for long; Berta has moved away, Cleo has come, and the rule speaks of clicks today."""
    with transaction() as session:
        names = ("Anna", "Berta", "Cleo")
        anna, berta, cleo = (
            make.subscriber(
                session, f"{name}@example.org".lower(), first_name=name, country=country, created_at=ago(40)
            ).id
            for name, country in zip(names, ("DE", "DE", "AT"), strict=True)
        )
        found = create(session, "Germans", GERMANY, ago(30)).id
        refresh_all(session, ago(30))
        for person, country in ((berta, "AT"), (cleo, "DE")):
            session.execute(update(Standing).where(Standing.subscriber_id == person).values(country=country))
        refresh_all(session, ago(20))
        click = house().kinds["clicked"]
        record(session, [happening(click, anna, ago(15), verdict=Verdict.HUMAN)])
        record(session, [happening(click, cleo, ago(5), verdict=Verdict.HUMAN)])
        change(session, found, "Clickers", CLICKED, ago(2))
        refresh_all(session, ago(2))
    return found


def test_a_day_is_compared_with_now(marketer: FlaskClient, segment: int) -> None:
    page = text(marketer.get(f"/segments/{segment}/then?on={day(25)}"))
    assert "country is Germany" in page
    assert "In it then 2 Still in it 1 50.0% Left since 1 Joined since 1 2 in it now" in page
    assert "Version 1 of the rule" in page
    assert re.search(r"Person.*Anna.*Berta", page)
    left = text(marketer.get(f"/segments/{segment}/then?on={day(25)}&who=left"))
    assert "berta@" in left
    assert "anna@" not in left
    assert "cleo@" in text(marketer.get(f"/segments/{segment}/then?on={day(25)}&who=joined"))


def test_the_segment_s_page_asks_for_a_day(marketer: FlaskClient, segment: int) -> None:
    page = marketer.get(f"/segments/{segment}").text
    assert f'action="/segments/{segment}/then"' in page
    assert 'type="date"' in page


def test_before_it_began_nobody_was_in_it(marketer: FlaskClient, segment: int) -> None:
    assert "nobody was in it before" in text(marketer.get(f"/segments/{segment}/then?on={day(35)}"))


def test_the_future_and_nonsense_are_days_too(marketer: FlaskClient, segment: int) -> None:
    assert "In it then 2 Still in it 2" in text(marketer.get(f"/segments/{segment}/then?on=9999-12-31"))
    assert "Clickers on" in text(marketer.get(f"/segments/{segment}/then?on=yesterday&by=me&who=all&after=x"))


def test_the_rule_of_today_is_worked_out_for_the_past(marketer: FlaskClient, segment: int) -> None:
    url = f"/segments/{segment}/then?on={day(10)}&by=now"
    assert "Who would have been in it" in text(marketer.get(url))
    assert marketer.post(f"/segments/{segment}/history", data={"days": 31, "on": day(10)}).status_code == 302
    assert "Being worked out" in text(marketer.get(url))
    work_out_histories()
    page = text(marketer.get(url))
    assert "number of clicks is at least 1" in page
    assert "In it then 1 Still in it 1" in page
    # The true history is what it was.
    assert "In it then 2 Still in it 2" in text(marketer.get(f"/segments/{segment}/then?on={day(10)}"))
    # And from the change on, both are one.
    assert "In it then 2" in text(marketer.get(f"/segments/{segment}/then?on={day(1)}&by=now"))


def test_a_rule_without_a_past_says_which_word_has_none(marketer: FlaskClient) -> None:
    with transaction() as session:
        segment = create(session, "Germans", GERMANY, ago(30)).id
    page = text(marketer.get(f"/segments/{segment}/then?on={day(3)}&by=now"))
    assert "only the present is known of this. country is Germany" in page
    marketer.post(f"/segments/{segment}/history", data={"days": 31})
    assert "Only the present is known of this: country is Germany" in text(marketer.get(f"/segments/{segment}/then"))


def test_a_segment_that_was_put_away_keeps_its_history(marketer: FlaskClient, segment: int) -> None:
    with transaction() as session:
        archive(session, segment, NOW)
        refresh_all(session, NOW)
    assert "In it then 2 Still in it 0" in text(marketer.get(f"/segments/{segment}/then?on={day(25)}"))


def test_machines_travel_too(api: FlaskClient, segment: int) -> None:
    url = f"/api/v1/segments/{segment}"
    seen = api.get(f"{url}/then?on={day(25)}&limit=1").json
    assert seen
    assert {name: seen[name] for name in ("version", "then", "now", "stayed", "left", "joined")} == {
        "version": 1,
        "then": 2,
        "now": 2,
        "stayed": 1,
        "left": 1,
        "joined": 1,
    }
    assert seen["sentence"]["de"] == "Land ist Deutschland"
    assert [each["email"] for each in seen["items"]] == ["anna@example.org"]
    more = api.get(f"{url}/then?on={day(25)}&after={seen['next']}").json
    assert more
    assert [each["email"] for each in more["items"]] == ["berta@example.org"]
    order = api.post(f"{url}/history", json={"days": 20})
    assert order.status_code == 202
    assert order.json
    assert (order.json["step_days"], order.json["done"]) == (1, 0.0)
    work_out_histories()
    seen = api.get(f"{url}/then?on={day(10)}&by=now").json
    assert seen
    assert (seen["then"], seen["history"]["done"]) == (1, 1.0)
    assert api.get(f"{url}/then").status_code == 422
    assert api.post(f"{url}/history", json={"days": 5000}).status_code == 422
