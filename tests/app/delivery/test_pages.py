"""The progress of a campaign and its ledger, as marketers and machines see them."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.campaigns.models import Campaign, CampaignState, CrashPolicy
from app.db import transaction
from app.delivery.models import Delivery, DeliveryState
from tests.app.delivery.conftest import drain, state_of
from tests.sink import Sink


def put_into_every_state(campaign_id: int) -> None:
    """One delivery in each state, with the reasons that pages show."""
    reasons = {
        DeliveryState.SKIPPED: "unsubscribed",
        DeliveryState.BOUNCED: "hard",
        DeliveryState.FAILED: "template",
        DeliveryState.UNKNOWN: "may_have_arrived",
    }
    with transaction() as session:
        rows = session.scalars(select(Delivery).where(Delivery.campaign_id == campaign_id)).all()
        for row, state in zip(rows, DeliveryState, strict=True):
            row.state, row.reason = state, reasons.get(state)
            row.reply = "550 5.1.1 <script>alert(1)</script>" if state is DeliveryState.BOUNCED else None
            row.repeats = 1 if state is DeliveryState.SENT else 0


@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.PAUSED, CampaignState.SENT])
def test_the_progress_shows_the_books_and_the_buttons_that_fit(
    marketer: FlaskClient, launched: Callable[..., int], state: CampaignState
) -> None:
    campaign_id = launched(people=8)
    put_into_every_state(campaign_id)
    with transaction() as session:
        session.execute(update(Campaign).values(state=state, pause_reason="The relay sleeps"))
    page = marketer.get(f"/campaigns/{campaign_id}/progress", headers={"HX-Request": "true"}).text
    assert "<html" not in page
    assert 'role="progressbar"' in page
    assert "unsubscribed since" in page
    assert "may have got the mail twice" in page
    assert ("every 2s" in page) is (state is CampaignState.SENDING)
    assert ("/pause" in page) is (state is CampaignState.SENDING)
    assert ("/resume" in page) is (state is CampaignState.PAUSED)
    assert ("The relay sleeps" in page) is (state is not CampaignState.SENT)
    assert "sum differs" not in page


def test_what_a_server_says_is_text_and_never_markup(marketer: FlaskClient, launched: Callable[..., int]) -> None:
    """S8: replies come from strangers."""
    campaign_id = launched(people=8)
    put_into_every_state(campaign_id)
    for path in ("progress", "deliveries?state=bounced"):
        page = marketer.get(f"/campaigns/{campaign_id}/{path}").text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


@pytest.mark.parametrize("state", [*DeliveryState, "nonsense"])
def test_the_ledger_opens_at_every_state(marketer: FlaskClient, launched: Callable[..., int], state: str) -> None:
    campaign_id = launched(people=8)
    put_into_every_state(campaign_id)
    page = marketer.get(f"/campaigns/{campaign_id}/deliveries?state={state}")
    assert page.status_code == 200
    assert page.text.count("@example.org</td>") == 1
    assert ("Send all of them again" in page.text) is (state == DeliveryState.UNKNOWN)


def test_an_empty_state_says_so(marketer: FlaskClient, launched: Callable[..., int]) -> None:
    page = marketer.get(f"/campaigns/{launched(people=1)}/deliveries?state=bounced").text
    assert "Nobody here" in page


def test_unknown_mails_are_settled_by_a_button(marketer: FlaskClient, sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=2, crash_policy=CrashPolicy.ASK)
    with transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN))
    drain(campaign_id)
    assert (state_of(campaign_id), sink.messages) == (CampaignState.SENT, [])
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/again").status_code == 302
    drain(campaign_id)
    assert len(sink.messages) == 2
    with transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN))
    answer = marketer.post(f"/campaigns/{campaign_id}/unknown/sent", follow_redirects=True)
    assert "2 mails count as sent." in answer.text


def test_where_nothing_may_go_twice_the_button_is_missing(marketer: FlaskClient, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1, crash_policy=CrashPolicy.NEVER)
    with transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.UNKNOWN))
    page = marketer.get(f"/campaigns/{campaign_id}/deliveries?state=unknown").text
    assert "Send all of them again" not in page
    assert "Count all of them as sent" in page
    assert marketer.post(f"/campaigns/{campaign_id}/unknown/again").status_code == 409


@pytest.mark.parametrize("path", ["progress", "deliveries"])
def test_a_campaign_that_does_not_exist_is_a_404(marketer: FlaskClient, path: str) -> None:
    assert marketer.get(f"/campaigns/99/{path}").status_code == 404


def test_pages_need_a_login_and_the_api_a_key(client: FlaskClient, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=1)
    assert client.get(f"/campaigns/{campaign_id}/progress").status_code == 302
    assert client.get(f"/api/v1/campaigns/{campaign_id}/books").status_code == 401


def test_machines_read_the_books(api: FlaskClient, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=8)
    put_into_every_state(campaign_id)
    books = api.get(f"/api/v1/campaigns/{campaign_id}/books").json
    assert books["balanced"] is True
    assert books["audience"] == 8
    assert books["skipped"] == {"unsubscribed": 1}
    assert books["repeated"] == 1
    assert sum(books[state] for state in DeliveryState if state != "skipped") == 7


def test_machines_read_the_ledger_page_by_page(api: FlaskClient, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=5)
    seen, after = [], 0
    while after is not None:
        page = api.get(f"/api/v1/campaigns/{campaign_id}/deliveries?state=queued&limit=2&after={after}").json
        seen += [item["subscriber_id"] for item in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert api.get(f"/api/v1/campaigns/{campaign_id}/deliveries?state=sent").json == {"items": [], "next": None}
    assert api.get(f"/api/v1/campaigns/{campaign_id}/deliveries?state=lost").status_code == 422
    assert api.get("/api/v1/campaigns/99/deliveries").status_code == 404


def test_the_jobs_carry_a_campaign_from_its_time_to_its_end(
    app: APIFlask, sink: Sink, released: Callable[..., int]
) -> None:
    """DESIGN 5.3: whatever rings, the work is found in SQL."""
    from app.delivery import jobs

    campaign_id = released(people=3)
    jobs.launch_due()
    jobs.launch_campaign(campaign_id)
    jobs.look_after_campaigns()
    jobs.drain(campaign_id)
    jobs.look_after_campaigns()
    assert (state_of(campaign_id), len(sink.messages)) == (CampaignState.SENT, 3)
    names = {key.decode() for key in app.extensions["letterbond.redis"].keys("letterbond:bell:*")}
    assert any("launch_campaign" in name for name in names)
    assert any("drain" in name for name in names)
