"""The first run, as the person does it who installs Letterbond."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.accounts.models import Organisation, Sender
from app.accounts.setup import setup_token
from app.accounts.users import User
from app.db import reading, transaction
from app.scoring.models import ScoreRule, Tier
from app.subscribers.models import SignupForm, Topic

GIVEN = {
    "email": "me@example.org",
    "password": "correct horse battery",
    "organisation": "Käserei Müller",
    "locale": "de",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
    "sender_name": "Käserei Müller",
    "sender_address": "post@kaeserei.example",
    "imprint": "Käserei Müller GmbH, Milchweg 1, 87435 Kempten",
}


@pytest.fixture
def link(app: APIFlask) -> str:
    with transaction() as session:
        session.execute(delete(Organisation))
        token = setup_token(session, app.extensions["letterbond.tokens"])
    return f"/setup/{token}"


def test_an_installation_without_users_sends_everybody_to_the_setup(client: FlaskClient, link: str) -> None:
    assert client.get("/settings/").location == "/setup"
    assert client.get("/setup").status_code == 200


def test_the_link_makes_organisation_sender_and_admin_and_signs_in(client: FlaskClient, link: str) -> None:
    answer = client.post(link, data=GIVEN)
    assert answer.status_code == 302
    with reading() as session:
        assert session.get_one(Organisation, 1).name == "Käserei Müller"
        assert session.scalars(select(Sender)).one().imprint.endswith("Kempten")
        assert [role.name for role in session.scalars(select(User)).one().roles] == ["admin"]
    assert client.get("/settings/").status_code == 200


def test_a_new_installation_begins_with_points_tiers_a_topic_and_a_form(client: FlaskClient, link: str) -> None:
    client.post(link, data=GIVEN)
    with reading() as session:
        assert session.scalars(select(ScoreRule.per_amount).where(ScoreRule.kind == "purchased")).one() == 1000
        assert session.scalars(select(Tier.name).order_by(Tier.threshold)).all() == [
            "New",
            "Reader",
            "Regular",
            "Loyal",
        ]
        form = session.scalars(select(SignupForm)).one()
        assert (form.language, form.topic_ids) == ("de", [session.scalars(select(Topic.id)).one()])
    assert client.get(f"/f/{form.key}").status_code == 200


def test_the_link_works_once(client: FlaskClient, link: str) -> None:
    client.post(link, data=GIVEN)
    assert client.get(link).status_code == 404
    assert client.post(link, data=GIVEN).status_code == 404


def test_a_forged_link_is_not_found(client: FlaskClient, link: str) -> None:
    assert client.get(link[:-2] + "xx").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "me@"),
        ("password", "short"),
        ("imprint", ""),
        ("sender_name", "Müller\r\nBcc: x@example.org"),
        ("time_zone", "Mars/Crater"),
        ("currency", "JPY"),
    ],
)
def test_wrong_input_is_shown_beside_its_field_and_nothing_is_lost(
    client: FlaskClient, link: str, field: str, value: str
) -> None:
    answer = client.post(link, data={**GIVEN, field: value})
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert "Milchweg" in answer.text or field == "imprint"
    with reading() as session:
        assert session.get(Organisation, 1) is None
