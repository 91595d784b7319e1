"""How often somebody will buy again, whether she is still a customer, and for how much: BG/NBD and Gamma-Gamma.

In charge of the likelihoods, of fitting them and of what they say of one history. Not of reading histories, and of no
unit of time: whatever `recency` and `age` are counted in, so are `alpha` and the horizon.

BG/NBD: while alive, customers buy at random with a rate of their own (gamma over customers: r, alpha); after each
purchase one drops out with a chance of her own (beta over customers: a, b). Fader, Hardie & Lee, "Counting Your
Customers" the Easy Way, Marketing Science 24 (2005). Gamma-Gamma: what one pays varies around a mean of her own, which
does not hang on how often she buys. Fader & Hardie, The Gamma-Gamma Model of Monetary Value (2013).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
else:
    Numbers: TypeAlias = Any

# So far the logarithm of a parameter may go before it is no pattern any more: a millionth, a million.
_FARTHEST = 12.0
_TOLERANCE = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2_000}


class NoFitError(ValueError):
    """These histories do not say enough: too few people, or nobody bought again."""


@dataclass(frozen=True, slots=True)
class Buying:
    """The four parameters of BG/NBD, for one unit of time."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Paying:
    """The three parameters of Gamma-Gamma, for one unit of money."""

    p: float
    q: float
    gamma: float


def fit_buying(repeats: Numbers, recency: Numbers, age: Numbers, weight: Numbers) -> Buying:
    """The parameters that make these histories likeliest.

    Each is of `weight` people who after their first purchase bought `repeats` times more, the last time at the age
    `recency` (0 without repeats), and are `age` old as customers. Raises NoFitError.
    """
    import numpy as np

    if not len(repeats) or weight.sum() < 10 or not (repeats * weight).sum() or age.max() <= 0:
        raise NoFitError("too few people bought again")
    scale = float(age.max()) / 10
    recency, age = recency / scale, age / scale

    def loss(logs: Numbers) -> float:
        return -float(np.average(_buying_likelihood(Buying(*np.exp(logs)), repeats, recency, age), weights=weight))

    r, alpha, a, b = _least(loss, (0.0, 0.0, -0.5, 0.5))
    return Buying(r, alpha * scale, a, b)


def _buying_likelihood(of: Buying, repeats: Numbers, recency: Numbers, age: Numbers) -> Numbers:
    """The logarithm of equation 6 of the paper, for each history, in a form that does not overflow."""
    import numpy as np
    from scipy.special import betaln, gammaln

    r, alpha, a, b = of.r, of.alpha, of.a, of.b
    rate = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + repeats) - betaln(a, b)
    alive = -(r + repeats) * np.log(alpha + age)
    again = np.maximum(repeats, 1)
    gone = np.log(a) - np.log(b + again - 1) - (r + repeats) * np.log(alpha + recency)
    either = np.where(repeats > 0, np.logaddexp(alive, gone), alive)
    found: Numbers = rate + stays + either
    return found


def alive(of: Buying, repeats: Numbers, recency: Numbers, age: Numbers) -> Numbers:
    """The probability that each is still a customer, 0 … 1. Who never bought again is alive: nothing can have ended."""
    import numpy as np

    again = np.maximum(repeats, 1)
    odds = of.a / (of.b + again - 1) * ((of.alpha + age) / (of.alpha + recency)) ** (of.r + repeats)
    found: Numbers = np.where(repeats > 0, 1 / (1 + odds), 1.0)
    return found


def expected_purchases(of: Buying, ahead: float, repeats: Numbers, recency: Numbers, age: Numbers) -> Numbers:
    """How many more purchases each will make in the time `ahead` (equation 10 of the paper)."""
    from scipy.special import hyp2f1

    r, alpha, b = of.r, of.alpha, of.b
    a = of.a if abs(of.a - 1) > 1e-6 else of.a + 1e-5  # The formula has a removable gap at 1.
    shrink = ((alpha + age) / (alpha + age + ahead)) ** (r + repeats)
    sum_of = hyp2f1(r + repeats, b + repeats, a + b + repeats - 1, ahead / (alpha + age + ahead))
    unconditional = (a + b + repeats - 1) / (a - 1) * (1 - shrink * sum_of)
    found: Numbers = unconditional * alive(of, repeats, recency, age)
    return found


def fit_paying(purchases: Numbers, mean: Numbers, weight: Numbers) -> Paying:
    """The parameters of people who made so many `purchases` of this `mean` amount (above 0). Raises NoFitError."""
    import numpy as np
    from scipy.special import gammaln

    if len(purchases) < 10 or mean.min() <= 0:
        raise NoFitError("too few people paid anything")
    scale = float(np.average(mean, weights=weight))
    mean = mean / scale

    def loss(logs: Numbers) -> float:
        p, q, gamma = np.exp(logs)
        shape = p * purchases
        likelihood = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(gamma)
        likelihood += (shape - 1) * np.log(mean) + shape * np.log(purchases)
        likelihood -= (shape + q) * np.log(gamma + purchases * mean)
        return -float(np.average(likelihood, weights=weight))

    p, q, gamma = _least(loss, (1.0, 1.0, 0.0))
    return Paying(p, q, gamma * scale)


def expected_payment(of: Paying, purchases: Numbers, mean: Numbers) -> Numbers:
    """What each will pay on average per purchase: her own mean, drawn towards everybody's the fewer she made.

    Where `q` is at most 1 there is no mean of everybody; then it is her own.
    """
    import numpy as np

    below = of.p * purchases + of.q - 1
    drawn = of.p * (of.gamma + purchases * mean) / np.where(below > 0, below, 1)
    found: Numbers = np.where((of.q > 1) & (below > 0), drawn, mean)
    return found


def _least(loss: Callable[[Numbers], float], start: tuple[float, ...]) -> tuple[float, ...]:
    """The parameters, all above 0, where the loss is least."""
    import numpy as np
    from scipy.optimize import minimize

    bounds = [(-_FARTHEST, _FARTHEST)] * len(start)
    found = minimize(loss, np.array(start), method="L-BFGS-B", jac="3-point", bounds=bounds, options=_TOLERANCE)
    # Its last line search may end in rounding, which it calls abnormal: what counts is that the point is inside.
    if not np.isfinite(found.fun) or np.abs(found.x).max() > _FARTHEST - 1:
        raise NoFitError("these purchases follow no such pattern")
    return tuple(float(each) for each in np.exp(found.x))
