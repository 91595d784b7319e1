"""Who gets in, and who does not."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from flask_security import hash_password

from app.accounts.users import User
from app.db import transaction
from tests import make

PASSWORD = "correct horse battery"


@pytest.fixture
def user(app: APIFlask) -> User:
    with transaction() as session:
        return make.user(session, password=hash_password(PASSWORD))


def test_the_right_password_opens_the_door(client: FlaskClient, user: User) -> None:
    answer = client.post("/login", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/settings/").status_code == 200


def test_unknown_user_and_wrong_password_read_alike(client: FlaskClient, user: User) -> None:
    """TRUST S15."""
    wrong = client.post("/login", data={"email": user.email, "password": "wrong password"})
    unknown = client.post("/login", data={"email": "nobody@example.org", "password": "wrong password"})
    assert wrong.status_code == unknown.status_code == 200
    assert wrong.text.replace(user.email, "") == unknown.text.replace("nobody@example.org", "")


def test_signing_out_takes_a_post(marketer: FlaskClient) -> None:
    assert marketer.get("/logout").status_code == 405
    marketer.post("/logout")
    assert "/login" in marketer.get("/settings/").location


def test_a_new_password_ends_other_sessions(app: APIFlask, user: User) -> None:
    """TRUST S15."""
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        client.post("/login", data={"email": user.email, "password": PASSWORD})
    new = {
        "password": PASSWORD,
        "new_password": "another long one",
        "new_password_confirm": "another long one",
    }
    assert here.post("/settings/password", data=new).status_code == 302
    assert here.get("/settings/").status_code == 200
    assert "/login" in there.get("/settings/").location


def test_forms_without_csrf_token_are_refused(app: APIFlask, marketer: FlaskClient) -> None:
    """TRUST S9: a missing and a wrong token both fail."""
    app.config["WTF_CSRF_ENABLED"] = True
    assert marketer.post("/settings/api-keys", data={"name": "x"}).status_code == 400
    assert marketer.post("/settings/api-keys", data={"name": "x", "csrf_token": "wrong"}).status_code == 400


def test_the_language_is_kept_with_the_user(marketer: FlaskClient) -> None:
    answer = marketer.post("/language", data={"language": "de", "next": "/settings/"})
    assert answer.location == "/settings/"
    assert '<html lang="de">' in marketer.get("/settings/").text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_language_form_leads_nowhere_else(marketer: FlaskClient, target: str) -> None:
    assert marketer.post("/language", data={"language": "de", "next": target}).location == "/"
