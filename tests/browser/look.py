"""Looking at a page as people do: is it whole, does it speak their language, can everybody use it, is it alone?

In charge of: one tab and what there is to complain about in it. Not of: which pages there are.
"""

from functools import cache
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Response

# A frame holds a mail, which is looked at by itself.
_OPTIONS = {"resultTypes": ["violations"], "iframes": False}
_RUN = "options => axe.run(document, options).then(found => found.violations)"
_IS_TOO_WIDE = "document.documentElement.scrollWidth > window.innerWidth + 1"


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


class Tab:
    """A tab of a browser, with a list of complaints about what it has shown."""

    def __init__(self, context: BrowserContext, server: str) -> None:
        self.server = server
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.emulate_media(reduced_motion="reduce")
        self.page.on("request", lambda request: self._note_foreign(request.url))
        self.page.on("console", self._note_line)
        self.page.on("pageerror", lambda error: self._complain(str(error)))

    def open(self, address: str, status: int = 200) -> Response | None:
        """Go there; None where the answer is a file to keep."""
        try:
            answer = self.page.goto(self.server + address)
        except Error as error:
            if "Download is starting" in error.message:
                return None
            raise
        assert answer is not None
        if answer.status != status:
            self._complain(f"status {answer.status}")
        self.page.wait_for_selector(".htmx-request", state="detached")
        return answer

    def press(self, number: int = 0) -> None:
        """Press a button of the page's form; the answer may refuse."""
        self.page.locator("main button").nth(number).click()
        self.page.wait_for_load_state()

    def check(self, language: str) -> None:
        """Look at the page that is open."""
        spoken = self.page.get_attribute("html", "lang")
        if spoken != language:
            self._complain(f"speaks {spoken}")
        self.check_width()
        self.check_access()

    def check_width(self) -> None:
        """Nobody should have to scroll sideways (WCAG 1.4.10)."""
        if self.page.evaluate(_IS_TOO_WIDE):
            self._complain(f"wider than its {self.page.viewport_size} window")

    def check_access(self, *tags: str) -> None:
        """What axe finds, by the rules with these tags or by all: WCAG 2.1 AA and good practice."""
        self.page.evaluate(_axe())
        options = {**_OPTIONS, "runOnly": tags} if tags else _OPTIONS
        for violation in self.page.evaluate(_RUN, options):
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            self._complain(f"{violation['id']} ({violation['help']}): {nodes}")

    def _note_foreign(self, url: str) -> None:
        if not url.startswith((self.server, "data:", "about:", "blob:")):
            self._complain(f"asked a foreign host: {url}")

    def _note_line(self, line: ConsoleMessage) -> None:
        # The page's own status is known; the icon is asked for unbidden where a part of a page is opened alone.
        source = line.location["url"]
        if line.type == "error" and source != self.page.url and not source.endswith("/favicon.ico"):
            self._complain(line.text)

    def _complain(self, what: str) -> None:
        self.complaints.append(f"{self.page.url.removeprefix(self.server)}: {what}")
