"""A budget divided among items with separable costs, exactly: whole numbers x_i of least total cost.

    minimize sum_i f_i(x_i)   subject to  sum_i w_i x_i <= B,  x_i whole, in the ranges of its pieces         [f: convex_pieces.py]

1. Multiplier. For a price theta of the budget, x_i(theta) minimizes f_i(x) + theta w_i x, and what all of them use
    falls with theta. The
   smallest theta whose use is within B (`theory/budget/search_multiplier.py`) gives the bound L = sum_i [f_i + theta w_i x_i] -
   theta B, which no solution passes below.
2. Reduced costs. A solution costs L + sum_i r_i(x_i) + theta (B - use), r_i(x) = f_i(x) + theta w_i x - the least of
    it. So in a
   solution of less than L + T no item takes an x with r_i(x) >= T: few items have another choice, and few of those.
3. Pieces. Where the price makes an item jump from one of its pieces to another, each side is a problem of its own with
    its own price.
4. Core. For T small at first and then larger, the choices with r < T are searched by the list dynamic programme of
    `theory/budget/search_core.py`.
   It ends with a solution of cost L + T or less, which is the optimum, or one within GOOD_ENOUGH of what has been
   proved.

The core is exponential in the worst case (many items of the same return per unit of budget and odd weights). It is left
after MAX_WORK states with the best solution and a proved bound.

Source: Everett (1963), Generalized Lagrange multiplier method, Operations Research 11(3); Ibaraki & Katoh (1988),
Resource Allocation Problems; Pisinger (1995), EJOR 87.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.budget.cost import HIGH, LOW, SLOPE, cost_at, least_at
from invopt.theory.budget.search_core import best_choice
from invopt.theory.budget.search_multiplier import least_of_item, multiplier
from invopt.theory.compiled import compiled

# relative distance to the proved bound at which a search ends
GOOD_ENOUGH = 4e-10
# sums of many weights are right to this
ROUNDING = 1e-12
# states that one partition's core may look at: about a second
MAX_WORK = 40_000_000
# states kept from one item of the core to the next: few at first, as a large core holds many good plans, then all that
# can be kept
FEW_STATES, MAX_STATES = 800, 60_000
# choices of one core
MAX_OPTIONS = 1_000_000


class Allocation(NamedTuple):
    """x, cost : (n,) arrays of the items; gap, least_use : (m,) arrays of the partitions.

    gap : how far a partition's cost may be above the optimum; 0 when it was proved to GOOD_ENOUGH; NaN when the budget
        is too small
    least_use : what the smallest x use of the budget: below it there is no solution, and x and cost are NaN
    """

    x: np.ndarray
    cost: np.ndarray
    gap: np.ndarray
    least_use: np.ndarray


@compiled
def _reduced(piece, table, price, least, x):
    return max(cost_at(piece, table, x) + price * x - least, 0.0)


@compiled
def _nearest(pieces, table, first, end, price, base, least, nearest):
    """The smallest reduced cost of another choice than the base, of each item."""
    for i in range(len(base)):
        nearest[i] = math.inf
        if price[i] == 0:
            continue  # it uses nothing, so nothing else is better
        for p in range(first[i], end[i]):
            piece = pieces[p]
            if end[i] == first[i] + 1 or piece[LOW] <= base[i] <= piece[HIGH]:
                x = base[i]
            else:
                x = least_at(piece, table, piece[SLOPE] + price[i], piece[LOW], piece[HIGH])
                nearest[i] = min(nearest[i], _reduced(piece, table, price[i], least[i], x))
            if x + 1 <= piece[HIGH]:
                nearest[i] = min(nearest[i], _reduced(piece, table, price[i], least[i], x + 1))
            if x - 1 >= piece[LOW]:
                nearest[i] = min(nearest[i], _reduced(piece, table, price[i], least[i], x - 1))


@compiled
def _options_below(pieces, table, first, end, weight, price, base, least, i, limit, room, x_of, delta, cost):
    """Fill in item i's other choices of reduced cost below `limit` that can fit; returns their number, or -1 when
    they are too many.
    """
    m = 0
    for p in range(first[i], end[i]):
        piece = pieces[p]
        middle = least_at(piece, table, piece[SLOPE] + price[i], piece[LOW], piece[HIGH])
        for direction in (1.0, -1.0):
            x = middle if direction > 0 else middle - 1
            while piece[LOW] <= x <= piece[HIGH]:
                r = _reduced(piece, table, price[i], least[i], x)
                if r >= limit:
                    break
                d = weight[i] * (x - base[i])
                if d > room:
                    if direction > 0:
                        break
                elif x != base[i]:
                    if m >= len(x_of):
                        return -1
                    x_of[m], delta[m], cost[m] = x, d, r
                    m += 1
                x += direction
    return m


@compiled
def _search(pieces, table, first, end, weight, budget, theta, base, least, room, gap, good):
    """Improve `base`, the x(theta) that fit and leave `room`, to the best that costs less than the bound + gap, or to
    one within `good`.

    Returns
    -------
    gap : of the best found, or what was given when there is none; base then holds it
    proved : nothing is below the bound + this, except what was found
    work : states looked at
    """
    n = len(weight)
    price = theta * weight
    scale = 0.0
    for i in range(n):
        scale += abs(least[i])
    tolerance = 1e-16 * scale
    nearest = np.empty(n)
    _nearest(pieces, table, first, end, price, base, least, nearest)
    ranked = np.sort(nearest)
    limit = max(2 * ranked[min(n - 1, 12)], good)
    proved, work = 0.0, 0
    room_up = room + ROUNDING * abs(budget)
    best_x = base.copy()
    if theta * room < gap:
        gap = theta * room
    while gap > proved + good and work < MAX_WORK:
        limit = min(limit, gap)
        core = np.flatnonzero(nearest < limit)
        size = 4 * len(core) + 64
        is_complete = False
        m = 0
        x_of, delta, cost = np.empty(size), np.empty(size), np.empty(size)
        core_starts = np.zeros(len(core) + 1, dtype=np.int64)
        ease = np.empty(len(core))
        while not is_complete:
            m = 0
            is_complete = True
            for k in range(len(core)):
                # room to grow: what all others could save is not known, so only the limit and the pieces' ends bound a
                # choice
                found = _options_below(
                    pieces,
                    table,
                    first,
                    end,
                    weight,
                    price,
                    base,
                    least,
                    core[k],
                    limit,
                    math.inf,
                    x_of[m:],
                    delta[m:],
                    cost[m:],
                )
                if found < 0:
                    is_complete = False
                    break
                ease[k] = math.inf
                for o in range(m, m + found):
                    ease[k] = min(ease[k], cost[o] / abs(delta[o]))
                m += found
                core_starts[k + 1] = m
            if not is_complete:
                size *= 2
                if size > MAX_OPTIONS:
                    break
                x_of, delta, cost = np.empty(size), np.empty(size), np.empty(size)
        if not is_complete:
            break
        order = np.argsort(ease)
        sorted_starts = np.zeros(len(core) + 1, dtype=np.int64)
        sorted_delta, sorted_cost, sorted_x = np.empty(m), np.empty(m), np.empty(m)
        at = 0
        for k in range(len(core)):
            for o in range(core_starts[order[k]], core_starts[order[k] + 1]):
                sorted_delta[at], sorted_cost[at], sorted_x[at] = delta[o], cost[o], x_of[o]
                at += 1
            sorted_starts[k + 1] = at
        reached = 0.0
        for max_states in (FEW_STATES, MAX_STATES):
            gap, chosen, reached, looked = best_choice(
                sorted_starts,
                sorted_delta,
                sorted_cost,
                theta,
                room_up,
                limit,
                gap,
                proved + good,
                tolerance,
                max_states,
            )
            work += looked + m + n
            if len(chosen) > 0:
                best_x[:] = base
                for k in range(len(core)):
                    if chosen[k] >= 0:
                        best_x[core[order[k]]] = sorted_x[chosen[k]]
            if gap <= proved + good or min(limit, gap) <= reached:
                break
        proved = max(proved, min(reached, gap))
        if reached < limit:
            break
        limit *= 4
    base[:] = best_x
    return gap, (gap if gap <= proved + good else proved), work


@compiled
def _cost_of_item(pieces, table, first, end, x):
    """f(x), and the piece that x is on."""
    for p in range(first, end):
        if pieces[p, LOW] <= x <= pieces[p, HIGH]:
            return cost_at(pieces[p], table, x), p
    return math.inf, first


@compiled
def _best_of_partition(pieces, table, starts, weight, budget, x, cost):
    """Fill x and cost of one partition; returns the gap (NaN: the budget is too small) and what the smallest x use of
    the budget.

    Where the price at which x(theta) begins to fit makes an item jump from one piece to another, the two are looked at
    one after the other, each with its own price: a branch and bound over pieces, of which convex items need none.
    """
    n = len(weight)
    limit = budget + ROUNDING * abs(budget)
    low, high, least, base_cost = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    first, end = np.empty((4, n), dtype=np.int64), np.empty((4, n), dtype=np.int64)
    node_bound = np.empty(4)
    first[0], end[0], node_bound[0] = starts[:-1], starts[1:], -math.inf
    n_nodes, best, floor, work, least_use = 1, math.inf, math.inf, 0, math.nan
    while n_nodes > 0:
        n_nodes -= 1
        a, b = first[n_nodes].copy(), end[n_nodes].copy()
        if node_bound[n_nodes] >= best - GOOD_ENOUGH * abs(best):
            continue
        if work > MAX_WORK:
            floor = min(floor, node_bound[n_nodes])
            continue
        work += 20 * n
        used, wanted = 0.0, 0.0
        for i in range(n):
            high[i] = least_of_item(pieces, table, a[i], b[i], 0.0, pieces[a[i], LOW], pieces[b[i] - 1, HIGH])
            low[i] = pieces[a[i], LOW] if weight[i] > 0 else high[i]
            used += weight[i] * low[i]
            wanted += weight[i] * high[i]
        if math.isnan(least_use):
            least_use = used
        if used > limit:
            continue
        theta = 0.0
        if wanted <= limit:
            low[:] = high
        else:
            theta = multiplier(pieces, table, a, b, weight, budget, low, high)
        if theta == math.inf:  # only the smallest x fit
            theta = 0.0
        total, use = 0.0, 0.0
        for i in range(n):
            base_cost[i] = _cost_of_item(pieces, table, a[i], b[i], low[i])[0]
            least[i] = base_cost[i] + theta * weight[i] * low[i]
            total += base_cost[i]
            use += weight[i] * low[i]
        room = max(budget - use, 0.0)
        bound = total - theta * room
        good = GOOD_ENOUGH * abs(bound)
        if total < best:
            best = total
            x[:] = low
            cost[:] = base_cost
        if theta == 0.0 or bound >= best - good:
            continue
        jumping, width = -1, 0.0
        for i in range(n):
            if b[i] > a[i] + 1 and low[i] < high[i] and weight[i] * (high[i] - low[i]) > width:
                if (
                    _cost_of_item(pieces, table, a[i], b[i], low[i])[1]
                    != _cost_of_item(pieces, table, a[i], b[i], high[i])[1]
                ):
                    jumping, width = i, weight[i] * (high[i] - low[i])
        if jumping < 0:
            gap, proved, looked = _search(
                pieces, table, a, b, weight, budget, theta, low, least, room, best - bound, good
            )
            work += looked
            if bound + gap < best:
                total = 0.0
                for i in range(n):
                    base_cost[i] = _cost_of_item(pieces, table, a[i], b[i], low[i])[0]
                    total += base_cost[i]
                if total < best:
                    best = total
                    x[:] = low
                    cost[:] = base_cost
            if bound + proved < best - good:
                floor = min(floor, bound + proved)
            continue
        at = _cost_of_item(pieces, table, a[jumping], b[jumping], low[jumping])[1] + 1
        if n_nodes + 2 > len(first):
            larger_first, larger_end = (
                np.empty((2 * len(first), n), dtype=np.int64),
                np.empty((2 * len(first), n), dtype=np.int64),
            )
            larger_bound = np.empty(2 * len(first))
            larger_first[:n_nodes], larger_end[:n_nodes], larger_bound[:n_nodes] = (
                first[:n_nodes],
                end[:n_nodes],
                node_bound[:n_nodes],
            )
            first, end, node_bound = larger_first, larger_end, larger_bound
        for side in range(2):
            first[n_nodes], end[n_nodes], node_bound[n_nodes] = a, b, bound
            if side == 0:
                first[n_nodes, jumping] = at
            else:
                end[n_nodes, jumping] = at
            n_nodes += 1
    if best == math.inf:
        x[:] = math.nan
        cost[:] = math.nan
        return math.nan, least_use
    return max(best - floor, 0.0) if floor < math.inf else 0.0, least_use


@compiled
def _allocate(pieces, table, starts, weight, offsets, budget, x, cost, gap, least_use):
    """Fill the last four arrays, one partition after the other."""
    for k in range(len(budget)):
        first, end = offsets[k], offsets[k + 1]
        gap[k], least_use[k] = _best_of_partition(
            pieces, table, starts[first : end + 1], weight[first:end], budget[k], x[first:end], cost[first:end]
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

    >>> from invopt.theory.budget.cost import NO_TABLE, reciprocal_pieces
    >>> three = reciprocal_pieces(np.ones(3), 100, 0, 0, np.array([10.0, 20.0, 30.0]))       # 10/x + 20/y + 30/z, x + 2y + 3z <= 20
    >>> found = allocate(three, NO_TABLE, np.arange(4), np.array([1.0, 2.0, 3.0]), np.array([0, 3]), np.array([20.0]))
    >>> found.x.tolist(), round(float(found.cost.sum()), 6)
    ([3.0, 4.0, 3.0], 18.333333)
    """
    weight, budget = np.ascontiguousarray(weight, dtype=np.float64), np.ascontiguousarray(budget, dtype=np.float64)
    for name, wrong in (("weight", ~((weight >= 0) & (weight < np.inf))), ("budget", np.isnan(budget))):
        if wrong.any():
            raise ParameterError(
                f"{name} must be a number of 0 or more; first wrong at index {int(np.flatnonzero(wrong)[0])}"
            )
    n, m = len(weight), len(budget)
    found = Allocation(np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(m))
    _allocate(
        np.ascontiguousarray(pieces, dtype=np.float64),
        np.ascontiguousarray(tables, dtype=np.float64),
        np.ascontiguousarray(starts, dtype=np.int64),
        weight,
        np.ascontiguousarray(offsets, dtype=np.int64),
        budget,
        *found,
    )
    return found
