"""Forward decay: exact, independent of order, the same by Python and by SQL (DESIGN.md 5.4)."""

import random
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Engine, MetaData, Table, cast, delete, func, insert, literal, select

from segments.score import INT64, Decay, ScoringRule, day_of, factor, total

metadata = MetaData()
decay_day = Table("decay_day", metadata, Column("day", BigInteger), Column("factor", BigInteger))
event = Table("score_event", metadata, Column("day", BigInteger), Column("amount", BigInteger))

LANDMARK = 20_000
DECAY = Decay(180, LANDMARK)
DAYS = st.integers(LANDMARK - 5000, LANDMARK + 16 * 180)
on_one_engine = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_day_is_a_utc_day() -> None:
    assert [day_of(seconds) for seconds in (0, 86_399, 86_400, -1)] == [0, 0, 1, -1]


def test_factors_double_every_half_life() -> None:
    assert [DECAY.factor(LANDMARK + halves * 180) for halves in (0, 1, 16, -1, -20, -21, -22, -1000)] == [
        2**20,
        2**21,
        2**36,
        2**19,
        1,
        0,
        0,
        0,
    ]


@given(st.integers(1, 400), st.integers(-8000, 6000))
def test_a_factor_is_the_nearest_integer(half_life: int, days: int) -> None:
    """x = 2^(e/h) lies in [n − ½, n + ½] exactly when 2^(e+h) lies in [(2n − 1)^h, (2n + 1)^h]: integers only."""
    days = min(days, 16 * half_life)
    n = factor(LANDMARK + days, half_life, LANDMARK)
    exponent = (20 + 1) * half_life + days

    assert Fraction(max(2 * n - 1, 0)) ** half_life <= Fraction(2) ** exponent <= Fraction(2 * n + 1) ** half_life


def test_factors_never_change() -> None:
    """Stored scores were made with them: a change here needs a rebuild of every score."""
    assert [DECAY.factor(LANDMARK + days) for days in (1, 7, 30, 90, 365, 1000, -1, -365)] == [
        1052622,
        1077226,
        1176987,
        1482910,
        4275844,
        49316106,
        1044546,
        257145,
    ]


def test_there_is_no_factor_beyond_the_range() -> None:
    assert DECAY.factor(DECAY.last_day) * 2**27 == INT64 + 1
    with pytest.raises(OverflowError, match="16 half-lives"):
        DECAY.factor(DECAY.last_day + 1)
    with pytest.raises(ValueError, match="at least one day"):
        Decay(0, LANDMARK)
    with pytest.raises(ValueError, match="too long before"):
        DECAY.value(1, LANDMARK - 22 * 180)


def test_a_rebase_is_asked_for_in_good_time() -> None:
    assert not DECAY.needs_rebase(LANDMARK + 12 * 180 - 1)
    assert DECAY.needs_rebase(LANDMARK + 12 * 180)


def test_points_are_halved_in_a_half_life() -> None:
    stored = total(DECAY, [(1000, LANDMARK + 100)])

    assert DECAY.value(stored, LANDMARK + 100) == 10.0
    assert DECAY.value(stored, LANDMARK + 280) == pytest.approx(5.0, rel=1e-6)


CONTRIBUTIONS = st.lists(st.tuples(st.integers(-10_000, 100_000), DAYS), max_size=30)


@given(CONTRIBUTIONS, st.randoms(use_true_random=False))
def test_any_order_of_events_gives_the_same_score(contributions: list[tuple[int, int]], order: random.Random) -> None:
    """Each late event is added to what is stored; a rebuild adds all of them at once."""
    shuffled = order.sample(contributions, len(contributions))
    stored = 0
    for points, day in shuffled:
        stored += points * DECAY.factor(day)

    assert stored == total(DECAY, contributions)


@given(
    st.integers(LANDMARK - 100, DECAY.last_day),
    st.integers(-500, 100_000) | st.floats(-500, 100_000),
    st.integers(-2, 2),
)
@example(DECAY.last_day, 99_999, -1)
def test_a_threshold_is_the_smallest_score_that_reaches_it(now_day: int, points: float, off: int) -> None:
    """Also where S has more digits than a float."""
    limit = DECAY.threshold(points, now_day)

    assert Fraction(limit, 100 * DECAY.factor(now_day)) >= Fraction(points)
    assert Fraction(limit - 1, 100 * DECAY.factor(now_day)) < Fraction(points)
    assert (DECAY.value(limit + off, now_day) >= points) == (off >= 0)


def test_a_threshold_stays_within_64_bits() -> None:
    assert DECAY.threshold(10**30, LANDMARK) == INT64
    assert DECAY.threshold(-(10**30), LANDMARK) == -INT64


PURCHASE = ScoringRule("purchased", 1000, 1000)


@pytest.mark.parametrize(
    ("rule", "kind", "value", "points"),
    [
        (ScoringRule("clicked", 300), "clicked", None, 300),
        (ScoringRule("clicked", 300), "opened", None, 0),
        (ScoringRule("unsubscribed", -2000), "unsubscribed", None, -2000),
        (PURCHASE, "purchased", None, 1000),
        (PURCHASE, "purchased", 0, 1000),
        (PURCHASE, "purchased", 1234, 1123),
        (PURCHASE, "purchased", -1234, -1123),
        (ScoringRule("purchased", 0, 300), "purchased", 200, 66),
        (ScoringRule("purchased", 0, 300), "purchased", -200, -66),
        (PURCHASE, "purchased", 10**15, 100_001_000),
    ],
)
def test_what_an_event_is_worth(rule: ScoringRule, kind: str, value: int | None, points: int) -> None:
    assert rule.points_for(kind, value) == points


def test_points_per_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        ScoringRule("purchased", 0, 0)
    with pytest.raises(ValueError, match="1000000 points at most"):
        ScoringRule("purchased", 10**8 + 1)


AMOUNTS = st.none() | st.integers(-(10**9), 10**12)
SCORING = st.builds(ScoringRule, st.just("purchased"), st.integers(-10_000, 10_000), st.none() | st.integers(1, 10_000))


@given(SCORING, AMOUNTS)
def test_a_refund_takes_back_exactly_its_purchase(rule: ScoringRule, amount: int | None) -> None:
    if amount:
        assert rule.points_for("purchased", -amount) == -rule.points_for("purchased", amount)


@given(rule=SCORING, amount=AMOUNTS)
@on_one_engine
def test_points_are_the_same_in_sql(engine: Engine, rule: ScoringRule, amount: int | None) -> None:
    with engine.connect() as connection:
        in_sql = connection.scalar(select(rule.points_sql(literal(amount, BigInteger))))

    assert in_sql == rule.points_for("purchased", amount)


@given(
    rule=SCORING,
    events=st.lists(st.tuples(st.integers(LANDMARK - 400, LANDMARK + 400), AMOUNTS), min_size=1, max_size=12),
)
@on_one_engine
def test_a_rebuild_in_sql_equals_the_sum_in_python_to_the_last_bit(
    engine: Engine, rule: ScoringRule, events: list[tuple[int, int | None]]
) -> None:
    score = cast(func.sum(rule.points_sql(event.c.amount) * decay_day.c.factor), BigInteger)
    rebuild = select(score).join_from(event, decay_day, event.c.day == decay_day.c.day)
    with engine.begin() as connection:
        metadata.create_all(connection)
        for table in (event, decay_day):
            connection.execute(delete(table))
        days = DECAY.table(LANDMARK - 400, LANDMARK + 400)
        connection.execute(insert(decay_day), [{"day": day, "factor": factor} for day, factor in days])
        connection.execute(insert(event), [{"day": day, "amount": amount} for day, amount in events])
        stored = connection.scalar(rebuild)
        seen = connection.scalar(select(DECAY.value_sql(literal(stored, BigInteger), LANDMARK + 400)))

    assert stored == total(DECAY, ((rule.points_for("purchased", amount), day) for day, amount in events))
    assert seen == pytest.approx(DECAY.value(stored, LANDMARK + 400), rel=1e-15)
