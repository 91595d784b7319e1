"""The rungs, border by border."""

import pytest

from segments.ladder import Ladder, Rung, rung


@pytest.mark.parametrize(
    ("here", "silent", "has_left", "expected"),
    [
        (0, None, False, Rung.NEW),
        (29.9, None, False, Rung.NEW),
        (30, None, False, Rung.COOLING),
        (179, None, False, Rung.COOLING),
        (180, None, False, Rung.SLEEPING),
        (365, None, False, Rung.LOST),
        (5, 1, False, Rung.ACTIVE),
        (500, 89.9, False, Rung.ACTIVE),
        (500, 90, False, Rung.COOLING),
        (500, 180, False, Rung.SLEEPING),
        (500, 365, False, Rung.LOST),
        (5, 100, False, Rung.COOLING),
        (5, 400, False, Rung.LOST),
        (5, 1, True, Rung.LOST),
    ],
)
def test_a_rung_holds_until_its_days_are_over(
    here: float, silent: float | None, has_left: bool, expected: Rung
) -> None:
    assert rung(Ladder(), here, silent, has_left=has_left) is expected


@pytest.mark.parametrize("borders", [(30, 90, 90, 365), (30, 0, 180, 365), (0, 90, 180, 365), (30, 90, 400, 365)])
def test_borders_that_do_not_rise_are_refused(borders: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="rise"):
        Ladder(*borders)
