"""What one (R, S) costs and whether S is high enough for R, in compiled sums over the days of a cycle.

Component k is the demand of the first lead time and k days: a Poisson's probabilities, which its walk brings to the
level, a Normal's mean and standard deviation, or a table of losses. Lead time and day of the cycle add up to k in
weight[k] of their n R combinations.
"""

from __future__ import annotations

import math

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL, POISSON
from invopt.theory.demand.loss import NORMAL_BAND

NO_SERVICE, CYCLE, FILL_RATE = 0, 1, 2
# how much better a later R or S must be: equal costs that differ by rounding keep the earlier
NO_CHEAPER = 1 - 1e-13


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
def _table_loss(level, low, table):
    """E (X - level)^+ from a table of `losses_of`."""
    if level <= low:
        return table[0] + (low - level)
    if level - low >= len(table):
        return 0.0
    return table[level - low]


@compiled
def _loss_sum(form, level, k_from, k_to, weight, mean, std, probability, survival, lows, tables):
    """sum over k of weight[k] n_k(level); of a Poisson, whose state is at `level`, n = (mean - level) P(X > level) +
    mean P(X = level).
    """
    total = 0.0
    for k in range(k_from, k_to):
        if form == POISSON:
            if survival[k] == 1.0:
                total += weight[k] * (mean[k] - level)
            else:
                total += weight[k] * max((mean[k] - level) * survival[k] + mean[k] * probability[k], 0.0)
        elif form == NORMAL:
            total += weight[k] * _normal_loss(level, mean[k], std[k])
        else:
            total += weight[k] * _table_loss(level, lows[k], tables[k])
    return total


@compiled
def _next_is_no_cheaper(form, level, k_from, k_to, weight, target, mean, std, probability, survival, lows, tables):
    """Whether sum weight (n(level) - n(level + 1)) <= target: what the next unit saves is no more than it costs."""
    saved = 0.0
    if form == POISSON:
        for k in range(k_from, k_to):
            saved += weight[k] * survival[k]
        return saved <= target
    if form == NORMAL:
        # n(y) - n(y+1) is the mean of P(X > x) on y..y+1, so it lies between its ends, which are cheaper
        at = after = 0.0
        for k in range(k_from, k_to):
            at += weight[k] * _normal_survival(level, mean[k], std[k])
        if at <= target:
            return True
        for k in range(k_from, k_to):
            after += weight[k] * _normal_survival(level + 1, mean[k], std[k])
        if after > target:
            return False
    return (
        _loss_sum(form, level, k_from, k_to, weight, mean, std, probability, survival, lows, tables)
        - _loss_sum(form, level + 1, k_from, k_to, weight, mean, std, probability, survival, lows, tables)
    ) <= target


@compiled
def is_enough(
    is_guide,
    service,
    level,
    R,
    n,
    active,
    weight,
    ones,
    saving,
    unserved,
    least,
    mean,
    std,
    form,
    probability,
    survival,
    lows,
    tables,
):
    """Whether `level` is S(R) or above: the next unit saves nothing more, and the service asked for is given."""
    if level < least:
        return False
    if service == CYCLE:
        chance = 0.0
        for k in range(R, R + n):
            if form == POISSON:
                chance += survival[k]
            elif form == NORMAL:
                chance += _normal_survival(level, mean[k], std[k])
            else:
                chance += _table_loss(level, lows[k], tables[k]) - _table_loss(level + 1, lows[k], tables[k])
        if not chance <= unserved * n:
            return False
    elif service == FILL_RATE:
        added = _loss_sum(form, level, R, R + n, ones, mean, std, probability, survival, lows, tables) - _loss_sum(
            form, level, 0, n, ones, mean, std, probability, survival, lows, tables
        )
        if not added <= unserved * n:
            return False
    if is_guide:
        return _next_is_no_cheaper(
            form, level, R, R + n, ones, saving * n, mean, std, probability, survival, lows, tables
        )
    return _next_is_no_cheaper(
        form, level, active, R + n, weight, saving * n * R, mean, std, probability, survival, lows, tables
    )


@compiled
def least_cost(is_guide, R, a, h, K, p):
    """The least that (R, S) can cost per day for any S: fact 3."""
    if is_guide:
        return K / R + h * a * R / 2
    k = math.ceil(p * R / (h + p))
    return (K + a * (h * 0.5 * k * (k - 1) + p * 0.5 * (R - k) * (R - k + 1))) / R


@compiled
def fill_weights(R, n, weight):
    """weight[k] = in how many of the n R combinations of lead time and day of the cycle the demand is that of
    component k.
    """
    for k in range(len(weight)):
        weight[k] = max(0, min(k - 1, n - 1) - max(k - R, 0) + 1)


@compiled
def review_cost(
    form, is_guide, R, S, n, a, first, h, K, p, active, weight, ones, mean, std, probability, survival, lows, tables
):
    """C(R, S); of a Poisson, whose state must be at S."""
    middle = first + 0.5 * (n - 1)
    if is_guide:
        short = _loss_sum(form, S, R, R + n, ones, mean, std, probability, survival, lows, tables) / n
        return K / R + h * (0.5 * a * R + S - a * (middle + R)) + p / R * short
    short = _loss_sum(form, S, active, R + n, weight, mean, std, probability, survival, lows, tables) / (n * R)
    return K / R + h * max(S - a * (middle + 0.5 * (R + 1)) + short, 0.0) + p * short


@compiled
def limits(is_guide, service, unserved_share, R, n, a, first, h, p):
    """(least S, largest saving, what may be unserved) of `is_enough` for R."""
    least = int(math.ceil(a * (first + 0.5 * (n - 1) + R) * (1 - 1e-12))) if is_guide else 0
    saving = h / (h + p)
    if is_guide:
        saving = h * R / p if p > 0 else math.inf
    return least, saving, unserved_share * (a * R if service == FILL_RATE else 1.0)
