"""The segment builder: rows and the typed sentence beside them stay in step."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from app.db import transaction
from tests import make
from tests.browser.look import Tab

pytestmark = pytest.mark.browser


def test_what_is_typed_becomes_rows_and_rows_become_a_sentence(
    server: str, browser: Browser, log_in: Callable[[BrowserContext, str], None]
) -> None:
    with transaction() as session:
        make.subscriber(session, country="DE", clicks=2)
        make.segment(session, {"all": [{"field": "country", "op": "is", "value": "DE"}]}, "Germans")
    context = browser.new_context()
    log_in(context, server)
    tab = Tab(context, server)
    tab.open("/segments/new")
    page = tab.page
    page.fill("#typed", "country is Germny")
    expect(page.locator("#misread mark")).to_have_text("Germny")
    tab.check("en")
    page.fill("#typed", "clicked >= 2")
    expect(page.locator("[name='n.0.at_least']")).to_have_value("2")
    expect(page.locator("#misread")).to_be_empty()
    expect(page.locator(".card-body[role=status]")).to_contain_text("1 person matches now")
    page.focus("[name='n.0.when']")
    page.select_option("[name='n.0.when']", "last")
    expect(page.locator("#typed")).to_have_value("clicked at least 2 times in the last 30 days")
    page.fill("[name='n.0.days']", "7")
    expect(page.locator("#typed")).to_have_value("clicked at least 2 times in the last 7 days")
    page.select_option("#against", label="Germans")
    expect(page.locator(".card-body[role=status]")).to_contain_text("only there")
    assert tab.complaints == []
    context.close()


def test_what_is_being_typed_is_not_taken_away_by_an_answer_to_the_rows(
    server: str, browser: Browser, log_in: Callable[[BrowserContext, str], None]
) -> None:
    """The answer to the last change of a row comes while somebody has begun to type."""
    with transaction() as session:
        make.subscriber(session, country="DE", clicks=2)
    context = browser.new_context()
    log_in(context, server)
    tab = Tab(context, server)
    tab.open("/segments/new")
    page = tab.page
    page.fill("[name='name']", "Readers")
    page.fill("#typed", "clicked >= 1 in 30 days")
    expect(page.locator("[name='n.0.days']")).to_have_value("30")
    with page.expect_response("**/segments/preview"):
        page.fill("[name='n.0.days']", "7")
        page.fill("#typed", "clicked >= 2 and ")
    expect(page.locator(".card-body[role=status]")).to_contain_text("in the last 7 days")
    expect(page.locator("#typed")).to_have_value("clicked >= 2 and ")
    page.fill("#typed", "clicked >= 2")
    expect(page.locator("[name='n.0.at_least']")).to_have_value("2")
    assert tab.complaints == []
    context.close()


def test_what_was_chosen_before_the_scripts_came_counts(
    server: str, browser: Browser, log_in: Callable[[BrowserContext, str], None]
) -> None:
    """A slow line: the page is there, its scripts are not."""
    context = browser.new_context()
    log_in(context, server)
    page = context.new_page()
    scripts: list[Route] = []
    page.route("**/dist/app-*.js", lambda route: scripts.append(route))
    page.goto(f"{server}/segments/new", wait_until="commit")
    page.get_by_label("What row 1 is about").select_option(label="language")
    while not scripts:
        page.wait_for_timeout(20)
    for each in scripts:
        each.continue_()
    expect(page.get_by_label("Value of row 1")).to_be_visible()
    context.close()
