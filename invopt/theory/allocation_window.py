"""Which choices of a budget allocation are still open: what a model has to hold, by bounds that are proved.

    minimize sum_i f_i(x_i)   subject to  sum_i w_i x_i <= B,  x_i whole

Let theta >= 0 be a price of the budget, r_i(x) = f_i(x) + theta w_i x - (the least of it), and L the sum of the leasts - theta B. Then

    sum_i f_i(x_i) = L + sum_i r_i(x_i) + theta (B - sum_i w_i x_i) >= L + r_j(x_j)     for every j and every x that fits.

So with the cost U of any plan that fits, an x with r_j(x) > U - L is in no optimal solution, whatever theta and the plan are. theta is
found by bisection, the plan by combining a few cheap steps of different items. Each f is convex on ranges, its pieces; on a piece the open
x are an interval around the piece's best.

Nothing here is shared with `separable_allocation.py`, the exact algorithm: the two check each other.

Source: Everett (1963), Operations Research 11(3); Dembo & Hammer (1980), A reduction algorithm for knapsack problems (reduced costs).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

# a plan this near to the bound, relatively, leaves nothing open
PROVED = 1e-10
# items whose steps are combined to a plan, in two groups
GROUP = 20
# partitions up to this many items keep the steps next to the multiplier's solution, so that a solver finds by itself that they don't pay
SMALL = 200
WIDEST = 100_000


class Window(NamedTuple):
    """(m,) arrays over the pieces, (n,) over the items.

    first, last : the open x of each piece; last < first when none is
    base : (n,) array: a plan that fits, within every window of its item's piece
    left : what the plan leaves of the budget
    """

    first: np.ndarray
    last: np.ndarray
    base: np.ndarray
    left: float


def open_choices(best: Callable[[float], np.ndarray], cost: Callable[[np.ndarray, np.ndarray], np.ndarray], piece_item: np.ndarray,
                 low: np.ndarray, high: np.ndarray, weight: np.ndarray, budget: float) -> Window:
    """The x of each piece that an optimal solution can have.

    Parameters
    ----------
    best : theta -> (m,) the x of each piece with the least f(x) + theta w x; it falls with theta
    cost : (pieces, x) -> f of these pieces at x
    piece_item : (m,) array, the item of each piece, rising; the pieces of an item in the order of their ranges
    low, high : (m,) arrays, the ranges of the pieces
    weight : (n,) array                                                  [w]
    budget : at least what the lowest x of all items use; inf for none   [B]
    """
    n, m = len(weight), len(piece_item)
    every = np.arange(m)
    starts = np.searchsorted(piece_item, np.arange(n))
    if budget < np.inf:
        # what the lowest x of all others leave is all that one item can use
        lowest = low[starts]
        most = lowest + (budget - weight @ lowest) / np.where(weight > 0, weight, 1.0) * (1 + 1e-9) + 1e-9
        high = np.maximum(np.minimum(high, np.where(weight > 0, np.floor(most), np.inf)[piece_item]), low)

    def priced(theta: float) -> tuple[np.ndarray, np.ndarray]:
        x = np.minimum(best(theta), high)
        return x, cost(every, x) + theta * weight[piece_item] * x

    def chosen(theta: float) -> np.ndarray:
        """Of each item the piece that is best at this price; of equal ones the first, which uses less."""
        if m == n:
            return every
        value = priced(theta)[1]
        is_least = np.flatnonzero(value <= np.minimum.reduceat(value, starts)[piece_item])
        return is_least[np.searchsorted(piece_item[is_least], np.arange(n))]

    def reduced_at(theta: float) -> tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], float]:
        """r(pieces, x) at this price, and its bound L."""
        least = priced(theta)[1][chosen(theta)]

        def reduced(pieces: np.ndarray, at: np.ndarray) -> np.ndarray:
            item = piece_item[pieces]
            return np.maximum(cost(pieces, at) + theta * weight[item] * at - least[item], 0.0)

        return reduced, least.sum() - (theta * budget if theta > 0 else 0.0)

    def plan_on(pieces: Callable[[float], np.ndarray], theta: float) -> tuple[float, np.ndarray]:
        """What a plan with each item on one piece costs, and the plan; theta is the price at which the pieces' best x fit."""
        piece = pieces(theta)
        x = priced(theta)[0][piece]
        if theta == 0:
            return cost(piece, x).sum(), x
        at_least = cost(piece, x) + theta * weight * x
        plan = _plan(lambda at: np.maximum(cost(piece, at) + theta * weight * at - at_least, 0.0), x, low[piece], high[piece], weight, theta,
                     max(budget - weight @ x, 0.0))
        return cost(piece, plan).sum(), plan

    cheap, theta = _price(lambda theta: weight @ priced(theta)[0][chosen(theta)], budget)
    known, base = plan_on(chosen, theta)
    thetas = [theta]
    if m > n:
        # where an item jumps between pieces at this price, each side has a price and a plan of its own
        for side in (chosen(theta), chosen(cheap)):
            if weight @ low[side] <= budget:
                _, own = _price(lambda theta, side=side: weight @ priced(theta)[0][side], budget)
                thetas.append(own)
                total, plan = plan_on(lambda theta, side=side: side, own)
                if total < known:
                    known, base = total, plan
    first, last = low.copy(), high.copy()
    for theta in thetas:
        reduced, bound = reduced_at(theta)
        gap = known - bound
        # at the first price, which is the best, a plan that is proved leaves nothing open
        is_proved = theta == thetas[0] and gap <= PROVED * abs(known)
        limit = np.full(m, -1.0 if is_proved else gap * (1 + 1e-9) + 1e-14 * abs(known))
        if n <= SMALL:
            # the steps next to the plan, so that the model is never only constants
            piece = _piece_of(base, low, high, piece_item, n)
            beside = np.maximum(reduced(piece, np.maximum(base - 1, low[piece])), reduced(piece, np.minimum(base + 1, high[piece])))
            limit[piece] = np.maximum(limit[piece], beside * (1 + 1e-9))
        from_here, to_here = _interval(reduced, every, priced(theta)[0], low, high, limit)
        first, last = np.maximum(first, from_here), np.minimum(last, to_here)
        if is_proved:
            break
    # the plan itself is always open
    piece = _piece_of(base, low, high, piece_item, n)
    nothing = first[piece] > last[piece]
    first[piece] = np.where(nothing, base, np.minimum(first[piece], base))
    last[piece] = np.where(nothing, base, np.maximum(last[piece], base))
    return Window(first, last, base, max(budget - weight @ base, 0.0))


def _price(use: Callable[[float], float], budget: float) -> tuple[float, float]:
    """The largest price at which the use, which falls with it, doesn't fit, and the next one, at which it does; 0 where it always does."""
    if use(0.0) <= budget:
        return 0.0, 0.0
    cheap, dear = 0.0, 1e-9
    while use(dear) > budget and dear < 1e200:
        cheap, dear = dear, 16 * dear
    for _ in range(200):
        middle = 0.5 * (cheap + dear)
        if not cheap < middle < dear:
            break
        if use(middle) <= budget:
            dear = middle
        else:
            cheap = middle
    return cheap, dear


def _piece_of(x: np.ndarray, low: np.ndarray, high: np.ndarray, piece_item: np.ndarray, n: int) -> np.ndarray:
    """The piece that each item's x is on."""
    inside = np.flatnonzero((low <= x[piece_item]) & (x[piece_item] <= high))
    return inside[np.searchsorted(piece_item[inside], np.arange(n))]


def _interval(reduced: Callable[[np.ndarray, np.ndarray], np.ndarray], every: np.ndarray, x: np.ndarray, low: np.ndarray, high: np.ndarray,
              limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last x of each piece whose reduced cost is within the limit; it is convex around the piece's best."""
    first, last = x.copy(), x.copy()
    last[reduced(every, x) > limit] -= 1  # none
    for end, direction, edge in ((first, -1, low), (last, 1, high)):
        growing = every[(first <= last)]
        for _ in range(WIDEST):
            growing = growing[(edge[growing] - end[growing]) * direction > 0]
            if not len(growing):
                break
            growing = growing[reduced(growing, end[growing] + direction) <= limit[growing]]
            end[growing] += direction
    return first, last


def _plan(reduced: Callable[[np.ndarray], np.ndarray], base: np.ndarray, low: np.ndarray, high: np.ndarray, weight: np.ndarray,
          theta: float, left: float) -> np.ndarray:
    """A plan near the base that fits: up to three steps in each of two groups of items, the cheapest combination."""
    up = np.where(base < high, reduced(np.minimum(base + 1, high)), np.inf)
    down = np.where(base > low, reduced(np.maximum(base - 1, low)), np.inf)
    cost, step = np.minimum(up, down), np.where(up <= down, 1.0, -1.0)
    cost[weight == 0] = np.inf
    near = np.argsort(cost)[:2 * GROUP]
    near = near[np.isfinite(cost[near])]
    groups = (near[0::2], near[1::2])
    uses, costs, sets = [], [], []
    for group in groups:
        members = [taken for size in range(4) for taken in combinations(group.tolist(), size)]
        use = np.array([sum(step[i] * weight[i] for i in taken) for taken in members])
        order = np.argsort(use, kind="stable")
        uses.append(use[order])
        costs.append(np.array([sum(cost[i] for i in taken) for taken in members])[order])
        sets.append([members[k] for k in order])
    # of those of the second group that use no more, the one that adds least: cost - theta use
    added = costs[1] - theta * uses[1]
    best_so_far = np.minimum.accumulate(added)
    fitting = np.searchsorted(uses[1], left - uses[0], side="right") - 1
    gap = np.where(fitting >= 0, costs[0] + theta * (left - uses[0]) + best_so_far[fitting], np.inf)
    k = int(np.argmin(gap))
    partner = int(np.argmin(added[:fitting[k] + 1]))
    plan = base.copy()
    for i in (*sets[0][k], *sets[1][partner]):
        plan[i] += step[i]
    return plan
