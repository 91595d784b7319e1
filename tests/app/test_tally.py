"""What several features add to the same people is written in one statement, and nobody loses by another's part."""

from sqlalchemy import event

from app.db import database, transaction
from app.subscribers.models import Standing
from app.tally import Tally, write_tallies
from tests import make


def _tally(column: str, rows: dict[int, int]) -> Tally:
    return Tally(
        Standing, "subscriber_id", (column,), {each: (more,) for each, more in rows.items()}, (0,), _CHANGES[column]
    )


_CHANGES = {
    "opens": lambda new: {"opens": Standing.opens + new["opens"]},
    "score": lambda new: {"score": Standing.score + new["score"]},
}


def test_two_tallies_of_the_same_people_are_one_statement(app: object) -> None:
    with transaction() as session:
        one, both, other = (make.subscriber(session, opens=3).id for _ in range(3))
    said: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    with transaction() as session:
        write_tallies(session, [_tally("opens", {one: 1, both: 2}), _tally("score", {both: 5, other: 7})])
        found = [session.get_one(Standing, person) for person in (one, both, other)]
        assert [(each.opens, each.score) for each in found] == [(4, 0), (5, 5), (3, 7)]
    assert sum(statement.startswith("UPDATE") for statement in said) == 1


def test_nothing_to_add_asks_nothing(app: object) -> None:
    said: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    with transaction() as session:
        write_tallies(session, [_tally("opens", {})])
    assert said == []
