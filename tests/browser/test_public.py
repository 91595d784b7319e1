"""What visitors see, in their language, by day and night, on any screen (TRUST L16, L17): no scripts, no strangers."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, expect

from app.db import transaction
from app.errors import TooMany
from app.subscribers.limits import check_limits
from tests.browser import visits
from tests.browser.look import Tab

pytestmark = pytest.mark.browser

_LOOKS = (("light", 1280), ("light", 390), ("dark", 1280), ("dark", 320))
# Axe measures the same colours on every screen, and on the smallest one what is too small to hit.
_MEASURED = (("light", 1280), ("dark", 320))
_OTHER = {"en": "de", "de": "en"}


@pytest.fixture
def language(database_name: str) -> str:
    """What a page looks like does not hang on the database: each language is looked at once."""
    return {"sqlite": "en", "postgresql": "de"}[database_name]


@pytest.fixture
def links(app: APIFlask, language: str) -> dict[str, str]:
    with transaction() as session:
        return visits.fill(session, language)


@pytest.fixture
def tab(browser: Browser, server: str, language: str) -> Iterator[Tab]:
    context = browser.new_context(locale=language)
    yield Tab(context, server)
    context.close()


def test_every_page_is_whole_accessible_and_alone(tab: Tab, links: dict[str, str], language: str) -> None:
    for pages in (_doors, _signing_up, _confirming, _choosing, _leaving, _errors):
        for _page in pages(tab, links):
            _look(tab, language)
    assert not tab.complaints, "\n".join(tab.complaints)


# Each brings the tab to one page after the other, and says to which.


def _doors(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    tab.open("/setup")
    yield "set up first"
    for name, address in (("setup", links["setup"]), ("login", "/login")):
        tab.open(address)
        yield name
        tab.press()
        yield f"{name} refused"


def _signing_up(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    tab.open(links["form"])
    yield "form"
    tab.press()
    yield "form refused"
    tab.open(links["form"])
    tab.page.fill("#email", "berta@example.org")
    tab.page.check("#consent")
    tab.press()
    yield "form asks again who is too quick"
    tab.page.wait_for_timeout(2100)
    tab.press()
    yield "sent"


def _confirming(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    for name in ("waiting", "confirmed", "expired"):
        tab.open(links[name])
        yield f"{name} asked"
        tab.press()
        yield f"{name} answered"


def _choosing(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    tab.open(links["preferences"])
    yield "preferences"
    tab.press()
    yield "preferences saved"
    tab.page.fill("#first_name", "A" * 500)
    tab.press()
    yield "preferences refused"
    tab.open(links["tracking"])
    yield "tracking"
    tab.press()
    yield "tracking off"


def _leaving(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    tab.open(links["leave topic"])
    yield "leave a topic"
    tab.press()
    yield "left the topic"
    tab.press(1)
    yield "back"
    tab.open(links["leave"])
    yield "leave"
    tab.press()
    yield "left"
    tab.open(links["preferences"])
    yield "preferences of somebody who left"


def _errors(tab: Tab, links: dict[str, str]) -> Iterator[str]:
    for address, status in (("/u/forged", 404), (f"{links['leave']}/undo", 405)):
        tab.open(address, status)
        yield f"error {status}"
    with suppress(TooMany):
        while True:
            check_limits("127.0.0.1")
    tab.open(links["form"])
    tab.page.fill("#email", "carla@example.org")
    tab.page.check("#consent")
    tab.page.wait_for_timeout(2100)
    tab.press()
    yield "error 429"


def _look(tab: Tab, language: str) -> None:
    assert not tab.page.query_selector("script"), "there are no scripts to do without"
    assert tab.page.get_attribute("html", "lang") == language
    sheets = tab.page.eval_on_selector_all("link[rel=stylesheet]", "links => links.map(link => link.href)")
    assert len(sheets) == 1
    assert "/public-" in sheets[0]
    for theme, width in _LOOKS:
        tab.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.check_width()
        if (theme, width) in _MEASURED:
            tab.check_access()


def test_pages_speak_the_language_of_their_form_and_reader_not_of_the_browser(
    browser: Browser, server: str, links: dict[str, str], language: str
) -> None:
    with browser.new_context(locale=_OTHER[language]) as context:
        tab = Tab(context, server)
        for name in ("form", "waiting", "preferences", "leave", "tracking"):
            tab.open(links[name])
            expect(tab.page.locator("html")).to_have_attribute("lang", language)
        tab.open("/login")
        expect(tab.page.locator("html")).to_have_attribute("lang", _OTHER[language])


def test_a_mail_in_the_browser_is_readable_for_everybody(
    browser: Browser, server: str, links: dict[str, str], language: str
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        tab = Tab(context, server)
        answer = tab.open(links["mail"])
        assert answer is not None
        for width in (1280, 390, 320):
            tab.page.set_viewport_size({"width": width, "height": 800})
            tab.check_width()
        assert tab.page.get_attribute("html", "lang") == language
        html = answer.text()
    # Its policy keeps all scripts out, also axe: what is measured is a copy.
    with browser.new_context() as context:
        copy = Tab(context, server)
        copy.page.set_content(html)
        # Landmarks are for pages.
        copy.check_access("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
    assert not tab.complaints + copy.complaints, "\n".join(tab.complaints + copy.complaints)
