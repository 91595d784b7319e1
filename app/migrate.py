"""Brings a database to the newest tables, or leaves it exactly as it was.

In charge of: one transaction around all steps, and one process at a time. Not of: the steps themselves
(`migrations/versions/`), nor of a way back: the way back is a backup.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config as Alembic
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.config import ConfigError
from app.db import Database

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Any number, as long as it is always the same one.
_LOCK = 0x4C42


def upgrade(database_url: str) -> None:
    """Run the steps that are missing; raise ConfigError when the database cannot be reached."""
    database = Database(database_url)
    try:
        with database.engine.connect() as connection:
            _migrate(connection.execution_options(begin="BEGIN IMMEDIATE"))
    except OperationalError as error:
        raise ConfigError(f"DATABASE_URL: {_first_line(error)}") from error
    finally:
        database.close()


def script(connection: Connection) -> Alembic:
    """Alembic's own settings, without an ini file."""
    settings = Alembic()
    settings.set_main_option("script_location", str(_MIGRATIONS))
    settings.attributes["connection"] = connection
    return settings


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Alembic copies and drops tables; with foreign keys on, a drop deletes the rows that point to it.
        # It counts only outside of a transaction, so it is said to the driver.
        driver = connection.connection.driver_connection
        assert driver
        driver.execute("PRAGMA foreign_keys=OFF")
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(script(connection), "head")


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().split("\n", 1)[0]
