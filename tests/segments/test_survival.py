"""Kaplan-Meier by hand, and against lifelines."""

import random
from collections import Counter

import numpy as np
import pytest

from segments.survival import kaplan_meier, median, share_after


def test_a_curve_worked_out_by_hand() -> None:
    """Six stays: 1, 3, 3+, 5+, 6, 6; a plus was still running."""
    curve = kaplan_meier([(1, 1, 0), (3, 1, 1), (5, 0, 1), (6, 2, 0)])
    assert [(step.after, step.at_risk, step.ended) for step in curve] == [(1, 6, 1), (3, 5, 1), (6, 2, 2)]
    assert [step.survival for step in curve] == pytest.approx([5 / 6, 2 / 3, 0.0])
    assert curve[0].low == pytest.approx(0.27312, abs=1e-5)
    assert (curve[-1].low, curve[-1].high) == (0.0, 0.0)
    assert median(curve) == 6


def test_without_an_end_there_is_no_step_and_no_median() -> None:
    assert kaplan_meier([(10, 0, 5)]) == []
    assert median([]) is None
    assert share_after(kaplan_meier([(5, 1, 3)]), 4) is None
    step = share_after(kaplan_meier([(5, 1, 3), (9, 0, 0)]), 8)
    assert step is not None
    assert step.survival == 0.75


def test_days_that_come_twice_are_added_up() -> None:
    assert kaplan_meier([(2, 1, 0), (2, 1, 1)]) == kaplan_meier([(2, 2, 1)])


def test_no_negative_stays() -> None:
    with pytest.raises(ValueError, match="negative"):
        kaplan_meier([(-1, 1, 0)])


def test_the_curve_and_its_intervals_are_those_of_lifelines() -> None:
    from lifelines import KaplanMeierFitter

    dice = random.Random(4)
    stays = [(min(int(dice.expovariate(1 / 200)), 300), dice.random() < 0.7) for _ in range(800)]
    rows = Counter(stays)
    days = {day for day, _ in stays}
    curve = kaplan_meier((day, rows[day, True], rows[day, False]) for day in days)
    oracle = KaplanMeierFitter().fit(
        np.array([day for day, _ in stays], float), np.array([ended for _, ended in stays], float)
    )
    at = [step.after for step in curve]
    assert len(at) > 100
    expected = oracle.survival_function_at_times(at)
    assert [step.survival for step in curve] == pytest.approx(list(expected), abs=1e-12)
    bounds = oracle.confidence_interval_.loc[at]
    assert [step.low for step in curve] == pytest.approx(list(bounds.iloc[:, 0]), abs=1e-9)
    assert [step.high for step in curve] == pytest.approx(list(bounds.iloc[:, 1]), abs=1e-9)
