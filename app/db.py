"""The database: the only engine, the declarative base, and the two ways to open a transaction.

`transaction()` is for changes, `reading()` for pages and reports. On SQLite a transaction that will write says so at
once (BEGIN IMMEDIATE): one that reads first and writes later would fail with "database is locked" and no waiting.
Not in charge of: tables (each feature owns its models) and migrations (`migrations/`).
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flask import current_app
from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Row,
    Select,
    SmallInteger,
    Text,
    bindparam,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator

from app.connections import plan_for_memory, speak_sqlite

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def seconds(moment: datetime) -> int:
    """An aware datetime as the database keeps it."""
    if moment.tzinfo is None:
        raise ValueError("an Instant needs a time zone")
    return int(moment.timestamp() // 1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as whole seconds since 1970 UTC: eight bytes, sortable, fit for arithmetic."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse naive datetimes: a guess at the time zone would be wrong twice a year."""
        return None if value is None else seconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back UTC."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


class Code(TypeDecorator[StrEnum]):
    """A StrEnum stored as its position: two bytes. So members may be appended, never moved."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum
        self._members = list(enum)
        self._places = {member.value: place for place, member in enumerate(enum)}

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Take a member or its value."""
        return None if value is None else self._places[self.enum(value)]

    def process_result_value(self, value: int | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        """Give back the member."""
        return None if value is None else self._members[value]


# Attributes are searched by key: JSONB on PostgreSQL, text on SQLite.
Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite makes only an INTEGER primary key an alias of its row id.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Every table of Letterbond."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant(), dict[str, Any]: Json, list[Any]: Json, int: BigInteger()}  # noqa: RUF012


def unchecked_key(column: str, target: str) -> ForeignKeyConstraint:
    """A key that all who look for somebody's rows know, and the database does not check."""
    key = ForeignKeyConstraint([column], [target], info={"unchecked": True})
    return key.ddl_if(callable_=lambda *_arguments, **_options: False)


class db_now(FunctionElement[datetime]):  # noqa: N801 - reads like the SQL function it is
    """The database's own clock: leases of several hosts are compared on one clock only."""

    type = Instant()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(db_now, "postgresql")
def _postgresql_now(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    return "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT)"


class _Ids(TypeDecorator[Collection[int]]):
    """Many ids as one bound value: the text of a JSON list on SQLite, and of an array on PostgreSQL, which says its
    type by where it stands (to write an array of numbers takes the driver four times as long)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(NullType() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> Any:
        ids = ",".join(map(str, value or ()))
        return f"{{{ids}}}" if dialect.name == "postgresql" else f"[{ids}]"


class one_of(FunctionElement[Any]):  # noqa: N801 - reads like the SQL function it is
    """Whether a column is one of many ids: as `in_`, at a twentieth of its price for a thousand of them."""

    # Not Boolean: SQLite has none, and "(…) = 1" would keep it from using an index.
    type = NullType()
    inherit_cache = True

    def __init__(self, column: Any, ids: Collection[int]) -> None:
        super().__init__(column, bindparam(None, ids, _Ids(), unique=True))


@compiles(one_of, "sqlite")
def _sqlite_one_of(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - both are compiled


@compiles(one_of, "postgresql")
def _postgresql_one_of(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} = ANY({ids})"


class Database:
    """One engine and the sessions made from it."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if self.engine.dialect.name == "sqlite":
            speak_sqlite(self.engine)
        else:
            event.listen(self.engine, "connect", plan_for_memory)
        writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        bulky = writing.execution_options(is_bulky=True)
        self._writing = sessionmaker(writing, expire_on_commit=False)
        self._bulk = sessionmaker(bulky, expire_on_commit=False)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back if it raises."""
        with self._writing.begin() as session:
            yield session

    @contextmanager
    def bulk(self) -> Iterator[Session]:
        """A transaction for very many rows whose parents the block has seen itself.

        SQLite has one writer, so what was seen stays: foreign keys are not looked up again for each row, and more of
        the indexes is kept in memory. On PostgreSQL it is a transaction like any other.
        """
        with self._bulk.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one snapshot; what it changes is thrown away."""
        with self._reading() as session:
            yield session

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def database() -> Database:
    """The database of the running app."""
    found: Database = current_app.extensions["letterbond.database"]
    return found


@contextmanager
def transaction() -> Iterator[Session]:
    """`Database.transaction` of the running app: for views and jobs."""
    with database().transaction() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """`Database.reading` of the running app: for pages and reports."""
    with database().reading() as session:
        yield session


def rows(session: Session, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    """What a SELECT of columns finds, in the session's transaction and past its ORM: for many rows, half the time."""
    return session.connection().execute(statement).all()


def utc_now() -> datetime:
    """The time for verbs that are called by views and jobs; verbs themselves take `now`."""
    return datetime.now(UTC)


__all__ = [
    "Base",
    "Code",
    "Database",
    "Id",
    "Instant",
    "Json",
    "database",
    "db_now",
    "one_of",
    "reading",
    "rows",
    "seconds",
    "transaction",
    "utc_now",
]
