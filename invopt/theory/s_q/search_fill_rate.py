"""The best (s, Q) of many items under a fill rate, exactly: a compiled scan of Q by blocks, with the best s of each.

    minimize  C(s, Q)   subject to   [n(s) - n(s+Q)] / Q <= 1 - beta

1. For one Q the smallest s that gives the fill rate, r(Q), is found by halving, and C(s, Q) is convex in s (see
    `service_points.py`): the
   best s is the larger of r(Q) and the first whose next one is no cheaper.
2. r falls with Q. So a block l..e of quantities has s >= r(e), and its costs are at least

       constant A   [A + the cheapest sum of G over l levels that start above r(e)] / e        as G >= 0 and l <= Q <= e
       guide        min over s >= r(e) of a (K + p n(s)) / e + h (l/2 + s - E X)

   A block above the best cost so far is passed at once, and the next is twice as long.
3. The scan ends where nothing more can come. Constant A: without the fill rate the best cost of a Q is (A + g(Q))/Q
    with a convex g, as
   the cheapest windows lie within each other and each grows by its cheaper neighbour; so it falls and then rises with
   Q, and beyond its best Q it bounds all that follow. Guide: hQ/2 - h E X does.

Source: Federgruen & Zheng (1992), Operations Research 40(4), for the windows that lie within each other.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, PMF
from invopt.theory.demand.loss import normal_loss_at
from invopt.theory.s_q.search import LARGEST_QUANTITY, ReorderPoints, grow_window, scan_points
from invopt.theory.s_q.service_level import REACHED, lead_time_losses

# levels of one item's table; a Normal demand that varies over more takes seconds
LARGEST_TABLE = 2_000_000


@compiled
def _loss(y, low, table):
    """n(y) of a table that is never empty."""
    if y <= low:
        return table[0] + (low - y)
    return table[y - low] if y - low < len(table) else 0.0


@compiled
def _level(y, h, p, mean, low, table):
    """G(y) = h E(y - X)^+ + p E(X - y)^+."""
    loss = _loss(y, low, table)
    return h * max(y - mean + loss, 0.0) + p * loss


@compiled
def _window(s, quantity, h, p, mean, low, table, so_far):
    """Sum of G over s+1..s+Q: straight lines below and above the table, differences of `so_far` within it."""
    end = s + quantity
    total = 0.0
    high = low + len(table) - 1
    if s < low:
        n = float(min(end, low) - s)
        total += p * n * (mean - s - 0.5 * (n + 1))
    if end > high:
        first = max(s, high) + 1
        n = float(end - first + 1)
        total += h * n * (first - mean + 0.5 * (n - 1))
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
        if _loss(s, low, table) - _loss(s + quantity, low, table) <= share * quantity * REACHED:
            right = s
        else:
            left = s
    return right


@compiled
def _least(first, last, smallest, is_guide, order_cost, short_cost, h, p, mean, low, table, so_far):
    """(s, bound of the cost of the quantities first..last with s >= smallest); of one quantity its best s and cost."""
    left, right = smallest - 1, max(low + len(table) - 1, smallest)
    while right - left > 1:
        s = (left + right) // 2
        if is_guide:
            is_enough = short_cost * (_loss(s, low, table) - _loss(s + 1, low, table)) <= h * last
        else:
            is_enough = _level(s + first + 1, h, p, mean, low, table) >= _level(s + 1, h, p, mean, low, table)
        if is_enough:
            right = s
        else:
            left = s
    if is_guide:
        return right, (order_cost + short_cost * _loss(right, low, table)) / last + h * (0.5 * first + right - mean)
    return right, (order_cost + _window(right, first, h, p, mean, low, table, so_far)) / last


@compiled
def _scan_quantities(share, is_guide, order_cost, short_cost, h, p, free_quantity, mean, low, table, so_far):
    """(s, Q, cost) of least cost; free_quantity is the best Q without a fill rate."""
    point, quantity, best = 0, 0, math.inf
    # a good cost first: blocks are as long as it allows
    for percent in (100, 110, 125, 150, 200, 300, 500):
        n = max(1, free_quantity * percent // 100)
        s, cost = _least(
            n,
            n,
            _smallest_point(n, share, low, table),
            is_guide,
            order_cost,
            short_cost,
            h,
            p,
            mean,
            low,
            table,
            so_far,
        )
        if cost < best:
            point, quantity, best = s, n, cost
    first = 1
    stride = 1
    while first <= LARGEST_QUANTITY:
        if is_guide:
            if h * (0.5 * first - mean) > best:
                break
        elif (
            first > free_quantity
            and _least(first, first, 0, is_guide, order_cost, short_cost, h, p, mean, low, table, so_far)[1] > best
        ):
            break
        last = first + stride - 1
        s, cost = _least(
            first,
            last,
            _smallest_point(last, share, low, table),
            is_guide,
            order_cost,
            short_cost,
            h,
            p,
            mean,
            low,
            table,
            so_far,
        )
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
def _decide_bucket(
    is_guide,
    form,
    demand_mean,
    demand_variance,
    first_lead_time,
    n_lead_times,
    pmfs,
    pmf_offsets,
    holding_cost,
    fixed_order_cost,
    backorder_cost,
    fill_share,
    reorder_point,
    order_quantity,
    cost,
):
    """Fill the last three arrays, one item after the other."""
    k_pmf = 0
    for i in range(len(form)):
        a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
        pmf = pmfs[:0]
        if form[i] == PMF:
            pmf = pmfs[pmf_offsets[k_pmf] : pmf_offsets[k_pmf + 1]]
            k_pmf += 1
        low, high, table = lead_time_losses(form[i], a, v, first, number, pmf)
        mean = low + table[0] if len(table) > 0 else a * (2 * first + number - 1) / 2
        h, p, order_cost, short_cost = (
            holding_cost[i],
            backorder_cost[i],
            fixed_order_cost[i] * a,
            backorder_cost[i] * a,
        )
        if is_guide:
            decided = scan_points(order_cost, short_cost, h, 0, mean, low, high, table, a, v, first, number)
        else:
            decided = grow_window(order_cost, h, p, 0, mean, low, high, table, a, v, first, number)
        if fill_share[i] < 1 and decided[1] > 0:
            if high - low > LARGEST_TABLE:
                decided = (0, 0, math.inf)
            else:
                if len(table) == 0:
                    table = np.empty(high - low + 1)
                    for k in range(high - low + 1):
                        table[k] = normal_loss_at(low + k, a, v, first, number)
                s, quantity = decided[0], decided[1]
                if _loss(s, low, table) - _loss(s + quantity, low, table) > fill_share[i] * quantity * REACHED:
                    so_far = np.zeros(len(table))
                    for k in range(1, len(table)):
                        so_far[k] = so_far[k - 1] + _level(low + k, h, p, mean, low, table)
                    decided = _scan_quantities(
                        fill_share[i], is_guide, order_cost, short_cost, h, p, decided[1], mean, low, table, so_far
                    )
        reorder_point[i], order_quantity[i], cost[i] = decided


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

    >>> one = lambda value: np.array([float(value)])
    >>> s, q, cost = best_reorder_points_with_fill_rate(is_guide=False, form=np.array([0]), demand_mean=one(1.5), demand_variance=one(1.5),
    ...     first_lead_time=one(2), n_lead_times=np.array([1]), holding_cost=one(20), fixed_order_cost=one(100), backorder_cost=one(150),
    ...     fill_share=one(0.05))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (4.0, 7.0, 126.522968)
    """
    n = len(form)
    found = ReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    floats = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (demand_mean, demand_variance, first_lead_time)
    ]
    costs = [
        np.ascontiguousarray(array, dtype=np.float64)
        for array in (holding_cost, fixed_order_cost, backorder_cost, fill_share)
    ]
    _decide_bucket(
        bool(is_guide),
        np.ascontiguousarray(form, dtype=np.int64),
        *floats,
        np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.ascontiguousarray(lead_time_pmfs[0], dtype=np.float64),
        np.ascontiguousarray(lead_time_pmfs[1], dtype=np.int64),
        *costs,
        *found,
    )
    return found
