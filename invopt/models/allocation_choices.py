"""Which quantities of a budget allocation can be optimal: the choices that its model holds (`models/allocation.py`).

    minimize sum_i f_i(x_i)   subject to  sum_i w_i x_i <= B,  x_i whole

The others are left out by bounds that are proved. Let theta >= 0 be a price of the budget,
r_i(x) = f_i(x) + theta w_i x - (the least of it), and L the sum of the leasts - theta B. Then

    sum_i f_i(x_i) = L + sum_i r_i(x_i) + theta (B - sum_i w_i x_i) >= L + r_j(x_j)   for every j and every x that fits.

So with the cost U of any plan that fits, an x with r_j(x) > U - L is in no optimal solution, whatever theta and the
plan are. theta is found by bisection, the plan by combining a few cheap steps of different items.

Each f is convex on ranges, its pieces. On a piece the open x are an interval around the piece's best. Where at the
price theta an item jumps from one piece to another, the problem is split into those with and without the later pieces.
Each has its own L, and an x that is open in one of them is open.

Nothing here is shared with `theory/budget/search.py`, the exact algorithm: the two check each other.

Source: Everett (1963), Operations Research 11(3); Dembo & Hammer (1980), A reduction algorithm for knapsack problems
(reduced costs).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

# a plan this near to the bound, relatively, leaves nothing open
PROVED = 1e-10
# items in each of the two halves whose steps are combined to a plan, and how often that is done, with other items each
# time
GROUP, N_PARTS = 20, 4
MOST_ROUNDS = 60
# partitions up to this many items keep the steps next to the multiplier's solution, so that a solver finds by itself
# that they don't pay
SMALL = 200
# steps of a search for the ends of an interval
WIDEST = 100_000
# problems that jumps between pieces are split into; a problem that is not split any more leaves more open
MOST_NODES = 63


class OpenChoices(NamedTuple):
    """(m,) arrays over the pieces, (n,) over the items.

    first, last : the open x of each piece; last < first when none is
    plan : (n,) array: x that fit and are open
    left : budget that the plan leaves
    """

    first: np.ndarray
    last: np.ndarray
    plan: np.ndarray
    left: float


def open_choices(
    best: Callable[[float], np.ndarray],
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray],
    piece_item: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    weight: np.ndarray,
    budget: float,
) -> OpenChoices:
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
    starts = np.searchsorted(piece_item, np.arange(n))
    if budget < np.inf:
        # an item can use no more than the lowest x of all others leave
        lowest = low[starts]
        most = lowest + (budget - weight @ lowest) / np.where(weight > 0, weight, 1.0) * (1 + 1e-9) + 1e-9
        high = np.maximum(np.minimum(high, np.where(weight > 0, np.floor(most), np.inf)[piece_item]), low)

    problem = _Problem(best, cost, piece_item, starts, low, high, weight, budget)
    plan_cost, plan, leaves = _branch(problem)
    first, last = np.full(m, np.inf), np.full(m, -np.inf)
    for is_allowed, theta, bound in leaves:
        gap = plan_cost - bound
        if gap > PROVED * abs(plan_cost):
            reduced = problem.reduced(is_allowed, theta)
            limit = np.where(is_allowed, gap * (1 + 1e-9) + 1e-14 * abs(plan_cost), -1.0)
            from_here, to_here = _interval(reduced, np.minimum(best(theta), high), low, high, limit)
            is_open = from_here <= to_here
            first[is_open] = np.minimum(first, from_here)[is_open]
            last[is_open] = np.maximum(last, to_here)[is_open]
    # the plan itself is always open, and in a small partition the steps beside it, so that its model is not only
    # constants
    inside = np.flatnonzero((low <= plan[piece_item]) & (plan[piece_item] <= high))
    piece = inside[np.searchsorted(piece_item[inside], np.arange(n))]
    beside = 1 if n <= SMALL else 0
    first[piece] = np.minimum(first[piece], np.maximum(plan - beside, low[piece]))
    last[piece] = np.maximum(last[piece], np.minimum(plan + beside, high[piece]))
    return OpenChoices(first, last, plan, max(budget - weight @ plan, 0.0))


class _Problem(NamedTuple):
    """The arguments of `open_choices`, and where each item's pieces start."""

    best: Callable[[float], np.ndarray]
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray]
    piece_item: np.ndarray
    starts: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    budget: float

    def priced(self, theta: float) -> tuple[np.ndarray, np.ndarray]:
        """The best x of each piece at this price, and f + theta w x there."""
        x = np.minimum(self.best(theta), self.high)
        return x, self.cost(np.arange(len(x)), x) + theta * self.weight[self.piece_item] * x

    def chosen(self, is_allowed: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The allowed piece of each item that is best at this price, its x, and f + theta w x.

        Of equal ones it is the first, which uses less.
        """
        x, value = self.priced(theta)
        if len(self.starts) == len(x):
            return np.arange(len(x)), x, value
        value = np.where(is_allowed, value, np.inf)
        is_least = np.flatnonzero((value <= np.minimum.reduceat(value, self.starts)[self.piece_item]) & is_allowed)
        piece = is_least[np.searchsorted(self.piece_item[is_least], np.arange(len(self.starts)))]
        return piece, x[piece], value[piece]

    def x(self, is_allowed: np.ndarray, theta: float) -> np.ndarray:
        """The best x of each item at this price."""
        if len(self.starts) == len(self.low):
            return np.minimum(self.best(theta), self.high)
        return self.chosen(is_allowed, theta)[1]

    def reduced(self, is_allowed: np.ndarray, theta: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """r(pieces, x) at this price, for the pieces that are allowed."""
        least = self.chosen(is_allowed, theta)[2]

        def reduced(pieces: np.ndarray, at: np.ndarray) -> np.ndarray:
            item = self.piece_item[pieces]
            return np.maximum(self.cost(pieces, at) + theta * self.weight[item] * at - least[item], 0.0)

        return reduced


def _branch(problem: _Problem) -> tuple[float, np.ndarray, list[tuple[np.ndarray, float, float]]]:
    """(cost of the best plan, the plan, problems of which one holds an optimal solution).

    A problem is its allowed pieces, its price and its bound.
    """
    low, high, weight, budget = problem.low, problem.high, problem.weight, problem.budget
    plan_cost, plan = np.inf, np.zeros(0)
    waiting, leaves, n_nodes = [np.ones(len(low), dtype=bool)], [], 0
    while waiting:
        is_allowed = waiting.pop()
        n_nodes += 1
        lowest = np.minimum.reduceat(np.where(is_allowed, low, np.inf), problem.starts)
        if weight @ lowest > budget * (1 + 1e-12):
            continue
        cheap, theta = _price(lambda theta, allowed=is_allowed: weight @ problem.x(allowed, theta), budget)
        piece, x, value = problem.chosen(is_allowed, theta)
        bound = value.sum() - (theta * budget if theta > 0 else 0.0)
        if bound > plan_cost + 1e-12 * abs(plan_cost):
            continue
        dearer, wider, _ = problem.chosen(is_allowed, cheap)
        tried = x
        if theta > 0:
            tried = _filled(x, np.where(dearer == piece, wider, x), weight, budget)
            tried = _improved(
                lambda at, piece=piece, theta=theta, value=value: np.maximum(
                    problem.cost(piece, at) + theta * weight * at - value, 0.0
                ),
                tried,
                low[piece],
                high[piece],
                weight,
                theta,
                budget - weight @ tried,
            )
        total = problem.cost(piece, tried).sum()
        if total < plan_cost:
            plan_cost, plan = total, tried
        jump = np.where(dearer != piece, weight * (wider - x), -1.0)
        if n_nodes < MOST_NODES and jump.max(initial=0.0) > 0:
            item = int(np.argmax(jump))
            is_later = (problem.piece_item == item) & (np.arange(len(low)) > piece[item])
            is_earlier = (problem.piece_item == item) & (np.arange(len(low)) <= piece[item])
            waiting += [is_allowed & ~is_later, is_allowed & ~is_earlier]
        else:
            leaves.append((is_allowed, theta, bound))
    return plan_cost, plan, leaves


def _filled(x: np.ndarray, largest: np.ndarray, weight: np.ndarray, budget: float) -> np.ndarray:
    """x with as many units more as fit, up to `largest`, one item after the other.

    All these units are worth the price exactly.
    """
    filled, left = x.copy(), budget - weight @ x
    for i in np.flatnonzero(largest > x):
        more = min(largest[i] - x[i], np.floor(left / weight[i]))
        if more > 0:
            filled[i] += more
            left -= more * weight[i]
    return filled


def _price(use: Callable[[float], float], budget: float) -> tuple[float, float]:
    """The largest price at which the use, which falls with it, doesn't fit, and the next one, at which it does.

    Both are 0 where it always fits.
    """
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


def _interval(
    reduced: Callable[[np.ndarray, np.ndarray], np.ndarray],
    x: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    limit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """First and last x of each piece whose reduced cost is within the limit; it is convex around the piece's best."""
    first, last, every = x.copy(), x.copy(), np.arange(len(x))
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


def _improved(
    reduced: Callable[[np.ndarray], np.ndarray],
    base: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    weight: np.ndarray,
    theta: float,
    left: float,
) -> np.ndarray:
    """A plan near the base that fits.

    First all steps that fit are taken, the cheapest per unit of budget first, then combinations of few steps.
    """
    plan = base.copy()
    for _ in range(MOST_ROUNDS):
        more = np.where((plan < high) & (weight <= left), reduced(np.minimum(plan + 1, high)) - reduced(plan), np.inf)
        pays = np.flatnonzero(more < theta * weight)
        pays = pays[np.argsort(more[pays] / weight[pays], kind="stable")]
        taken = pays[np.cumsum(weight[pays]) <= left]
        if not len(taken):
            break
        plan[taken] += 1
        left -= weight[taken].sum()
    for part in range(N_PARTS):
        now = reduced(plan)
        up = np.where(plan < high, reduced(np.minimum(plan + 1, high)) - now, np.inf)
        down = np.where(plan > low, reduced(np.maximum(plan - 1, low)) - now, np.inf)
        step = np.where(up <= down, 1.0, -1.0)
        cost = np.where(weight > 0, np.minimum(up, down), np.inf)
        near = np.argsort(cost)[2 * GROUP * part : 2 * GROUP * (part + 1)]
        near = near[np.isfinite(cost[near])]
        if not len(near):
            break
        better = _combined(plan, near, step, cost, weight, theta, left)
        left -= weight[near] @ (better - plan)[near]
        plan = better
    return plan


def _combined(
    plan: np.ndarray,
    near: np.ndarray,
    step: np.ndarray,
    cost: np.ndarray,
    weight: np.ndarray,
    theta: float,
    left: float,
) -> np.ndarray:
    """The plan after the cheapest combination that fits, of up to three steps in each half of the items `near`."""
    halves = []
    for half in (near[0::2], near[1::2]):
        members = _subsets(len(half))
        # the last place stands for no step
        use = np.append(step[half] * weight[half], 0.0)[members].sum(axis=1)
        order = np.argsort(use, kind="stable")
        halves.append((half, members[order], use[order], np.append(cost[half], 0.0)[members].sum(axis=1)[order]))
    (first, first_members, first_use, first_cost), (second, second_members, second_use, second_cost) = halves
    # a combination adds cost - theta use; with each of the first half goes the least of the second that still fits
    added = second_cost - theta * second_use
    fitting = np.searchsorted(second_use, left - first_use, side="right") - 1
    total = np.where(fitting >= 0, first_cost - theta * first_use + np.minimum.accumulate(added)[fitting], np.inf)
    k = int(np.argmin(total))
    if not total[k] < 0:
        return plan
    partner = int(np.argmin(added[: fitting[k] + 1]))
    better = plan.copy()
    for half, members in ((first, first_members[k]), (second, second_members[partner])):
        taken = half[members[members < len(half)]]
        better[taken] += step[taken]
    return better


@functools.cache
def _subsets(n: int) -> np.ndarray:
    """All sets of up to three of 0..n-1, an (m, 3) array; n fills the places that are not taken."""
    return np.array(
        [(*taken, *[n] * (3 - size)) for size in range(4) for taken in combinations(range(n), size)], dtype=np.int64
    )
