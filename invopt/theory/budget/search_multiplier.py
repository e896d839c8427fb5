"""The price of a budget at which what the items take of it just fits: false position, begun on a sample of the items.

    x_i(theta) minimizes f_i(x) + theta w_i x;       theta is the smallest with sum_i w_i x_i(theta) <= B          [f: convex_pieces.py]

The use falls with theta, in steps. Between a price at which it doesn't fit and one at which it does, each item's x lies
between its two, and where those are equal the item is done with: a pass over the items costs less the nearer the two
prices are. So the first prices come from a few hundred items, and all of them are passed about twice.

Source: Everett (1963), Generalized Lagrange multiplier method, Operations Research 11(3); Dowell & Jarratt (1971), BIT
11 (Illinois).
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.budget.cost import FORM, HIGH, LOW, RECIPROCAL, SLOPE, cost_at, least_at
from invopt.theory.compiled import compiled

# items of the sample, at least
SAMPLE = 400
# the share of the budget by which two prices of the sample are apart, whose difference gives the slope
APART = 0.03
# how far beyond the price that the slope tells the second one is
BEYOND = 1.25


@compiled
def least_of_item(pieces, table, first, end, price, low, high):
    """x(theta) among the pieces first..end-1, within low..high; of equal ones the smallest. price is theta w."""
    if end == first + 1:
        return least_at(
            pieces[first],
            table,
            pieces[first, SLOPE] + price,
            max(low, pieces[first, LOW]),
            min(high, pieces[first, HIGH]),
        )
    best, at = math.inf, low
    for p in range(first, end):
        left, right = max(low, pieces[p, LOW]), min(high, pieces[p, HIGH])
        if left > right:
            continue
        x = least_at(pieces[p], table, pieces[p, SLOPE] + price, left, right)
        cost = cost_at(pieces[p], table, x) + price * x
        if cost < best:
            best, at = cost, x
    return at


@compiled
def _measure(use, budget, is_reciprocal):
    """How far a use is above the budget (below it: negative), by a measure that is nearly a straight line in the
    price.
    """
    if not is_reciprocal:
        return use - budget
    if use <= 0 or budget <= 0:
        return math.inf if use > budget else -math.inf
    return 1 / budget**2 - 1 / use**2


@compiled
def _price(pieces, table, first, end, weight, budget, low, high, theta, slope):
    """theta; low, high become x(theta) and the x of a price just below it. At first low fits into the budget and high
    does not.

    theta, slope : a guess of it and of how it changes with the budget; slope is 0 where nothing is known of it
    """
    n = len(weight)
    is_open = np.empty(n, dtype=np.int64)
    n_open, closed_use, low_use, high_use = 0, 0.0, 0.0, 0.0
    for i in range(n):
        low_use += weight[i] * low[i]
        high_use += weight[i] * high[i]
        if low[i] < high[i]:
            is_open[n_open] = i
            n_open += 1
        else:
            closed_use += weight[i] * low[i]
    x = low.copy()
    cheap, dear = 0.0, math.inf
    # with reciprocal costs 1 / use^2 is a straight line in theta for equal items, with loss functions use itself nearly
    # is
    is_reciprocal = pieces[first[0], FORM] == RECIPROCAL
    first_missed = missed = _measure(high_use, budget, is_reciprocal)
    left, side, use = 0.0, 0, 0.0
    for turn in range(400):
        if turn > 0:
            # a little too far, so that the price comes to lie between the two; a use that just fits, or doesn't, gives
            # no second price
            second = theta + BEYOND * slope * (budget - use)
            if turn == 1 and 0 < second < math.inf and abs(second - theta) > 1e-9 * theta:
                theta = second
            elif dear == math.inf:
                theta *= (
                    8.0
                    if is_reciprocal
                    else min(max(1.1 * first_missed / max(first_missed - missed, 1e-300), 1.5), 8.0)
                )
            elif (turn > 12 and turn % 3 == 0) or low_use <= 0:
                theta = (
                    0.5 * (cheap + dear)
                    if cheap > 0.1 * dear
                    else (math.sqrt(cheap * dear) if cheap > 0 else dear / 16)
                )
            else:
                share = missed / (missed + left) if missed + left > 0 else 0.5
                theta = cheap + min(max(share, 0.001), 0.999) * (dear - cheap)
        if not cheap < theta < dear:
            break
        use = closed_use
        for k in range(n_open):
            i = is_open[k]
            x[i] = least_of_item(pieces, table, first[i], end[i], theta * weight[i], low[i], high[i])
            use += weight[i] * x[i]
        fits = use <= budget
        # the false position; an end that stays where it is counts half, or it would stay for good (Illinois)
        if fits:
            dear, low_use, left = theta, use, -_measure(use, budget, is_reciprocal)
            missed *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            cheap, high_use, missed = theta, use, _measure(use, budget, is_reciprocal)
            left *= 0.5 if side == -1 else 1.0
            side = -1
        m = 0
        for k in range(n_open):
            i = is_open[k]
            if fits:
                low[i] = x[i]
            else:
                high[i] = x[i]
            if low[i] < high[i]:
                is_open[m] = i
                m += 1
            else:
                closed_use += weight[i] * low[i]
        n_open = m
        if dear < math.inf and (n_open == 0 or dear - cheap <= 1e-15 * dear):
            break
    return dear


@compiled
def multiplier(pieces, table, first, end, weight, budget, low, high):
    """theta, the smallest price at which x(theta) fits into the budget.

    low, high : at first (n,) arrays of x that fit and of x(0), which do not; they become x(theta) and the x of a price
        just below it
    """
    n = len(weight)
    guess, low_use, high_use = 0.0, 0.0, 0.0
    for i in range(n):
        low_use += weight[i] * low[i]
        high_use += weight[i] * high[i]
    every = n // SAMPLE
    if every < 4:
        for i in range(n):
            guess += abs(cost_at(pieces[first[i]], table, max(low[i], min(high[i], pieces[first[i], HIGH]))))
        theta = max(guess / budget, 1e-300) if budget > 0 else 1.0
        return _price(pieces, table, first, end, weight, budget, low, high, theta, 0.0)
    # a sample of the items, with the share of what they want that the budget gives all of them, tells about where the
    # price is
    some_first, some_end, some_weight = first[::every].copy(), end[::every].copy(), weight[::every].copy()
    some_low, some_high = low[::every].copy(), high[::every].copy()
    lowest, wanted = 0.0, 0.0
    for i in range(len(some_weight)):
        lowest += some_weight[i] * some_low[i]
        wanted += some_weight[i] * some_high[i]
        guess += abs(
            cost_at(pieces[some_first[i]], table, max(some_low[i], min(some_high[i], pieces[some_first[i], HIGH])))
        )
    share = (budget - low_use) / (high_use - low_use)
    theta, slope = 0.0, 0.0
    if wanted > lowest and share > 0:
        given = lowest + share * (wanted - lowest)
        theta = _price(
            pieces,
            table,
            some_first,
            some_end,
            some_weight,
            given,
            some_low.copy(),
            some_high.copy(),
            max(guess / given, 1e-300),
            0.0,
        )
        less = lowest + (1 - APART) * share * (wanted - lowest)
        dearer = _price(
            pieces, table, some_first, some_end, some_weight, less, some_low, some_high, theta * (1 + APART), 0.0
        )
        if dearer < math.inf:
            slope = min((theta - dearer) / (APART * share * (high_use - low_use)), 0.0)
    if not 0 < theta < math.inf:
        theta = max(guess * every / budget, 1e-300) if budget > 0 else 1.0
    return _price(pieces, table, first, end, weight, budget, low, high, theta, slope)
