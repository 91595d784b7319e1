"""A client of the API and of the pages, as a shop's script would be one: plain HTTP on kept connections."""

import json
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import local
from typing import Any
from urllib.parse import urlencode, urlsplit

_SECONDS = 120


class DemoFailed(Exception):
    """The circle did not close; the message says where."""


class Client:
    """Speaks to one Letterbond; each thread has a connection of its own."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        self.base_url = base_url
        parts = urlsplit(base_url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._connections = local()

    def get(self, path: str) -> Any:
        """JSON from the API."""
        return self._json("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """JSON to the API and back."""
        return self._json("POST", path, json.dumps(body or {}).encode(), "application/json")

    def put(self, path: str, body: Any) -> Any:
        """JSON to keep, to the API and back."""
        return self._json("PUT", path, json.dumps(body).encode(), "application/json")

    def upload(self, path: str, content: bytes, kind: str = "text/csv") -> Any:
        """Bytes to the API, JSON back."""
        return self._json("POST", path, content, kind)

    def submit(self, path: str, **fields: str) -> int:
        """A form without a session; the status of the answer."""
        body = urlencode(fields).encode()
        return self.send("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})[0]

    def visit(self, url: str, agent: str, method: str = "GET") -> int:
        """A request as a mail program or a browser makes it; redirects are not followed."""
        parts = urlsplit(url)
        headers = {"User-Agent": agent} if agent else {}
        return self.send(method, parts.path + (f"?{parts.query}" if parts.query else ""), b"", headers)[0]

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; a connection that the server has closed meanwhile is opened anew."""
        for attempt in (1, 2):
            try:
                answer = self._request(method, path, body, headers)
                return answer.status, answer.read()
            except (HTTPException, ConnectionError):
                self._connections.open = None
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _json(self, method: str, path: str, body: bytes = b"", kind: str | None = None) -> Any:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        status, content = self.send(method, f"/api/v1{path}", body, headers)
        if status >= 400:
            raise DemoFailed(f"{method} {path} answered {status}: {content[:500].decode(errors='replace')}")
        return json.loads(content) if content else None

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        connection: HTTPConnection | None = getattr(self._connections, "open", None)
        if connection is None:
            connection = self._connections.open = HTTPConnection(*self._address, timeout=_SECONDS)
        # http.client adds no User-Agent of its own, so that an empty one really is empty.
        connection.request(method, path, body or None, headers)
        return connection.getresponse()
