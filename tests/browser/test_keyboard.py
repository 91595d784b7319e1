"""All can be done without a mouse, and one sees where one is (TRUST L17; WCAG 2.1.1, 2.1.2, 2.4.3, 2.4.7)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.campaigns.editions import freeze
from app.campaigns.models import Campaign, CampaignState
from app.db import transaction
from tests.browser.world import NOW, fill

pytestmark = pytest.mark.browser

# The focused element, also inside of the editor's shadow; it or a box around it has to be marked.
_FOCUS = """async () => {
  // A frame of another origin takes the focus by way of another process.
  if (document.activeElement.matches("iframe")) await new Promise((done) => setTimeout(done, 200));
  let focused = document.activeElement;
  while (focused.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const box = focused.getBoundingClientRect();
  const marked = (element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  };
  let isMarked = false;
  for (let at = focused, up = 0; at && up < 4; at = at.parentElement ?? at.getRootNode().host, up++)
    isMarked ||= marked(at);
  const isSeen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  return { html: focused.outerHTML.slice(0, 150), isBody: focused === document.body, isSeen, isMarked,
           tabindex: focused.tabIndex, inMain: Boolean(focused.getRootNode().host || focused.closest("main")) };
}"""


@pytest.fixture
def page(app: APIFlask, server: str, browser: Browser, log_in: Callable[[BrowserContext, str], None]) -> Iterator[Page]:
    with transaction() as session:
        fill(session)
    context = browser.new_context(base_url=server, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    log_in(context, server)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def _walk(page: Page) -> list[dict[str, Any]]:
    """Press Tab until the page is left; what had the focus."""
    found = []
    for _press in range(200):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus["isBody"]:
            return found
        found.append(focus)
    raise AssertionError(f"the focus is caught: {found[-5:]}")


@pytest.mark.parametrize(
    "address", ["/campaigns/2/content", "/campaigns/2/review", "/segments/1/edit", "/segments/new"]
)
def test_tab_goes_through_the_whole_page_and_shows_where_it_is(page: Page, address: str) -> None:
    page.goto(address)
    found = _walk(page)
    assert found[0]["html"].startswith('<a class="skip-link"')
    assert sum(focus["inMain"] for focus in found) > 8
    assert [focus["html"] for focus in found if not focus["isSeen"]] == []
    assert [focus["html"] for focus in found if not focus["isMarked"]] == []
    assert [focus["html"] for focus in found if focus["tabindex"] > 0] == []


def test_the_builder_keeps_the_focus_where_one_works(page: Page) -> None:
    page.goto("/segments/new")
    about = page.get_by_label("What row 1 is about")
    about.focus()
    page.keyboard.type("language")
    expect(page.get_by_label("What row 1 says of it")).to_be_visible()
    expect(about).to_be_focused()
    add = page.get_by_role("button", name="Add a row")
    add.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Row 2")).to_be_visible()
    expect(add).to_be_focused()
    page.get_by_role("button", name="Remove row 2").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Row 2")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_label("People who match")).to_be_focused()


def test_an_answer_that_comes_late_takes_no_row_back(page: Page) -> None:
    page.add_init_script("""
        const ask = window.fetch; let isFirst = true;
        window.fetch = async (...given) => {
            const answer = await ask(...given);
            if (isFirst && String(given[0]?.url ?? given[0]).includes("/segments/draft")) {
                isFirst = false;
                await new Promise(done => setTimeout(done, 800));
            }
            return answer;
        };
    """)
    page.goto("/segments/new")
    about = page.get_by_label("What row 1 is about")
    about.select_option("language")
    page.get_by_role("button", name="Add a row").click()
    expect(page.get_by_role("group", name="Row 2")).to_be_visible()
    page.wait_for_timeout(1000)
    expect(page.get_by_role("group", name="Row 2")).to_be_visible()
    expect(about).to_have_value("language")


def test_a_page_that_asks_anew_by_itself_leaves_the_focus_on_its_button(page: Page) -> None:
    with transaction() as session:
        campaign = session.get_one(Campaign, 2)
        freeze(session, campaign, NOW)
        campaign.state, campaign.send_after = CampaignState.HOLDING, NOW + timedelta(hours=1)
    page.goto("/campaigns/2/review")
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    with page.expect_response("**/review"):
        page.wait_for_timeout(100)
    page.wait_for_timeout(100)
    expect(undo).to_be_focused()


def test_tab_leaves_the_editor_of_the_mail(page: Page) -> None:
    page.goto("/campaigns/2/content")
    editor = page.get_by_role("textbox", name="HTML of the mail")
    editor.press("Tab")
    expect(page.get_by_role("button", name="Save")).to_be_focused()


@pytest.mark.parametrize("opener", ["Theme", "Account"])
def test_escape_closes_a_menu_and_goes_back_to_its_button(page: Page, opener: str) -> None:
    page.goto("/segments/")
    button = page.get_by_role("banner").get_by_role("button", name=opener)
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(button).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()


def test_escape_closes_the_list_of_shortcuts(page: Page) -> None:
    page.goto("/segments/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_escape_closes_the_navigation_of_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/segments/")
    opener = page.get_by_role("button", name="Open navigation")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("complementary").get_by_role("link", name="Campaigns")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(opener).to_have_attribute("aria-expanded", "false")
    expect(opener).to_be_focused()
