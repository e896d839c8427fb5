"""The price of a budget at which what the items take of it just fits: false position, begun on a sample of the items.

    x_i(theta) minimizes f_i(x) + theta w_i x;       theta is the smallest with sum_i w_i x_i(theta) <= B

f is made of the convex pieces of `budget/cost.py`. The use falls with theta, in steps. Between a price at which it
doesn't fit and one at which it does, each item's x lies between its two, and where those are equal the item is done
with: a pass over the items costs less the nearer the two prices are. So the first prices come from a few hundred items,
and all items are passed about twice.

Source: Everett (1963), Generalized Lagrange multiplier method, Operations Research 11(3); Dowell & Jarratt (1971), BIT
11 (Illinois).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.budget.cost import FORM, HIGH, LOW, RECIPROCAL, SLOPE, cost_at
from invopt.theory.budget.search_piece import least_at
from invopt.theory.compiled import compiled

# items of the sample, at least
SAMPLE = 400
# the share of the budget by which two prices of the sample are apart, whose difference gives the slope
APART = 0.03
# how far the second price goes beyond the one that the slope gives
BEYOND = 1.25
# prices tried at most
MOST_TURNS = 400


class Items(NamedTuple):
    """n items: the pieces of item i are first[i]..end[i]-1, in the order of their ranges, and a unit uses weight[i]."""

    pieces: np.ndarray
    table: np.ndarray
    first: np.ndarray
    end: np.ndarray
    weight: np.ndarray


class _Bracket(NamedTuple):
    """Two prices that do not fit and fit into the budget, with the use at each and how far it misses.

    missed, left : by `_measure`; how far the use is above the budget at the cheap price, and below it at the dear one
    side : 1 when the dear price moved last, -1 when the cheap one did
    """

    cheap: float
    dear: float
    low_use: float
    missed: float
    left: float
    side: int


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
    """How far a use is above the budget (below it: negative), by a measure that is nearly straight in the price.

    With reciprocal costs 1 / use^2 is a straight line in theta for equal items. With loss functions use itself nearly
    is one.
    """
    if not is_reciprocal:
        return use - budget
    if use <= 0 or budget <= 0:
        return math.inf if use > budget else -math.inf
    return 1 / budget**2 - 1 / use**2


@compiled
def _use(weight, x):
    total = 0.0
    for i in range(len(weight)):
        total += weight[i] * x[i]
    return total


@compiled
def _next_price(bracket, theta, turn, first_missed, is_reciprocal):
    """The next price to try, after `theta`, when the slope gives none."""
    cheap, dear, missed, left = bracket.cheap, bracket.dear, bracket.missed, bracket.left
    if dear == math.inf:
        if is_reciprocal:
            return theta * 8.0
        return theta * min(max(1.1 * first_missed / max(first_missed - missed, 1e-300), 1.5), 8.0)
    if (turn > 12 and turn % 3 == 0) or bracket.low_use <= 0:
        if cheap > 0.1 * dear:
            return 0.5 * (cheap + dear)
        return math.sqrt(cheap * dear) if cheap > 0 else dear / 16
    share = missed / (missed + left) if missed + left > 0 else 0.5
    return cheap + min(max(share, 0.001), 0.999) * (dear - cheap)


@compiled
def _narrowed(bracket, theta, use, missed, fits):
    """The bracket after a price and its use, by the false position.

    An end that stays where it is counts half, or it would stay for good (Illinois).
    """
    if fits:
        before = bracket.missed * 0.5 if bracket.side == 1 else bracket.missed
        return _Bracket(bracket.cheap, theta, use, before, -missed, 1)
    left = bracket.left * 0.5 if bracket.side == -1 else bracket.left
    return _Bracket(theta, bracket.dear, bracket.low_use, missed, left, -1)


@compiled
def _price(items, budget, low, high, theta, slope):
    """theta; low, high become x(theta) and the x of a price just below it.

    low, high : at first x that fit into the budget and that do not
    theta, slope : a guess of it and of how it changes with the budget; slope is 0 where nothing is known of it
    """
    pieces, table, first, end, weight = items
    n = len(weight)
    is_open = np.empty(n, dtype=np.int64)
    n_open, closed_use = 0, 0.0
    for i in range(n):
        if low[i] < high[i]:
            is_open[n_open] = i
            n_open += 1
        else:
            closed_use += weight[i] * low[i]
    x = low.copy()
    is_reciprocal = pieces[first[0], FORM] == RECIPROCAL
    first_missed = _measure(_use(weight, high), budget, is_reciprocal)
    bracket = _Bracket(0.0, math.inf, _use(weight, low), first_missed, 0.0, 0)
    use = 0.0
    for turn in range(MOST_TURNS):
        if turn > 0:
            # a little too far, so that the price comes to lie between the two; a use that just fits, or doesn't, gives
            # no second price
            second = theta + BEYOND * slope * (budget - use)
            if turn == 1 and 0 < second < math.inf and abs(second - theta) > 1e-9 * theta:
                theta = second
            else:
                theta = _next_price(bracket, theta, turn, first_missed, is_reciprocal)
        if not bracket.cheap < theta < bracket.dear:
            break
        use = closed_use
        for k in range(n_open):
            i = is_open[k]
            x[i] = least_of_item(pieces, table, first[i], end[i], theta * weight[i], low[i], high[i])
            use += weight[i] * x[i]
        fits = use <= budget
        bracket = _narrowed(bracket, theta, use, _measure(use, budget, is_reciprocal), fits)
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
        if bracket.dear < math.inf and (n_open == 0 or bracket.dear - bracket.cheap <= 1e-15 * bracket.dear):
            break
    return bracket.dear


@compiled
def _sum_of_costs(items, low, high):
    """About the sum of |f|, at the end of each item's first piece: a guess of theta is that over the budget."""
    pieces, table, first, _, _ = items
    total = 0.0
    for i in range(len(low)):
        piece = pieces[first[i]]
        total += abs(cost_at(piece, table, max(low[i], min(high[i], piece[HIGH]))))
    return total


@compiled
def _price_of_sample(sample, budget_share, low, high, guess):
    """(theta, slope of theta in the budget of the sample), or (0, 0) when the sample has no use for a budget.

    budget_share : of what the sample wants beyond its lowest x
    guess : of theta x budget
    """
    lowest, wanted = _use(sample.weight, low), _use(sample.weight, high)
    if not (wanted > lowest and budget_share > 0):
        return 0.0, 0.0
    budget = lowest + budget_share * (wanted - lowest)
    theta = _price(sample, budget, low.copy(), high.copy(), max(guess / budget, 1e-300), 0.0)
    less = lowest + (1 - APART) * budget_share * (wanted - lowest)
    dearer = _price(sample, less, low, high, theta * (1 + APART), 0.0)
    return theta, theta - dearer


@compiled
def multiplier(items, budget, low, high):
    """theta, the smallest price at which x(theta) fits into the budget.

    low, high : at first (n,) arrays of x that fit and of x(0), which do not; they become x(theta) and the x of a price
        just below it
    """
    pieces, table, first, end, weight = items
    every = len(weight) // SAMPLE
    if every < 4:
        theta = max(_sum_of_costs(items, low, high) / budget, 1e-300) if budget > 0 else 1.0
        return _price(items, budget, low, high, theta, 0.0)
    # a sample of the items, with the share of what they want that the budget gives all of them, is about at the price
    sample = Items(pieces, table, first[::every].copy(), end[::every].copy(), weight[::every].copy())
    some_low, some_high = low[::every].copy(), high[::every].copy()
    guess = _sum_of_costs(sample, some_low, some_high)
    low_use, high_use = _use(weight, low), _use(weight, high)
    share = (budget - low_use) / (high_use - low_use)
    theta, fall = _price_of_sample(sample, share, some_low, some_high, guess)
    slope = 0.0
    if -math.inf < fall < 0:
        slope = fall / (APART * share * (high_use - low_use))
    if not 0 < theta < math.inf:
        theta = max(guess * every / budget, 1e-300) if budget > 0 else 1.0
    return _price(items, budget, low, high, theta, slope)
