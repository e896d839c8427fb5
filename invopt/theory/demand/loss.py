"""The loss function of lead-time demand inside compiled loops: a table over the levels that matter, or a formula.

A table holds n(y) = E(X - y)^+ for y = low, low + 1, ... and ends with a 0. Below it n(y) is the straight line n(low) +
low - y. Above it n(y) is 0: all demand lies between, to within 1e-24. So a table of a few hundred levels stands for any
number of levels.

These loops share nothing with `theory/demand/distributions.py`, whose functions are scipy's. Tests check the two
against each other, and the exact algorithm and the model, which use one each, stay independent.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL, POISSON

# a probability below this share of the largest one is left out
NEGLIGIBLE = 1e-24
LOG_NEGLIGIBLE = -math.log(NEGLIGIBLE)
# beyond this many standard deviations a Normal's loss is below 1e-20 of one
NORMAL_BAND = 9.5


class LeadTimeBand(NamedTuple):
    """The demand X of one item over its lead time; its table of losses is passed beside it.

    A record of numbers alone costs a compiled loop nothing. A record that holds an array costs a count of its users at
    each call, which made a search a fifth slower.

    low, high : levels between which all of X lies
    mean : E X, units
    demand_mean, demand_variance, first_lead_time, n_lead_times : the Normals that stand in for an empty table
    """

    low: int
    high: int
    mean: float
    demand_mean: float
    demand_variance: float
    first_lead_time: float
    n_lead_times: int


@compiled
def fill_losses(pmf, m, total, table):
    """Fill table[0..m] with n(low), n(low + 1), ..., 0 of the probabilities pmf[0..m-1] / total of low, low + 1, ..."""
    scale = 1.0 / total
    table[m] = table[m - 1] = 0.0
    survival = loss = 0.0
    for k in range(m - 1, 0, -1):
        survival += pmf[k] * scale
        loss += survival
        table[k - 1] = loss


@compiled
def losses_of(pmf):
    """Table n(low), n(low + 1), ..., 0 of the probabilities pmf of low, low + 1, ...: (m + 1,) from (m,)."""
    m = len(pmf)
    total = 0.0
    for k in range(m):
        total += pmf[k]
    table = np.zeros(m + 1)
    fill_losses(pmf, m, total, table)
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
def normal_band(demand_mean, demand_variance, first_lead_time, n_lead_times):
    """First and last level that Normals of means m*tau and variances v*tau reach within NORMAL_BAND."""
    last = first_lead_time + n_lead_times - 1
    width = NORMAL_BAND * math.sqrt(demand_variance * last)
    return int(math.floor(demand_mean * first_lead_time - width)), int(math.ceil(demand_mean * last + width))


@compiled
def _fill_weights(mean, low, high, weights):
    """Fill weights[0..high-low] with P(X = low), ... of a Poisson, all times the same number; returns their sum."""
    # outwards from the mode by the ratio of neighbours; dividing by the sum makes any start value right
    mode = int(mean)
    weights[mode - low] = 1.0
    total = weight = 1.0
    top = mode
    while top < high and weight > NEGLIGIBLE:
        top += 1
        weight *= mean / top
        weights[top - low] = weight
        total += weight
    weights[top - low + 1 : high - low + 1] = 0.0
    weight = 1.0
    bottom = mode
    while bottom > low and weight > NEGLIGIBLE:
        weight *= bottom / mean
        bottom -= 1
        weights[bottom - low] = weight
        total += weight
    weights[: bottom - low] = 0.0
    return total


@compiled
def fill_poisson_losses(demand_mean, first_lead_time, n_lead_times, low, high, weights, mixed, table):
    """Fill table[0..high-low+1] with n(low), ... of the Poissons of `poisson_losses`, whose band is low..high.

    weights, mixed : room for high - low + 1 numbers
    """
    m = high - low + 1
    if n_lead_times == 1:
        fill_losses(weights, m, _fill_weights(demand_mean * first_lead_time, low, high, weights), table)
        return
    mixed[:m] = 0.0
    for j in range(n_lead_times):
        scale = 1.0 / _fill_weights(demand_mean * (first_lead_time + j), low, high, weights)
        for k in range(m):
            mixed[k] += weights[k] * scale
    fill_losses(mixed, m, float(n_lead_times), table)


@compiled
def poisson_losses(demand_mean, first_lead_time, n_lead_times):
    """(low, table) of the equal mixture of Poissons of the means m*tau.

    tau = first_lead_time + 0, 1, ..., n_lead_times - 1
    """
    low, high = poisson_band(demand_mean * first_lead_time, demand_mean * (first_lead_time + n_lead_times - 1))
    table = np.empty(high - low + 2)
    fill_poisson_losses(
        demand_mean, first_lead_time, n_lead_times, low, high, np.empty(high - low + 1), np.empty(high - low + 1), table
    )
    return low, table


@compiled
def normal_loss_at(y, demand_mean, demand_variance, first_lead_time, n_lead_times):
    """n(y) of the equal mixture of Normals of the means m*tau and variances v*tau.

    tau = first_lead_time + 0, 1, ..., n_lead_times - 1
    """
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
def table_loss(y, low, table):
    """n(y) of a table that is not empty and begins at `low`."""
    if y <= low:
        return table[0] + (low - y)
    if y - low >= len(table):
        return 0.0
    return table[y - low]


@compiled
def loss_at(y, band, table):
    """n(y) of the table, or, where that is empty, of the Normals of a `LeadTimeBand`."""
    if len(table) == 0:
        return normal_loss_at(y, band.demand_mean, band.demand_variance, band.first_lead_time, band.n_lead_times)
    return table_loss(y, band.low, table)


@compiled
def band_and_losses(demand, i):
    """(`LeadTimeBand`, table of losses) of item i of a `DemandArrays`; the table of a Normal is empty."""
    a, v, first, number = demand.mean[i], demand.variance[i], demand.first_lead_time[i], demand.n_lead_times[i]
    if demand.form[i] == NORMAL:
        low, high = normal_band(a, v, first, number)
        return LeadTimeBand(low, high, a * (first + (first + number - 1)) / 2, a, v, first, number), np.zeros(0)
    if demand.form[i] == POISSON:
        low, table = poisson_losses(a, first, number)
    else:
        low, table = 0, losses_of(demand.pmfs[demand.pmf_offsets[i] : demand.pmf_offsets[i + 1]])
    return LeadTimeBand(low, low + len(table) - 1, low + table[0], a, v, first, number), table
