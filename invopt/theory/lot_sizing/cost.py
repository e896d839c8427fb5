"""The cost of a plan of orders, and the volume that it takes up of a shared capacity.

    sum_t K_t [Q_t > 0] + c_t Q_t + h_t x_t,      x_t = x_{t-1} + Q_t - r_t,   x_{-1} = 0

r_t is the net requirement of period t (`net_requirements.py`), and x_t is what orders have brought and nobody has taken
by the end of t. In all arrays t is the period of the order; h_t is the holding cost of the day on which an order of t
arrives.

    load_t = sum_i v_i Q_it + s_i [Q_it > 0]      volume of all orders of period t, by unit and by order

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96; Trigeiro, Thomas & McClain (1989), Management Science
35(3), 353-366 (capacity).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled

# load beyond the capacity that is rounding, as a part of it
ROUNDING = 1e-9


class Partition(NamedTuple):
    """The items that share a capacity: (n, T) arrays by item and period of the order, (n,) arrays by item.

    need : (n, T), units                                       [r]
    n_open : (n,) of int: item i orders in periods 0..n_open[i]-1
    fixed, unit, holding : (n, T), money                       [K, c, h]
    unit_volume, setup_volume : (n,), volume/unit and volume/order   [v, s]
    capacity : volume/period; infinite for no limit            [C]
    """

    need: np.ndarray
    n_open: np.ndarray
    fixed: np.ndarray
    unit: np.ndarray
    holding: np.ndarray
    unit_volume: np.ndarray
    setup_volume: np.ndarray
    capacity: float


class Item(NamedTuple):
    """One item of a Partition: its rows, its numbers, and the capacity that it shares."""

    need: np.ndarray
    n_open: int
    fixed: np.ndarray
    unit: np.ndarray
    holding: np.ndarray
    unit_volume: float
    setup_volume: float
    capacity: float


@compiled
def item_of(partition, i):
    """Item i of a Partition."""
    return Item(
        partition.need[i],
        partition.n_open[i],
        partition.fixed[i],
        partition.unit[i],
        partition.holding[i],
        partition.unit_volume[i],
        partition.setup_volume[i],
        partition.capacity,
    )


@compiled
def fill_costs_by_order(n_open, lead_time, fixed_order_cost, unit_cost, holding_cost, rows):
    """Fill the first three of `rows` with one item's K, c and h by the period of the order.

    Holding is that of the day on which the order arrives. An array of one value holds for all periods.
    """
    each_fixed, each_unit, each_holding = len(fixed_order_cost) > 1, len(unit_cost) > 1, len(holding_cost) > 1
    for t in range(n_open):
        rows[0, t] = fixed_order_cost[t if each_fixed else 0]
        rows[1, t] = unit_cost[t if each_unit else 0]
        rows[2, t] = holding_cost[t + lead_time if each_holding else 0]


@compiled
def fill_kept_cost(n_open, unit_cost, holding_cost, kept_cost):
    """kept_cost[t] = unit_cost[t] + holding_cost[t] + ... + holding_cost[n_open - 1], for t < n_open."""
    total = 0.0
    for t in range(n_open - 1, -1, -1):
        total += holding_cost[t]
        kept_cost[t] = unit_cost[t] + total


@compiled
def plan_cost(n_open, requirement, fixed_cost, unit_cost, holding_cost, order_quantity):
    """Cost of one item's plan over its horizon, money: added up order by order and period by period.

    So no constant of kept costs is in it.
    """
    cost = 0.0
    stock = 0.0
    for t in range(n_open):
        if order_quantity[t] > 0.0:
            cost += fixed_cost[t] + unit_cost[t] * order_quantity[t]
        stock += order_quantity[t] - requirement[t]
        cost += holding_cost[t] * stock
    return cost


@compiled
def fill_loads(partition, quantity, load):
    """load[t] = volume of all orders of period t."""
    n_open, unit_volume, setup_volume = partition.n_open, partition.unit_volume, partition.setup_volume
    load[:] = 0.0
    for i in range(len(quantity)):
        for t in range(n_open[i]):
            if quantity[i, t] > 0.0:
                load[t] += unit_volume[i] * quantity[i, t] + setup_volume[i]


@compiled
def overtime(load, capacity):
    """Volume of a period beyond the capacity; 0 where it is rounding."""
    over = load - capacity
    return over if over > ROUNDING * (1.0 + capacity) else 0.0
