"""The open and click addresses, ahead of Flask: no session, no template, no database on the way.

In charge of: answering (a picture, a redirect) and noting the hit in the spool. It answers alike whether or not the
person still is tracked; what may be recorded is decided when the hit is ingested (L9). A GET changes nothing but that.
What was not signed here, or leads nowhere, goes on to Flask, whose page says 404 (S6). Any WSGI server may serve it;
our own asks `shortcut.py` first, which knows the plain requests by their bytes.
"""

from base64 import b64decode
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.campaigns.urls import Address, ClickAddress, read_address
from app.events.buffer import Spool
from app.tokens import Tokens
from app.tracking.line import PURPOSES, hit_line, sign
from app.tracking.targets import Targets, TargetsAway, is_safe

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
UNCACHED = [("Cache-Control", "no-store, max-age=0"), ("Referrer-Policy", "no-referrer")]

_PURPOSES = tuple("HTTP_" + name.upper().replace("-", "_") for name in PURPOSES)


class TrackingEndpoint:
    """WSGI middleware for /o/ and /c/."""

    def __init__(self, inner: "WSGIApplication", tokens: Tokens, targets: Targets, spool: Spool) -> None:
        self._inner = inner
        self._tokens = tokens
        self._targets = targets
        self._spool = spool

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a tracked address; pass everything else on."""
        path = environ.get("PATH_INFO", "")
        if path[:3] not in {"/o/", "/c/"}:
            return self._inner(environ, start_response)
        address = read_address(self._tokens, path)
        if address is None:
            return self._inner(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD", "OPTIONS"}:
            return _answer(start_response, HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET, HEAD, OPTIONS")])
        try:
            target = self._target(address)
        except TargetsAway:
            return _answer(start_response, HTTPStatus.SERVICE_UNAVAILABLE, [("Retry-After", "30")])
        if target is None:
            return self._inner(environ, start_response)
        self._spool.append(_line(environ, address))
        return _respond(start_response, method, target)

    def _target(self, address: Address) -> str | None:
        """Where to go; empty for the pixel, None for nowhere."""
        if not isinstance(address, ClickAddress):
            self._targets.prepare(address.campaign_id)
            return ""
        target = address.target
        if address.index is not None:
            target = self._targets.find(address.campaign_id, address.index)
        return target if target and is_safe(target) else None


def _respond(start_response: "StartResponse", method: str, target: str) -> Iterable[bytes]:
    if method == "OPTIONS":
        return _answer(start_response, HTTPStatus.NO_CONTENT, [("Allow", "GET, HEAD, OPTIONS")])
    if target:
        return _answer(start_response, HTTPStatus.FOUND, [("Location", target)])
    picture = [("Content-Type", "image/gif"), ("Content-Length", str(len(PIXEL)))]
    _answer(start_response, HTTPStatus.OK, picture)
    return [] if method == "HEAD" else [PIXEL]


def _answer(start_response: "StartResponse", status: HTTPStatus, headers: list[tuple[str, str]]) -> Iterable[bytes]:
    if not any(name == "Content-Length" for name, _ in headers) and status is not HTTPStatus.NO_CONTENT:
        headers = [*headers, ("Content-Length", "0")]
    start_response(f"{status.value} {status.phrase}", headers + UNCACHED)
    return []


def _line(environ: "WSGIEnvironment", address: Address) -> bytes:
    purpose = " ".join(environ.get(name, "") for name in _PURPOSES)
    given_away = sign(environ["REQUEST_METHOD"], purpose, has_range="HTTP_RANGE" in environ)
    return hit_line(address, environ.get("REMOTE_ADDR", ""), environ.get("HTTP_USER_AGENT", ""), given_away)
