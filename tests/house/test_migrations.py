"""The migrations make the tables that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import app.features  # noqa: F401 - loads all models
from app.db import Base, Database
from app.migrate import upgrade

# Keys that the models know and no database checks.
_OPTIONS = {"compare_type": True, "include_object": lambda each, *_: not each.info.get("unchecked")}


def test_migrated_and_described_tables_are_the_same(own_database_url: str) -> None:
    upgrade(own_database_url)
    database = Database(own_database_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=_OPTIONS)
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_migrating_twice_changes_nothing(own_database_url: str) -> None:
    upgrade(own_database_url)
    database = Database(own_database_url)
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO tag (name) VALUES ('kept')"))
    upgrade(own_database_url)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM tag")) == "kept"
    database.close()
