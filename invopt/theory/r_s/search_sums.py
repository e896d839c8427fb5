"""Whether S is high enough for R, and what (R, S) costs, for a demand that is evaluated at any level.

They are compiled sums over the days of a cycle. A Poisson has sums of its own in `search_poisson.py`, whose state
stands at one level.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL
from invopt.theory.demand.loss import NORMAL_BAND, table_loss
from invopt.theory.r_s.cost import CYCLE, FILL_RATE
from invopt.theory.r_s.search_bounds import cost_of


class Components(NamedTuple):
    """The demand of the first lead time and k days, by k.

    form : NORMAL or PMF
    weight, ones : weight[k], which `fill_weights` fills for an R, and 1 for all k
    mean, std : units, of a Normal
    lows, tables : of a pmf, the level of each table's first value and the table of losses
    """

    form: int
    weight: np.ndarray
    ones: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    lows: np.ndarray
    tables: list


@compiled
def _normal_survival(x, mean, std):
    """P(X > x)."""
    gap = x - mean
    if gap >= NORMAL_BAND * std:
        return 0.0
    if -gap > NORMAL_BAND * std:
        return 1.0
    return 0.5 * math.erfc(gap / std * math.sqrt(0.5))


@compiled
def _normal_loss(x, mean, std):
    """E (X - x)^+."""
    short = mean - x
    if short >= NORMAL_BAND * std:
        return max(short, 0.0)
    if -short >= NORMAL_BAND * std:
        return 0.0
    z = -short / std
    return max(std * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) + short * 0.5 * math.erfc(z * math.sqrt(0.5)), 0.0)


@compiled
def _loss_sum(components, weight, level, k_from, k_to):
    """sum over k of weight[k] n_k(level)."""
    form, _, _, mean, std, lows, tables = components
    total = 0.0
    for k in range(k_from, k_to):
        if form == NORMAL:
            total += weight[k] * _normal_loss(level, mean[k], std[k])
        else:
            total += weight[k] * table_loss(level, lows[k], tables[k])
    return total


@compiled
def _survival_sum(mean, std, weight, level, k_from, k_to):
    """sum over k of weight[k] P(X_k > level) of a Normal."""
    total = 0.0
    for k in range(k_from, k_to):
        total += weight[k] * _normal_survival(level, mean[k], std[k])
    return total


@compiled
def _next_is_no_cheaper(components, weight, level, k_from, k_to, target):
    """Whether sum weight (n(level) - n(level + 1)) <= target: what the next unit saves is no more than it costs."""
    if components.form == NORMAL:
        # n(y) - n(y+1) is the mean of P(X > x) on y..y+1, so it lies between its ends, which are cheaper
        mean, std = components.mean, components.std
        if _survival_sum(mean, std, weight, level, k_from, k_to) <= target:
            return True
        if _survival_sum(mean, std, weight, level + 1, k_from, k_to) > target:
            return False
    return (
        _loss_sum(components, weight, level, k_from, k_to) - _loss_sum(components, weight, level + 1, k_from, k_to)
    ) <= target


@compiled
def _shortage_chance(components, level, k_from, k_to):
    """sum over k of P(X_k > level)."""
    form, _, ones, mean, std, lows, tables = components
    if form == NORMAL:
        return _survival_sum(mean, std, ones, level, k_from, k_to)
    chance = 0.0
    for k in range(k_from, k_to):
        chance += table_loss(level, lows[k], tables[k]) - table_loss(level + 1, lows[k], tables[k])
    return chance


@compiled
def is_enough(item, components, level, R, limits):
    """Whether `level` is S(R) or above: the next unit saves nothing more, and the service asked for is given.

    limits : of `limits_of` for R
    """
    least, saving, unserved = limits
    n, ones = item.n, components.ones
    if level < least:
        return False
    if item.service == CYCLE:
        if not _shortage_chance(components, level, R, R + n) <= unserved * n:
            return False
    elif item.service == FILL_RATE:
        added = _loss_sum(components, ones, level, R, R + n) - _loss_sum(components, ones, level, 0, n)
        if not added <= unserved * n:
            return False
    if item.is_guide:
        return _next_is_no_cheaper(components, ones, level, R, R + n, saving * n)
    return _next_is_no_cheaper(components, components.weight, level, 1, R + n, saving * n * R)


@compiled
def review_cost(item, components, R, S):
    """C(R, S)."""
    n = item.n
    if item.is_guide:
        return cost_of(item, R, S, _loss_sum(components, components.ones, S, R, R + n) / n)
    return cost_of(item, R, S, _loss_sum(components, components.weight, S, 1, R + n) / (n * R))
