"""The best (s, Q) of many items under a fill rate, exactly: a compiled scan of Q by blocks, with the best s of each.

    minimize  C(s, Q)   subject to   [n(s) - n(s+Q)] / Q <= 1 - beta

1. For one Q the smallest s that gives the fill rate, r(Q), is found by halving. C(s, Q) is convex in s (see
   `search_service_points.py`), so the best s is the larger of r(Q) and the first whose next one is no cheaper.
2. r falls with Q. So a block l..e of quantities has s >= r(e), and its costs are at least

       constant A   [A + the cheapest sum of G over l levels that start above r(e)] / e        as G >= 0 and l <= Q <= e
       guide        min over s >= r(e) of a (K + p n(s)) / e + h (l/2 + s - E X)

   A block above the best cost so far is passed at once, and the next is twice as long.
3. The scan ends where no better Q can follow.
   Constant A: without the fill rate the best cost of a Q is (A + g(Q))/Q with a convex g, because the cheapest ranges
   of levels lie within each other and each grows by its cheaper neighbour. So it falls and then rises with Q, and
   beyond its best Q it bounds all that follow.
   Guide: hQ/2 - h E X bounds all that follow.

Source: Federgruen & Zheng (1992), Operations Research 40(4), for the ranges that lie within each other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.loss import band_and_losses, loss_at, table_loss
from invopt.theory.s_q.cost import cost_arrays
from invopt.theory.s_q.search import LARGEST_QUANTITY, ReorderPoints, grow_range, level_cost, scan_points
from invopt.theory.s_q.search_cycle_service import REACHED

# levels of one item's table; a Normal demand that varies over more takes seconds
LARGEST_TABLE = 2_000_000


class _Item(NamedTuple):
    """One item: an order costs order_cost + short_cost n(s) in the guide's cost, order_cost in the others.

    Beside it go its table of losses from `low` on, never empty, and `so_far`, the sum of G over low+1..low+k.
    """

    is_guide: bool
    order_cost: float
    short_cost: float
    holding_cost: float
    backorder_cost: float
    mean: float
    low: int


@compiled
def _level(y, item, table):
    """G(y)."""
    return level_cost(y, item.holding_cost, item.backorder_cost, item.mean, table_loss(y, item.low, table))


@compiled
def _level_sum(s, quantity, item, table, so_far):
    """Sum of G over s+1..s+Q: straight lines below and above the table, differences of `so_far` within it."""
    low, high, end = item.low, item.low + len(table) - 1, s + quantity
    total = 0.0
    if s < low:
        n = float(min(end, low) - s)
        total += item.backorder_cost * n * (item.mean - s - 0.5 * (n + 1))
    if end > high:
        first = max(s, high) + 1
        n = float(end - first + 1)
        total += item.holding_cost * n * (first - item.mean + 0.5 * (n - 1))
    left, right = max(s, low), min(end, high)
    if right > left:
        total += so_far[right - low] - so_far[left - low]
    return total


@compiled
def _smallest_point(quantity, share, low, table):
    """r(Q): the smallest s >= 0 with n(s) - n(s+Q) <= share Q."""
    left, right = -1, max(low + len(table) - 1, 0)
    while right - left > 1:
        s = (left + right) // 2
        if table_loss(s, low, table) - table_loss(s + quantity, low, table) <= share * quantity * REACHED:
            right = s
        else:
            left = s
    return right


@compiled
def _least(first, last, smallest, item, table, so_far):
    """(s, bound of the cost of the quantities first..last with s >= smallest); of one quantity its best s and cost."""
    low, h = item.low, item.holding_cost
    left, right = smallest - 1, max(low + len(table) - 1, smallest)
    while right - left > 1:
        s = (left + right) // 2
        if item.is_guide:
            is_enough = item.short_cost * (table_loss(s, low, table) - table_loss(s + 1, low, table)) <= h * last
        else:
            is_enough = _level(s + first + 1, item, table) >= _level(s + 1, item, table)
        if is_enough:
            right = s
        else:
            left = s
    if item.is_guide:
        batch_cost = item.order_cost + item.short_cost * table_loss(right, low, table)
        return right, batch_cost / last + h * (0.5 * first + right - item.mean)
    return right, (item.order_cost + _level_sum(right, first, item, table, so_far)) / last


@compiled
def _scan_quantities(share, free_quantity, item, table, so_far):
    """(s, Q, cost) of least cost; free_quantity is the best Q without a fill rate."""
    point, quantity, best = 0, 0, math.inf
    # a good cost first: blocks are as long as it allows
    for percent in (100, 110, 125, 150, 200, 300, 500):
        n = max(1, free_quantity * percent // 100)
        s, cost = _least(n, n, _smallest_point(n, share, item.low, table), item, table, so_far)
        if cost < best:
            point, quantity, best = s, n, cost
    first = 1
    stride = 1
    while first <= LARGEST_QUANTITY:
        if item.is_guide:
            if item.holding_cost * (0.5 * first - item.mean) > best:
                break
        elif first > free_quantity and _least(first, first, 0, item, table, so_far)[1] > best:
            break
        last = first + stride - 1
        s, cost = _least(first, last, _smallest_point(last, share, item.low, table), item, table, so_far)
        if stride > 1:
            if cost > best:
                first += stride
                stride *= 2
            else:
                stride //= 2
            continue
        if cost < best or (cost == best and first < quantity):
            point, quantity, best = s, first, cost
        elif cost > best:
            stride = 2
        first += 1
    return point, quantity, best


@compiled
def _with_fill_rate(share, free, item, band, table):
    """(s, Q, cost) of least cost that gives the fill rate; `free` is the best without one."""
    if band.high - band.low > LARGEST_TABLE:
        return 0, 0, math.inf
    low = band.low
    if len(table) == 0:
        table = np.empty(band.high - low + 1)
        for k in range(len(table)):
            table[k] = loss_at(low + k, band, table[:0])
    s, quantity, _ = free
    if not table_loss(s, low, table) - table_loss(s + quantity, low, table) > share * quantity * REACHED:
        return free
    so_far = np.zeros(len(table))
    for k in range(1, len(table)):
        so_far[k] = so_far[k - 1] + _level(low + k, item, table)
    return _scan_quantities(share, quantity, item, table, so_far)


@compiled
def _decide_bucket(is_guide, demand, costs, fill_share, best):
    """Fill the `ReorderPoints` best, one item after the other."""
    for i in range(len(demand.form)):
        band, table = band_and_losses(demand, i)
        a, h, p = demand.mean[i], costs.holding_cost[i], costs.backorder_cost[i]
        item = _Item(is_guide, costs.fixed_order_cost[i] * a, p * a, h, p, band.mean, band.low)
        if is_guide:
            decided = scan_points(item.order_cost, item.short_cost, h, 0, band, table)
        else:
            decided = grow_range(item.order_cost, h, p, 0, band, table)
        if fill_share[i] < 1 and decided[1] > 0:
            decided = _with_fill_rate(fill_share[i], decided, item, band, table)
        best.reorder_point[i], best.order_quantity[i], best.cost[i] = decided


def best_reorder_points_with_fill_rate(
    *,
    is_guide: bool,
    form: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    holding_cost: np.ndarray,
    fixed_order_cost: np.ndarray,
    backorder_cost: np.ndarray,
    fill_share: np.ndarray,
    lead_time_pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
) -> ReorderPoints:
    """Reorder point and order quantity of least cost that give the fill rate, of n items.

    The arguments are those of `best_reorder_points`, and

    fill_share : (n,) array above 0, [n(s) - n(s+Q)] / Q is at most this; 1 asks for nothing                  [1 - beta]

    cost is NaN where the best order quantity passes LARGEST_QUANTITY, infinite where a demand varies over more than
    LARGEST_TABLE levels.

    Source: Snyder & Shen (2019), Example 5.8, with a fill rate of 0.95 asked for beside it.

    >>> array = lambda value: np.array([float(value)])
    >>> s, q, cost = best_reorder_points_with_fill_rate(
    ...     is_guide=False, form=np.array([0]), demand_mean=array(1.5), demand_variance=array(1.5),
    ...     first_lead_time=array(2), n_lead_times=np.array([1]),
    ...     holding_cost=array(20), fixed_order_cost=array(100), backorder_cost=array(150), fill_share=array(0.05))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (4.0, 7.0, 126.522968)
    """
    n = len(form)
    best = ReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    _decide_bucket(
        bool(is_guide),
        demand_arrays(form, demand_mean, demand_variance, first_lead_time, n_lead_times, lead_time_pmfs),
        cost_arrays(holding_cost, fixed_order_cost, backorder_cost),
        np.ascontiguousarray(fill_share, dtype=np.float64),
        best,
    )
    return best
