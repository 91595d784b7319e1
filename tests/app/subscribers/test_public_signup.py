"""The signup form as strangers and machines use it."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import transaction, utc_now
from app.subscribers import public_signup
from app.subscribers.custom_fields import add_field
from app.subscribers.lifecycle import suppress
from app.subscribers.limits import PER_HOUR
from app.subscribers.models import ConsentRecord, FieldKind, SignupForm, Standing, Status, SuppressionReason
from app.tokens import Purpose
from tests import make
from tests.app.subscribers.people import form, letters

Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def _answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_signup, "ANSWER_SECONDS", 0.0)


@pytest.fixture
def form_id(app: APIFlask) -> int:
    with transaction() as session:
        add_field(session, "cheese", "Favourite cheese", FieldKind.CHOICE, ["Gouda", "Brie"])
        return form(session, inputs=["first_name", "country", "cheese"]).id


@pytest.fixture
def send(app: APIFlask, client: FlaskClient, form_id: int) -> Send:
    def post(email: str = "anna@example.org", seconds: float = 3, ip: str = "192.0.2.7", **values: str) -> Any:
        shown_at = int((utc_now() - timedelta(seconds=seconds)).timestamp())
        token = app.extensions["letterbond.tokens"].sign(Purpose.FORM, form_id, shown_at)
        data = {"email": email, "consent": "y", "token": token, **values}
        return client.post("/f/cheese", data=data, environ_base={"REMOTE_ADDR": ip})

    return post


def _purposes() -> list[str]:
    with transaction() as session:
        return [letter.purpose for letter in letters(session)]


def test_the_form_shows_two_empty_boxes_and_no_script(client: FlaskClient, form_id: int) -> None:
    """TRUST L4, L16."""
    page = client.get("/f/cheese").get_data(as_text=True)
    assert page.count('type="checkbox"') == 2
    assert "checked" not in page
    assert "Yes, send me the cheese letter." in page
    assert "You may learn what I read." in page
    assert "<script" not in page
    assert "Milchweg 1" in page


def test_a_sign_up_leads_to_a_mail_a_button_and_a_subscriber(client: FlaskClient, send: Send) -> None:
    answer = send(first_name="Anna", country="DE", attribute_cheese="Brie", tracking="y")
    assert b"look into your mailbox" in answer.data
    with transaction() as session:
        [letter] = letters(session)
    url = next(line for line in letter.text.splitlines() if "/confirm/" in line).removeprefix("http://localhost")
    for _ in range(3):
        assert b"<button" in client.get(url).data
    with transaction() as session:
        assert session.scalars(select(Standing)).one().status is Status.PENDING
    assert b"You are in" in client.post(url).data
    assert b"already" in client.post(url).data
    with transaction() as session:
        standing = session.scalars(select(Standing)).one()
        assert (standing.status, standing.country) == (Status.ACTIVE, "DE")


def test_known_and_unknown_addresses_get_the_same_answer(app: APIFlask, send: Send) -> None:
    """TRUST S12: the same page and status for new, active, left, complained and asked-today."""
    with transaction() as session:
        make.subscriber(session, "active@example.org")
        make.subscriber(session, "left@example.org", status=Status.UNSUBSCRIBED)
        angry = make.subscriber(session, "angry@example.org")
        suppress(session, angry.id, SuppressionReason.COMPLAINED, utc_now())
    who = ["new", "active", "left", "angry", "new"]
    answers = [send(f"{name}@example.org") for name in who]
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, answers[0].data)}
    assert _purposes() == ["confirm", "already_subscribed", "confirm"]


def test_the_time_of_the_answer_tells_nothing(app: APIFlask, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRUST S12: also for those for whom nothing is done."""
    with transaction() as session:
        angry = make.subscriber(session, "angry@example.org")
        suppress(session, angry.id, SuppressionReason.COMPLAINED, utc_now())
    monkeypatch.setattr(public_signup, "ANSWER_SECONDS", 0.3)
    for email in ("new@example.org", "angry@example.org", "new@example.org"):
        started = monotonic()
        send(email)
        assert monotonic() - started >= 0.3


@pytest.mark.parametrize(
    "values",
    [
        {"email": "not an address"},
        {"email": "anna@example.org\r\nBcc: b@example.org"},
        {"consent": ""},
        {"country": "XX"},
        {"attribute_cheese": "Emmental"},
        {"first_name": "x" * 201},
    ],
)
def test_what_does_not_fit_is_said_at_its_place(send: Send, values: dict[str, str]) -> None:
    answer = send(**values)
    assert answer.status_code == 200
    assert b'aria-invalid="true"' in answer.data
    assert _purposes() == []


@pytest.mark.parametrize("values", [{"seconds": 1}, {"seconds": 90_000}, {"token": "forged"}, {"token": ""}])
def test_what_no_person_filled_in_is_shown_once_more(send: Send, values: dict[str, Any]) -> None:
    """TRUST S12: too fast, too old, forged; and plain forms of other sites, whose entries are kept."""
    answer = send(**values)
    assert b"once more" in answer.data
    assert b"anna@example.org" in answer.data
    assert _purposes() == []


def test_a_token_of_another_form_does_not_fit(app: APIFlask, client: FlaskClient, form_id: int) -> None:
    """TRUST S12."""
    old = int(utc_now().timestamp()) - 10
    token = app.extensions["letterbond.tokens"].sign(Purpose.FORM, form_id + 1, old)
    client.post("/f/cheese", data={"email": "anna@example.org", "consent": "y", "token": token})
    assert _purposes() == []


def test_a_filled_honeypot_looks_like_success(send: Send) -> None:
    """TRUST S12."""
    assert b"look into your mailbox" in send(website="https://spam.example").data
    assert _purposes() == []


def test_one_machine_gets_few_mails_and_others_get_through(send: Send) -> None:
    """TRUST S12: per address and per neighbourhood."""
    answers = [send(f"person{number}@example.org").status_code for number in range(PER_HOUR["address"] + 3)]
    assert answers == [200] * PER_HOUR["address"] + [429] * 3
    assert len(_purposes()) == PER_HOUR["address"]
    assert send("bert@example.org", ip="198.51.100.9").status_code == 200
    neighbours = [
        send(f"n{n}@example.org", ip=f"192.0.2.{100 + n}").status_code for n in range(PER_HOUR["neighbourhood"])
    ]
    assert neighbours[-1] == 429


def test_no_machine_address_is_left_in_redis(app: APIFlask, send: Send) -> None:
    """TRUST T5."""
    send()
    redis = app.extensions["letterbond.redis"]
    assert not [key for key in redis.scan_iter() if b"192.0.2" in key]


def test_many_posts_for_one_victim_make_one_mail(send: Send) -> None:
    """TRUST S12."""
    for number in range(30):
        send("victim@example.org", ip=f"198.51.{number}.1")
    assert _purposes() == ["confirm"]


@pytest.mark.parametrize("name", ["مرحبا", "👩‍👩‍👧", "{{ 7*7 }}", "Robert'); DROP TABLE subscriber;--", "é" * 200])
def test_any_name_goes_through(client: FlaskClient, send: Send, name: str) -> None:
    assert send(first_name=name).status_code == 200
    assert _purposes() == ["confirm"]


def test_archived_and_unknown_forms_are_gone(client: FlaskClient, form_id: int) -> None:
    assert client.get("/f/nothing").status_code == 404
    with transaction() as session:
        session.get_one(SignupForm, form_id).archived_at = utc_now()
    assert client.get("/f/cheese").status_code == 404
    assert client.post("/f/cheese").status_code == 404


def test_the_page_that_was_used_is_part_of_the_proof(app: APIFlask, client: FlaskClient, form_id: int) -> None:
    """TRUST L1."""
    token = app.extensions["letterbond.tokens"].sign(Purpose.FORM, form_id, int(utc_now().timestamp()) - 5)
    data = {"email": "anna@example.org", "consent": "y", "token": token}
    client.post("/f/cheese", data=data, headers={"Referer": "https://shop.example/join"})
    with transaction() as session:
        assert session.scalars(select(ConsentRecord)).one().page_url == "https://shop.example/join"
