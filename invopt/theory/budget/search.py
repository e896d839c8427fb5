"""A budget divided among items with separable costs, exactly: whole numbers x_i of least total cost.

    minimize sum_i f_i(x_i)   subject to  sum_i w_i x_i <= B,  x_i whole, in the ranges of its pieces

f is made of the convex pieces of `budget/cost.py`.

1. Multiplier. For a price theta of the budget, x_i(theta) minimizes f_i(x) + theta w_i x, and what all of them use
   falls with theta. The smallest theta whose use is within B (`search_multiplier.py`) gives the bound
   L = sum_i [f_i + theta w_i x_i] - theta B, which no solution passes below.
2. Reduced costs. A solution costs L + sum_i r_i(x_i) + theta (B - use), with r_i(x) = f_i(x) + theta w_i x - the least
   of it. So in a solution of less than L + T no item takes an x with r_i(x) >= T. Few items have another choice, and
   few of those.
3. Pieces. If the price makes an item jump from one of its pieces to another, each side is a problem of its own with
   its own price: a branch and bound over pieces, of which convex items need none.
4. Core. For T small at first and then larger, the choices with r < T are searched (`search_choices.py`) by the list
   dynamic programme of `search_core.py`. It ends with a solution of cost L + T or less, which is the optimum, or one
   within GOOD_ENOUGH of what has been proved.

The core is exponential in the worst case: many items of the same return per unit of budget and odd weights. It is left
after MAX_WORK states with the best solution and a proved bound.

Source: Everett (1963), Generalized Lagrange multiplier method, Operations Research 11(3); Ibaraki & Katoh (1988),
Resource Allocation Problems; Pisinger (1995), EJOR 87.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.budget.cost import HIGH, LOW, cost_at
from invopt.theory.budget.search_choices import MAX_WORK, ROUNDING, improve
from invopt.theory.budget.search_multiplier import Items, least_of_item, multiplier
from invopt.theory.compiled import compiled

# relative distance to the proved bound at which a search ends
GOOD_ENOUGH = 4e-10


class Allocation(NamedTuple):
    """x, cost : (n,) arrays of the items; gap, least_use, price : (m,) arrays of the partitions.

    gap : how far a partition's cost may be above the optimum; 0 when it was proved to GOOD_ENOUGH; NaN when the budget
        is too small
    least_use : what the smallest x use of the budget: below it there is no solution, and x and cost are NaN
    price : theta, what one more unit of the budget is worth: under B + d no solution costs less than L - theta d. It is
        0 where the budget does not bind, and NaN without a budget and where the budget is too small.
    """

    x: np.ndarray
    cost: np.ndarray
    gap: np.ndarray
    least_use: np.ndarray
    price: np.ndarray


class _Nodes(NamedTuple):
    """Problems of the branch and bound that wait, by rows: each item's pieces first..end-1, and the problem's bound."""

    first: np.ndarray
    end: np.ndarray
    bound: np.ndarray


@compiled
def _new_nodes(size, n):
    return _Nodes(np.empty((size, n), dtype=np.int64), np.empty((size, n), dtype=np.int64), np.empty(size))


@compiled
def _cost_and_piece(items, i, x):
    """f_i(x), and the piece that x is on."""
    pieces, table, first, end, _ = items
    for p in range(first[i], end[i]):
        if pieces[p, LOW] <= x <= pieces[p, HIGH]:
            return cost_at(pieces[p], table, x), p
    return math.inf, first[i]


@compiled
def _fill_costs(items, x, cost):
    """Fill in f_i(x_i); returns their sum."""
    total = 0.0
    for i in range(len(x)):
        cost[i] = _cost_and_piece(items, i, x[i])[0]
        total += cost[i]
    return total


@compiled
def _fill_ends(items, low, high):
    """Fill in the smallest x, and the best x without a budget; returns what the two use.

    An item that uses nothing of the budget has its best x in both.
    """
    pieces, table, first, end, weight = items
    low_use, high_use = 0.0, 0.0
    for i in range(len(low)):
        a, b = first[i], end[i]
        high[i] = least_of_item(pieces, table, a, b, 0.0, pieces[a, LOW], pieces[b - 1, HIGH])
        low[i] = pieces[a, LOW] if weight[i] > 0 else high[i]
        low_use += weight[i] * low[i]
        high_use += weight[i] * high[i]
    return low_use, high_use


@compiled
def _price(items, budget, limit, high_use, low, high):
    """theta, with x(theta) in low; 0 where all that is wanted fits, and where only the smallest x do."""
    if high_use <= limit:
        low[:] = high
        return 0.0
    theta = multiplier(items, budget, low, high)
    return 0.0 if theta == math.inf else theta


@compiled
def _worth(items, budget, limit, theta, low, high):
    """The price of the budget for all pieces; theta, but for a budget that only rounding keeps the smallest x within.

    Such a budget has no theta, so it is given that much more. low, high : room for (n,) numbers
    """
    if budget == math.inf:
        return math.nan
    if theta > 0.0:
        return theta
    low_use, high_use = _fill_ends(items, low, high)
    return 0.0 if high_use <= limit else multiplier(items, low_use + ROUNDING * low_use, low, high)


@compiled
def _bound(items, budget, theta, x, cost, least):
    """(cost, bound, room) of x = x(theta), which leaves the room; fills in the costs and the least f + theta w x."""
    weight = items.weight
    total = _fill_costs(items, x, cost)
    use = 0.0
    for i in range(len(x)):
        least[i] = cost[i] + theta * weight[i] * x[i]
        use += weight[i] * x[i]
    room = max(budget - use, 0.0)
    return total, total - theta * room, room


@compiled
def _widest_jump(items, low, high):
    """The item that jumps from one piece to another between low and high and uses most by that; -1 when none does."""
    first, end, weight = items.first, items.end, items.weight
    jumping, width = -1, 0.0
    for i in range(len(low)):
        use = weight[i] * (high[i] - low[i])
        if end[i] > first[i] + 1 and low[i] < high[i] and use > width:
            if _cost_and_piece(items, i, low[i])[1] != _cost_and_piece(items, i, high[i])[1]:
                jumping, width = i, use
    return jumping


@compiled
def _with_sides(nodes, n_nodes, items, jumping, at, bound):
    """The nodes with two more: without the jumping item's pieces before `at`, and without those from it on."""
    if n_nodes + 2 > len(nodes.first):
        larger = _new_nodes(2 * len(nodes.first), nodes.first.shape[1])
        larger.first[:n_nodes] = nodes.first[:n_nodes]
        larger.end[:n_nodes] = nodes.end[:n_nodes]
        larger.bound[:n_nodes] = nodes.bound[:n_nodes]
        nodes = larger
    for node in (n_nodes, n_nodes + 1):
        nodes.first[node], nodes.end[node], nodes.bound[node] = items.first, items.end, bound
    nodes.first[n_nodes, jumping] = at
    nodes.end[n_nodes + 1, jumping] = at
    return nodes


@compiled
def _best_of_partition(pieces, table, starts, weight, budget, x, cost):
    """Fill x and cost of one partition; returns (gap, use of the smallest x, price of the budget).

    Gap and price are NaN for too small a budget.
    """
    n = len(weight)
    limit = budget + ROUNDING * abs(budget)
    low, high, least, base_cost = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    nodes, n_nodes = _new_nodes(4, n), 1
    nodes.first[0], nodes.end[0], nodes.bound[0] = starts[:-1], starts[1:], -math.inf
    # no solution of the problems that were given up costs less than `floor`
    best, floor, work, least_use, worth = math.inf, math.inf, 0, math.nan, math.nan
    while n_nodes > 0:
        n_nodes -= 1
        node_bound = nodes.bound[n_nodes]
        if node_bound >= best - GOOD_ENOUGH * abs(best):
            continue
        if work > MAX_WORK:
            floor = min(floor, node_bound)
            continue
        work += 20 * n
        items = Items(pieces, table, nodes.first[n_nodes].copy(), nodes.end[n_nodes].copy(), weight)
        low_use, high_use = _fill_ends(items, low, high)
        is_root = math.isnan(least_use)
        if is_root:
            least_use = low_use
        if low_use > limit:
            continue
        theta = _price(items, budget, limit, high_use, low, high)
        if is_root:
            worth = _worth(items, budget, limit, theta, least, base_cost)
        total, bound, room = _bound(items, budget, theta, low, base_cost, least)
        good = GOOD_ENOUGH * abs(bound)
        if total < best:
            best = total
            x[:] = low
            cost[:] = base_cost
        if theta == 0.0 or bound >= best - good:
            continue
        jumping = _widest_jump(items, low, high)
        if jumping >= 0:
            at = _cost_and_piece(items, jumping, low[jumping])[1] + 1
            nodes = _with_sides(nodes, n_nodes, items, jumping, at, bound)
            n_nodes += 2
            continue
        gap, proved, looked = improve(items, budget, theta, low, least, room, best - bound, good)
        work += looked
        if bound + gap < best:
            total = _fill_costs(items, low, base_cost)
            if total < best:
                best = total
                x[:] = low
                cost[:] = base_cost
        if bound + proved < best - good:
            floor = min(floor, bound + proved)
    if best == math.inf:
        x[:] = math.nan
        cost[:] = math.nan
        return math.nan, least_use, math.nan
    return max(best - floor, 0.0) if floor < math.inf else 0.0, least_use, worth


class _Bucket(NamedTuple):
    """The arrays that `allocate` is given."""

    pieces: np.ndarray
    tables: np.ndarray
    starts: np.ndarray
    weight: np.ndarray
    offsets: np.ndarray
    budget: np.ndarray


@compiled
def _allocate(bucket, allocation):
    """Fill the arrays of the Allocation, one partition after the other."""
    pieces, tables, starts, weight, offsets, budget = bucket
    x, cost, gap, least_use, price = allocation
    for k in range(len(budget)):
        first, end = offsets[k], offsets[k + 1]
        gap[k], least_use[k], price[k] = _best_of_partition(
            pieces, tables, starts[first : end + 1], weight[first:end], budget[k], x[first:end], cost[first:end]
        )


def allocate(
    pieces: np.ndarray,
    tables: np.ndarray,
    starts: np.ndarray,
    weight: np.ndarray,
    offsets: np.ndarray,
    budget: np.ndarray,
) -> Allocation:
    """The best whole x of all items of many partitions, each with its own budget.

    Parameters
    ----------
    pieces, tables : of `reciprocal_pieces` or `loss_pieces`; an item's pieces are in the order of their ranges
    starts : (n + 1,) array: item i has the pieces starts[i]..starts[i+1]-1
    weight : (n,) array, what a unit uses of the budget, 0 or more                     [w]
    offsets : (m + 1,) array: partition k has the items offsets[k]..offsets[k+1]-1
    budget : (m,) array; inf for none                                                  [B]

    Raises
    ------
    ParameterError : a weight is negative or infinite, or a budget is NaN.

    10/x + 20/y + 30/z with x + 2y + 3z <= 20:

    >>> from invopt.theory.budget.cost import NO_TABLE, reciprocal_pieces
    >>> three = reciprocal_pieces(np.ones(3), 100, 0, 0, np.array([10.0, 20.0, 30.0]))
    >>> weight, offsets, budget = np.array([1.0, 2.0, 3.0]), np.array([0, 3]), np.array([20.0])
    >>> allocation = allocate(three, NO_TABLE, np.arange(4), weight, offsets, budget)
    >>> allocation.x.tolist(), round(float(allocation.cost.sum()), 6)
    ([3.0, 4.0, 3.0], 18.333333)
    """
    weight, budget = np.ascontiguousarray(weight, dtype=np.float64), np.ascontiguousarray(budget, dtype=np.float64)
    for name, wrong in (("weight", ~((weight >= 0) & (weight < np.inf))), ("budget", np.isnan(budget))):
        if wrong.any():
            raise ParameterError(
                f"{name} must be a number of 0 or more; first wrong at index {int(np.flatnonzero(wrong)[0])}"
            )
    n, m = len(weight), len(budget)
    allocation = Allocation(np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m), np.zeros(m))
    bucket = _Bucket(
        np.ascontiguousarray(pieces, dtype=np.float64),
        np.ascontiguousarray(tables, dtype=np.float64),
        np.ascontiguousarray(starts, dtype=np.int64),
        weight,
        np.ascontiguousarray(offsets, dtype=np.int64),
        budget,
    )
    _allocate(bucket, allocation)
    return allocation
