"""What a plan of orders costs that somebody else has made, and the volume by which plans pass a shared capacity.

    sum_t K_t [Q_t > 0] + c_t Q_t + h_t x_t,      x_t = x_{t-1} + Q_t - r_t >= 0         as in `cost.py`
    o_t = max(0, sum_i v_i Q_it + s_i [Q_it > 0] - C)                                    overtime

A plan is impossible when it leaves a requirement uncovered, x_t < 0, or when an order would arrive after its end. What
is late whatever is planned is a requirement of the first period, and costs nothing (`net_requirements.py`).
"""

from __future__ import annotations

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.lot_sizing.cost import ROUNDING, fill_costs_by_order, plan_cost
from invopt.theory.lot_sizing.net_requirements import NetRequirements

# of the units to order: a solver's stock below zero by less than this is zero
SOLVER_ROUNDING = 1e-6


@compiled
def _fill_costs(order_quantity, requirement, n_open, lead_time, fixed_order_cost, unit_cost, holding_cost, cost):
    rows = np.empty((3, requirement.shape[1] + 1))
    for i in range(len(requirement)):
        n = n_open[i]
        fill_costs_by_order(n, lead_time[i], fixed_order_cost[i], unit_cost[i], holding_cost[i], rows)
        cost[i] = plan_cost(n, requirement[i], rows[0], rows[1], rows[2], order_quantity[i])


def given_plan_costs(
    order_quantity: np.ndarray,
    requirements: NetRequirements,
    lead_time: np.ndarray,
    fixed_order_cost: np.ndarray,
    unit_cost: np.ndarray,
    holding_cost: np.ndarray,
) -> np.ndarray:
    """The cost of each item's plan, (n,) money over the horizon; NaN where it is impossible or not known.

    Parameters
    ----------
    order_quantity : (n, at least T) array, units; NaN where it is not known                  [Q]
    requirements : of n items over T periods
    lead_time, fixed_order_cost, unit_cost, holding_cost : as in `search.best_orders`

    >>> from invopt.theory.lot_sizing.net_requirements import net_requirements
    >>> net, cell = net_requirements(np.full((2, 2), 10.0), *np.array([[2, 2], [0, 0], [0, 0]])), np.ones((2, 1))
    >>> given_plan_costs(np.array([[20.0, 0], [5, 15]]), net, np.zeros(2), 5 * cell, 0 * cell, cell)
    array([15., nan])
    """
    requirement, n_open = requirements.requirement, requirements.n_open
    quantity = np.asarray(order_quantity, dtype=np.float64)
    is_open = np.arange(quantity.shape[1]) < n_open[:, None]
    left = np.cumsum(quantity[:, : requirement.shape[1]] - requirement, axis=1)
    least = -SOLVER_ROUNDING * (1.0 + requirement.sum(axis=1))
    is_possible = ((quantity >= 0) & (is_open | (quantity == 0))).all(axis=1) & (left >= least[:, None]).all(axis=1)
    costs = np.zeros(len(quantity))
    arrays = (np.where(is_possible[:, None], quantity, 0.0), requirement)
    counts = (np.ascontiguousarray(array, dtype=np.int64) for array in (n_open, lead_time))
    prices = (np.ascontiguousarray(array, dtype=np.float64) for array in (fixed_order_cost, unit_cost, holding_cost))
    _fill_costs(*arrays, *counts, *prices, costs)
    return np.where(is_possible, costs, np.nan)


def overtime_volumes(
    order_quantity: np.ndarray,
    offsets: np.ndarray,
    unit_volume: np.ndarray,
    setup_volume: np.ndarray,
    capacity: np.ndarray,
) -> np.ndarray:
    """The volume of all orders of each partition and period beyond the capacity, (m, T); 0 where it is rounding.

    Parameters
    ----------
    order_quantity : (n, T) array, units                                                      [Q]
    offsets : (m + 1,) array of int: partition k's items are offsets[k]..offsets[k+1]-1
    unit_volume, setup_volume : (n,) arrays, volume/unit and volume/order                     [v, s]
    capacity : (m,) array, volume/period; infinite for no limit                               [C]

    >>> overtime_volumes(np.array([[3.0, 0], [2, 2]]), np.array([0, 2]), np.ones(2), np.ones(2), np.array([4.0]))
    array([[3., 0.]])
    """
    volume = order_quantity * unit_volume[:, None] + (order_quantity > 0) * setup_volume[:, None]
    over = np.add.reduceat(volume, offsets[:-1], axis=0) - capacity[:, None]
    return np.where(over > ROUNDING * (1 + capacity[:, None]), over, 0.0)
