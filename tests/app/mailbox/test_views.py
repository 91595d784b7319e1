"""The pages over the caught mail."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.config import Config
from app.mailbox.store import Caught, Store

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HTML = '<p>Hi</p><img src="http://localhost/o/token"><a href="http://localhost/c/token">Go</a><script>alert(1)</script>'


def catch(config: Config, recipient: str, subject: str = "Hello", html: str = HTML) -> None:
    raw = f"Subject: {subject}\r\nContent-Type: text/html\r\n\r\n{html}\r\n".encode()
    store = Store(config.mailbox)
    store.add([Caught(NOON, "b@shop.example", recipient, raw)])
    store.close()


def test_the_list_shows_what_was_caught(marketer: FlaskClient, config: Config) -> None:
    catch(config, "anna@example.org", "First letter")
    page = marketer.get("/mailbox/").text
    assert "anna@example.org" in page
    assert "First letter" in page


def test_an_empty_mailbox_says_how_mail_gets_there(marketer: FlaskClient) -> None:
    assert "No mail yet" in marketer.get("/mailbox/").text


def test_the_search_narrows_the_list(marketer: FlaskClient, config: Config) -> None:
    catch(config, "anna@example.org")
    catch(config, "bert@example.org")
    page = marketer.get("/mailbox/?q=bert").text
    assert "bert@example.org" in page
    assert "anna@example.org" not in page
    assert "Nothing found" in marketer.get("/mailbox/?q=nobody").text


def test_long_lists_have_pages(marketer: FlaskClient, config: Config) -> None:
    for number in range(51):
        catch(config, f"p{number:02}@example.org")
    assert "p00@example.org" not in marketer.get("/mailbox/").text
    assert "p00@example.org" in marketer.get("/mailbox/?page=2").text
    assert marketer.get("/mailbox/?page=nonsense").status_code == 200
    assert marketer.get("/mailbox/?page=-3").status_code == 200


def test_looking_at_a_mail_is_not_an_open(marketer: FlaskClient, config: Config) -> None:
    """T7: the frame loads no picture from the web, runs nothing and is of no origin."""
    catch(config, "anna@example.org")
    answer = marketer.get("/mailbox/1/html")
    policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "sandbox" in rules
    assert "script-src" not in rules


class Frames(HTMLParser):
    """The frames and scripts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.frames: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            self.frames.append(dict(attrs))


def test_a_mail_is_shown_in_a_sandboxed_frame_of_its_own(marketer: FlaskClient, config: Config) -> None:
    """S8."""
    catch(config, "anna@example.org", "<script>alert(1)</script>")
    page = marketer.get("/mailbox/1").text
    (frame,) = Frames(page).frames
    assert frame["src"] == "/mailbox/1/html"
    assert frame["sandbox"] is None
    assert "alert(1)</script>" not in page
    assert "http://localhost/c/token" in page


def test_a_link_that_is_no_web_address_cannot_be_clicked(marketer: FlaskClient, config: Config) -> None:
    """S8."""
    catch(config, "anna@example.org", html='<a href="javascript:alert(1)">x</a>')
    assert 'href="javascript:' not in marketer.get("/mailbox/1").text


def test_the_source_is_the_bytes_as_text(marketer: FlaskClient, config: Config) -> None:
    catch(config, "anna@example.org")
    answer = marketer.get("/mailbox/1/source")
    assert answer.mimetype == "text/plain"
    assert answer.data.startswith(b"Subject: Hello\r\n")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("address", ["/mailbox/7", "/mailbox/7/html", "/mailbox/7/source"])
def test_a_mail_that_is_not_there_is_not_found(address: str, marketer: FlaskClient) -> None:
    assert marketer.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/mailbox/", "/mailbox/1", "/mailbox/1/html", "/mailbox/1/source"])
def test_visitors_see_nothing(address: str, client: FlaskClient, config: Config) -> None:
    """S16."""
    catch(config, "anna@example.org")
    answer = client.get(address)
    assert answer.status_code == 302
    assert "anna@example.org" not in answer.text


def test_it_is_in_the_sidebar_only_where_mail_is_caught(marketer: FlaskClient, app: APIFlask, config: Config) -> None:
    assert 'href="/mailbox/"' in marketer.get("/settings/").text
    app.extensions["letterbond.config"] = replace(config, embedded_mailbox=False)
    assert 'href="/mailbox/"' not in marketer.get("/settings/").text
