"""People who are held: locked once per transaction, and what is read of them stays true."""

import threading

from sqlalchemy import event, update

from app.db import database, transaction
from app.subscribers.hold import hold
from app.subscribers.models import Standing, TrackingMode
from tests import make


def test_nobody_is_asked_twice_unless_something_is_read(app: object) -> None:
    with transaction() as session:
        anna, berta = (make.subscriber(session).id for _ in range(2))
    said: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    with transaction() as session:
        [(person, mode)] = hold(session, [anna, 10**12], Standing.tracking)
        assert (person, list(TrackingMode)[mode]) == (anna, TrackingMode.PERSONAL)
        before = len(said)
        assert hold(session, [anna]) == []
        assert len(said) == before
        assert hold(session, [anna], Standing.devices) == [(anna, None)]
        with session.begin_nested() as savepoint:
            hold(session, [berta])
            savepoint.rollback()
        asked = len(said)
        hold(session, [berta])
        # On SQLite the transaction itself is the lock.
        assert len(said) == asked + (database().engine.dialect.name == "postgresql")


def test_who_is_held_changes_only_afterwards(app: object) -> None:
    with transaction() as session:
        anna = make.subscriber(session).id
    beside = database()

    def change() -> None:
        with beside.transaction() as other:
            other.execute(update(Standing).where(Standing.subscriber_id == anna).values(opens=Standing.opens * 10))

    with transaction() as session:
        hold(session, [anna])
        changing = threading.Thread(target=change)
        changing.start()
        changing.join(0.3)
        session.execute(update(Standing).where(Standing.subscriber_id == anna).values(opens=1))
    changing.join(10)
    with transaction() as session:
        assert session.get_one(Standing, anna).opens == 10
