"""The smallest best x of one convex piece of `budget/cost.py`, in compiled loops.

    least_at   the smallest x of low..high where slope x + scale g(x) is least

A reciprocal has a formula. A table is searched by bisection. A Normal starts at its own fractile and takes the Taylor
series of `demand/normal_level.py`; where that is not certain, it takes growing steps outwards, and then bisection.
"""

from __future__ import annotations

import math

from invopt.theory.budget.cost import (
    FIRST_LEAD_TIME,
    FIRST_LEVEL,
    FORM,
    LENGTH,
    MEAN,
    N_LEAD_TIMES,
    RECIPROCAL,
    SCALE,
    SLOPE,
    START,
    TABLE,
    VARIANCE,
    value_at,
)
from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import NORMAL_BAND
from invopt.theory.demand.normal_level import FLAT, MOST_EVALUATIONS, normal_terms, step_to_level


@compiled
def _is_enough(piece, table, slope, x):
    """Whether one unit more than x is no cheaper."""
    return piece[SCALE] * (value_at(piece, table, x) - value_at(piece, table, x + 1)) <= slope


@compiled
def _normal_level(y, piece, target, std):
    """The smallest whole x of 0 or more of which one unit more saves the target or less, from a y near it.

    -1 says that this is not certain.
    """
    if not piece[VARIANCE] * piece[FIRST_LEAD_TIME] > 0:
        return -1.0
    number = int(piece[N_LEAD_TIMES])
    for _ in range(MOST_EVALUATIONS):
        at = fall = bend = remainder = 0.0
        for j in range(number):
            days = piece[FIRST_LEAD_TIME] + j
            terms = normal_terms(y, piece[MEAN] * days, math.sqrt(piece[VARIANCE] * days))
            at += terms[1]
            fall += terms[2]
            bend += terms[3]
            remainder += terms[4]
        if not fall > FLAT * at:
            break
        t, is_certain = step_to_level(y, at, fall, bend, remainder, target * number, std)
        if is_certain:
            return y + t
        if t == 0:
            break
        y += t
    return -1.0


@compiled
def _least_of_table(piece, table, slope, low, high):
    """`least_at` of a piece whose g is a table, for slopes of 0 or more."""
    scale = piece[SCALE]
    if scale <= slope:
        return low
    first, start = piece[FIRST_LEVEL], int(piece[START])
    # below the table each unit more saves `scale`, which is above the slope; the table's last value is 0, and beyond it
    # no unit saves
    if high <= first:
        return high
    left, right = int(max(low - first, 0.0)), int(min(high - first, piece[LENGTH] - 1))
    if left >= right:
        return max(low, first)
    # without a price of the budget the answer is likely to be the end of what is wanted
    middle = right - 1 if slope == piece[SLOPE] else (left + right) // 2
    while left < right:
        if scale * (table[start + middle] - table[start + middle + 1]) <= slope:
            right = middle
        else:
            left = middle + 1
        middle = (left + right) // 2
    return first + left


@compiled
def _outwards(piece, table, slope, low, high, guess, step):
    """`least_at` by growing steps from a guess, and then by bisection between the last two of them."""
    if guess >= high or _is_enough(piece, table, slope, guess):
        left, right = low, guess
        at = guess - step
        while at > low:
            if not _is_enough(piece, table, slope, at):
                left = at + 1
                break
            right = at
            step *= 2
            at -= step
    else:
        left, right = guess + 1, high
        at = guess + step
        while at < high:
            if _is_enough(piece, table, slope, at):
                right = at
                break
            left = at + 1
            step *= 2
            at += step
    while left < right:
        middle = (left + right) // 2
        if _is_enough(piece, table, slope, middle):
            right = middle
        else:
            left = middle + 1
    return left


@compiled
def least_at(piece, table, slope, low, high):
    """The smallest x of low..high where slope x + scale g(x) is least."""
    if high <= low:
        return low
    scale = piece[SCALE]
    if scale == 0.0:
        return low if slope >= 0 else high
    if piece[FORM] == RECIPROCAL:
        if slope <= 0:
            return high
        # the smallest x with x (x + 1) >= scale / slope
        x = math.ceil(math.sqrt(scale / slope + 0.25) - 0.5)
        return min(max(x, low), high)
    if slope < 0:
        return high
    if piece[FORM] == TABLE:
        return _least_of_table(piece, table, slope, low, high)
    # a Normal starts at its own fractile, with about the standard deviation over its lead times
    last = piece[FIRST_LEAD_TIME] + piece[N_LEAD_TIMES] - 1
    mean = piece[MEAN] * 0.5 * (piece[FIRST_LEAD_TIME] + last)
    between = piece[MEAN] * (piece[N_LEAD_TIMES] - 1) * 0.3
    std = math.sqrt(piece[VARIANCE] * 0.5 * (piece[FIRST_LEAD_TIME] + last) + between * between)
    guess = max(math.ceil(mean + std * _fractile(1.0 - slope / scale) - 0.5), 0.0)
    x = _normal_level(guess, piece, slope / scale, std)
    if x >= 0:
        return min(max(x, low), high)
    return _outwards(piece, table, slope, low, high, min(max(guess, low), high), max(1.0, math.floor(0.02 * std)))


@compiled
def _fractile(p):
    """z with P(Z <= z) = p to 5e-4: where a search starts. Source: Abramowitz & Stegun (1964), 26.2.23."""
    if p <= 0:
        return -NORMAL_BAND
    if p >= 1:
        return NORMAL_BAND
    t = math.sqrt(-2 * math.log(min(p, 1 - p)))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    return z if p > 0.5 else -z
