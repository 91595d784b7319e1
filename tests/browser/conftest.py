"""The app on a real port, and its cookie: what people see."""

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import BrowserContext

from app.accounts.users import User
from app.db import transaction
from tests import make
from tests.serving import serving


@pytest.fixture
def server(app: APIFlask) -> Iterator[str]:
    """The address of the app, served on a free port."""
    with serving(app) as address:
        yield address


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
