"""Every marketer's page, looked at in both languages and themes, wide and narrow (TRUST L16, L17)."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from app.accounts.models import User
from app.db import transaction
from tests.browser.world import fill

pytestmark = pytest.mark.browser

_LOOKS = [("en", "light", 1440), ("de", "dark", 390)]


def _pages(app: APIFlask) -> list[str]:
    """The address of every page that marketers can GET, with 1 for each thing it shows."""
    found = []
    for rule in app.url_map.iter_rules():
        blueprint = app.blueprints.get(rule.endpoint.partition(".")[0])
        if getattr(blueprint, "access", None) == "marketers" and "GET" in (rule.methods or ()):
            with app.test_request_context():
                found.append(app.url_for(rule.endpoint, **dict.fromkeys(rule.arguments, 1)))
    return sorted(found)


@pytest.mark.parametrize(("language", "theme", "width"), _LOOKS)
def test_every_page_is_whole_accessible_and_alone(
    app: APIFlask,
    server: str,
    browser: Browser,
    user: User,
    log_in: Callable[[BrowserContext, str], None],
    language: str,
    theme: str,
    width: int,
) -> None:
    with transaction() as session:
        session.merge(user).locale = language
        fill(session)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    log_in(context, server)
    page = context.new_page()
    complaints: list[str] = []
    page.on("request", lambda request: _note_foreign(request.url, server, complaints))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in _pages(app):
        complaints += _look(page, server, address, language)
    context.close()
    assert complaints == []


def _note_foreign(url: str, server: str, complaints: list[str]) -> None:
    if not url.startswith((server, "data:", "about:", "blob:")):
        complaints.append(f"asked a foreign host: {url}")


def _look(page: Page, server: str, address: str, language: str) -> list[str]:
    answer = page.request.get(server + address)
    if answer.status != 200:
        return [f"{address}: status {answer.status}"]
    if not answer.text().lstrip().lower().startswith("<!doctype html") or "lb-sidebar" not in answer.text():
        return []
    page.goto(server + address)
    page.wait_for_load_state("networkidle")
    found = []
    if page.get_attribute("html", "lang") != language:
        found.append(f"{address}: speaks {page.get_attribute('html', 'lang')}")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        found.append(f"{address}: wider than the window")
    for violation in Axe().run(page).response["violations"]:
        nodes = [node["html"][:160] for node in violation["nodes"][:3]]
        found.append(f"{address}: {violation['id']} ({violation['help']}): {nodes}")
    return found
