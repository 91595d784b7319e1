"""What each new connection is told: how SQLite begins and keeps its pages, how PostgreSQL plans.

Not in charge of: sessions and transactions (`db.py`).
"""

from typing import Any

from sqlalchemy import Connection, Engine, event

# Of an index of a million addresses: with SQLite's own two megabytes each row would fetch its page again.
_BULK_CACHE_KILOBYTES = 24_576


def speak_sqlite(engine: Engine) -> None:
    """Let each connection wait for its turn to write, and each transaction begin as `begin` and `is_bulky` say."""

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late and too weak; ours is sent by _begin below.
        connection.isolation_level = None
        cursor = connection.cursor()
        # secure_delete: what is erased must not stay in free pages of the file (TRUST L12).
        # wal_autocheckpoint: batches of events dirty thousands of pages, the same ones again and again; at SQLite's own
        # 1,000 pages each batch would carry all of its pages over. Now a log of 64 MB does.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "secure_delete=ON",
            "wal_autocheckpoint=16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "checkin")
    def _restore(connection: Any, _record: Any) -> None:
        if connection is not None:
            connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("is_bulky"):
            # Inside of a transaction it would do nothing.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql(f"PRAGMA cache_size=-{_BULK_CACHE_KILOBYTES}")
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def plan_for_memory(connection: Any, _record: Any) -> None:
    """Tell PostgreSQL what our statements are like, where its operator has not told it better.

    Taking the disk for a spinning one, it would read whole tables for the sake of five thousand people; with four
    megabytes to sort and hash in, write a million people to the disk and read them again; and translate rules to
    machine code, which lasts longer than to ask them.
    """
    told = {
        "random_page_cost": "least(current_setting('random_page_cost')::float8, 1.1)::text",
        "work_mem": "greatest(pg_size_bytes(current_setting('work_mem')) >> 10, 32768) || 'kB'",
        "jit": "'off'",
    }
    connection.execute("SELECT " + ", ".join(f"set_config('{name}', {as_}, false)" for name, as_ in told.items()))
    connection.commit()
