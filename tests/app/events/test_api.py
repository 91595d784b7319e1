"""Events through the API."""

from datetime import datetime, timedelta

from flask.testing import FlaskClient

from app.db import transaction
from app.events.models import Verdict
from app.events.record import happening, record
from app.shop.kinds import PURCHASED
from app.tracking.kinds import CLICKED
from tests import make


def _three(now: datetime) -> tuple[int, int]:
    with transaction() as session:
        anna, ben = make.subscriber(session), make.subscriber(session)
        campaign = make.campaign(session)
        record(
            session,
            [
                happening(PURCHASED, anna.id, now - timedelta(days=9), value=1999),
                happening(CLICKED, anna.id, now, campaign_id=campaign.id, link=0, verdict=Verdict.HUMAN),
                happening(PURCHASED, ben.id, now, value=500),
            ],
        )
        return anna.id, ben.id


def _kinds(api: FlaskClient, query: str) -> list[str]:
    return [event["kind"] for event in api.get(f"/api/v1/events?{query}").json["items"]]


def test_events_are_listed_with_money_and_verdict(api: FlaskClient, now: datetime) -> None:
    _three(now)
    bought, clicked, _other = (
        event for event in api.get("/api/v1/events").json["items"] if event["kind"] != "tier_changed"
    )
    assert (bought["kind"], bought["value"], bought["verdict"]) == ("purchased", 19.99, None)
    assert (clicked["kind"], clicked["verdict"], clicked["link"]) == ("clicked", "human", 0)


def test_events_are_chosen_by_person_kind_and_time(api: FlaskClient, now: datetime) -> None:
    anna, _ben = _three(now)
    assert _kinds(api, f"subscriber_id={anna}") == ["purchased", "clicked"]
    assert _kinds(api, "kind=purchased") == ["purchased", "purchased"]
    assert _kinds(api, f"since={(now - timedelta(days=1)).isoformat().replace('+', '%2B')}") == ["clicked", "purchased"]


def test_pages_miss_nothing(api: FlaskClient, now: datetime) -> None:
    _three(now)
    first = api.get("/api/v1/events?limit=2").json
    second = api.get(f"/api/v1/events?limit=2&after={first['next']}").json
    assert len(first["items"]) + len(second["items"]) == 3
    assert second["next"] is None


def test_an_unknown_kind_or_a_time_without_zone_is_refused(api: FlaskClient) -> None:
    assert api.get("/api/v1/events?kind=jumped").status_code == 422
    assert api.get("/api/v1/events?since=2026-01-01T00:00:00").status_code == 422
