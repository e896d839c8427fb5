"""The best (R, S) of a Poisson demand: S walks upwards through the R, and each step multiplies the probabilities by
mean / level.

With the cost `daily_review` S(R) rises with R (fact 2 of `theory/r_s/search.py`), so one walk serves all R; the guide's
cost needs one for each R.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import POISSON
from invopt.theory.demand.loss import poisson_band
from invopt.theory.r_s.search_sums import (
    FILL_RATE,
    NO_CHEAPER,
    fill_weights,
    is_enough,
    least_cost,
    limits,
    review_cost,
)

# a share of a sum that no longer changes it
SPECK = 1e-18
# levels from which four terms of Stirling's series are right to 1e-16
SMALLEST_STIRLING = 32


@compiled
def poisson_at(level, mean):
    """(P(X = level), P(X > level)) for a level within `poisson_band`: weights outwards from it, divided by their sum.

    At the mean or above it the weights below need not be added up: the probability is its logarithm's exp, with
    Stirling's series for the factorial. Both numbers have the same relative error then, so a walk upwards, which takes
    one from the other, keeps it. From below the mean it would not: what is left of 1 up there may be smaller than the
    error.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities (the deviance, which does not
    cancel).
    """
    above = 0.0
    weight = 1.0
    x = level + 1
    while weight > SPECK * (1.0 + above) or x <= mean:
        weight *= mean / x
        above += weight
        x += 1
    if level >= mean and level >= SMALLEST_STIRLING:
        surplus = level - mean
        square = 1.0 / (level * level)
        stirling = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / level
        probability = math.exp(surplus - level * math.log1p(surplus / mean) - stirling) / math.sqrt(2 * math.pi * level)
        return probability, probability * above
    below = 0.0
    weight = 1.0
    x = level
    while x > 0 and (weight > SPECK * (1.0 + below + above) or x > mean):
        weight *= x / mean
        below += weight
        x -= 1
    total = 1.0 + above + below
    return 1.0 / total, above / total


@compiled
def _start_poisson(k, level, mean, probability, survival, wake):
    """Component k at `level`; one that is still certain to be above it waits until `wake[k]`."""
    low, high = poisson_band(mean[k], mean[k])
    wake[k] = -1
    if mean[k] == 0 or level >= high:
        probability[k], survival[k] = (1.0 if mean[k] == 0 and level == 0 else 0.0), 0.0
    elif level < low:
        probability[k], survival[k], wake[k] = 0.0, 1.0, low
    else:
        probability[k], survival[k] = poisson_at(level, mean[k])


@compiled
def _steps(level, k_from, k_to, weight, target, next_wake, mean, probability, survival):
    """How many levels up, 1 or more, the first one is that may be enough, when `level` is not; none of them is above
    `next_wake`.

    What a unit saves falls by sum weight P(X = level + 1) with the next level, and with each further one by less than
    mean / level times the fall before: so levels are passed that need not be looked at.
    """
    excess, drop = -target, 0.0
    for k in range(k_from, k_to):
        excess += weight[k] * survival[k]
        drop += weight[k] * probability[k] * mean[k]
    steps = 1
    drop *= (1 + 1e-9) / (level + 1)
    growth = mean[k_to - 1] / (level + 2)
    excess -= drop
    while excess > 0 and level + steps != next_wake:
        steps += 1
        drop *= growth
        excess -= drop
    return steps


@compiled
def _walk(is_guide, service, unserved_share, start, last, level, h, K, p, a, first, n, mean, best):
    """(R, S, cost) of the best Poisson (R, S) with R from `start`, when S(start) >= level; R is 0 if none costs less
    than `best`.

    Returns R = -1 when `level` is enough already, so that S(start) may lie below it.
    """
    form = POISSON
    lows, tables = np.zeros(1, dtype=np.int64), [np.zeros(0)]
    probability, survival, weight = np.zeros(len(mean)), np.zeros(len(mean)), np.zeros(len(mean))
    ones = np.ones(len(mean))
    wake = np.full(len(mean), -1)
    best_R, best_S = 0, 0
    next_wake = -1
    # the fill rate needs the demand of the lead time itself; the guide's cost only that of the cycle's last day
    n_known = active = 0 if service == FILL_RATE else start if is_guide else 1
    is_first = level > 0
    R = start
    while R <= last:
        fill_weights(R, n, weight)
        while n_known < R + n:
            _start_poisson(n_known, level, mean, probability, survival, wake)
            if wake[n_known] >= 0 and (next_wake < 0 or wake[n_known] < next_wake):
                next_wake = wake[n_known]
            n_known += 1
        least, saving, unserved = limits(is_guide, service, unserved_share, R, n, a, first, h, p)
        if is_guide and service != FILL_RATE:
            active = R
        while not is_enough(
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
            mean,
            form,
            probability,
            survival,
            lows,
            tables,
        ):
            is_first = False
            if level < wake[active] and service != FILL_RATE and not is_guide:
                # all components that are left start higher up: nothing changes on the way there
                level = next_wake - 1
            steps = _steps(
                level,
                R if is_guide else active,
                R + n,
                ones if is_guide else weight,
                saving * n * (1 if is_guide else R),
                next_wake,
                mean,
                probability,
                survival,
            )
            for _ in range(steps):
                level += 1
                inverse = 1.0 / level
                for k in range(active, n_known):
                    probability[k] *= mean[k] * inverse
                    survival[k] -= probability[k]
            # what no longer counts is left behind, before its numbers become too small to be quick
            while active < R and probability[active] < 1e-40 and level > mean[active] and service != FILL_RATE:
                survival[active] = probability[active] = 0.0
                active += 1
            if level == next_wake:
                next_wake = -1
                for k in range(n_known):
                    if wake[k] == level:
                        _start_poisson(k, level, mean, probability, survival, wake)
                    if wake[k] > level and (next_wake < 0 or wake[k] < next_wake):
                        next_wake = wake[k]
        if is_first and level > least:
            return -1, 0, best
        is_first = False
        cost = review_cost(
            form,
            is_guide,
            R,
            level,
            n,
            a,
            first,
            h,
            K,
            p,
            active,
            weight,
            ones,
            mean,
            mean,
            probability,
            survival,
            lows,
            tables,
        )
        if cost < best * NO_CHEAPER:
            best_R, best_S, best = R, level, cost
        while last > R and least_cost(is_guide, last, a, h, K, p) > best:
            last -= 1
        R += 1
    return best_R, best_S, best


@compiled
def poisson_review(is_guide, service, unserved_share, shortest, longest, h, K, p, a, first, n, likely):
    """(R, S, cost) of an item of Poisson demand; `likely` is an R that is cheap with constant demand."""
    mean = a * (first + np.arange(longest + n))
    if is_guide:
        # what a unit late may cost is spread over R, so S(R) may fall as R rises: each R is looked at alone, the likely
        # one first
        best_R, best_S, best = 0, 0, math.inf
        for R in range(shortest - 1, longest + 1):
            R = likely if R < shortest else R
            if least_cost(is_guide, R, a, h, K, p) <= best:
                least = limits(is_guide, service, unserved_share, R, n, a, first, h, p)[0]
                found, S, cost = _walk(is_guide, service, unserved_share, R, R, least, h, K, p, a, first, n, mean, best)
                if found > 0:
                    best_R, best_S, best = found, S, cost
        return best_R, best_S, best
    # a guess of the best cost, by what deviations cost a base-stock level, leaves out the smallest R; what it can't is
    # checked below
    guess = least_cost(is_guide, likely, a, h, K, p)
    guess += h * 0.8 * (1 + 0.5 * math.log(max(p / h, 1.0))) * math.sqrt(mean[likely + n - 1]) + h
    start = shortest
    while start < likely and least_cost(is_guide, start, a, h, K, p) > guess:
        start += 1
    best_R, best_S, best = 0, 0, math.inf
    stop = longest
    while True:
        # from a level that is likely to be below S(start), else from one that surely is
        k = math.ceil(p * start / (h + p))
        level = int(max(0.0, mean[k] - 1.5 * math.sqrt(mean[start])))
        found, S, cost = _walk(is_guide, service, unserved_share, start, stop, level, h, K, p, a, first, n, mean, best)
        if found < 0:
            level = int(max(0.0, mean[1] - 6 * math.sqrt(mean[1]))) if h < 0.999 * (h + p) else 0
            found, S, cost = _walk(
                is_guide, service, unserved_share, start, stop, level, h, K, p, a, first, n, mean, best
            )
        if found < 0:
            found, S, cost = _walk(is_guide, service, unserved_share, start, stop, 0, h, K, p, a, first, n, mean, best)
        if found > 0:
            best_R, best_S, best = found, S, cost
        stop = start - 1
        while stop >= shortest and least_cost(is_guide, stop, a, h, K, p) > best:
            stop -= 1
        if stop < shortest:
            return best_R, best_S, best
        start = shortest
