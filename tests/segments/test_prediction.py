"""BG/NBD and Gamma-Gamma on CDNOW: the parameters and predictions of the papers."""

import math
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from segments.prediction import (
    Buying,
    NoFitError,
    Paying,
    alive,
    expected_payment,
    expected_purchases,
    fit_buying,
    fit_paying,
)

ORDERS = Path(__file__).parents[2] / "workers" / "demo" / "data" / "CDNOW_sample.txt"
END, LAST = date(1997, 9, 30), date(1998, 6, 30)
PAPER = Buying(0.243, 4.414, 0.793, 2.426)


def histories() -> tuple[np.ndarray, ...]:
    """Of each of the 2,357 customers: repeats, recency and age in weeks, mean repeat amount, purchases after END."""
    days: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for line in ORDERS.read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        days[customer][date.fromisoformat(day)] += float(dollars)
    rows = []
    for bought in days.values():
        first, *later = sorted(day for day in bought if day <= END)
        held_out = sum(END < day <= LAST for day in bought)
        mean = sum(bought[day] for day in later) / len(later) if later else 0.0
        last = later[-1] if later else first
        rows.append((len(later), (last - first).days / 7, (END - first).days / 7, mean, held_out))
    return tuple(np.array(rows, float).T)


def test_the_fit_on_cdnow_is_that_of_the_paper() -> None:
    """Fader, Hardie & Lee 2005, table 2."""
    repeats, recency, age, _, _ = histories()
    assert len(repeats) == 2357
    found = fit_buying(repeats, recency, age, np.ones(len(age)))
    assert [round(each, 3) for each in (found.r, found.alpha, found.a, found.b)] == [0.243, 4.414, 0.793, 2.426]


def test_equal_histories_may_be_counted_instead_of_listed() -> None:
    repeats, recency, age, _, _ = histories()
    rows, times = np.unique(np.stack([repeats, recency, age]), axis=1, return_counts=True)
    listed = fit_buying(repeats, recency, age, np.ones(len(age)))
    counted = fit_buying(rows[0], rows[1], rows[2], times.astype(float))
    assert (counted.r, counted.alpha) == pytest.approx((listed.r, listed.alpha), rel=1e-4)


def test_what_is_expected_of_one_customer() -> None:
    """Fader, Hardie & Lee 2005 give 1.226 for x = 2, t_x = 30.43, T = 38.86 in the 39 weeks after."""
    one = expected_purchases(PAPER, 39, *(np.array([value]) for value in (2, 30.43, 38.86)))
    assert float(one[0]) == pytest.approx(1.226, abs=5e-4)
    assert float(alive(PAPER, np.array([0]), np.array([0.0]), np.array([30.0]))[0]) == 1.0


def test_what_is_expected_is_what_the_definition_gives_by_integration() -> None:
    """Without history, E[X(t)] (equation 9) summed up from its own terms by simulation of the story it tells."""
    dice = np.random.default_rng(7)
    rates = dice.gamma(PAPER.r, 1 / PAPER.alpha, 60_000)
    drops = dice.beta(PAPER.a, PAPER.b, 60_000)
    bought = []
    for rate, drop in zip(rates, drops, strict=True):
        number = dice.poisson(rate * 39)
        lives = dice.geometric(drop) if drop > 0 else math.inf
        bought.append(min(number, lives))
    none = np.zeros(1)
    expected = float(expected_purchases(PAPER, 39, none, none, none)[0])
    assert expected == pytest.approx(float(np.mean(bought)), rel=0.03)


def test_the_held_out_weeks_come_out_as_they_were() -> None:
    repeats, recency, age, _, held_out = histories()
    expected = expected_purchases(PAPER, 39, repeats, recency, age)
    assert float(expected.sum()) == pytest.approx(held_out.sum(), rel=0.15)
    assert float(np.abs(expected - held_out).mean()) < float(np.abs(held_out - held_out.mean()).mean())


def test_what_is_paid_on_cdnow_is_that_of_the_note() -> None:
    """Fader & Hardie 2013 give p 6.25, q 3.74 and gamma 15.44 for the 946 customers who bought again."""
    repeats, _, _, mean, _ = histories()
    again = (repeats > 0) & (mean > 0)
    assert again.sum() == 946
    found = fit_paying(repeats[again], mean[again], np.ones(946))
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=5e-3)


def test_who_bought_rarely_is_drawn_towards_the_mean_of_all() -> None:
    of = Paying(6.25, 3.74, 15.44)
    everybody = of.p * of.gamma / (of.q - 1)
    few, many = expected_payment(of, np.array([1.0, 100.0]), np.array([80.0, 80.0]))
    assert everybody < few < many < 80
    assert expected_payment(Paying(1.0, 0.9, 1.0), np.array([2.0]), np.array([30.0]))[0] == 30.0


def test_nobody_who_bought_again_gives_no_fit() -> None:
    none, ages = np.zeros(50), np.full(50, 30.0)
    with pytest.raises(NoFitError):
        fit_buying(none, none, ages, np.ones(50))
    with pytest.raises(NoFitError):
        fit_paying(np.ones(3), np.ones(3), np.ones(3))
