"""Every marketer's page, looked at in both languages and themes, wide and narrow (TRUST L16, L17)."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, BrowserContext

from app.accounts.users import User
from app.db import transaction
from tests.browser.look import Tab
from tests.browser.world import fill

pytestmark = pytest.mark.browser

# What a page looks like does not hang on the database: each look is taken once.
_LOOKS = {"sqlite": ("en", "light", 1440), "postgresql": ("de", "dark", 390)}

# What is not called by number.
_NAMED = {"name": "newsletter.de", "kind": "subscribers", "ending": "xlsx"}


def _pages(app: APIFlask) -> list[str]:
    """The address of every page that marketers can GET, with 1 for each thing it shows."""
    found = []
    for rule in app.url_map.iter_rules():
        blueprint = app.blueprints.get(rule.endpoint.partition(".")[0])
        if getattr(blueprint, "access", None) == "marketers" and "GET" in (rule.methods or ()):
            with app.test_request_context():
                asked = rule.arguments - set(rule.defaults or ())
                found.append(app.url_for(rule.endpoint, **{name: _NAMED.get(name, 1) for name in asked}))
    return sorted(found)


def test_every_page_is_whole_accessible_and_alone(
    app: APIFlask,
    database_name: str,
    server: str,
    browser: Browser,
    user: User,
    log_in: Callable[[BrowserContext, str], None],
) -> None:
    language, theme, width = _LOOKS[database_name]
    with transaction() as session:
        session.merge(user).locale = language
        fill(session)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    log_in(context, server)
    tab = Tab(context, server)
    for address in _pages(app):
        tab.open(address)
        # Parts of pages and files to keep have no frame around them.
        if tab.page.query_selector(".lb-sidebar"):
            tab.check(language)
    context.close()
    assert not tab.complaints, "\n".join(tab.complaints)
