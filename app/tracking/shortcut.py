"""The plain requests for open and click addresses, told by their bytes and answered in bytes.

A server spends twenty times as long on reading a request into an environment and writing its answer as the endpoint on
the hit itself. So what comes most, a whole GET or HEAD without a body for an address that was signed here and whose
target is in memory, is answered from its bytes alone. Whatever is not just that (`None`) takes the long way through the
server and `endpoint.py`, and gets the same answer there.

In charge of: knowing such requests for certain, and the bytes of the answer. Not of: sockets and keeping the line,
which is the server's part (`workers/front.py`): it must be kept before the answer is sent.
"""

import re
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from time import time

from app.campaigns.urls import Address, ClickAddress, read_address
from app.tokens import Tokens
from app.tracking.endpoint import PIXEL, UNCACHED
from app.tracking.line import PURPOSES, hit_line, sign
from app.tracking.targets import Targets, is_safe

# RFC 9112 §3 and §5, and stricter: one request, no white space where it could be read in two ways, no bare line ends.
_REQUEST = re.compile(
    rb"(GET|HEAD) (/[oc]/[A-Za-z0-9_./-]{1,2000}) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)+)\r\n"
)
# What ends the shortcut (a body, a change of protocol), or says something of the hit or of the connection.
_TOLD = re.compile(
    rb"^(content-length|transfer-encoding|expect|upgrade|trailer|te|connection|keep-alive|range|user-agent|"
    + b"|".join(name.encode() for name in PURPOSES)
    + rb"):[ \t]*([^\r\n]*?)[ \t]*\r$",
    re.IGNORECASE | re.MULTILINE,
)
_PLAIN = frozenset({"connection", "range", "user-agent", *PURPOSES})
_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in UNCACHED).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What to keep, then what to send, and whether the connection may go on after it."""

    line: bytes
    content: bytes
    goes_on: bool


class Shortcut:
    """Answers requests from their bytes."""

    def __init__(self, tokens: Tokens, targets: Targets) -> None:
        self._tokens = tokens
        self._targets = targets

    def answer(self, request: bytes, client: str, *, ends: bool = False) -> Answer | None:
        """For a whole request from the address `client`; None for all that is not plain. `ends`: close after it."""
        found = _REQUEST.fullmatch(request)
        if found is None:
            return None
        told = _told(found[3])
        address = read_address(self._tokens, found[2].decode()) if told else None
        target = self._target(address) if address else None
        if told is None or address is None or target is None:
            return None
        method = found[1].decode()
        purpose = " ".join(told.get(name, "") for name in PURPOSES)
        given_away = sign(method, purpose, has_range="range" in told)
        goes_on = told["connection"] == "keep-alive" and not ends
        return Answer(
            line=hit_line(address, client, told.get("user-agent", ""), given_away),
            content=_content(target, is_head=method == "HEAD", goes_on=goes_on),
            goes_on=goes_on,
        )

    def _target(self, address: Address) -> str | None:
        """Where to go, empty for the pixel, if memory knows; the shortcut never waits for a database."""
        if not isinstance(address, ClickAddress):
            return None if self._targets.wanted(address.campaign_id) else ""
        target = address.target
        if address.index is not None:
            target = self._targets.known(address.campaign_id, address.index)
        return target if target and is_safe(target) else None


def _told(headers: bytes) -> dict[str, str] | None:
    """The headers that matter, by name in small letters; None where one of them asks for the long way."""
    found = [(name.decode().lower(), value.decode("latin-1")) for name, value in _TOLD.findall(headers)]
    told = {"connection": "keep-alive"} | dict(found)
    told["connection"] = told["connection"].lower()
    is_single = len(dict(found)) == len(found)
    is_plain = _PLAIN.issuperset(told) and told["connection"] in {"keep-alive", "close"}
    return told if is_single and is_plain else None


def _content(target: str, *, is_head: bool, goes_on: bool) -> bytes:
    common = _common(int(time()), goes_on)
    if target:
        return b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n%s" % (target.encode(), common)
    picture = b"" if is_head else PIXEL
    return b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: %d\r\n%s%s" % (len(PIXEL), common, picture)


@lru_cache(maxsize=4)
def _common(second: int, goes_on: bool) -> bytes:
    """The headers that all answers of a second share (RFC 9110 §6.6.1: an answer is dated)."""
    connection = "keep-alive" if goes_on else "close"
    return _HEADERS + f"Date: {formatdate(second, usegmt=True)}\r\nConnection: {connection}\r\n\r\n".encode()
