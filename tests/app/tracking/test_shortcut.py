"""Plain requests answered from their bytes: the same answer and the same hit as by the long way, or none at all."""

import json
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import transaction
from app.tokens import Tokens
from app.tracking.shortcut import Answer, Shortcut
from app.tracking.targets import Targets
from tests.app.tracking.conftest import BROWSER, TARGETS, Mail

CLIENT = "203.0.113.7"


def request(path: str, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    given = {"Host": "news.example.org", "User-Agent": BROWSER} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode("latin-1")


def shortcut(mail: Mail) -> Shortcut:
    return mail.app.extensions["letterbond.shortcut"]


def warmed(mail: Mail) -> Mail:
    """A mail of whose links the process knows."""
    mail.get(mail.link(0))
    spooled(mail)
    return mail


def spooled(mail: Mail) -> list[list[Any]]:
    """What waits in the spool; it is emptied."""
    spool = mail.app.extensions["letterbond.spool"]
    spool.close()
    files = list(mail.app.extensions["letterbond.config"].spool.iterdir())
    records = [json.loads(each) for file in files for each in file.read_bytes().splitlines()]
    for file in files:
        file.unlink()
    return records


def read(answer: Answer, method: str) -> tuple[int, dict[str, str], bytes]:
    """The answer as Python's own client reads it."""

    class Wire:
        def makefile(self, *_: object) -> BytesIO:
            return BytesIO(answer.content)

    found = HTTPResponse(Wire(), method=method)  # type: ignore[arg-type]
    found.begin()
    return found.status, dict(found.getheaders()), found.read()


CASES = [
    {},
    {"Purpose": "prefetch"},
    {"Sec_Purpose": "prefetch;prerender"},
    {"Range": "bytes=0-0"},
    {"User_Agent": ""},
    {"User_Agent": 'Müller "x" \\ <>' + "y" * 400},
    {"Connection": "Keep-Alive"},
    {"Connection": "close"},
    {"Accept": "text/html", "X_Forwarded_For": "198.51.100.1"},
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", CASES, ids=str)
def test_the_answer_and_the_hit_are_those_of_the_long_way(mail: Mail, method: str, headers: dict[str, str]) -> None:
    warmed(mail)
    for path in (mail.pixel, mail.link(1), mail.dynamic("https://shop.example/for/anna?x=1")):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        agent = named.pop("User-Agent", BROWSER)
        long = mail.get(path, agent=agent, method=method, **named)
        [waiting] = spooled(mail)
        short = shortcut(mail).answer(request(path, method, **headers), CLIENT)
        assert short
        status, sent, body = read(short, method)
        assert (status, body) == (long.status_code, long.data)
        assert {**sent, "Date": "", "Connection": ""} == {**dict(long.headers), "Date": "", "Connection": ""}
        assert json.loads(short.line)[1:] == waiting[1:]
        assert short.goes_on == (sent["Connection"] == "keep-alive") == (headers.get("Connection") != "close")


NOT_PLAIN = [
    b"",
    b"GET ",
    b"GET /o/x.gif HTTP/1.1\r\n\r\n",
    lambda mail: request(mail.link(0), "POST"),
    lambda mail: request(mail.link(0), "OPTIONS"),
    lambda mail: request(mail.link(0), version="1.0"),
    lambda mail: request(mail.link(99)),
    lambda mail: request(mail.link(0) + "?x=1"),
    lambda mail: request("http://news.example.org" + mail.link(0)),
    lambda mail: request(mail.link(0).replace("/c/", "//c/")),
    lambda mail: request(mail.link(0), Content_Length="0"),
    lambda mail: request(mail.link(0), Content_Length="5") + b"hello",
    lambda mail: request(mail.link(0), Transfer_Encoding="chunked"),
    lambda mail: request(mail.link(0), Expect="100-continue"),
    lambda mail: request(mail.link(0), Connection="Upgrade", Upgrade="h2c"),
    lambda mail: request(mail.link(0), Connection="close, te"),
    lambda mail: request(mail.link(0)) + request(mail.link(1)),
    lambda mail: request(mail.link(0))[:-2],
    lambda mail: request(mail.link(0)).replace(b"\r\n", b"\n"),
    lambda mail: request(mail.link(0)).replace(b"Host:", b"Host :"),
    lambda mail: request(mail.link(0)).replace(b"Host:", b" Host:"),
    lambda mail: request(mail.link(0)).replace(b"Host: ", b"Host: \n"),
    lambda mail: request(mail.link(0)).replace(b"Host: ", b"Host: \0"),
    lambda mail: request(mail.link(0)).replace(b"Host", b"User-Agent"),
    lambda mail: request(mail.link(0)).replace(b" HTTP/1.1", b"  HTTP/1.1"),
    lambda mail: request(mail.dynamic("javascript:alert(1)")),
    lambda mail: request(mail.dynamic("https://a.example/\r\nX: y")),
]


@pytest.mark.parametrize("asked", NOT_PLAIN)
def test_what_is_not_plain_takes_the_long_way(mail: Mail, asked: Any) -> None:
    warmed(mail)
    assert shortcut(mail).answer(asked(mail) if callable(asked) else asked, CLIENT) is None


def test_it_never_waits_for_a_database(mail: Mail) -> None:
    """A campaign that this process does not know yet takes the long way, once."""
    assert shortcut(mail).answer(request(mail.pixel), CLIENT) is None
    assert shortcut(mail).answer(request(mail.link(0)), CLIENT) is None
    assert mail.get(mail.pixel).status_code == 200
    assert shortcut(mail).answer(request(mail.pixel), CLIENT)
    assert shortcut(mail).answer(request(mail.link(0)), CLIENT)


def test_an_open_is_answered_while_the_links_cannot_be_had(mail: Mail) -> None:
    """And the database that is away is not asked again for each one."""
    with transaction() as session:
        session.execute(text("ALTER TABLE link RENAME TO link_away"))
    assert mail.get(mail.pixel).status_code == 200
    assert shortcut(mail).answer(request(mail.pixel), CLIENT)
    assert mail.get(mail.link(0)).status_code == 503


def test_a_process_that_starts_while_the_database_is_away_finds_the_links_in_the_folder(mail: Mail) -> None:
    """Q4: the campaign was opened here once; then both stopped, and only the web process is back."""
    mail.get(mail.pixel)
    with transaction() as session:
        session.execute(text("ALTER TABLE link RENAME TO link_away"))
    fresh = Targets(mail.app.extensions["letterbond.database"], mail.app.extensions["letterbond.config"].links)
    assert [fresh.find(mail.campaign_id, index) for index in range(4)] == [*TARGETS, None]
    assert fresh.known(mail.campaign_id, 1) == TARGETS[1]


def test_a_folder_that_cannot_be_written_costs_nothing_but_itself(mail: Mail, caplog: pytest.LogCaptureFixture) -> None:
    mail.app.extensions["letterbond.config"].links.write_text("no folder")
    assert mail.get(mail.link(0)).status_code == 302
    assert "could not be written" in caplog.text


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_bytes_break_it(data: st.DataObject) -> None:
    """Whatever arrives: an answer for a signed address, or none."""
    tokens = Tokens("k" * 32)
    found = Shortcut(tokens, _NoTargets())  # type: ignore[arg-type]
    base = bytearray(request("/o/" + "A" * 30 + ".gif"))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(base) - 1), st.integers(0, 255)), max_size=8)):
        base[at] = byte
    cut = data.draw(st.integers(0, len(base)))
    assert found.answer(bytes(base[:cut]) + data.draw(st.binary(max_size=20)), CLIENT) is None


class _NoTargets:
    def wanted(self, _campaign_id: int) -> bool:
        return False

    def known(self, _campaign_id: int, _index: int) -> str | None:
        return None
