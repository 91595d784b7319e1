"""Settings pages and API keys."""

from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import ApiKey, Organisation, Sender
from app.db import reading, transaction
from tests import make


def test_the_organisation_can_be_changed(marketer: FlaskClient) -> None:
    given = {"organisation": "Hofladen", "locale": "de", "time_zone": "Europe/Vienna", "currency": "EUR"}
    assert marketer.post("/settings/", data=given).status_code == 302
    with reading() as session:
        assert session.get_one(Organisation, 1).time_zone == "Europe/Vienna"


def test_a_sender_needs_an_imprint(marketer: FlaskClient) -> None:
    """TRUST L7."""
    given = {"sender_name": "Magazin", "sender_address": "redaktion@magazin.example", "imprint": ""}
    assert 'id="imprint-error"' in marketer.post("/settings/senders/new", data=given).text
    marketer.post("/settings/senders/new", data={**given, "imprint": make.IMPRINT})
    with reading() as session:
        assert session.scalars(select(Sender)).one().domain == "magazin.example"


def test_a_sender_can_be_changed(marketer: FlaskClient) -> None:
    with transaction() as session:
        sender = make.sender(session)
    given = {"sender_name": "Neu", "sender_address": sender.address, "imprint": make.IMPRINT}
    marketer.post(f"/settings/senders/{sender.id}", data=given)
    assert "Neu" in marketer.get("/settings/senders").text
    assert marketer.get("/settings/senders/999").status_code == 404


def test_an_api_key_is_shown_once_and_stored_hashed(marketer: FlaskClient) -> None:
    """TRUST S17."""
    page = marketer.post("/settings/api-keys", data={"name": "Shop"}).text
    key = next(word for word in page.split('"') if word.startswith("lb_"))
    assert key not in marketer.get("/settings/api-keys").text
    with reading() as session:
        row = session.scalars(select(ApiKey)).one()
        assert key not in (row.key_hash, row.hint)


def test_a_revoked_key_opens_nothing(marketer: FlaskClient, api: FlaskClient) -> None:
    assert api.get("/api/v1/topics").status_code == 200
    with reading() as session:
        key = session.scalars(select(ApiKey)).one()
    marketer.post(f"/settings/api-keys/{key.id}/revoke")
    assert api.get("/api/v1/topics").status_code == 401
