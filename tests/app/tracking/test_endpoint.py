"""The open and click addresses: what they answer, whoever asks."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.campaigns.urls import person_urls
from app.db import database, transaction
from app.subscribers.models import TrackingMode
from app.tokens import Purpose, Tokens
from app.tracking.endpoint import PIXEL
from tests.app.tracking.conftest import TARGETS, Mail, events, take_all


def test_the_pixel_is_a_picture_that_nobody_keeps(mail: Mail) -> None:
    answer = mail.get(mail.pixel)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PIXEL, "image/gif")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("index", range(len(TARGETS)))
def test_a_link_leads_to_its_stored_target(mail: Mail, index: int) -> None:
    answer = mail.get(mail.link(index))
    assert (answer.status_code, answer.headers["Location"]) == (302, TARGETS[index])


def test_a_link_of_ones_own_leads_where_its_signature_says(mail: Mail) -> None:
    target = "https://shop.example/for/anna?size=39&x=%C3%BC#top"
    answer = mail.get(mail.dynamic(target))
    assert (answer.status_code, answer.headers["Location"]) == (302, target)
    take_all(mail.app)
    [event] = events()
    assert (event.link, event.data["target"]) == (-2, target)


@pytest.mark.parametrize("change", ["index", "token", "flip", "purpose", "none", "query"])
def test_what_was_not_signed_here_is_a_404_and_leaves_nothing(mail: Mail, change: str) -> None:
    """S6: no open redirect, no hint."""
    link = mail.link(0)
    token = link.split("/")[2]
    other = Tokens("another secret that is long enough").sign(Purpose.CLICK, mail.campaign_id, mail.subscriber_id)
    path = {
        "index": mail.link(99),
        "token": f"/c/{other}/0",
        "flip": f"/c/{token[:-2]}{'A' if token[-2] != 'A' else 'B'}{token[-1]}/0",
        "purpose": f"/o/{token}.gif",
        "none": "/c//0",
        "query": f"/c/{other}?url=https://evil.example",
    }[change]
    answer = mail.get(path)
    assert answer.status_code == 404
    assert "Location" not in answer.headers
    assert take_all(mail.app) == 0


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a.example/\r\nX: y", "ftp://a.example"],
)
def test_only_web_mail_and_telephone_links_are_followed(mail: Mail, target: str) -> None:
    """S6: even signed, a script is no target, and no line break reaches the header."""
    assert mail.get(mail.dynamic(target)).status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_are_answered_and_count_as_machines(mail: Mail, method: str) -> None:
    assert mail.get(mail.link(0), method=method).status_code in {302, 204}
    assert mail.get(mail.pixel, method=method).data == b""
    take_all(mail.app)
    assert [event.verdict for event in events()] == ["scanner", "scanner"]


def test_post_is_refused(mail: Mail) -> None:
    assert mail.get(mail.link(0), method="POST").status_code == 405


def test_while_the_database_is_away_known_links_work_and_the_hit_waits(mail: Mail) -> None:
    """Q4: the click is not lost, and counted once."""
    mail.get(mail.link(0))
    database().close()
    engine = database()._reading.kw["bind"]
    original, engine.pool = engine.pool, None
    try:
        assert mail.get(mail.link(0)).headers["Location"] == TARGETS[0]
        assert mail.get(mail.pixel).status_code == 200
    finally:
        engine.pool = original
    assert take_all(mail.app) == 3
    assert len(events()) == 3


def test_an_unknown_link_while_the_database_is_away_says_try_later(mail: Mail) -> None:
    with transaction() as session:
        session.execute(text("ALTER TABLE link RENAME TO link_away"))
    answer = mail.get(mail.link(0))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_other_pages_are_none_of_its_business(app: APIFlask, client: FlaskClient) -> None:
    assert client.get("/o/x").status_code == 404
    assert client.get("/campaigns/").status_code == 302


def test_aggregate_links_are_the_same_for_everybody(app: APIFlask) -> None:
    """L8."""
    tokens = app.extensions["letterbond.tokens"]
    urls = [person_urls(tokens, "", 1, person, TrackingMode.AGGREGATE, TARGETS) for person in (1, 2)]
    assert urls[0].link(1) == urls[1].link(1)
    assert urls[0].pixel == urls[1].pixel
    direct = person_urls(tokens, "", 1, 1, TrackingMode.NONE, TARGETS)
    assert (direct.link(1), direct.pixel) == (TARGETS[1], "")
