"""The best (R, S) of a demand that is evaluated at any level, a Normal or a pmf: R by R, from the likely one upwards
and then downwards.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL
from invopt.theory.demand.convolution import convolved, convolved_power, trimmed
from invopt.theory.demand.loss import losses_of
from invopt.theory.r_s.search_normal import level_nearby
from invopt.theory.r_s.search_sums import (
    NO_CHEAPER,
    NO_SERVICE,
    fill_weights,
    is_enough,
    least_cost,
    limits,
    review_cost,
)


@compiled
def _level_from(
    guess, form, service, is_guide, R, n, weight, ones, saving, unserved, least, mean, std, nothing, lows, tables
):
    """S(R), by doubling steps from the guess and then by halving them."""
    # low is not enough (or -1), high is
    low = high = guess
    jump = 1
    if is_enough(
        is_guide,
        service,
        guess,
        R,
        n,
        1,
        weight,
        ones,
        saving,
        unserved,
        least,
        mean,
        std,
        form,
        nothing,
        nothing,
        lows,
        tables,
    ):
        while low >= 0:
            low = max(high - jump, -1)
            if low < least or not is_enough(
                is_guide,
                service,
                low,
                R,
                n,
                1,
                weight,
                ones,
                saving,
                unserved,
                least,
                mean,
                std,
                form,
                nothing,
                nothing,
                lows,
                tables,
            ):
                break
            high = low
            jump *= 2
    else:
        while True:
            high = low + jump
            if is_enough(
                is_guide,
                service,
                high,
                R,
                n,
                1,
                weight,
                ones,
                saving,
                unserved,
                least,
                mean,
                std,
                form,
                nothing,
                nothing,
                lows,
                tables,
            ):
                break
            low = high
            jump *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(
            is_guide,
            service,
            middle,
            R,
            n,
            1,
            weight,
            ones,
            saving,
            unserved,
            least,
            mean,
            std,
            form,
            nothing,
            nothing,
            lows,
            tables,
        ):
            high = middle
        else:
            low = middle
    return high


@compiled
def anywhere_review(
    form, is_guide, service, unserved_share, shortest, longest, h, K, p, a, v, first, n, likely, day_low, day
):
    """(R, S, cost) of an item whose demand is evaluated at any level; from the likely R upwards, then downwards."""
    size = longest + n
    mean = a * (first + np.arange(size))
    std = np.sqrt(v * (first + np.arange(size)))
    nothing, weight, ones = np.zeros(1), np.zeros(size), np.ones(size)
    lows = np.zeros(size, dtype=np.int64)
    tables = [np.zeros(0)]
    if form != NORMAL:
        low, total = convolved_power(day_low, day, int(first))
        lows[0], tables[0] = low, losses_of(total)
        for k in range(1, size):
            low, total = trimmed(low + day_low, convolved(total, day))
            lows[k] = low
            tables.append(losses_of(total))
    is_smooth = form == NORMAL and service == NO_SERVICE and not is_guide and v > 0
    best_R, best_S, best = 0, 0, math.inf
    likely_level = -1
    for direction in (1, -1):
        level, step = likely_level, int(math.ceil(a)) * direction
        R = likely if direction == 1 else likely - 1
        while shortest <= R <= longest:
            if least_cost(is_guide, R, a, h, K, p) > best:
                R += direction
                step += int(math.ceil(a)) * direction
                continue
            fill_weights(R, n, weight)
            least, saving, unserved = limits(is_guide, service, unserved_share, R, n, a, first, h, p)
            before = level
            guess = max(least, level + step, 0) if level >= 0 else max(least, int(mean[R] if not is_guide else least))
            level = -1
            short = 0.0
            if is_smooth:
                level, short = level_nearby(guess, R + n, weight, saving * n * R, mean, std)
            if level < 0:
                level = _level_from(
                    guess,
                    form,
                    service,
                    is_guide,
                    R,
                    n,
                    weight,
                    ones,
                    saving,
                    unserved,
                    least,
                    mean,
                    std,
                    nothing,
                    lows,
                    tables,
                )
                short = 0.0
            if likely_level < 0:
                likely_level = level
            step = level - before if before >= 0 else direction * int(math.ceil(a))
            # what is short at least already tells of most R that they are not the best
            middle = first + 0.5 * (n - 1)
            if (
                not is_smooth
                or K / R + h * max(level - a * (middle + 0.5 * (R + 1)) + short / (n * R), 0.0) + p * short / (n * R)
                <= best
            ):
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
                    1,
                    weight,
                    ones,
                    mean,
                    std,
                    nothing,
                    nothing,
                    lows,
                    tables,
                )
                if cost < best * NO_CHEAPER or (cost <= best and R < best_R):
                    best_R, best_S, best = R, level, cost
            R += direction
    return best_R, best_S, best
