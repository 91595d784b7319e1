"""How migrations are run: together or not at all, one process at a time. What they make: tests/house/."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.config import ConfigError
from app.db import Database
from app.migrate import script, upgrade
from tests.postgres import create_database


@pytest.fixture
def empty_url(database_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if database_name == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return create_database(request.getfixturevalue("postgres"), f"empty_{uuid4().hex}")


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.close()


def test_there_is_one_head(empty_url: str, database: Database) -> None:
    with database.engine.connect() as connection:
        assert len(ScriptDirectory.from_config(script(connection)).get_heads()) == 1


def test_two_at_once_are_one_after_the_other(empty_url: str, database: Database) -> None:
    """Q16."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upgrade, [empty_url] * 3))
    assert "subscriber" in inspect(database.engine).get_table_names()


def test_a_step_that_fails_leaves_nothing_behind(
    empty_url: str, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Q16: never half a migration."""
    steps = tmp_path / "migrations"
    (steps / "versions").mkdir(parents=True)
    (steps / "env.py").write_text((Path(__file__).parents[2] / "migrations" / "env.py").read_text())
    (steps / "versions" / "one.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '1', None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (id INTEGER)')\n"
        "    op.execute('INSERT INTO half VALUES (1)')\n"
        "    raise ZeroDivisionError\n"
    )
    monkeypatch.setattr("app.migrate._MIGRATIONS", steps)
    with pytest.raises(ZeroDivisionError):
        upgrade(empty_url)
    assert inspect(database.engine).get_table_names() == []


@pytest.mark.parametrize("url", ["postgresql+psycopg://nobody@127.0.0.1:1/x", "sqlite:////nowhere/x.db"])
def test_a_database_that_cannot_be_reached_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: [^\n]+$"):
        upgrade(url)
