"""RFM scores and classes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rfm import Borders, RfmClass, quintiles, rfm_class, scores


@pytest.mark.parametrize(
    ("recency", "orders", "spend", "expected"),
    [
        (10, 9, 90_000, (5, 5, 5, RfmClass.CHAMPIONS)),
        (30, 5, 25_000, (5, 4, 4, RfmClass.CHAMPIONS)),
        (31, 3, 4_000, (4, 3, 2, RfmClass.LOYAL)),
        (200, 3, 4_000, (2, 3, 2, RfmClass.AT_RISK)),
        (150, 3, 4_000, (3, 3, 2, RfmClass.LOYAL)),
        (1, 1, 2_500, (5, 1, 1, RfmClass.PROMISING)),
        (1, 2, 90_000, (5, 2, 5, RfmClass.PROMISING)),
        (366, 9, 90_000, (1, 5, 5, RfmClass.CANNOT_LOSE)),
        (366, 1, 2_000, (1, 1, 1, RfmClass.DORMANT)),
    ],
)
def test_scores_and_class(recency: float, orders: int, spend: int, expected: tuple[int, int, int, RfmClass]) -> None:
    found = scores(recency, orders, spend)
    assert (found.recency, found.frequency, found.monetary, found.rfm_class) == expected


@given(st.floats(0, 5000), st.integers(1, 100), st.integers(0, 10**7))
def test_more_is_never_worse_in_a_score(recency: float, orders: int, spend: int) -> None:
    one, more = scores(recency, orders, spend), scores(recency / 2, orders + 1, spend + 1)
    assert more.recency >= one.recency
    assert more.frequency >= one.frequency
    assert more.monetary >= one.monetary
    assert rfm_class(recency, orders, spend) is one.rfm_class


def test_quintiles_are_nearest_ranks() -> None:
    assert quintiles(range(1, 101)) == (20, 40, 60, 80)
    assert quintiles([7]) == (7, 7, 7, 7)
    assert quintiles([]) == (0, 0, 0, 0)


def test_borders_must_rise() -> None:
    with pytest.raises(ValueError, match="rise"):
        Borders(orders=(1, 3, 2, 4))
