"""What several features add to the same people is written in one statement, and nobody loses by another's part."""

from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.changes import Asked
from app.db import database, transaction
from app.subscribers.models import Standing
from app.tally import Tally, Watch, write_tallies
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


def test_who_watches_is_told_of_what_was_changed_and_of_nothing_else(app: object) -> None:
    """As it is afterwards, with what other features have added to the same rows."""
    told: list[Any] = []

    def tell(session: Session, found: Any) -> None:
        told.append(sorted(map(tuple, found)))

    def many_points(of: Any) -> Any:
        return select(of.subscriber_id, of.score, of.opens).where(of.score >= 6)

    watch = Watch(Asked(("subscriber_id", "score", "opens"), many_points), tell)
    with transaction() as session:
        few, enough, before = (make.subscriber(session, opens=3, score=score).id for score in (0, 1, 9))
        tally = _tally("score", {few: 5, enough: 5})
        watched = Tally(tally.model, tally.key, tally.names, tally.rows, tally.nothing, tally.change, watch)
        write_tallies(session, [_tally("opens", {enough: 1}), watched])
        assert told == [[(enough, 6, 4)]]
        assert session.get_one(Standing, before).score == 9
        nobody = Tally(tally.model, tally.key, tally.names, {}, tally.nothing, tally.change, watch)
        write_tallies(session, [nobody])
        assert told[1:] == [[]]
