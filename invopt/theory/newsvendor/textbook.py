"""The newsvendor: one order before the demand X is known; units left over and units missing cost money.

    C(s) = o E(s - X)^+ + u E(X - s)^+ = o (s - E X) + (o + u) n(s)          overage o, underage u, n the loss function

The best s is the critical fractile: the smallest with P(X <= s) >= u / (o + u). A product bought for c, sold for r and
salvaged for v has o = c - v and u = r - c, and its expected profit is (r - c) E X - C(s).

Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, section 4.3; Muckstadt & Sapra (2010), chapter 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from invopt.errors import ParameterError
from invopt.theory.demand.distributions import normal_loss, pmf_cdf, pmf_loss, poisson_cdf, poisson_loss

# a probability reached to within this is reached
REACHED = 1e-12


class OrderUpTo(NamedTuple):
    """Units, and expected money per order."""

    base_stock_level: np.ndarray
    cost: np.ndarray


def _ratio(overage: np.ndarray, underage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    o, u = np.asarray(overage, float), np.asarray(underage, float)
    if not (np.all(o > 0) and np.all(u >= 0)):
        raise ParameterError("overage must be above 0 and underage 0 or more")
    return o, u, u / (o + u)


def newsvendor_normal(
    overage: np.ndarray, underage: np.ndarray, demand_mean: np.ndarray, demand_std: np.ndarray
) -> OrderUpTo:
    """s* = mu + z sigma, z = Phi^-1(u / (o + u)), C = (o + u) sigma phi(z): real quantities, of shapes that broadcast.

    overage, underage in money/unit [o, u]; demand_mean, demand_std in units [mu, sigma].

    Raises
    ------
    ParameterError : the overage is not above 0, or the underage below it.

    Source: Snyder & Shen (2019), Example 4.3.

    >>> level, cost = newsvendor_normal(0.18, 0.70, 50, 8)
    >>> round(float(level), 6), round(float(cost), 6)
    (56.603956, 1.997605)
    """
    o, u, ratio = _ratio(overage, underage)
    level = np.asarray(demand_mean, float) + special.ndtri(ratio) * np.asarray(demand_std, float)
    # without underage nothing is ordered, and a Normal has no smallest value
    level = np.where(ratio > 0, level, 0.0)
    return OrderUpTo(level, o * (level - demand_mean) + (o + u) * normal_loss(level, demand_mean, demand_std))


def newsvendor_poisson(overage: float, underage: float, demand_mean: float) -> OrderUpTo:
    """The smallest whole s with P(X <= s) >= u / (o + u), X Poisson.

    Source: Snyder & Shen (2019), Example 4.7.

    >>> level, cost = newsvendor_poisson(1, 4, 6)
    >>> float(level), round(float(cost), 6)
    (8.0, 3.570107)
    """
    o, u, ratio = _ratio(overage, underage)
    # scipy's own inverse is off by one now and then; the cumulative probabilities beside it decide
    near = np.arange(-2, 3) + np.ceil(special.pdtrik(np.clip(ratio, 1e-300, 1 - 1e-16), demand_mean))
    near = near[near >= 0]
    level = near[np.argmax(poisson_cdf(near, demand_mean) >= ratio)]
    return OrderUpTo(level, o * (level - demand_mean) + (o + u) * poisson_loss(level, demand_mean))


def newsvendor_pmf(overage: float, underage: float, demand_pmf: np.ndarray) -> OrderUpTo:
    """The smallest whole s with P(X <= s) >= u / (o + u), X given by its probabilities of 0, 1, 2, ...

    >>> level, cost = newsvendor_pmf(1, 4, [0.2, 0.3, 0.2, 0.2, 0.1])
    >>> int(level), round(float(cost), 6)
    (3, 1.8)
    """
    o, u, ratio = _ratio(overage, underage)
    pmf = np.asarray(demand_pmf, float)
    x = np.arange(len(pmf))
    level = x[np.argmax(pmf_cdf(x, pmf) >= ratio - REACHED)]
    cost = o * (level - pmf @ x) + (o + u) * pmf_loss(level, pmf)
    return OrderUpTo(level, cost)
