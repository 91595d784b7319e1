"""A segment's page names the campaigns that use it."""

from flask.testing import FlaskClient

from app.campaigns.drafts import choose_audience
from app.db import transaction
from tests import make


def test_campaigns_that_use_a_segment_are_named_on_its_page(marketer: FlaskClient) -> None:
    with transaction() as session:
        segment = make.segment(session, {"all": []})
        choose_audience(session, make.campaign(session, name="Spring sale"), [segment.id], [], None)
    assert "Spring sale" in marketer.get(f"/segments/{segment.id}").text
