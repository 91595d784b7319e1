# ruff: noqa: E501 - user agents are as long as they are
"""Machine or human: a fixed table of scenes, and the user agents of the world (TRUST T1-T4)."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events.models import Verdict
from app.tracking.agents import is_image_proxy, is_program
from app.tracking.networks import Network, network_of
from app.tracking.verdict import Bursts, Hit, HitKind, Rules

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/8.0; Microsoft Outlook 16.0.17928; ms-office; MSOffice 16)"

TELEKOM, APPLE, MICROSOFT = "87.128.1.1", "104.28.28.3", "40.94.20.3"
PROOFPOINT, MIMECAST, BARRACUDA = "205.220.160.2", "41.74.203.0", "64.235.150.5"

SENT, LATER = 1_700_000_000, 1_700_003_600_000
OPEN, CLICK = HitKind.OPEN, HitKind.CLICK


def hit(kind: HitKind, agent: str, address: str = TELEKOM, *, sign: str = "", at: int = LATER, link: str = "0") -> Hit:
    return Hit(at, kind, 1, 1, "" if kind is OPEN else link, address, agent, sign)


SCENES = [
    ("a reader opens in Apple Mail without protection", hit(OPEN, SAFARI), "human"),
    ("a reader opens in Outlook", hit(OPEN, OUTLOOK), "human"),
    ("Mail Privacy Protection fetches", hit(OPEN, "Mozilla/5.0", APPLE), "prefetch"),
    ("Mail Privacy Protection through an egress unknown to us", hit(OPEN, "Mozilla/5.0"), "prefetch"),
    ("a Gmail reader opens", hit(OPEN, GMAIL, "66.249.84.1"), "proxy"),
    ("Gmail prefetches", hit(OPEN, GMAIL_PREFETCH, "66.249.84.1"), "prefetch"),
    ("a Yahoo reader opens", hit(OPEN, YAHOO, "98.137.1.1"), "proxy"),
    ("a Fastmail reader opens", hit(OPEN, "FastmailUA/1.0"), "proxy"),
    ("Outlook.com loads the images for its reader, or its scanner does", hit(OPEN, CHROME, MICROSOFT), "unknown"),
    ("Safe Links follows a link", hit(CLICK, CHROME, MICROSOFT), "scanner"),
    ("a reader clicks behind Safe Links with her own browser", hit(CLICK, CHROME, TELEKOM), "human"),
    ("Proofpoint follows a link", hit(CLICK, CHROME, PROOFPOINT), "scanner"),
    ("Mimecast follows a link", hit(CLICK, CHROME, MIMECAST), "scanner"),
    ("Barracuda follows a link", hit(CLICK, CHROME, BARRACUDA), "scanner"),
    ("Proofpoint loads the pixel", hit(OPEN, CHROME, PROOFPOINT), "scanner"),
    ("an iPhone on Private Relay clicks", hit(CLICK, IPHONE, APPLE), "human"),
    ("a Telekom customer clicks", hit(CLICK, CHROME, TELEKOM), "human"),
    ("a forwarded mail is opened elsewhere", hit(OPEN, IPHONE, "2003:c0:1::1"), "human"),
    ("curl follows a link", hit(CLICK, "curl/8.5.0"), "scanner"),
    ("a Python script follows a link", hit(CLICK, "python-requests/2.32"), "scanner"),
    ("nobody says who it is", hit(CLICK, ""), "scanner"),
    ("HEAD on a link", hit(CLICK, CHROME, sign="HEAD"), "scanner"),
    ("a browser prefetches a link", hit(CLICK, CHROME, sign="prefetch"), "scanner"),
    ("an image proxy follows a link", hit(CLICK, GMAIL), "scanner"),
    ("Googlebot opens an archived page's pixel", hit(OPEN, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), "scanner"),
    ("a click three seconds after the sending", hit(CLICK, CHROME, at=SENT * 1000 + 3000), "unknown"),
    ("an open three seconds after the sending", hit(OPEN, SAFARI, at=SENT * 1000 + 3000), "unknown"),
    ("a Gmail open three seconds after the sending", hit(OPEN, GMAIL, at=SENT * 1000 + 3000), "unknown"),
    ("a scanner three seconds after the sending stays one", hit(CLICK, CHROME, MICROSOFT, at=SENT * 1000 + 3000), "scanner"),
    ("a click two minutes after the sending", hit(CLICK, CHROME, at=SENT * 1000 + 120_000), "human"),
]  # fmt: skip


@pytest.mark.parametrize(("scene", "one", "verdict"), SCENES, ids=[scene for scene, _, _ in SCENES])
def test_scenes(scene: str, one: Hit, verdict: str) -> None:
    """T3."""
    assert Rules().judge(one, SENT, Bursts([one])) == verdict


def test_three_links_within_ten_seconds_are_a_machines() -> None:
    clicks = [hit(CLICK, CHROME, at=LATER + n * 3000, link=str(n)) for n in range(3)]
    bursts = Bursts(clicks)
    assert {Rules().judge(click, SENT, bursts) for click in clicks} == {Verdict.SCANNER}
    later = hit(CLICK, CHROME, at=LATER + 60_000, link="1")
    assert Rules().judge(later, SENT, Bursts([*clicks, later])) is Verdict.HUMAN


def test_two_links_or_one_link_clicked_often_are_a_readers() -> None:
    eager = [hit(CLICK, CHROME, at=LATER + n * 500, link=str(n % 2)) for n in range(8)]
    slow = [hit(CLICK, CHROME, at=LATER + n * 6000, link=str(n)) for n in range(5)]
    for clicks in (eager, slow):
        assert {Rules().judge(click, SENT, Bursts(clicks)) for click in clicks} == {Verdict.HUMAN}


def test_a_burst_is_of_one_person_and_never_of_everybody() -> None:
    crowd = [hit(CLICK, CHROME, at=LATER + n, link=str(n))._replace(subscriber_id=n + 1) for n in range(5)]
    everybody = [hit(CLICK, CHROME, at=LATER + n, link=str(n))._replace(subscriber_id=0) for n in range(5)]
    for clicks in (crowd, everybody):
        assert {Rules().judge(click, None, Bursts(clicks)) for click in clicks} == {Verdict.HUMAN}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=12), st.randoms())
def test_the_order_of_arrival_plays_no_part(clicks: list[tuple[int, int]], chance: random.Random) -> None:
    """T4."""
    hits = [hit(CLICK, CHROME, at=LATER + second * 1000, link=str(link)) for second, link in clicks]
    shuffled = chance.sample(hits, len(hits))
    ordered, mixed = Bursts(hits), Bursts(shuffled)
    assert [Rules().judge(each, SENT, ordered) for each in hits] == [Rules().judge(each, SENT, mixed) for each in hits]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)), max_size=15))
def test_bursts_are_what_looking_at_every_ten_seconds_finds(clicks: list[tuple[int, int]]) -> None:
    hits = [hit(CLICK, CHROME, at=LATER + second * 1000, link=str(link)) for second, link in clicks]
    windows = [[each for each in hits if 0 <= each.at - first.at <= 10_000] for first in hits]
    expected = {each.at for window in windows if len({one.link for one in window}) >= 3 for each in window}
    bursts = Bursts(hits)
    assert {each.at for each in hits if each in bursts} == expected


def test_an_operator_may_change_the_instant_window() -> None:
    early = hit(CLICK, CHROME, at=SENT * 1000 + 3000)
    assert Rules(instant=timedelta(0)).judge(early, SENT, Bursts([])) is Verdict.HUMAN


READERS = [
    CHROME,
    SAFARI,
    IPHONE,
    OUTLOOK,
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; CUBOT_X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5056; Pro)",
    "Outlook-iOS/711.2620504.prod.iphone (3.34.0)",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 330.0.3.29.98",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) DuckDuckGo/5 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36",
]  # fmt: skip

MACHINES = [
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "Go-http-client/1.1",
    "Java/17.0.1",
    "okhttp/4.9.3",
    "axios/1.6.2",
    "Wget/1.21.4",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "libwww-perl/6.72",
    "",
]


@pytest.mark.parametrize("agent", READERS)
def test_browsers_and_mail_clients_are_not_taken_for_machines(agent: str) -> None:
    """T1."""
    assert not is_program(agent)


@pytest.mark.parametrize("agent", MACHINES)
def test_crawlers_and_programs_are_recognised(agent: str) -> None:
    """T2."""
    assert is_program(agent)
    assert not is_image_proxy(agent)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (APPLE, Network.APPLE),
        ("2a02:26f7:b00a:4000::1", Network.APPLE),
        (MICROSOFT, Network.MICROSOFT),
        (f"::ffff:{MICROSOFT}", Network.MICROSOFT),
        (PROOFPOINT, Network.GATEWAY),
        (MIMECAST, Network.GATEWAY),
        (BARRACUDA, Network.GATEWAY),
        (TELEKOM, None),
        ("127.0.0.1", None),
        ("255.255.255.255", None),
        ("0.0.0.0", None),
        ("::", None),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("not an address", None),
        ("", None),
    ],
)
def test_networks(address: str, network: Network | None) -> None:
    assert network_of(address) is network
