"""A real Chromium before a real server: what people see."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, BrowserContext, Playwright
from werkzeug.serving import make_server

from app.accounts.models import User
from app.db import transaction
from tests import make

_FLAGS = """--disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium; as root it can only run without its sandbox."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("these tests need Chromium; on Debian type: apt-get install chromium")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": chromium, "args": [*_FLAGS.split(), *root]}


@pytest.fixture(scope="session")
def browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture
def server(app: APIFlask) -> Iterator[str]:
    """The address of the app, served on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def user(app: APIFlask) -> User:
    with transaction() as session:
        return make.user(session)


@pytest.fixture
def log_in(app: APIFlask, user: User) -> Callable[[BrowserContext, str], None]:
    """Gives a browser the cookie of a logged-in user."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    cookie = signer.dumps({"_user_id": user.fs_uniquifier, "_fresh": True, "fs_cc": "set", "fs_paa": 9e9})

    def give(context: BrowserContext, server: str) -> None:
        context.add_cookies([{"name": "session", "value": cookie, "url": server}])

    return give
