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

    def chosen(theta: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each item the piece that is best at this price, the best x of all pieces, and f + theta w x there."""
        x = best(theta)
        priced = cost(every, x) + theta * weight[piece_item] * x
        if m == n:
            return every, x, priced
        least = np.minimum.reduceat(priced, starts)
        # of equal ones the first: it uses less
        is_least = np.flatnonzero(priced <= least[piece_item])
        return is_least[np.searchsorted(piece_item[is_least], np.arange(n))], x, priced

    theta, (piece, x, priced) = 0.0, chosen(0.0)
    if weight @ x[piece] > budget:
        cheap, dear = 0.0, 1e-6 * max(abs(priced[piece]).sum(), 1e-300) / max(budget, 1e-300)
        while weight @ chosen(dear)[1][chosen(dear)[0]] > budget and dear < 1e200:
            cheap, dear = dear, 16 * dear
        for _ in range(200):
            middle = 0.5 * (cheap + dear)
            if not cheap < middle < dear:
                break
            at, x, _ = chosen(middle)
            if weight @ x[at] <= budget:
                dear = middle
            else:
                cheap = middle
        theta, (piece, x, priced) = dear, chosen(dear)
    base = x[piece]
    left = max(budget - weight @ base, 0.0)
    price = theta * weight

    def reduced(pieces: np.ndarray, at: np.ndarray) -> np.ndarray:
        item = piece_item[pieces]
        return np.maximum(cost(pieces, at) + price[item] * at - priced[piece[item]], 0.0)

    if theta == 0:
        gap, plan = 0.0, base
    else:
        gap, plan = _plan(lambda at: reduced(piece, at), base, low[piece], high[piece], weight, theta, left)
    total = abs(priced[piece] - price * base).sum()
    limit = np.full(m, gap * (1 + 1e-9) + 1e-15 * total)
    if gap <= PROVED * total:
        base = plan
        left = max(budget - weight @ base, 0.0)
        limit[:] = -1.0
    if n <= SMALL:
        # the steps next to the plan, so that the model is never only constants
        beside = np.maximum(reduced(piece, np.maximum(base - 1, low[piece])), reduced(piece, np.minimum(base + 1, high[piece])))
        limit[piece] = np.maximum(limit[piece], beside * (1 + 1e-9))
    first, last = _interval(reduced, every, x, low, high, limit)
    # the plan itself is always open
    nothing = first[piece] > last[piece]
    first[piece] = np.where(nothing, base, np.minimum(first[piece], base))
    last[piece] = np.where(nothing, base, np.maximum(last[piece], base))
    return Window(first, last, base, left)


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
          theta: float, left: float) -> tuple[float, np.ndarray]:
    """A plan near the base and how far above the bound it costs: up to three steps in each of two groups of items."""
    up, down = np.where(base < high, reduced(np.minimum(base + 1, high)), np.inf), np.where(base > low, reduced(np.maximum(base - 1, low)), np.inf)
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
    return max(float(gap[k]), 0.0), plan
