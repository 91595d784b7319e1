"""The app behind a real port, for browsers and other programs that speak HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apiflask import APIFlask
from werkzeug.serving import make_server


@contextmanager
def serving(app: APIFlask, port: int = 0) -> Iterator[str]:
    """Its address, at `port` or any free one."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
