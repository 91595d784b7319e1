"""The groups of the net promoter question: the same in Python and in SQL, for every answer there is."""

import pytest
from sqlalchemy import Integer, create_engine, literal, select, union_all

from segments.nps import NpsGroup, group_case, group_of, latest, latest_answer, latest_second


def test_each_answer_is_of_one_group() -> None:
    found = [group_of(answer) for answer in range(11)]
    assert found == [NpsGroup.DETRACTOR] * 7 + [NpsGroup.PASSIVE] * 2 + [NpsGroup.PROMOTER] * 2


@pytest.mark.parametrize("answer", [-1, 11])
def test_what_is_no_answer_is_of_none(answer: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 10"):
        group_of(answer)


def test_sql_says_the_same() -> None:
    with create_engine("sqlite://").connect() as connection:
        for answer in range(11):
            assert connection.scalar(select(group_case(literal(answer)))) == group_of(answer)
        assert connection.scalar(select(group_case(literal(None, Integer)))) is None


def test_the_latest_answer_is_by_time_and_then_the_higher() -> None:
    rows = ((5, 10), (7, 2), (7, 3), (6, 9))
    given = union_all(*(select(literal(at).label("second"), literal(said).label("answer")) for at, said in rows))
    columns = given.subquery().c
    packed = latest(columns.second, columns.answer)
    with create_engine("sqlite://").connect() as connection:
        found = connection.execute(select(latest_second(packed), latest_answer(packed))).one()
    assert tuple(found) == (7, 3)
