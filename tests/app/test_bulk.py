"""Foreign keys that a bulk need not ask are asked of everybody else, and of it again when it is done."""

import pytest
from apiflask import APIFlask
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns, parents_seen
from app.db import database, transaction
from app.subscribers.models import SubscriberTag

ORPHAN = {"tag_id": Every(4711), "subscriber_id": [4712]}


def _orphan(session: Session) -> None:
    insert_columns(session, SubscriberTag, ORPHAN, 1)


def test_after_a_bulk_no_orphan_is_taken(app: APIFlask) -> None:
    with database().bulk() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(_refused()), transaction() as session:
        _orphan(session)


def test_what_has_seen_its_parents_is_not_asked_for_them(app: APIFlask, database_name: str) -> None:
    with database().bulk() as session:
        with parents_seen(session):
            _orphan(session)
        session.execute(text("DELETE FROM subscriber_tag"))
        if database_name == "postgresql":
            with pytest.raises(_refused()):
                _orphan(session)
            session.rollback()


def test_who_may_not_skip_them_is_asked(app: APIFlask, database_name: str) -> None:
    with database().bulk() if database_name == "postgresql" else transaction() as session:
        if database_name == "postgresql":
            session.execute(text("CREATE ROLE clerk"))
            session.execute(text("GRANT USAGE ON SCHEMA public TO clerk"))
            session.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk"))
            session.execute(text("SET LOCAL ROLE clerk"))
        with pytest.raises(_refused()), parents_seen(session):
            _orphan(session)
        session.rollback()


def _refused() -> tuple[type[Exception], ...]:
    """COPY is the driver's own: so are its errors."""
    return (IntegrityError, ForeignKeyViolation)
