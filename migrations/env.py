"""What Alembic runs for every command: one connection, one transaction.

`app/migrate.py` opens the connection and hands it over; there is no ini file and no offline mode. Not in
charge of: the tables (each feature's `models.py`) and the steps (`versions/`).
"""

from alembic import context

from app.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place; Alembic then copies it.
    render_as_batch=True,
    compare_type=True,
    # Keys that the models know and no database checks.
    include_object=lambda each, *_: not each.info.get("unchecked"),
)
context.run_migrations()
