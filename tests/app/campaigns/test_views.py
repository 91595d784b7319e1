"""The campaign's pages, as a marketer walks through them."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.campaigns.layouts import layouts
from app.campaigns.models import Campaign, CampaignState
from app.db import reading, transaction
from app.outbox.models import Letter
from tests import make


@pytest.fixture
def campaign(app: APIFlask) -> Campaign:
    with transaction() as session:
        make.subscriber(session, "anna@example.org", first_name="Anna")
        return make.campaign(session)


def _form(**changes: str) -> dict[str, str]:
    given = {"revision": "0", "name": "N", "sender_id": "1", "subject": "News from the dairy", "language": "de"}
    return {**given, "html": make.HTML, **changes}


@pytest.mark.parametrize("layout", [layout.name for layout in layouts()])
def test_every_layout_becomes_a_draft_that_compiles(marketer: FlaskClient, layout: str) -> None:
    with transaction() as session:
        make.sender(session)
    answer = marketer.post("/campaigns/new", data={"name": "November", "layout": layout})
    page = marketer.get(answer.location)
    assert page.status_code == 200
    assert 'id="problems"' not in page.text
    preview = marketer.get(answer.location.replace("content", "preview"))
    assert "Anna" in preview.text
    assert "sandbox" in preview.headers["Content-Security-Policy"]


def test_the_list_teaches_when_it_is_empty(marketer: FlaskClient) -> None:
    assert "/campaigns/new" in marketer.get("/campaigns/").text


def test_content_is_saved_once_per_revision(marketer: FlaskClient, campaign: Campaign) -> None:
    assert marketer.post(f"/campaigns/{campaign.id}/content", data=_form()).status_code == 302
    assert marketer.post(f"/campaigns/{campaign.id}/content", data=_form()).status_code == 409


def test_autosave_gets_the_new_revision_back(marketer: FlaskClient, campaign: Campaign) -> None:
    page = marketer.post(f"/campaigns/{campaign.id}/content", data=_form(), headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert 'name="revision" type="hidden" value="1"' in page.text


def test_a_syntax_error_is_shown_with_its_line(marketer: FlaskClient, campaign: Campaign) -> None:
    broken = "<p>one</p>\n<p>{{ first_name </p>\n"
    page = marketer.post(f"/campaigns/{campaign.id}/content", data=_form(html=broken), headers={"HX-Request": "true"})
    assert "Line 2" in page.text
    assert "Line 2" in marketer.get(f"/campaigns/{campaign.id}/preview").text


def test_a_preview_speaks_to_the_chosen_subscriber(marketer: FlaskClient, campaign: Campaign) -> None:
    assert "Hello Anna" in marketer.get(f"/campaigns/{campaign.id}/preview?as=1").text
    assert "Hello friend" in marketer.get(f"/campaigns/{campaign.id}/preview?as=nobody").text
    assert "Unsubscribe" in marketer.get(f"/campaigns/{campaign.id}/preview?as=1&part=text").text


def test_a_test_mail_goes_to_the_outbox_and_is_noted(marketer: FlaskClient, campaign: Campaign) -> None:
    marketer.post(f"/campaigns/{campaign.id}/test", data={"recipient": "boss@example.org", "seen_as": "1"})
    with reading() as session:
        letter = session.scalars(select(Letter)).one()
        assert letter.subject == "[Test] News from the dairy"
        assert "Hello Anna" in letter.html
        assert session.get_one(Campaign, campaign.id).tested_revision == 0


def test_send_now_and_undo(marketer: FlaskClient, campaign: Campaign) -> None:
    marketer.post(f"/campaigns/{campaign.id}/send", data={"crash_policy": "never"})
    with reading() as session:
        row = session.get_one(Campaign, campaign.id)
        assert (row.state, row.crash_policy) == (CampaignState.HOLDING, "never")
    page = marketer.get(f"/campaigns/{campaign.id}/review").text
    assert f"/campaigns/{campaign.id}/undo" in page
    marketer.post(f"/campaigns/{campaign.id}/undo")
    with reading() as session:
        assert session.get_one(Campaign, campaign.id).state is CampaignState.DRAFT


def test_a_blocked_campaign_has_no_working_send_button(marketer: FlaskClient, campaign: Campaign) -> None:
    marketer.post(f"/campaigns/{campaign.id}/content", data=_form(html="<p>no way out</p>"))
    page = marketer.get(f"/campaigns/{campaign.id}/review").text
    assert 'class="btn btn-primary btn-lg" disabled' in page
    answer = marketer.post(f"/campaigns/{campaign.id}/send", data={"crash_policy": "resend"})
    assert answer.status_code == 422
    assert "unsubscribe" in answer.text


def test_a_time_that_the_clocks_skip_is_refused(marketer: FlaskClient, campaign: Campaign) -> None:
    """TRUST Q10: 2027-03-28 02:30 does not exist in Berlin."""
    marketer.post(f"/campaigns/{campaign.id}/schedule", data={"at": "2027-03-28T02:30", "crash_policy": "resend"})
    with reading() as session:
        assert session.get_one(Campaign, campaign.id).state is CampaignState.DRAFT
    marketer.post(f"/campaigns/{campaign.id}/schedule", data={"at": "2027-03-28T03:30", "crash_policy": "resend"})
    with reading() as session:
        send_after = session.get_one(Campaign, campaign.id).send_after
        assert send_after
        assert send_after.isoformat() == "2027-03-28T01:30:00+00:00"


def test_the_audience_is_counted_and_kept(marketer: FlaskClient, campaign: Campaign) -> None:
    with transaction() as session:
        segment = make.segment(session, {"field": "first_name", "op": "is", "value": "Nobody"})
    counted = marketer.post(f"/campaigns/{campaign.id}/audience/count", data={"included": segment.id, "topic_id": ""})
    assert ">0<" in counted.text.replace("\n", "")
    marketer.post(f"/campaigns/{campaign.id}/audience", data={"included": segment.id, "topic_id": ""})
    with reading() as session:
        assert session.get_one(Campaign, campaign.id).included == [segment.id]


def test_a_campaign_is_put_away_and_brought_back(marketer: FlaskClient, campaign: Campaign) -> None:
    marketer.post(f"/campaigns/{campaign.id}/archive")
    assert "November" not in marketer.get("/campaigns/").text
    marketer.post(f"/campaigns/{campaign.id}/unarchive")
    assert "November" in marketer.get("/campaigns/").text


def test_there_is_no_page_for_an_unknown_campaign(marketer: FlaskClient) -> None:
    assert marketer.get("/campaigns/99/content").status_code == 404


def test_a_duplicate_opens_as_a_draft(marketer: FlaskClient, campaign: Campaign) -> None:
    answer = marketer.post(f"/campaigns/{campaign.id}/duplicate")
    assert "Copy of November" in marketer.get(answer.location).text


@pytest.mark.parametrize("revision", ["", "²", "-1", str(2**31 - 1), str(2**31)])
def test_a_revision_that_never_was_overwrites_nothing(marketer: FlaskClient, campaign: Campaign, revision: str) -> None:
    answer = marketer.post(f"/campaigns/{campaign.id}/content", data=_form(revision=revision, html="<p>lost</p>"))
    assert answer.status_code == 409
    without = {name: value for name, value in _form(html="<p>lost</p>").items() if name != "revision"}
    assert marketer.post(f"/campaigns/{campaign.id}/content", data=without).status_code == 409
    with reading() as session:
        assert session.get_one(Campaign, campaign.id).html == make.HTML


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "2020-01-01T00:00", "9999-12-31T23:59x", ""])
def test_a_time_at_which_nothing_can_be_sent_is_refused(marketer: FlaskClient, campaign: Campaign, at: str) -> None:
    answer = marketer.post(f"/campaigns/{campaign.id}/schedule", data={"at": at, "crash_policy": "resend"})
    assert answer.status_code in {302, 422}
    with reading() as session:
        assert session.get_one(Campaign, campaign.id).state is CampaignState.DRAFT


@pytest.mark.parametrize("who", ["²", "9" * 30, "-1", "nobody at all"])
def test_a_preview_for_nobody_we_know_is_none_of_somebody_else(
    marketer: FlaskClient, campaign: Campaign, who: str
) -> None:
    assert "Anna" not in marketer.get(f"/campaigns/{campaign.id}/preview", query_string={"as": who}).text
