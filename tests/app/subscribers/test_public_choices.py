"""The pages behind the links of a mail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.db import transaction
from app.subscribers.erasing import erase
from app.subscribers.lifecycle import set_tracking
from app.subscribers.links import preferences_url, tracking_off_url, unsubscribe_url
from app.subscribers.models import Standing, Status, Subscriber, TrackingMode
from app.subscribers.topics import subscribe, topic_ids_of
from tests import make
from tests.app.subscribers.people import events

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Anna:
    """A subscriber and her links."""

    def __init__(self, app: APIFlask) -> None:
        tokens = app.extensions["letterbond.tokens"]
        with transaction() as session:
            news, club = make.topic(session, "news"), make.topic(session, "club")
            make.sender(session)
            person = make.subscriber(session, "anna@example.org", language="en")
            subscribe(session, person.id, [news.id, club.id], NOW)
            self.id, self.news, self.club = person.id, news.id, club.id
        self.leave = unsubscribe_url(tokens, "", self.id, 0)
        self.leave_news = unsubscribe_url(tokens, "", self.id, 0, self.news, 7)
        self.preferences = preferences_url(tokens, "", self.id, 0)
        self.tracking_off = tracking_off_url(tokens, "", self.id, 0)

    @property
    def standing(self) -> Standing:
        with transaction() as session:
            return session.get_one(Standing, self.id)

    @property
    def topics(self) -> set[int]:
        with transaction() as session:
            return topic_ids_of(session, self.id)

    @property
    def events(self) -> list[str]:
        with transaction() as session:
            return events(session, self.id)


@pytest.fixture
def anna(app: APIFlask) -> Anna:
    return Anna(app)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_one_click_unsubscribes_without_cookie_token_or_redirect(
    app: APIFlask, client: FlaskClient, anna: Anna, content_type: str
) -> None:
    """TRUST R11 (RFC 8058 §3.1): with CSRF protection on."""
    app.config["WTF_CSRF_ENABLED"] = True
    for _again in range(2):
        answer = client.post(anna.leave, data=ONE_CLICK, content_type=content_type)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert anna.standing.status is Status.UNSUBSCRIBED
    assert anna.events == ["unsubscribed"]


def test_parallel_posts_leave_once(app: APIFlask, anna: Anna) -> None:
    """TRUST R11."""
    urls = [anna.leave, anna.leave_news] * 6
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda url: app.test_client().post(url, data=ONE_CLICK).status_code, urls))
    assert codes == [200] * len(urls)
    assert anna.standing.status is Status.UNSUBSCRIBED
    assert len(anna.events) <= 2


def test_one_click_leaves_the_topic_of_its_mail(client: FlaskClient, anna: Anna) -> None:
    """TRUST R13."""
    client.post(anna.leave_news, data=ONE_CLICK)
    assert anna.standing.status is Status.ACTIVE
    assert anna.topics == {anna.club}
    assert b"everything" in client.post(anna.leave_news, data={"leave": "topic"}).data
    client.post(anna.leave_news, data={"leave": "all"})
    assert anna.standing.status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "Maybe"}, {"leave": "somebody else"}])
def test_a_post_that_says_something_else_shows_the_page(client: FlaskClient, anna: Anna, body: dict[str, str]) -> None:
    """TRUST R11."""
    answer = client.post(anna.leave, data=body)
    assert answer.status_code == 200
    assert b"<button" in answer.data
    assert anna.standing.status is Status.ACTIVE


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_opening_links_changes_nothing(client: FlaskClient, anna: Anna, method: str) -> None:
    """TRUST R12, T7."""
    for _ in range(20):
        for url in (anna.leave, anna.leave_news, anna.preferences, anna.tracking_off):
            answer = client.open(url, method=method)
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "no-store" or method == "OPTIONS"
    assert anna.standing.status is Status.ACTIVE
    assert anna.standing.tracking is TrackingMode.PERSONAL
    assert anna.topics == {anna.news, anna.club}
    assert anna.events == []


@pytest.mark.parametrize("path", ["/u/", "/preferences/", "/tracking-off/", "/confirm/"])
def test_forged_links_lead_nowhere(client: FlaskClient, anna: Anna, path: str) -> None:
    """TRUST R11: 404 without a hint."""
    token = anna.leave.removeprefix("/u/")
    altered = ("A" if token[0] != "A" else "B") + token[1:]
    swapped = token if path != "/u/" else anna.preferences.removeprefix("/preferences/")
    for forged in ("x", "ä", altered, swapped, token + "AAAA", "0" * 500):
        for method in ("GET", "POST"):
            assert client.open(path + forged, method=method, data=ONE_CLICK).status_code == 404
    assert anna.standing.status is Status.ACTIVE


def test_after_erasure_the_old_link_still_says_done(client: FlaskClient, anna: Anna) -> None:
    """TRUST R14."""
    with transaction() as session:
        erase(session, anna.id, NOW)
    for answer in (client.get(anna.leave), client.post(anna.leave, data=ONE_CLICK)):
        assert answer.status_code == 200
        assert b"no more mails" in answer.data
    assert client.get(anna.preferences).status_code == 404


def test_revoked_links_lead_nowhere(client: FlaskClient, anna: Anna) -> None:
    """TRUST R13."""
    with transaction() as session:
        session.get_one(Subscriber, anna.id).token_epoch += 1
    assert client.post(anna.leave, data=ONE_CLICK).status_code == 404
    assert client.get(anna.preferences).status_code == 404


def test_that_was_a_mistake(client: FlaskClient, anna: Anna) -> None:
    assert b"mistake" in client.post(anna.leave, data={"leave": "all"}).data
    assert b"as it was" in client.post(anna.leave + "/undo").data
    assert anna.standing.status is Status.ACTIVE
    assert anna.topics == {anna.news, anna.club}


def test_a_reader_chooses_topics_name_language_and_tracking(client: FlaskClient, anna: Anna) -> None:
    page = client.get(anna.preferences).get_data(as_text=True)
    assert page.count("checked") == 3
    given = {"topics": [str(anna.club)], "first_name": "Änne {{x}}", "language": "de"}
    assert b"Saved" in client.post(anna.preferences, data=given).data or anna.standing.language == "de"
    assert anna.topics == {anna.club}
    assert (anna.standing.language, anna.standing.tracking) == ("de", TrackingMode.NONE)
    with transaction() as session:
        assert session.get_one(Subscriber, anna.id).first_name == "Änne {{x}}"
    client.post(anna.preferences, data={**given, "tracking": "y"})
    assert anna.standing.tracking is TrackingMode.PERSONAL


def test_private_topics_can_be_left_but_not_joined(client: FlaskClient, anna: Anna) -> None:
    """TRUST S13."""
    with transaction() as session:
        staff, board = make.topic(session, "staff", is_public=False), make.topic(session, "board", is_public=False)
        subscribe(session, anna.id, [staff.id], NOW)
    page = client.get(anna.preferences).get_data(as_text=True)
    assert "Staff" in page
    assert "Board" not in page
    client.post(anna.preferences, data={"topics": [str(board.id), str(anna.news)], "language": "en"})
    assert board.id not in anna.topics
    client.post(anna.preferences, data={"topics": [str(anna.news)], "language": "en"})
    assert anna.topics == {anna.news}


def test_one_button_ends_tracking(client: FlaskClient, anna: Anna) -> None:
    """TRUST L10."""
    assert client.post(anna.tracking_off).status_code == 200
    assert anna.standing.tracking is TrackingMode.NONE
    assert anna.events == ["consent_changed"]
    with transaction() as session:
        assert not set_tracking(session, anna.id, TrackingMode.NONE, NOW, how="again")


def test_names_are_shown_as_text(client: FlaskClient, anna: Anna) -> None:
    """TRUST S8."""
    with transaction() as session:
        session.get_one(Subscriber, anna.id).first_name = '"><script>alert(1)</script>'
    assert b"<script>alert" not in client.get(anna.preferences).data
