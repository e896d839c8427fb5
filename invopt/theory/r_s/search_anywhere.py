"""The best (R, S) of a demand that is evaluated at any level, a Normal or a pmf.

R goes from the likely one upwards and then downwards.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL
from invopt.theory.demand.convolution import convolved, convolved_power, trimmed
from invopt.theory.demand.loss import losses_of
from invopt.theory.r_s.cost import NO_SERVICE
from invopt.theory.r_s.search_bounds import NO_CHEAPER, cost_of, fill_weights, least_cost, limits_of
from invopt.theory.r_s.search_normal import level_nearby
from invopt.theory.r_s.search_sums import Components, is_enough, review_cost


@compiled
def _level_from(guess, item, components, R, limits):
    """S(R), by doubling steps from the guess and then by halving them."""
    least = limits[0]
    # low is not enough (or -1), high is
    low = high = guess
    jump = 1
    if is_enough(item, components, guess, R, limits):
        while low >= 0:
            low = max(high - jump, -1)
            if low < least or not is_enough(item, components, low, R, limits):
                break
            high = low
            jump *= 2
    else:
        while True:
            high = low + jump
            if is_enough(item, components, high, R, limits):
                break
            low = high
            jump *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(item, components, middle, R, limits):
            high = middle
        else:
            low = middle
    return high


@compiled
def _components(item, form, variance, day_low, day):
    """The demand of the first lead time and 0, 1, ... days, for all R up to the longest."""
    size = item.longest + item.n
    days = item.first + np.arange(size)
    lows = np.zeros(size, dtype=np.int64)
    tables = [np.zeros(0)]
    if form != NORMAL:
        low, total = convolved_power(day_low, day, int(item.first))
        lows[0], tables[0] = low, losses_of(total)
        for k in range(1, size):
            low, total = trimmed(low + day_low, convolved(total, day))
            lows[k] = low
            tables.append(losses_of(total))
    return Components(form, np.zeros(size), np.ones(size), item.a * days, np.sqrt(variance * days), lows, tables)


@compiled
def anywhere_review(item, form, variance, likely, day_low, day):
    """(R, S, cost) of an item whose demand is evaluated at any level.

    likely : an R that is cheap with constant demand
    day_low, day : the smallest demand of a day and its probabilities from there on, for a pmf
    """
    components = _components(item, form, variance, day_low, day)
    weight, mean, std = components.weight, components.mean, components.std
    a, n = item.a, item.n
    is_smooth = form == NORMAL and item.service == NO_SERVICE and not item.is_guide and variance > 0
    best_R, best_S, best = 0, 0, math.inf
    likely_level = -1
    for direction in (1, -1):
        level, step = likely_level, int(math.ceil(a)) * direction
        R = likely if direction == 1 else likely - 1
        while item.shortest <= R <= item.longest:
            if least_cost(item, R) > best:
                R += direction
                step += int(math.ceil(a)) * direction
                continue
            fill_weights(R, n, weight)
            limits = limits_of(item, R)
            least, saving, _ = limits
            before = level
            guess = (
                max(least, level + step, 0) if level >= 0 else max(least, int(mean[R] if not item.is_guide else least))
            )
            level = -1
            short = 0.0
            if is_smooth:
                level, short = level_nearby(guess, R + n, weight, saving * n * R, mean, std)
            if level < 0:
                level = _level_from(guess, item, components, R, limits)
                short = 0.0
            if likely_level < 0:
                likely_level = level
            step = level - before if before >= 0 else direction * int(math.ceil(a))
            # what is short at least already tells of most R that they are not the best
            if not is_smooth or cost_of(item, R, level, short / (n * R)) <= best:
                cost = review_cost(item, components, R, level)
                if cost < best * NO_CHEAPER or (cost <= best and R < best_R):
                    best_R, best_S, best = R, level, cost
            R += direction
    return best_R, best_S, best
