"""The cost per day of an (s, S) policy.

Every morning an inventory position of s or less is lifted to S by an order that costs K. D is a day's demand, X that
of the lead time + 1 day. A day that begins with position y after ordering costs

    G(y) = h E(y - X)^+ + p E(X - y)^+

m(d) is the mean number of days, from one order to the next, that begin with position S - d, for S - d > s:

    m(0) = 1 / (1 - P(D = 0)),   m(d) = sum_{x=1}^{d} P(D = x) m(d - x) / (1 - P(D = 0))
    C(s, S) = [ K + sum_{d=0}^{S-s-1} m(d) G(S - d) ] / sum_{d=0}^{S-s-1} m(d)                        s >= 0, S > s

Source: Zheng & Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy,
Operations Research 39(4), 654-665.
"""

from __future__ import annotations

import numpy as np


def order_up_to_cost(s: int, S: int, day_pmf: np.ndarray, level_cost: np.ndarray, fixed_order_cost: float) -> float:
    """C(s, S), money/day.

    day_pmf : probabilities of a day's demand of 0, 1, ...
    level_cost : (S - s,) array, G(s+1), ..., G(S), money/day
    fixed_order_cost : money/order

    Source: Snyder & Shen (2019), Example 4.7.

    >>> from invopt.theory.demand.daily import poisson_day_pmf
    >>> from invopt.theory.demand.distributions import poisson_loss
    >>> y = np.arange(5, 11)
    >>> round(order_up_to_cost(4, 10, poisson_day_pmf(6.0), y - 6 + 5 * poisson_loss(y, 6.0), 5.0), 6)
    8.034112
    """
    m = renewal_days(day_pmf, S - s)
    return float((fixed_order_cost + m @ level_cost[::-1]) / m.sum())


def renewal_days(day_pmf: np.ndarray, n: int) -> np.ndarray:
    """m(0), ..., m(n-1): the mean number of days that begin d units below S.

    day_pmf : probabilities of a day's demand of 0, 1, ...

    >>> renewal_days(np.array([0.5, 0.5]), 3)
    array([2., 2., 2.])
    """
    later = np.asarray(day_pmf, float)[1:]
    waiting = 1.0 / (1.0 - day_pmf[0])
    m = np.zeros(n)
    m[0] = waiting
    for d in range(1, n):
        width = min(d, len(later))
        m[d] = waiting * (later[:width] @ m[d - width : d][::-1])
    return m
