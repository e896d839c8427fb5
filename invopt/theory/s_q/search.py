"""The best (s, Q) of many items at once, exactly: compiled searches over C(s, Q) = [A(s) + sum_{y=s+1}^{s+Q} G(y)] / Q.

`theory/s_q/cost.py` defines the three costs. Two of them have a constant A and a convex G: the range of levels s+1..s+Q
grows around the cheapest level (Federgruen & Zheng). The third has a straight G and an A that falls with s: s is
scanned, with the best Q in closed form.

Source: Federgruen & Zheng (1992), An efficient algorithm for computing an optimal (r,Q) policy in continuous review
stochastic inventory systems, Operations Research 40(4); Snyder & Shen (2019), section 5.4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.loss import band_and_losses, loss_at
from invopt.theory.s_q.cost import cost_arrays

# an order of more units than this comes from a holding cost that is a slip; beyond 2^53 a float can't count units
LARGEST_QUANTITY = 10**12


class ReorderPoints(NamedTuple):
    """(n,) arrays: units, units, money per day; cost is NaN where the best order quantity passes LARGEST_QUANTITY."""

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray


@compiled
def _run_length(total, n, first, slope, other):
    """The number of levels with costs first, first + slope, first + 2 slope, ... that a range takes on this side.

    total/n is the range's cost per unit; it takes the first level in any case. It takes the k-th while that costs less
    than the range so far and less than `other`, the next level of the other side. The levels' costs rise and the
    range's cost falls until they meet, so the test is monotone in k: the last level that passes it is found by
    doubling.
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
def level_cost(y, holding_cost, backorder_cost, mean, loss):
    """G(y) = h E(y - X)^+ + p E(X - y)^+; the first term is rounded to 0, never below it."""
    return holding_cost * max(y - mean + loss, 0.0) + backorder_cost * loss


@compiled
def grow_range(batch_cost, h, p, smallest, band, table):
    """(s, Q, cost) for a constant A, among the levels above `smallest`.

    From the cheapest level on, the range takes its cheaper neighbour while that is below its average. G is convex on
    the levels above `smallest` too, so a smallest s changes nothing else.
    """
    low, high, mean = band.low, band.high, band.mean
    # the cheapest level y > smallest is the first whose next one is no cheaper: (h + p) P(X > y) <= h
    left, right = smallest, max(high, smallest) + 1
    while right - left > 1:
        y = (left + right) // 2
        survival = loss_at(y, band, table) - loss_at(y + 1, band, table)
        if (h + p) * survival <= h:
            right = y
        else:
            left = y
    cheapest = right
    total = batch_cost + level_cost(cheapest, h, p, mean, loss_at(cheapest, band, table))
    n = 1
    left, right = cheapest - 1, cheapest + 1
    left_cost = math.inf
    if left > smallest:
        left_cost = level_cost(left, h, p, mean, loss_at(left, band, table))
    right_cost = level_cost(right, h, p, mean, loss_at(right, band, table))
    while n <= LARGEST_QUANTITY:
        # strictly below: of ranges of one cost the smallest stays, and of one size the lowest, as the left goes first
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
                left_cost = level_cost(left, h, p, mean, loss_at(left, band, table))
        else:
            run = 1
            if right >= high:  # the straight part: each level up costs h more
                run = _run_length(total, n, right_cost, h, left_cost)
            total += run * right_cost + h * (0.5 * run * (run - 1))
            n += run
            right += run
            right_cost = level_cost(right, h, p, mean, loss_at(right, band, table))
    return 0, 0, math.nan


@compiled
def _best_quantity(batch_cost, h):
    """(Q, A/Q + hQ/2) at the best whole Q >= 1: the smallest with Q (Q + 1) >= 2A/h, whose next one is no cheaper."""
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
def scan_points(order_cost, short_cost, h, smallest, band, table):
    """(s, Q, cost) for A(s) = order_cost + short_cost n(s), G(y) = h (y - 1/2 - mean).

        C(s, Q) = A(s)/Q + hQ/2 + h (s - mean)

    Let phi(A) = min over Q of A/Q + hQ/2, which rises with A, and f(s) = phi(A(s)) + h (s - mean).
    1. For smallest <= s <= low, n(s) is a straight line, so for each Q C(s, Q) is straight in s. f is a minimum of
       straight lines and so concave: its lowest value is at `smallest` or at low.
    2. n falls with s, so for s <= t <= e: f(t) >= phi(A(e)) + h (s - mean). A block s..e whose bound is above the best
       is passed in one step.
    3. A(s) >= order_cost, so f(t) >= phi(order_cost) + h (s - mean) for all t >= s. Once that is above the best, the
       scan ends. Above high, where n = 0, f rises, so it ends there in any case.
    """
    mean = band.mean
    quantity, best = _best_quantity(order_cost + short_cost * loss_at(smallest, band, table), h)
    if math.isnan(best):
        return 0, 0, math.nan
    best += h * (smallest - mean)
    point = smallest
    least = _best_quantity(order_cost, h)[1]
    s = max(band.low, smallest)
    stride = 1
    while s <= band.high and least + h * (s - mean) <= best:
        n, cost = _best_quantity(order_cost + short_cost * loss_at(s + stride - 1, band, table), h)
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
def _decide_bucket(is_guide, demand, costs, smallest_point, best):
    """Fill the `ReorderPoints` best, one item after the other."""
    for i in range(len(demand.form)):
        band, table = band_and_losses(demand, i)
        a, h, p = demand.mean[i], costs.holding_cost[i], costs.backorder_cost[i]
        order_cost = costs.fixed_order_cost[i] * a
        if is_guide:
            decided = scan_points(order_cost, p * a, h, smallest_point[i], band, table)
        else:
            decided = grow_range(order_cost, h, p, smallest_point[i], band, table)
        best.reorder_point[i], best.order_quantity[i], best.cost[i] = decided


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

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative. Among
    equal costs the smallest Q is taken, then the smallest s. A Poisson item of mean lead-time demand 5..200 takes 1 to
    2 microseconds.

    Parameters
    ----------
    is_guide : the cost `guide`; False: `time_weighted` or `daily_review`, which differ in the lead times passed
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

    >>> array = lambda value: np.array([float(value)])
    >>> s, q, cost = best_reorder_points(
    ...     is_guide=False, form=np.array([0]), demand_mean=array(1.5), demand_variance=array(1.5),
    ...     first_lead_time=array(2), n_lead_times=np.array([1]),
    ...     holding_cost=array(20), fixed_order_cost=array(100), backorder_cost=array(150))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (3.0, 5.0, 107.923581)
    """
    n = len(form)
    best = ReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    _decide_bucket(
        bool(is_guide),
        demand_arrays(form, demand_mean, demand_variance, first_lead_time, n_lead_times, lead_time_pmfs),
        cost_arrays(holding_cost, fixed_order_cost, backorder_cost),
        np.zeros(n, np.int64) if smallest_point is None else np.ascontiguousarray(smallest_point, dtype=np.int64),
        best,
    )
    return best
