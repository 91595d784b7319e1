"""Every formula with numbers worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.kpi import (
    churn,
    customer_lifetime_value,
    net_promoter_score,
    repeat_rate,
    retention,
    revenue_churn,
)


@pytest.mark.parametrize(
    ("start", "end", "new", "percent"),
    [(200, 220, 40, 90.0), (3, 1, 0, 33.333333333333336), (10, 5, 5, 0.0), (10, 10, 0, 100.0), (0, 5, 5, None)],
)
def test_retention_is_who_is_left_of_those_at_the_start(start: int, end: int, new: int, percent: float | None) -> None:
    assert retention(start, end, new) == percent


@given(start=st.integers(1, 10**9), lost=st.integers(0, 10**9), new=st.integers(0, 10**9))
def test_retention_and_churn_add_up_to_a_hundred(start: int, lost: int, new: int) -> None:
    lost = min(lost, start)
    kept, gone = retention(start, start - lost + new, new), churn(start, lost)

    assert kept is not None
    assert gone is not None
    assert kept + gone == pytest.approx(100)


@pytest.mark.parametrize(("start", "lost", "percent"), [(200, 20, 10.0), (7, 7, 100.0), (0, 0, None)])
def test_churn_is_who_left_of_those_at_the_start(start: int, lost: int, percent: float | None) -> None:
    assert churn(start, lost) == percent


def test_revenue_churn_takes_any_money() -> None:
    assert revenue_churn(Decimal("1000.00"), Decimal("50.50")) == 5.05
    assert revenue_churn(0.3, 0.1) == pytest.approx(33.333333333333336, rel=0, abs=0)
    assert revenue_churn(100_00, 5_05) == 5.05
    assert revenue_churn(0, 0) is None


def test_the_repeat_rate_is_of_all_buyers() -> None:
    assert repeat_rate(1, 8) == 12.5
    assert repeat_rate(0, 0) is None


def test_lifetime_value_is_money_times_rate_less_cost() -> None:
    assert customer_lifetime_value(Decimal("80.00"), 25.0, Decimal("12.50")) == 7.5
    assert customer_lifetime_value(0.1, 10.0, 0) == 0.01
    assert customer_lifetime_value(80, repeat_rate(0, 0), 12) is None


def test_the_promoter_score_is_promoters_less_detractors() -> None:
    assert net_promoter_score(promoters=3, passives=2, detractors=3) == 0.0
    assert net_promoter_score(promoters=2, passives=1, detractors=0) == 66.66666666666667
    assert net_promoter_score(promoters=0, passives=0, detractors=2) == -100.0
    assert net_promoter_score(promoters=0, passives=2, detractors=0) == 0.0
    assert net_promoter_score(promoters=0, passives=0, detractors=0) is None


def test_there_is_no_percentage_of_a_negative_whole() -> None:
    with pytest.raises(ValueError, match="negative"):
        churn(-1, 0)
