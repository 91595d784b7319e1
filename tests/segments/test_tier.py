"""Tiers and their margin, in Python and in SQL."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Engine, literal, select

from segments.score import Decay
from segments.tier import Hold, TierStep, tier_case, tier_for

NEW, READER, REGULAR, LOYAL = (
    TierStep(1, "New", 0),
    TierStep(2, "Reader", 10),
    TierStep(3, "Regular", 30),
    TierStep(4, "Loyal", 32),
)
STEPS = (READER, LOYAL, NEW, REGULAR)
DECAY = Decay(180, 20_000)


def tier_of(
    points: float, steps: Sequence[TierStep], current: int | None = None, hold: Hold | None = None
) -> TierStep | None:
    return tier_for(DECAY.threshold(points, 20_000), steps, current, DECAY, 20_000, hold)


@pytest.mark.parametrize(
    ("score", "current", "tier"),
    [
        (-0.5, None, None),
        (0, None, NEW),
        (9.99, None, NEW),
        (10, None, READER),
        (10, NEW, READER),
        (9.99, NEW, NEW),
        (9, READER, READER),  # held by the margin of 10 %
        (8.99, READER, NEW),
        (500, NEW, LOYAL),
        (28.8, LOYAL, LOYAL),
        (28.7, LOYAL, REGULAR),  # out of Loyal, held by Regular
        (28.7, READER, READER),  # has not reached Regular
        (26.9, LOYAL, READER),
        (-1, LOYAL, None),
    ],
)
def test_one_rises_at_the_threshold_and_falls_below_the_margin(
    score: float, current: TierStep | None, tier: TierStep | None
) -> None:
    assert tier_of(score, STEPS, current.id if current else None) == tier


def test_a_threshold_below_zero_has_its_margin_below() -> None:
    lost = TierStep(1, "Lost", -100)

    assert tier_of(-110, [lost], 1) == lost
    assert tier_of(-110, [lost]) is None


def test_a_tier_that_is_gone_holds_nobody() -> None:
    assert tier_of(9.5, STEPS, 99) == NEW


def test_without_a_margin_the_threshold_alone_counts() -> None:
    assert tier_of(9.99, STEPS, READER.id, Hold(0)) == NEW


def test_without_steps_there_is_no_tier(engine: Engine) -> None:
    assert tier_of(100, []) is None
    none = tier_case(literal(1, BigInteger), literal(1, BigInteger), [], DECAY, 20_000)
    with engine.connect() as connection:
        assert connection.scalar(select(none)) is None


def test_with_a_grace_period_one_falls_that_many_days_after_fading_below() -> None:
    stored = DECAY.threshold(32, 20_000)
    hold = Hold(10, grace_days=30)
    fell = next(day for day in range(20_000, 20_400) if _tier_on(day, stored, Hold(10)) != LOYAL)
    assert _tier_on(fell + 29, stored, hold) == LOYAL
    assert _tier_on(fell + 30, stored, hold) == REGULAR


def test_a_grace_period_lets_nobody_rise_early() -> None:
    stored = DECAY.threshold(32, 19_990)
    assert tier_for(stored, STEPS, REGULAR.id, DECAY, 20_000, Hold(10, 30)) == REGULAR


def _tier_on(day: int, stored: int, hold: Hold) -> TierStep | None:
    return tier_for(stored, STEPS, LOYAL.id, DECAY, day, hold)


THRESHOLDS = st.lists(st.integers(-50, 200), unique=True, max_size=5)


@given(
    thresholds=THRESHOLDS,
    current=st.none() | st.integers(1, 6),
    margin=st.integers(0, 50),
    grace=st.integers(0, 365),
    now_day=st.integers(19_900, 22_880),
    near=st.integers(-50, 200),
    off=st.integers(-3, 3) | st.integers(-(2**40), 2**40),
    held=st.booleans(),
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_python_give_the_same_tier_at_every_edge(
    engine: Engine,
    thresholds: list[int],
    current: int | None,
    margin: int,
    grace: int,
    now_day: int,
    near: int,
    off: int,
    held: bool,
) -> None:
    steps = [TierStep(number, str(number), points) for number, points in enumerate(thresholds, 1)]
    edge = TierStep(9, "edge", thresholds[0] if thresholds else near)
    points = edge.held_down_to(margin) if held else edge.threshold_points
    hold = Hold(margin, grace)
    stored = DECAY.threshold(points, hold.fall_day(now_day, DECAY) if held else now_day) + off
    column = tier_case(literal(stored, BigInteger), literal(current, BigInteger), steps, DECAY, now_day, hold)
    with engine.connect() as connection:
        in_sql = connection.scalar(select(column))

    in_python = tier_for(stored, steps, current, DECAY, now_day, hold)
    assert in_sql == (in_python and in_python.id)
