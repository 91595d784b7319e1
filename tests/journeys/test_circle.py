"""The whole circle, from signup to report, by the doors that people use: browser, mail, links.

Only the clock is helped along: hits settle at once, and nobody waits a minute to undo.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from apiflask import APIFlask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

from app.accounts.models import Organisation
from app.accounts.setup import setup_token
from app.db import reading, transaction, utc_now
from app.subscribers.models import SignupForm
from app.tracking import jobs as tracking_jobs
from app.tracking.jobs import SETTLED
from tests import make
from tests.sink import Sink
from workers.demo.client import Client
from workers.demo.readers import CHROME, GMAIL, SCANNERS, Mail, read_mail

pytestmark = pytest.mark.browser

ANNA = "anna@example.org"
BOB = "bob@example.org"
MARKETER = "chef@kaeserei.example"


def test_from_signup_to_report(
    app: APIFlask,
    server: str,
    new_page: Callable[..., Page],
    sink: Sink,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TRUST L1, L2, L9, R11."""
    monkeypatch.setattr(tracking_jobs, "utc_now", lambda: utc_now() + SETTLED)
    marketer = new_page()
    _set_up(app, marketer)
    _somebody_else(app)

    visitor = new_page(java_script_enabled=False)
    _sign_up(app, visitor)
    work()
    _confirm(visitor, _mail(sink, ANNA))
    expect(_profile(marketer)).to_contain_text("active")

    _build_segment(marketer)
    _write_campaign(marketer, "November")
    _preview(marketer)
    _review(marketer, "English readers")
    _send_test(marketer)
    work()
    assert _mail(sink, MARKETER).subject == "[Test] Anna, freshly unpacked for you"
    _send(marketer)
    work()
    assert [recipient for _sender, recipient, _mail in sink.messages] == [ANNA, MARKETER, ANNA]

    _read(server, _mail(sink, ANNA))
    work()
    expect(_profile(marketer)).to_contain_text("17.0 points")
    expect(_profile(marketer)).to_contain_text("New → Reader")
    _check_report(marketer)

    assert Client(server).submit(str(_mail(sink, ANNA).unsubscribe), **{"List-Unsubscribe": "One-Click"}) == 200
    expect(_profile(marketer)).to_contain_text("unsubscribed")
    _write_campaign(marketer, "December")
    _review(marketer)
    _send(marketer)
    work()
    assert [recipient for _sender, recipient, _mail in sink.messages[3:]] == [BOB]


def _set_up(app: APIFlask, page: Page) -> None:
    with reading() as session:
        token = setup_token(session, app.extensions["letterbond.tokens"])
    page.goto(f"/setup/{token}")
    page.get_by_label("Your email address").fill(MARKETER)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_label("Name of your organisation").fill("Käserei Müller")
    page.get_by_label("Sender name").fill("Käserei Müller")
    page.get_by_label("Sender address").fill("post@kaeserei.example")
    page.get_by_label("Imprint").fill(make.IMPRINT)
    page.get_by_role("button", name="Set up").click()
    expect(page).to_have_url(re.compile("/settings/sending"))


def _somebody_else(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, BOB, first_name="Bob", language="de")
        session.execute(update(Organisation).values(undo_seconds=0))


def _sign_up(app: APIFlask, page: Page) -> None:
    with reading() as session:
        key = session.scalar(select(SignupForm.key))
    page.goto(f"/f/{key}")
    page.wait_for_timeout(2100)  # Nobody fills in a form faster.
    page.get_by_label("Email address").fill(ANNA)
    page.get_by_label("First name").fill("Anna")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading")).to_have_text("Please look into your mailbox")


def _mail(sink: Sink, recipient: str) -> Mail:
    """The newest mail to somebody."""
    return [read_mail(content, to) for _sender, to, content in sink.messages if to == recipient][-1]


def _confirm(page: Page, mail: Mail) -> None:
    found = re.search(r'href="([^"]+/confirm/[^"]+)"', mail.html)
    assert found
    page.goto(found[1])
    page.get_by_role("button", name="Yes, sign me up").click()
    expect(page.get_by_role("heading")).to_have_text("You are in")


def _build_segment(page: Page) -> None:
    page.goto("/segments/")
    page.get_by_role("link", name="New segment").click()
    page.get_by_label("Name").fill("English readers")
    page.get_by_label("What row 1 is about").select_option(label="language")
    page.get_by_label("Value of row 1").select_option(label="English")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("What row 2 is about").select_option(label="score")
    page.get_by_label("What row 2 says of it").select_option("at_least")
    page.get_by_label("Value of row 2").fill("10")
    expect(page.get_by_role("region", name="Who this is")).to_contain_text("1 person matches now")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("English readers")


def _write_campaign(page: Page, name: str) -> None:
    page.goto("/campaigns/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("radio", name="Newsletter · English").check()
    page.get_by_role("button", name="Create draft").click()


def _preview(page: Page) -> None:
    page.get_by_label("Person").select_option(label=f"Anna <{ANNA}>")
    page.get_by_role("button", name="Show").click()
    expect(page.frame_locator("#preview").locator("body")).to_contain_text("Anna")


def _review(page: Page, *segments: str) -> None:
    """Without a segment it goes to all active subscribers."""
    page.get_by_role("link", name="Next: audience").click()
    for segment in segments:
        page.get_by_role("group", name="Send to people").get_by_label(segment).check()
    page.get_by_role("button", name="Save and review").click()


def _send_test(page: Page) -> None:
    page.get_by_label("Personalised as").select_option(label=f"Anna <{ANNA}>")
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text(f"The test mail is on its way to {MARKETER}.")).to_be_visible()


def _send(page: Page) -> None:
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_role("heading", name="Released")).to_be_visible()


def _read(server: str, mail: Mail) -> None:
    """A scanner comes first; then she looks, and follows two links."""
    client = Client(server)
    assert mail.pixel
    client.visit(mail.pixel, SCANNERS[0])
    assert client.visit(mail.pixel, GMAIL) == 200
    for link in mail.links[:2]:
        assert urlsplit(link).netloc == urlsplit(server).netloc
        assert client.visit(link, CHROME) == 302


def _profile(page: Page) -> Locator:
    page.goto("/subscribers/")
    page.get_by_role("link", name="Anna").click()
    return page.locator("#main")


def _check_report(page: Page) -> None:
    page.goto("/campaigns/")
    page.get_by_role("link", name="November", exact=True).click()
    main = page.locator("#main")
    expect(main).to_contain_text("of 1 people in the audience")
    expect(main).to_contain_text("1 of 1 people measured personally")
    expect(page.get_by_role("row", name="Proxies, for people 1 0")).to_be_visible()
    expect(page.get_by_role("row", name="Scanners 1 0")).to_be_visible()
