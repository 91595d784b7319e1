"""Campaigns too large to be counted while somebody waits: counted in the background, often at first."""

from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from app.campaigns.models import Campaign, CampaignState
from app.db import reading, transaction
from app.delivery.models import Delivery, Shard
from app.reports import kept
from app.reports.campaign_lines import compare_campaigns
from app.reports.campaign_report import campaign_report
from app.reports.jobs import count, renew
from app.reports.models import KeptReport
from app.reports.overview import overview
from app.subscribers.kinds import UNSUBSCRIBED
from tests import make
from tests.app.reports.world import at, delivered, happened, launched

NOW = at("2026-11-21T12:00")


@pytest.fixture
def campaign(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> int:
    """Sent to four; more than one is large."""
    monkeypatch.setattr("app.reports.kinds.LIVE_MAILS", 1)
    for place in ("kept", "campaign_lines"):
        monkeypatch.setattr(f"app.reports.{place}.LIVE_MAILS", 1)
    with transaction() as session:
        campaign = launched(session, "2026-11-01", "Autumn").id
        session.add(Shard(campaign_id=campaign, number=0, first_id=1, last_id=99, size=4, accepted=4, is_done=True))
        for number in range(4):
            person = make.subscriber(session).id
            clicked = {"clicked_at": "2026-11-02"} if number < 3 else {}
            delivered(session, campaign, person, "2026-11-01", **clicked)
        happened(session, UNSUBSCRIBED, person, "2026-11-02", campaign_id=campaign)
    return campaign


def test_its_report_is_kept(marketer: FlaskClient, campaign: int) -> None:
    address = f"/campaigns/{campaign}/report"
    waiting = marketer.get(address).get_data(as_text=True)
    assert "Count it now" in waiting
    assert "<h1" in waiting
    assert "Autumn" in waiting
    assert "CSV" not in waiting
    assert "Count it now" in marketer.get(f"{address}.csv").get_data(as_text=True)
    renew()
    count()
    page = marketer.get(address).get_data(as_text=True)
    assert "What you see is of" in page
    assert "75.0%" in page
    assert b"clicked,3" in marketer.get(f"{address}.csv").data
    assert marketer.get("/campaigns/999/report").status_code == 404


def test_the_api_answers_with_what_is_kept(api: FlaskClient, campaign: int) -> None:
    address = f"/api/v1/reports/campaigns/{campaign}"
    assert api.get(address).status_code == 409
    asked = {"kind": "campaign", "query": {"campaign_id": campaign}}
    assert api.post("/api/v1/reports/counts", json=asked).status_code == 202
    count()
    assert api.get(address).json["people"]["clicked"] == 3
    assert api.get("/api/v1/reports/campaigns/999").status_code == 404


def test_a_campaign_that_is_none_is_not_counted_for_ever(api: FlaskClient, campaign: int) -> None:
    asked = api.post("/api/v1/reports/counts", json={"kind": "campaign", "query": {"campaign_id": 999}}).json
    count()
    assert api.get(f"/api/v1/reports/counts/{asked['id']}").json["state"] == "failed"


def test_lists_say_what_the_shards_know_and_then_what_was_kept(marketer: FlaskClient, campaign: int) -> None:
    with transaction() as session:
        line = compare_campaigns(session, 5)[0]
        assert (line.audience, line.sent, line.measured, line.click_rate, line.unsubscribed) == (4, 4, None, None, None)
    for address in ("/", "/reports/"):
        assert "Autumn" in marketer.get(address).get_data(as_text=True)
    renew()
    count()
    with transaction() as session:
        line = compare_campaigns(session, 5)[0]
        assert (line.sent, line.measured, line.open_rate, line.click_rate, line.unsubscribed) == (4, 4, 75.0, 75.0, 1)


def test_a_large_one_that_is_being_sent_shows_its_progress(campaign: int) -> None:
    with transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.SENDING, finished_at=None))
        session.execute(update(Shard).values(size=1000, accepted=370))
        line = compare_campaigns(session, 5)[0]
    assert (line.audience, line.sent) == (1000, 370)


def test_the_first_page_says_the_same_with_what_is_kept(campaign: int) -> None:
    with reading() as session:
        live = overview(session, NOW)
    assert live.last.sent == 4
    _keep(campaign, NOW)
    with transaction() as session:
        # The ledger is not looked at.
        session.execute(delete(Delivery))
        assert overview(session, NOW) == live


def test_one_that_went_out_where_two_windows_meet_counts_once(campaign: int) -> None:
    _keep(campaign, NOW)
    with transaction() as session:
        meet = NOW - timedelta(days=30)
        session.execute(update(Campaign).values(started_at=meet, finished_at=meet))
        session.execute(update(Delivery).values(sent_at=meet))
        found = overview(session, NOW)
    assert (found.before.sent, found.last.sent) == (0, 4)


@pytest.mark.parametrize(("finished", "counted"), [("2026-11-03", "2026-11-02"), (None, "2026-11-05")])
def test_what_was_counted_while_it_was_sent_is_not_the_end(campaign: int, finished: str | None, counted: str) -> None:
    _keep(campaign, at(counted))
    with transaction() as session:
        ends = at(finished) if finished else None
        session.execute(update(Campaign).values(finished_at=ends))
        late = make.subscriber(session).id
        delivered(session, campaign, late, "2026-11-03")
        assert overview(session, NOW).last.sent == 5


def test_one_that_went_out_between_two_windows_is_counted_for_both(campaign: int) -> None:
    _keep(campaign, NOW)
    with transaction() as session:
        session.execute(update(Campaign).values(started_at=at("2026-10-20")))
        early = make.subscriber(session).id
        delivered(session, campaign, early, "2026-10-21")
        found = overview(session, NOW)
    assert (found.before.sent, found.last.sent) == (1, 4)


def test_the_older_it_is_the_rarer_it_is_counted(campaign: int) -> None:
    def wanted_at(now: datetime) -> bool:
        with transaction() as session:
            kept.want_campaigns(session, now)
            return session.scalars(select(KeptReport.wanted_at)).one() == now

    start = at("2026-11-01")
    assert wanted_at(start)
    for age, since, is_due in [
        (timedelta(minutes=10), timedelta(minutes=5), True),
        (timedelta(hours=24), timedelta(minutes=50), False),
        (timedelta(hours=24), timedelta(minutes=70), True),
        (timedelta(days=20), timedelta(hours=15), False),
        (timedelta(days=20), timedelta(hours=21), True),
        (timedelta(days=50), timedelta(days=25), True),
        (timedelta(days=90), timedelta(days=50), False),
    ]:
        _keep(campaign, start + age - since)
        assert wanted_at(start + age) == is_due, (age, since)


def test_of_many_that_were_never_counted_the_latest_come_first(campaign: int) -> None:
    with transaction() as session:
        ids = [launched(session, f"2026-10-{day:02}").id for day in range(1, 9)]
        session.add_all(Shard(campaign_id=each, number=0, first_id=1, last_id=9, size=4) for each in ids)
        kept.want_campaigns(session, NOW)
        asked = set(session.scalars(select(KeptReport.asked)))
    latest = [campaign, *reversed(ids)][:5]
    assert asked == {kept.CAMPAIGN.asked(kept.CampaignAsked(campaign_id=each)) for each in latest}


def _keep(campaign: int, as_of: datetime) -> None:
    """Count its report, as of then."""
    with transaction() as session:
        kept_id = kept.want(session, kept.CAMPAIGN, kept.CampaignAsked(campaign_id=campaign), as_of)
        kept.settle(session, kept_id, kept.CAMPAIGN.stored(campaign_report(session, campaign, as_of)), as_of)
