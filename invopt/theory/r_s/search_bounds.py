"""The item that both searches of (R, S) take, and what they know of it before any probability.

Component k is the demand of the first lead time and k days. Lead time and day of the cycle add up to k in weight[k] of
their n R combinations.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from invopt.theory.compiled import compiled
from invopt.theory.r_s.cost import FILL_RATE

# how much better a later R or S must be: equal costs that differ by rounding keep the earlier
NO_CHEAPER = 1 - 1e-13


class Item(NamedTuple):
    """One item, as compiled loops take it.

    is_guide : the cost `guide`; False: `daily_review`
    service, unserved_share : NO_SERVICE, CYCLE or FILL_RATE, and the share that may be unserved
    shortest, longest : days between reviews
    h, K, p : holding_cost, fixed_order_cost, backorder_cost
    a : demand_mean, units/day
    first, n : n equally likely lead times, one day apart
    """

    is_guide: bool
    service: int
    unserved_share: float
    shortest: int
    longest: int
    h: float
    K: float
    p: float
    a: float
    first: float
    n: int


@compiled
def least_cost(item, R):
    """The least that (R, S) can cost per day for any S: fact 3 of `theory/r_s/search.py`."""
    a, h, K, p = item.a, item.h, item.K, item.p
    if item.is_guide:
        return K / R + h * a * R / 2
    k = math.ceil(p * R / (h + p))
    return (K + a * (h * 0.5 * k * (k - 1) + p * 0.5 * (R - k) * (R - k + 1))) / R


@compiled
def limits_of(item, R):
    """(least S, largest saving, what may be unserved): S(R) is the first S that keeps them.

    largest saving : the next unit may lower the mean shortage by no more
    """
    a, h, p = item.a, item.h, item.p
    least, saving = 0, h / (h + p)
    if item.is_guide:
        least = int(math.ceil(a * (item.first + 0.5 * (item.n - 1) + R) * (1 - 1e-12)))
        saving = h * R / p if p > 0 else math.inf
    return least, saving, item.unserved_share * (a * R if item.service == FILL_RATE else 1.0)


@compiled
def fill_weights(R, n, weight):
    """weight[k] = in how many of the n R combinations of lead time and day of the cycle the demand is component k's."""
    for k in range(len(weight)):
        weight[k] = max(0, min(k - 1, n - 1) - max(k - R, 0) + 1)


@compiled
def cost_of(item, R, S, short):
    """C(R, S), when so many units are short: on average of a day, or with the guide's cost at the end of a cycle."""
    a, h, K, p = item.a, item.h, item.K, item.p
    middle = item.first + 0.5 * (item.n - 1)
    if item.is_guide:
        return K / R + h * (0.5 * a * R + S - a * (middle + R)) + p / R * short
    return K / R + h * max(S - a * (middle + 0.5 * (R + 1)) + short, 0.0) + p * short
