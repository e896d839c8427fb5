"""Demand of one day in whole units, for a policy that follows the inventory position from day to day.

    poisson   its probabilities
    pmf       its probabilities
    normal    put on the units u k, k = 0, 1, ... (u = 1 but for very large demand): with n(x) = E(N - x)^+,

                  P(D = u k) = c [n(u(k-1)) - 2 n(uk) + n(u(k+1))] / u   for k >= 1
                  P(D = 0)   = the rest,     c = a / n(0)

A Normal demand between two units becomes one or the other, in proportion to how near it is; so its mean is kept.
Negative demand counts as 0, which adds to the mean; c < 1 takes as much away, by more days without demand. So
E D = a exactly. The variance is v + 1/6 for u = 1, where neither negative demand nor a variance near 0 matters.

A day's demand is a band: `low` and the probabilities of low, low + 1, ... Models use the functions of numpy arrays,
algorithms the compiled ones. The two share nothing, so that model and algorithm check each other.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.convolution import trimmed
from invopt.theory.demand.distributions import normal_loss, poisson_pmf
from invopt.theory.demand.loss import poisson_band

# standard deviations of a Normal's band
BAND = 9.0


def poisson_day_pmf(demand_mean: float) -> np.ndarray:
    """Probabilities of 0, 1, 2, ... up to where they no longer count; demand_mean in units/day.

    >>> poisson_day_pmf(0.5)[:3].round(6)
    array([0.606531, 0.303265, 0.075816])
    """
    probabilities = poisson_pmf(np.arange(int(demand_mean + 10 * math.sqrt(demand_mean)) + 40), demand_mean)
    return probabilities / probabilities.sum()


def normal_day_pmf(demand_mean: float, demand_variance: float) -> np.ndarray:
    """Probabilities of 0, 1, 2, ... of a Normal put on whole units; units/day, above 0, and units^2/day.

    >>> day = normal_day_pmf(1.5, 1.0)
    >>> round(float(day @ np.arange(len(day))), 12), round(float(day[0]), 6)
    (1.5, 0.184424)
    """
    std = math.sqrt(demand_variance)
    x = np.arange(-1, int(demand_mean + BAND * std) + 3)
    # E(N - x)^+ - (a - x)^+ is small on both sides of the mean, so the differences below keep their digits
    bent = normal_loss(np.abs(x - demand_mean), 0.0, std)
    straight = np.maximum(demand_mean - x, 0.0)
    probabilities = np.diff(bent, 2) + np.diff(straight, 2)
    probabilities = np.maximum(probabilities, 0.0) * demand_mean / float(normal_loss(0.0, demand_mean, std))
    probabilities[0] = 0.0
    probabilities[0] = max(0.0, 1 - probabilities.sum())
    return probabilities / probabilities.sum()


@compiled
def poisson_day(demand_mean):
    """(low, probabilities) of a Poisson."""
    low, high = poisson_band(demand_mean, demand_mean)
    pmf = np.zeros(high - low + 1)
    mode = int(demand_mean)
    pmf[mode - low] = 1.0
    total = 1.0
    for x in range(mode + 1, high + 1):
        pmf[x - low] = pmf[x - 1 - low] * demand_mean / x
        total += pmf[x - low]
    for x in range(mode, low, -1):
        pmf[x - 1 - low] = pmf[x - low] * x / demand_mean
        total += pmf[x - 1 - low]
    return trimmed(low, pmf / total)


@compiled
def _bent(gap, std):
    """E(N - x)^+ - (a - x)^+ for gap = |x - a|."""
    if gap >= 39 * std:
        return 0.0
    z = gap / std
    return std * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) - gap * 0.5 * math.erfc(z * math.sqrt(0.5))


@compiled
def normal_day(demand_mean, demand_variance, unit):
    """(low, probabilities) of a Normal on the units unit * k; low counts those units."""
    std = math.sqrt(demand_variance)
    low = max(0, int((demand_mean - BAND * std) / unit) - 1)
    high = int((demand_mean + BAND * std) / unit) + 2
    pmf = np.zeros(high - low + 1)
    scale = demand_mean / (demand_mean + _bent(demand_mean, std)) / unit
    x = unit * (low - 1.0)
    before, at = _bent(abs(x - demand_mean), std), _bent(abs(x + unit - demand_mean), std)
    total = 0.0
    for k in range(low, high + 1):
        x = unit * float(k)
        after = _bent(abs(x + unit - demand_mean), std)
        kink = max(0.0, unit - abs(x - demand_mean))
        if k > 0:
            pmf[k - low] = max((before - at) - (at - after) + kink, 0.0) * scale
            total += pmf[k - low]
        before, at = at, after
    if low == 0:
        pmf[0] = max(0.0, 1 - total)
        total += pmf[0]
    return trimmed(low, pmf / total)


@compiled
def in_steps(low, pmf, unit):
    """(low, probabilities) on the units unit * k; a demand between two goes to both, so that the mean is kept."""
    first = low // unit
    steps = np.zeros((low + len(pmf) - 1) // unit - first + 2)
    for i in range(len(pmf)):
        k, rest = divmod(low + i, unit)
        steps[k - first] += pmf[i] * (unit - rest) / unit
        steps[k - first + 1] += pmf[i] * rest / unit
    return trimmed(first, steps)
