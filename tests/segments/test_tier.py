"""Tiers and their margin, in Python and in SQL."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Engine, literal, select

from segments.score import Decay
from segments.tier import TierStep, tier_case, tier_for

NEW, READER, REGULAR, LOYAL = (
    TierStep(1, "New", 0),
    TierStep(2, "Reader", 10),
    TierStep(3, "Regular", 30),
    TierStep(4, "Loyal", 32),
)
STEPS = (READER, LOYAL, NEW, REGULAR)
DECAY = Decay(180, 20_000)


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
    assert tier_for(score, STEPS, current.id if current else None) == tier


def test_a_threshold_below_zero_has_its_margin_below() -> None:
    lost = TierStep(1, "Lost", -100)

    assert tier_for(-110, [lost], 1) == lost
    assert tier_for(-110, [lost]) is None


def test_a_tier_that_is_gone_holds_nobody() -> None:
    assert tier_for(9.5, STEPS, 99) == NEW


def test_without_a_margin_the_threshold_alone_counts() -> None:
    assert tier_for(9.99, STEPS, READER.id, margin=0) == NEW


def test_without_steps_there_is_no_tier(engine: Engine) -> None:
    assert tier_for(100, []) is None
    none = tier_case(literal(1, BigInteger), literal(1, BigInteger), [], DECAY, 20_000)
    with engine.connect() as connection:
        assert connection.scalar(select(none)) is None


THRESHOLDS = st.lists(st.integers(-50, 200), unique=True, max_size=5)


@given(
    thresholds=THRESHOLDS,
    current=st.none() | st.integers(1, 6),
    margin=st.integers(0, 50),
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
    now_day: int,
    near: int,
    off: int,
    held: bool,
) -> None:
    steps = [TierStep(number, str(number), points) for number, points in enumerate(thresholds, 1)]
    edge = TierStep(9, "edge", thresholds[0] if thresholds else near)
    points = edge.held_down_to(margin) if held else edge.threshold_points
    stored = DECAY.threshold(points, now_day) + off
    column = tier_case(literal(stored, BigInteger), literal(current, BigInteger), steps, DECAY, now_day, margin)
    with engine.connect() as connection:
        in_sql = connection.scalar(select(column))

    in_python = tier_for(DECAY.value(stored, now_day), steps, current, margin)
    assert in_sql == (in_python and in_python.id)
