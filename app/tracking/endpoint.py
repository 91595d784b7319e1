"""The open and click addresses, ahead of Flask: no session, no template, no database on the way.

In charge of: answering (a picture, a redirect) and noting the hit in the spool. It answers alike whether or not the
person still is tracked; what may be recorded is decided when the hit is ingested (L9). A GET changes nothing but that.
What was not signed here, or leads nowhere, goes on to Flask, whose page says 404 (S6).
"""

import time
from base64 import b64decode
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask

from app.campaigns.urls import Address, ClickAddress, read_address
from app.events.buffer import Spool
from app.tokens import Tokens
from app.tracking.targets import Targets, TargetsAway, is_safe
from app.tracking.verdict import HitKind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_AGENT_LENGTH = 300
_UNCACHED = [("Cache-Control", "no-store, max-age=0"), ("Referrer-Policy", "no-referrer")]
# Browsers and filters say with these that no person has asked yet.
_PURPOSES = ("HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_SEC_PURPOSE", "HTTP_X_MOZ")


def register(app: Flask) -> None:
    """Put the endpoint in front of `app`."""
    spool = Spool(app.extensions["letterbond.config"].spool)
    targets = Targets(app.extensions["letterbond.database"])
    app.wsgi_app = TrackingEndpoint(app.wsgi_app, app.extensions["letterbond.tokens"], targets, spool)  # type: ignore[method-assign]


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
        self._spool.append(_record(environ, address))
        return _respond(start_response, method, target)

    def _target(self, address: Address) -> str | None:
        """Where to go; empty for the pixel, None for nowhere."""
        if not isinstance(address, ClickAddress):
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
    start_response(f"{status.value} {status.phrase}", headers + _UNCACHED)
    return []


def _record(environ: "WSGIEnvironment", address: Address) -> list[Any]:
    """The hit as it waits in the spool: the arguments of `verdict.Hit`."""
    is_click = isinstance(address, ClickAddress)
    return [
        int(time.time() * 1000),
        HitKind.CLICK if is_click else HitKind.OPEN,
        address.campaign_id,
        address.subscriber_id,
        _link(address) if isinstance(address, ClickAddress) else "",
        environ.get("REMOTE_ADDR", ""),
        environ.get("HTTP_USER_AGENT", "")[:_AGENT_LENGTH],
        _sign(environ),
    ]


def _link(address: ClickAddress) -> str:
    return str(address.index) if address.index is not None else address.target or ""


def _sign(environ: "WSGIEnvironment") -> str:
    """What marks the request as a machine's on its face; empty for none (TRUST 2.2, rule 8)."""
    if environ["REQUEST_METHOD"] != "GET":
        return str(environ["REQUEST_METHOD"])
    if "HTTP_RANGE" in environ:
        return "range"
    purpose = " ".join(environ.get(name, "") for name in _PURPOSES).lower()
    return "prefetch" if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose else ""
