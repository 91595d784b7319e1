"""gunicorn's threaded worker, with a shortcut ahead of its threads for opens and clicks.

The main loop of a worker reads what a connection sends. A request that `app.tracking.shortcut` answers from its bytes
is answered there; the hits that arrived in the same moment are kept together in one write, and only then answered. All
else goes to gunicorn's threads with the bytes already read put back, and takes the way that it always took.

In charge of: connections between two requests, until something long arrives. Not of: what is answered.
"""

import socket
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from app.tracking.shortcut import Answer

# A whole request head of a mail program; what is longer is no plain one.
_MOST = 8192
# Seconds between two looks at all waiting connections: the main loop comes by thousands of times in one.
_LOOK_EVERY = 0.5


class FrontWorker(ThreadWorker):
    """Answers hits in its main loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Connections that wait in the main loop for a request, by file descriptor.
        self._front: dict[int, TConn] = {}
        self._due: list[tuple[TConn, Answer]] = []
        self._look_at = 0.0

    def load_wsgi(self) -> None:
        """Take the shortcut out of the app."""
        super().load_wsgi()
        self._shortcut = self.wsgi.extensions["letterbond.shortcut"]
        self._spool = self.wsgi.extensions["letterbond.spool"]

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; its request is waited for here, not in a thread."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait(TConn(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """The next request on a connection that gunicorn's threads gave back."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._wait(conn)
        self._read(conn, client)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the main loop; its hits are kept, then answered."""
        super().wait_for_and_dispatch_events(timeout)
        if self._due:
            due, self._due = self._due, []
            self._spool.append(b"".join([answer.line for _conn, answer in due]))
            for conn, answer in due:
                self._send(conn, answer)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections on which nothing has come for too long."""
        super().murder_keepalived(force)
        now = time.monotonic()
        if now < self._look_at and not force:
            return
        self._look_at = now + _LOOK_EVERY
        for conn in [each for each in self._front.values() if force or each.timeout <= now]:
            self._let_go(conn)
            self._close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self._front.values():
            conn.timeout = min(conn.timeout, deadline)

    def _wait(self, conn: TConn) -> None:
        conn.set_timeout()
        self._front[conn.sock.fileno()] = conn
        self.poller.register(conn.sock, EVENT_READ, partial(self._read, conn))

    def _read(self, conn: TConn, client: socket.socket) -> None:
        try:
            request = client.recv(_MOST)
        except BlockingIOError:
            return
        except OSError:
            request = b""
        if not request:
            self._let_go(conn)
            self._close(conn)
        elif answer := self._shortcut.answer(request, conn.client[0], ends=not self.alive):
            self._due.append((conn, answer))
        else:
            self._let_go(conn)
            self._hand_over(conn, request)

    def _hand_over(self, conn: TConn, request: bytes) -> None:
        """Let a thread read the request as if nobody had."""
        conn.init()
        conn.parser.unreader.unread(request)
        self.enqueue_req(conn)

    def _send(self, conn: TConn, answer: Answer) -> None:
        """Answers are short: what does not fit into an empty buffer goes to somebody who does not read."""
        try:
            sent = conn.sock.send(answer.content)
        except OSError:
            sent = 0
        if sent == len(answer.content) and answer.goes_on:
            conn.set_timeout()
            return
        self._let_go(conn)
        self._close(conn)

    def _let_go(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        del self._front[conn.sock.fileno()]

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()
