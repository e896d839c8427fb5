"""The best (s, Q) of many items at once, exactly: compiled searches over the cost C(s, Q) = [A(s) + sum_{y=s+1}^{s+Q}
G(y)] / Q.

`theory/s_q/cost.py` defines the three costs. Two of them have a constant A and a convex G, and the window s+1..s+Q
grows around the cheapest level (Federgruen & Zheng); the third has a straight G and an A that falls with s, and s is
scanned with the best Q in closed form.

Source: Federgruen & Zheng (1992), An efficient algorithm for computing an optimal (r,Q) policy in continuous review
stochastic inventory systems, Operations Research 40(4); Snyder & Shen (2019), section 5.4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, NORMAL, POISSON
from invopt.theory.demand.loss import NORMAL_BAND, loss_at, losses_of, poisson_losses

# an order of more units than this comes from a holding cost that is a slip; beyond 2^53 a float can't count units
LARGEST_QUANTITY = 10**12


class ReorderPoints(NamedTuple):
    """(n,) arrays: units, units, money per day; cost is NaN where the best order quantity passes LARGEST_QUANTITY."""

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray


@compiled
def _run_length(total, n, first, slope, other):
    """How many of the levels with costs first, first + slope, first + 2 slope, ... a window takes before it turns or
    stops.

    total/n is the window's cost per unit; the first level is known to be taken. The k-th is taken while it costs less
    than the window so far and less than `other`, the next level of the other side. The levels' costs rise and the
    window's cost falls until they meet, so the test is monotone in k and the last level that passes it is found by
    doubling instead of one by one.
    """
    k = 1
    step = 1
    while step > 0:
        j = k + step
        cost = first + slope * (j - 1)
        so_far = (total + (j - 1) * first + slope * (0.5 * (j - 1) * (j - 2))) / (n + j - 1)
        if cost < so_far and cost < other and j <= LARGEST_QUANTITY:
            k = j
            step *= 2
        else:
            step //= 2
    return k


@compiled
def _level_cost(y, holding_cost, backorder_cost, mean, loss):
    """G(y) = h E(y - X)^+ + p E(X - y)^+; the first term is rounded to 0, never below it."""
    return holding_cost * max(y - mean + loss, 0.0) + backorder_cost * loss


@compiled
def grow_window(batch_cost, h, p, smallest, mean, low, high, table, a, v, first, n_lead_times):
    """(s, Q, cost) for a constant A: from the cheapest level the window takes its cheaper neighbour while that is below
    its average.

    With s >= smallest only the levels above it are there: G is convex on them too, so nothing else changes.
    """
    # the cheapest level y > smallest is the first whose next one is no cheaper: (h + p) P(X > y) <= h
    left, right = smallest, max(high, smallest) + 1
    while right - left > 1:
        y = (left + right) // 2
        survival = loss_at(y, low, table, a, v, first, n_lead_times) - loss_at(
            y + 1, low, table, a, v, first, n_lead_times
        )
        if (h + p) * survival <= h:
            right = y
        else:
            left = y
    cheapest = right
    total = batch_cost + _level_cost(cheapest, h, p, mean, loss_at(cheapest, low, table, a, v, first, n_lead_times))
    n = 1
    left, right = cheapest - 1, cheapest + 1
    left_cost = math.inf
    if left > smallest:
        left_cost = _level_cost(left, h, p, mean, loss_at(left, low, table, a, v, first, n_lead_times))
    right_cost = _level_cost(right, h, p, mean, loss_at(right, low, table, a, v, first, n_lead_times))
    while n <= LARGEST_QUANTITY:
        # strictly: of windows of one cost the smallest is kept, and of those of one size the lowest, as the left goes
        # first
        if not min(left_cost, right_cost) * n < total:
            return left, n, total / n
        if left_cost <= right_cost:
            run = 1
            if left <= low:  # the straight part: each level down costs p more
                run = min(_run_length(total, n, left_cost, p, right_cost), left - smallest)
            total += run * left_cost + p * (0.5 * run * (run - 1))
            n += run
            left -= run
            left_cost = math.inf
            if left > smallest:
                left_cost = _level_cost(left, h, p, mean, loss_at(left, low, table, a, v, first, n_lead_times))
        else:
            run = 1
            if right >= high:  # the straight part: each level up costs h more
                run = _run_length(total, n, right_cost, h, left_cost)
            total += run * right_cost + h * (0.5 * run * (run - 1))
            n += run
            right += run
            right_cost = _level_cost(right, h, p, mean, loss_at(right, low, table, a, v, first, n_lead_times))
    return 0, 0, math.nan


@compiled
def _best_quantity(batch_cost, h):
    """(Q, A/Q + hQ/2) at the best whole Q >= 1: the smallest with Q (Q + 1) >= 2A/h, where the next one is no
    cheaper.
    """
    ratio = 2 * batch_cost / h
    if not ratio < float(LARGEST_QUANTITY) ** 2:
        return 0, math.nan
    quantity = max(int(math.sqrt(ratio)), 1)
    while quantity > 1 and (quantity - 1.0) * quantity >= ratio:
        quantity -= 1
    while quantity * (quantity + 1.0) < ratio:
        quantity += 1
    return quantity, batch_cost / quantity + 0.5 * h * quantity


@compiled
def scan_points(order_cost, short_cost, h, smallest, mean, low, high, table, a, v, first, n_lead_times):
    """(s, Q, cost) for A(s) = order_cost + short_cost n(s) and G(y) = h (y - 1/2 - mean), so C(s, Q) = A(s)/Q + hQ/2 +
    h (s - mean).

    Let phi(A) = min over Q of A/Q + hQ/2, which rises with A, and f(s) = phi(A(s)) + h (s - mean).
    1. For smallest <= s <= low, n(s) is a straight line, so C(s, Q) is straight in s for each Q and f, a minimum of
        straight lines,
       is concave: its lowest value is at `smallest` or at low.
    2. n falls with s, so for s <= t <= e: f(t) >= phi(A(e)) + h (s - mean). A block s..e whose bound is above the best
        is
       passed in one step.
    3. A(s) >= order_cost, so f(t) >= phi(order_cost) + h (s - mean) for all t >= s: once that is above the best, the
        scan ends.
       Above high, where n = 0, f rises, so it ends there in any case.
    """
    quantity, best = _best_quantity(
        order_cost + short_cost * loss_at(smallest, low, table, a, v, first, n_lead_times), h
    )
    if math.isnan(best):
        return 0, 0, math.nan
    best += h * (smallest - mean)
    point = smallest
    least = _best_quantity(order_cost, h)[1]
    s = max(low, smallest)
    stride = 1
    while s <= high and least + h * (s - mean) <= best:
        loss = loss_at(s + stride - 1, low, table, a, v, first, n_lead_times)
        n, cost = _best_quantity(order_cost + short_cost * loss, h)
        cost += h * (s - mean)
        if stride > 1:
            if cost > best:
                s += stride
                stride *= 2
            else:
                stride //= 2
            continue
        if cost < best or (cost == best and n < quantity):
            point, quantity, best = s, n, cost
        elif cost > best:
            stride = 2
        s += 1
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
    smallest_point,
    reorder_point,
    order_quantity,
    cost,
):
    """Fill the last three arrays, one item after the other."""
    nothing = np.zeros(0)
    k_pmf = 0
    for i in range(len(form)):
        a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
        table = nothing
        if form[i] == POISSON:
            low, table = poisson_losses(a, first, number)
        elif form[i] == NORMAL:
            last = first + number - 1
            spread = NORMAL_BAND * math.sqrt(v * last)
            low, high = int(math.floor(a * first - spread)), int(math.ceil(a * last + spread))
            mean = a * (first + last) / 2
        else:
            low = 0
            table = losses_of(pmfs[pmf_offsets[k_pmf] : pmf_offsets[k_pmf + 1]])
            k_pmf += 1
        if len(table) > 0:
            high = low + len(table) - 1
            mean = low + table[0]
        h, p, order_cost, smallest = holding_cost[i], backorder_cost[i], fixed_order_cost[i] * a, smallest_point[i]
        if is_guide:
            decided = scan_points(order_cost, p * a, h, smallest, mean, low, high, table, a, v, first, number)
        else:
            decided = grow_window(order_cost, h, p, smallest, mean, low, high, table, a, v, first, number)
        reorder_point[i], order_quantity[i], cost[i] = decided


def best_reorder_points(
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
    smallest_point: np.ndarray | None = None,
    lead_time_pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
) -> ReorderPoints:
    """Reorder point and order quantity of least cost of n items, and that cost.

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative. Of equal
    costs the smallest Q is taken, then the smallest s. A Poisson item of mean lead-time demand 5..200 takes 1 to 2
    microseconds.

    Parameters
    ----------
    is_guide : the cost `guide`; False: `time_weighted` or `daily_review`, which differ in the lead times that are
        passed
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; the variance matters for NORMAL only   [a, v]
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times, one day apart          [tau]
    holding_cost : (n,) array, money/unit/day                                                                        [h]
    fixed_order_cost : (n,) array, money/order                                                                       [K]
    backorder_cost : (n,) array, money/unit/day, or money/unit for the guide's cost                                  [p]
    smallest_point : (n,) array of whole numbers >= 0, the least s allowed; None: 0
    lead_time_pmfs : for the PMF items in their order, the probabilities of demand over the lead time, one after the
        other, and the offsets where each starts, with the end: (sum of lengths,) and (number of PMF items + 1,) arrays

    Source: Federgruen & Zheng (1992); Snyder & Shen (2019), Example 5.8.

    >>> one = lambda value: np.array([float(value)])
    >>> s, q, cost = best_reorder_points(is_guide=False, form=np.array([POISSON]), demand_mean=one(1.5), demand_variance=one(1.5),
    ...     first_lead_time=one(2), n_lead_times=np.array([1]), holding_cost=one(20), fixed_order_cost=one(100), backorder_cost=one(150))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (3.0, 5.0, 107.923581)
    """
    n = len(form)
    found = ReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    floats = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (demand_mean, demand_variance, first_lead_time)
    ]
    costs = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (holding_cost, fixed_order_cost, backorder_cost)
    ]
    smallest = np.zeros(n, np.int64) if smallest_point is None else np.ascontiguousarray(smallest_point, dtype=np.int64)
    _decide_bucket(
        bool(is_guide),
        np.ascontiguousarray(form, dtype=np.int64),
        *floats,
        np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.ascontiguousarray(lead_time_pmfs[0], dtype=np.float64),
        np.ascontiguousarray(lead_time_pmfs[1], dtype=np.int64),
        *costs,
        smallest,
        *found,
    )
    return found
