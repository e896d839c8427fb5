"""The best (R, S) of a Poisson demand: S walks upwards through the R.

Each step of the walk multiplies the probabilities by mean / level.

With the cost `daily_review` S(R) rises with R (fact 2 of `theory/r_s/search.py`), so one walk serves all R; the guide's
cost needs one for each R.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import poisson_band
from invopt.theory.r_s.cost import CYCLE, FILL_RATE
from invopt.theory.r_s.search_bounds import NO_CHEAPER, cost_of, fill_weights, least_cost, limits_of

# a share of a sum that no longer changes it
SPECK = 1e-18
# levels from which four terms of Stirling's series are right to 1e-16
SMALLEST_STIRLING = 32
# rows of a walk's state, a column for each component k: the demand of the first lead time and k days. P(X = level) and
# P(X > level) are those at the level that the walk has reached. A component that is still certain to be above it waits
# until the level WAKE; that is -1 for one that has been started
WEIGHT, MEAN, PROBABILITY, SURVIVAL, WAKE = 0, 1, 2, 3, 4


@compiled
def poisson_at(level, mean):
    """(P(X = level), P(X > level)) for a level within `poisson_band`: weights outwards from it, divided by their sum.

    At the mean or above it the weights below need not be added up: the probability is its logarithm's exp, with
    Stirling's series for the factorial. Both numbers then have the same relative error. A walk upwards, which takes one
    from the other, keeps that error. From below the mean it would not: the rest of 1 up there may be smaller than the
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
def _start(state, k, level):
    """Component k at `level`, or waiting."""
    mean = state[MEAN, k]
    low, high = poisson_band(mean, mean)
    state[WAKE, k] = -1
    if mean == 0 or level >= high:
        state[PROBABILITY, k], state[SURVIVAL, k] = (1.0 if mean == 0 and level == 0 else 0.0), 0.0
    elif level < low:
        state[PROBABILITY, k], state[SURVIVAL, k], state[WAKE, k] = 0.0, 1.0, low
    else:
        state[PROBABILITY, k], state[SURVIVAL, k] = poisson_at(level, mean)


@compiled
def _start_more(state, k_from, k_to, level, next_wake):
    """Start the components k_from..k_to-1; returns the next level at which one that waits must be started, or -1."""
    for k in range(k_from, k_to):
        _start(state, k, level)
        if state[WAKE, k] >= 0 and (next_wake < 0 or state[WAKE, k] < next_wake):
            next_wake = int(state[WAKE, k])
    return next_wake


@compiled
def _start_waiting(state, n_known, level):
    """Start the components that have waited for `level`; returns the next level at which one waits, or -1."""
    next_wake = -1
    for k in range(n_known):
        if state[WAKE, k] == level:
            _start(state, k, level)
        if state[WAKE, k] > level and (next_wake < 0 or state[WAKE, k] < next_wake):
            next_wake = int(state[WAKE, k])
    return next_wake


@compiled
def _survival_sum(state, is_weighted, k_from, k_to):
    """sum of P(X > level), weighted or not: by so much one unit more lowers the losses."""
    total = 0.0
    for k in range(k_from, k_to):
        total += (state[WEIGHT, k] if is_weighted else 1.0) * state[SURVIVAL, k]
    return total


@compiled
def _loss_sum(state, is_weighted, level, k_from, k_to):
    """sum of n(level) = (mean - level) P(X > level) + mean P(X = level), weighted or not."""
    total = 0.0
    for k in range(k_from, k_to):
        mean, survival = state[MEAN, k], state[SURVIVAL, k]
        loss = mean - level
        if survival != 1.0:
            loss = max((mean - level) * survival + mean * state[PROBABILITY, k], 0.0)
        total += (state[WEIGHT, k] if is_weighted else 1.0) * loss
    return total


@compiled
def _is_enough(item, state, level, R, active, limits):
    """Whether `level` is S(R) or above: the next unit saves nothing more, and the service asked for is given.

    active : the first component that still counts
    limits : of `limits_of` for R
    """
    least, saving, unserved = limits
    n = item.n
    if level < least:
        return False
    if item.service == CYCLE:
        if not _survival_sum(state, False, R, R + n) <= unserved * n:
            return False
    elif item.service == FILL_RATE:
        added = _loss_sum(state, False, level, R, R + n) - _loss_sum(state, False, level, 0, n)
        if not added <= unserved * n:
            return False
    if item.is_guide:
        return _survival_sum(state, False, R, R + n) <= saving * n
    return _survival_sum(state, True, active, R + n) <= saving * n * R


@compiled
def _steps(state, is_weighted, level, k_from, k_to, target, next_wake):
    """How many levels up, 1 or more, the first one is that may be enough, when `level` is not.

    None of them is above `next_wake`. With the next level, the saving of a unit falls by sum weight P(X = level + 1).
    With each further one it falls by less than mean / level times the fall before: so levels are passed that need not
    be looked at.
    """
    excess, drop = -target, 0.0
    for k in range(k_from, k_to):
        weight = state[WEIGHT, k] if is_weighted else 1.0
        excess += weight * state[SURVIVAL, k]
        drop += weight * state[PROBABILITY, k] * state[MEAN, k]
    steps = 1
    drop *= (1 + 1e-9) / (level + 1)
    growth = state[MEAN, k_to - 1] / (level + 2)
    excess -= drop
    while excess > 0 and level + steps != next_wake:
        steps += 1
        drop *= growth
        excess -= drop
    return steps


@compiled
def _climb(mean, probability, survival, level, steps, k_from, k_to):
    """Bring components k_from..k_to-1 from `level` up by so many steps; returns the new level."""
    for _ in range(steps):
        level += 1
        inverse = 1.0 / level
        for k in range(k_from, k_to):
            probability[k] *= mean[k] * inverse
            survival[k] -= probability[k]
    return level


@compiled
def _best_on_walk(item, mean, start, last, level, best):
    """(R, S, cost) of the best Poisson (R, S) with R from `start`, when S(start) >= level.

    R is 0 if none costs less than `best`, and -1 when `level` is enough already, so that S(start) may lie below it.
    """
    state = np.zeros((5, len(mean)))
    state[MEAN], state[WAKE] = mean, -1
    weight, probability, survival, wake = state[WEIGHT], state[PROBABILITY], state[SURVIVAL], state[WAKE]
    n, is_guide, has_fill_rate = item.n, item.is_guide, item.service == FILL_RATE
    best_R, best_S = 0, 0
    next_wake = -1
    # the fill rate needs the demand of the lead time itself; the guide's cost only that of the cycle's last day
    n_known = active = 0 if has_fill_rate else start if is_guide else 1
    is_first = level > 0
    R = start
    while R <= last:
        fill_weights(R, n, weight)
        next_wake = _start_more(state, n_known, R + n, level, next_wake)
        n_known = max(n_known, R + n)
        limits = limits_of(item, R)
        least, saving, _ = limits
        if is_guide and not has_fill_rate:
            active = R
        while not _is_enough(item, state, level, R, active, limits):
            is_first = False
            if level < wake[active] and not has_fill_rate and not is_guide:
                # all components that are left start higher up: nothing changes on the way there
                level = next_wake - 1
            if is_guide:
                steps = _steps(state, False, level, R, R + n, saving * n, next_wake)
            else:
                steps = _steps(state, True, level, active, R + n, saving * n * R, next_wake)
            level = _climb(mean, probability, survival, level, steps, active, n_known)
            # what no longer counts is left behind, before its numbers become too small to be quick
            while active < R and probability[active] < 1e-40 and level > mean[active] and not has_fill_rate:
                survival[active] = probability[active] = 0.0
                active += 1
            if level == next_wake:
                next_wake = _start_waiting(state, n_known, level)
        if is_first and level > least:
            return -1, 0, best
        is_first = False
        if is_guide:
            short = _loss_sum(state, False, level, R, R + n) / n
        else:
            short = _loss_sum(state, True, level, active, R + n) / (n * R)
        cost = cost_of(item, R, level, short)
        if cost < best * NO_CHEAPER:
            best_R, best_S, best = R, level, cost
        while last > R and least_cost(item, last) > best:
            last -= 1
        R += 1
    return best_R, best_S, best


@compiled
def _best_of_each(item, mean, likely):
    """(R, S, cost) by a walk for each R alone, the likely one first.

    What a unit late may cost is spread over R in the guide's cost, so S(R) may fall as R rises.
    """
    best_R, best_S, best = 0, 0, math.inf
    for R in range(item.shortest - 1, item.longest + 1):
        R = likely if R < item.shortest else R
        if least_cost(item, R) <= best:
            better_R, S, cost = _best_on_walk(item, mean, R, R, limits_of(item, R)[0], best)
            if better_R > 0:
                best_R, best_S, best = better_R, S, cost
    return best_R, best_S, best


@compiled
def _first_review(item, mean, likely):
    """The smallest R that a guess of the best cost does not leave out; nothing depends on the guess but the time.

    The guess is what deviations cost a base-stock level.
    """
    h, p = item.h, item.p
    guess = least_cost(item, likely)
    guess += h * 0.8 * (1 + 0.5 * math.log(max(p / h, 1.0))) * math.sqrt(mean[likely + item.n - 1]) + h
    start = item.shortest
    while start < likely and least_cost(item, start) > guess:
        start += 1
    return start


@compiled
def poisson_review(item, likely):
    """(R, S, cost) of an item of Poisson demand; `likely` is an R that is cheap with constant demand."""
    mean = item.a * (item.first + np.arange(item.longest + item.n))
    if item.is_guide:
        return _best_of_each(item, mean, likely)
    h, p = item.h, item.p
    start, stop = _first_review(item, mean, likely), item.longest
    best_R, best_S, best = 0, 0, math.inf
    while True:
        # from a level that is likely to be below S(start), else from one that surely is, else from 0
        k = math.ceil(p * start / (h + p))
        level = int(max(0.0, mean[k] - 1.5 * math.sqrt(mean[start])))
        better_R, S, cost = _best_on_walk(item, mean, start, stop, level, best)
        if better_R < 0:
            level = int(max(0.0, mean[1] - 6 * math.sqrt(mean[1]))) if h < 0.999 * (h + p) else 0
            better_R, S, cost = _best_on_walk(item, mean, start, stop, level, best)
        if better_R < 0:
            better_R, S, cost = _best_on_walk(item, mean, start, stop, 0, best)
        if better_R > 0:
            best_R, best_S, best = better_R, S, cost
        # the R that the guess left out, unless the best cost leaves them out
        stop = start - 1
        while stop >= item.shortest and least_cost(item, stop) > best:
            stop -= 1
        if stop < item.shortest:
            return best_R, best_S, best
        start = item.shortest
