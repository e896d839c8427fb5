"""When to order how much of one item so that each period's requirement is met at least cost: Wagner & Whitin's problem.

    minimize    sum_t K_t [Q_t > 0] + c_t Q_t + h_t x_t                     [lot_sizing/cost.py]
    subject to  x_t = x_{t-1} + Q_t - r_t >= 0,   x_{-1} = 0

Some optimum orders only when nothing of earlier orders is left. Let p_t = c_t + h_t + h_{t+1} + ... be what a unit
ordered in t costs if it were kept to the end, and R_t = r_t + r_{t+1} + ... Then the least cost G_t from t on is, up to
a constant,

    G_t = K_t + p_t R_t + min over s > t of (G_s - p_t R_s),     or G_{t+1} if that is less and r_t = 0

The minimum is a query of the lower convex hull of the points (R_s, G_s), which arrive in the order of R: O(T log T) for
any costs.

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96; Wagelmans, van Hoesel & Kolen (1992), Operations
Research 40(S1), S145-S156.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.lot_sizing.cost import fill_costs_by_order, fill_kept_cost, plan_cost


class WorkingSpace(NamedTuple):
    """Arrays of T + 1 places that a search of one item overwrites.

    remaining, least : R_t and G_t of the module's formula
    following : the period of the next order after one in t, -1 for no order in t
    hull : periods whose points are the vertices of the hull
    """

    remaining: np.ndarray
    least: np.ndarray
    following: np.ndarray
    hull: np.ndarray


@compiled
def working_space(n_periods):
    """Space for plans of up to n_periods periods."""
    return WorkingSpace(
        np.empty(n_periods + 1),
        np.empty(n_periods + 1),
        np.empty(n_periods + 1, dtype=np.int64),
        np.empty(n_periods + 1, dtype=np.int64),
    )


@compiled
def plan_orders(n_open, requirement, fixed_cost, kept_cost, order_quantity, space):
    """Fill order_quantity[:n_open] of one item.

    kept_cost is p_t of the module's formula. Among equal plans it takes the one with the larger orders.
    """
    remaining, least, following, hull = space
    remaining[n_open] = 0.0
    least[n_open] = 0.0
    hull[0] = n_open
    size = 1
    for t in range(n_open - 1, -1, -1):
        order_quantity[t] = 0.0
        need = requirement[t]
        remaining[t] = remaining[t + 1] + need
        if remaining[t] == 0.0:  # nothing is needed any more: the same point as the end
            least[t] = 0.0
            following[t] = -1
            continue
        price = kept_cost[t]
        # the last vertex whose step to the next one still lowers G_s - p_t R_s, by bisection
        left, right = 0, size - 1
        while left < right:
            middle = (left + right) // 2
            here, beyond = hull[middle], hull[middle + 1]
            if least[beyond] - least[here] < price * (remaining[beyond] - remaining[here]):
                left = middle + 1
            else:
                right = middle
        s = hull[left]
        cost = fixed_cost[t] + price * (remaining[t] - remaining[s]) + least[s]
        if need == 0.0 and cost >= least[t + 1]:
            least[t] = least[t + 1]
            following[t] = -1
            continue
        least[t] = cost
        following[t] = s
        if remaining[t] == remaining[hull[size - 1]]:
            # a point above another of the same R is never better
            if cost >= least[hull[size - 1]]:
                continue
            size -= 1
        while size > 1:
            a, b = hull[size - 2], hull[size - 1]
            rise_before = (least[b] - least[a]) * (remaining[t] - remaining[b])
            rise_after = (cost - least[b]) * (remaining[b] - remaining[a])
            if rise_before < rise_after:
                break
            size -= 1
        hull[size] = t
        size += 1
    t = 0
    while t < n_open and remaining[t] > 0.0:
        s = following[t]
        if s < 0:
            t += 1
        else:
            order_quantity[t] = remaining[t] - remaining[s]
            t = s


@compiled
def _plan_bucket(requirement, n_open, lead_time, fixed_order_cost, unit_cost, holding_cost, order_quantity, cost):
    n_periods = requirement.shape[1]
    rows = np.empty((4, n_periods + 1))
    space = working_space(n_periods)
    fixed_row, unit_row, holding_row, kept_row = rows[0], rows[1], rows[2], rows[3]
    for i in range(len(requirement)):
        n = n_open[i]
        fill_costs_by_order(n, lead_time[i], fixed_order_cost[i], unit_cost[i], holding_cost[i], rows)
        fill_kept_cost(n, unit_row, holding_row, kept_row)
        plan_orders(n, requirement[i], fixed_row, kept_row, order_quantity[i], space)
        cost[i] = plan_cost(n, requirement[i], fixed_row, unit_row, holding_row, order_quantity[i])


def best_orders(
    requirement: np.ndarray,
    n_open: np.ndarray,
    lead_time: np.ndarray,
    fixed_order_cost: np.ndarray,
    unit_cost: np.ndarray,
    holding_cost: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Orders of least cost of n items, and that cost over the whole horizon.

    Parameters
    ----------
    requirement : (n, T) array, units, by the period of the order, from `net_requirements`    [r]
    n_open, lead_time : (n,) arrays of int, periods: item i orders in periods 0..n_open[i]-1, and an order of t arrives
        in t + L
    fixed_order_cost : (n, T) or (n, 1) array, money/order, by the period of the order        [K]
    unit_cost : (n, T) or (n, 1) array, money/unit, by the period of the order                [c]
    holding_cost : (n, T) or (n, 1) array, money/unit/period, by the period of the stock      [h]

    Returns
    -------
    order_quantity : (n, T) array, units; whole when the requirements are
    cost : (n,) array, money over the horizon

    Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, Example 3.9.

    >>> need, cell = np.array([[90.0, 120, 80, 70]]), lambda value: np.array([[value]])
    >>> quantity, cost = best_orders(need, np.array([4]), np.array([0]), cell(500), cell(0), cell(2))
    >>> quantity.tolist(), cost.tolist()
    ([[210.0, 0.0, 150.0, 0.0]], [1380.0])
    """
    requirement = np.ascontiguousarray(requirement, dtype=np.float64)
    order_quantity, cost = np.zeros(requirement.shape), np.zeros(len(requirement))
    counts = [np.ascontiguousarray(array, dtype=np.int64) for array in (n_open, lead_time)]
    costs = [np.ascontiguousarray(array, dtype=np.float64) for array in (fixed_order_cost, unit_cost, holding_cost)]
    _plan_bucket(requirement, *counts, *costs, order_quantity, cost)
    return order_quantity, cost
