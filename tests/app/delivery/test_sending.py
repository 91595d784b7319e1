"""The indicator of what is going out."""

from flask.testing import FlaskClient

from app.campaigns.models import CampaignState
from app.db import transaction
from tests import make


def test_it_is_empty_while_nothing_moves(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.campaign(session, state=CampaignState.SENT)
    assert marketer.get("/sending").text.strip() == ""


def test_it_names_what_is_being_sent(marketer: FlaskClient) -> None:
    with transaction() as session:
        make.campaign(session, state=CampaignState.SENDING, name="November")
    assert "November" in marketer.get("/sending").text
    assert 'hx-get="/sending"' in marketer.get("/campaigns/").text
