"""What a User-Agent header says about who sent it.

In charge of: telling image proxies, crawlers and programs from browsers and mail clients. A browser's header proves
nothing, scanners send one too (TRUST 2.2, rule 13), so the answer here is only ever "surely a machine" or "may be a
reader".
"""

import re
from functools import lru_cache
from importlib.resources import files

# Fetch an image when a person opens a mail, on her behalf: readers, not bots.
_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy|FastmailUA", re.ASCII)

# Apple's Mail Privacy Protection says exactly this; no browser does.
APPLE_PREFETCH = "Mozilla/5.0"

# Gmail loads images of some mails before anybody opens them, in the name of this browser of 2015.
GMAIL_PREFETCH = "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246"

# Programs and libraries that no list names yet; a browser's header begins with Mozilla or Opera.
_PROGRAM = re.compile(
    r"^(?!Mozilla/|Opera/)[\w.@-]*(?:http|client|request|fetch|curl|wget|python|java|ruby|perl|php|okhttp|axios|node|go-|lib|"
    r"scan|check|monitor|preview|link|url)"
    r"|(?<!cu)bot\b|(?<!cu)bot[/_;-]|crawl|spider|scrape|headless|phantomjs|selenium|puppeteer|playwright|lighthouse|"
    r"safelinks|scanner|validator|archiver|\+https?://",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_image_proxy(agent: str) -> bool:
    """Whether a mail provider loads images for its readers under this name."""
    return bool(_PROXIES.search(agent))


@lru_cache(maxsize=4096)
def is_program(agent: str) -> bool:
    """Whether this names a crawler, a library or another program, or nothing at all."""
    agent = agent.strip()
    return not agent or bool(_PROGRAM.search(agent)) or any(known.search(agent) for known in _crawlers())


@lru_cache(maxsize=1)
def _crawlers() -> tuple[re.Pattern[str], ...]:
    patterns = files("app.tracking").joinpath("data/crawlers.txt").read_text().splitlines()
    # Each on its own would cost a search per pattern, all in one more than the compiler likes.
    return tuple(re.compile("|".join(patterns[at : at + 100])) for at in range(0, len(patterns), 100))
