"""The loss function of lead-time demand inside compiled loops: a table over the levels that matter, or a formula.

A table holds n(y) = E(X - y)^+ for y = low, low + 1, ... and ends with a 0. Below it n(y) is the straight line n(low) + low - y, above it
is 0: all demand, to within 1e-24, lies between. So a table of a few hundred levels stands for any number of levels.

These loops share nothing with `demand.py`, whose functions are scipy's: the two check each other in the tests, and the exact
algorithm and the model, which use one each, stay independent.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled

# a probability below this share of the largest one is left out
NEGLIGIBLE = 1e-24
LOG_NEGLIGIBLE = -math.log(NEGLIGIBLE)
# beyond this many standard deviations a Normal's loss is below 1e-20 of one
NORMAL_BAND = 9.5


@compiled
def losses_of(pmf):
    """Table n(low), n(low + 1), ..., 0 of the probabilities pmf of low, low + 1, ...: (m + 1,) from (m,)."""
    m = len(pmf)
    total = 0.0
    for k in range(m):
        total += pmf[k]
    table = np.zeros(m + 1)
    survival = 0.0
    for k in range(m - 1, 0, -1):
        survival += pmf[k] / total
        table[k - 1] = table[k] + survival
    return table


@compiled
def poisson_band(smallest_mean, largest_mean):
    """First and last level that a Poisson of one of these means reaches with a probability above NEGLIGIBLE.

    P(X <= m - t) <= exp(-t^2 / 2m) and P(X >= m + t) <= exp(-t^2 / (2m + 2t/3)), solved for t (Chernoff and Bernstein).
    """
    low = max(0, int(smallest_mean - math.sqrt(2 * LOG_NEGLIGIBLE * smallest_mean)))
    third = LOG_NEGLIGIBLE / 3
    high = int(largest_mean + third + math.sqrt(third * third + 2 * LOG_NEGLIGIBLE * largest_mean)) + 1
    return low, high


@compiled
def poisson_losses(demand_mean, first_lead_time, n_lead_times):
    """(low, table) of the equal mixture of Poissons of means demand_mean * (first_lead_time + 0, 1, ..., n_lead_times - 1)."""
    low, high = poisson_band(demand_mean * first_lead_time, demand_mean * (first_lead_time + n_lead_times - 1))
    mixed = np.zeros(high - low + 1)
    one = np.zeros(high - low + 1)
    for j in range(n_lead_times):
        mean = demand_mean * (first_lead_time + j)
        # outwards from the mode by the ratio of neighbours; dividing by the sum makes any start value right
        mode = int(mean)
        one[mode - low] = 1.0
        total = 1.0
        weight = 1.0
        top = mode
        while top < high and weight > NEGLIGIBLE:
            top += 1
            weight *= mean / top
            one[top - low] = weight
            total += weight
        weight = 1.0
        bottom = mode
        while bottom > low and weight > NEGLIGIBLE:
            weight *= bottom / mean
            bottom -= 1
            one[bottom - low] = weight
            total += weight
        scale = 1.0 / (total * n_lead_times)
        for k in range(bottom - low, top - low + 1):
            mixed[k] += one[k] * scale
    return low, losses_of(mixed)


@compiled
def normal_loss_at(y, demand_mean, demand_variance, first_lead_time, n_lead_times):
    """n(y) of the equal mixture of Normals of means m*tau and variances v*tau, tau = first_lead_time + 0, 1, ..., n_lead_times - 1."""
    loss = 0.0
    for j in range(n_lead_times):
        short = demand_mean * (first_lead_time + j) - y
        std = math.sqrt(demand_variance * (first_lead_time + j))
        if short >= NORMAL_BAND * std:
            loss += max(short, 0.0)
        elif -short < NORMAL_BAND * std:
            z = -short / std
            density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
            loss += max(std * density + short * 0.5 * math.erfc(z / math.sqrt(2.0)), 0.0)
    return loss / n_lead_times


@compiled
def loss_at(y, low, table, demand_mean, demand_variance, first_lead_time, n_lead_times):
    """n(y) from the table, or, where it is empty, of the Normals."""
    if len(table) == 0:
        return normal_loss_at(y, demand_mean, demand_variance, first_lead_time, n_lead_times)
    if y <= low:
        return table[0] + (low - y)
    if y - low >= len(table):
        return 0.0
    return table[y - low]
