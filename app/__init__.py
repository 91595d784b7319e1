"""The factory: one app from one Config, with its pages or without them. Nothing happens at import."""

from pathlib import Path

from flask import Flask
from jinja2 import FileSystemLoader

from app import i18n
from app.config import Config
from app.db import Database
from app.feature import House
from app.features import FEATURES
from app.queue import connect
from app.tokens import Tokens

_ROOT = Path(__file__).parent.parent


def create_app(config: Config | None = None, house: House | None = None, *, pages: bool = True) -> Flask:
    """A Letterbond for `config` (default: from the environment) with the features of `house` (default: all).

    Without `pages` it answers no request and loads nothing of what would: a worker needs no more.
    """
    config = config or Config.from_environment()
    app = _with_api() if pages else Flask(__name__)
    _configure(app, config)
    i18n.register(app)
    if pages:
        _furnish(app)
    (house or House(FEATURES)).register(app, pages=pages)
    return app


def _with_api() -> Flask:
    from apiflask import APIFlask

    app: Flask = APIFlask(
        __name__,
        title="Letterbond API",
        version="1",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
    )
    return app


def _configure(app: Flask, config: Config) -> None:
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_FORM_MEMORY_SIZE=2 << 20,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.base_url.startswith("https:"),
        WTF_CSRF_TIME_LIMIT=None,
        OPENAPI_VERSION="3.1.0",
        SERVERS=[{"url": config.base_url}],
    )
    app.extensions["letterbond.config"] = config
    app.extensions["letterbond.database"] = Database(config.database_url)
    app.extensions["letterbond.redis"] = connect(config.redis_url)
    app.extensions["letterbond.tokens"] = Tokens(config.secret_key)
    for folder in (config.spool, config.journal, config.uploads):
        folder.mkdir(parents=True, exist_ok=True)


def _furnish(app: Flask) -> None:
    """What stands around the pages of all features."""
    from app import assets, formatting, headers, intake, pages
    from app.accounts import login

    app.jinja_loader = FileSystemLoader([_ROOT / "templates" / "pages", _ROOT / "templates"])
    headers.register(app)
    intake.register(app)
    assets.register(app)
    formatting.register(app)
    pages.register(app)
    login.register(app)
