"""Net requirements: whole demand less the stock there is, moved ahead by the lead time.

    C_t = ceil(d_0 + ... + d_t)         cumulative demand, rounded up to whole units
    I_t = I - sum of R_u, u > t         what is there by then without new orders, rounded down
    N_t = max(0, C_s - I_s; L <= s <= t)     what new orders must have brought by the end of t
    r_0 = N_L,   r_t = N_{t+L} - N_{t+L-1}   for 0 < t < T - L

I is the inventory position. R_u are the scheduled receipts: of what is on order, the units that arrive in period u.
Where they are not known, all on order is taken for there. r_t is what an order placed in t, or earlier, must cover: it
arrives L periods later. Demand before the first arrival that stock does not cover is late whatever is planned: `short`
is the most that is owed then. What of it is still owed at the first arrival is part of r_0; what a receipt has served
until then is not ordered again.

The cumulative demand is rounded, not each period's, which keeps the sum of slow demand right: 0.01 units a day is one
unit within a hundred days. Whole requirements make whole orders optimal.

Source: the net requirements of material requirements planning; Silver, Pyke & Thomas (2017), chapter 15.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled

# sums of decimals that are whole up to this much of themselves count as whole: 0.1 * 30 must be 3
WHOLE = 1e-9


class NetRequirements(NamedTuple):
    """Net requirements of n items over T periods.

    requirement : (n, T) array, units, by the period of the order
    whole_demand : (n, T) array, units, by the period of the demand
    n_open : (n,) array of int: periods whose order arrives within the plan; 0 when the lead time reaches past it
    position : (n,) array, units: the inventory position rounded down
    short : (n,) array, units: what is late whatever is planned
    """

    requirement: np.ndarray
    whole_demand: np.ndarray
    n_open: np.ndarray
    position: np.ndarray
    short: np.ndarray


@compiled
def _fill(demand, n_periods, lead_time, there, receipts, requirements):
    """Fill the arrays of NetRequirements but for the position, which is given; `there` is what no receipt brings."""
    requirement, whole_demand, n_open, _, short = requirements
    for i in range(len(demand)):
        lead = lead_time[i]
        n_open[i] = max(0, n_periods[i] - lead)
        total = 0.0
        demanded = 0.0
        needed = 0.0
        available = there[i]
        for t in range(n_periods[i]):
            total += demand[i, t]
            rounded = max(demanded, math.ceil(total * (1 - WHOLE) - WHOLE))
            whole_demand[i, t] = rounded - demanded
            demanded = rounded
            if t < receipts.shape[1]:
                available += receipts[i, t]
            lacking = demanded - math.floor(available + WHOLE)
            if t < lead:
                short[i] = max(short[i], lacking)
            elif lacking > needed:
                requirement[i, t - lead] = lacking - needed
                needed = lacking


def net_requirements(
    demand: np.ndarray,
    n_periods: np.ndarray,
    inventory_position: np.ndarray,
    lead_time: np.ndarray,
    scheduled_receipts: np.ndarray | None = None,
) -> NetRequirements:
    """Requirements of n items by the period in which they must be ordered; see the module for the formula.

    Parameters
    ----------
    demand : (n, T) array, units/period, 0 or more; item i's plan has n_periods[i] <= T of them       [d]
    n_periods : (n,) array of int
    inventory_position : (n,) array, units; negative when units are owed to customers                 [I]
    lead_time : (n,) array of int, periods                                                            [L]
    scheduled_receipts : (n, any) array, units/period, 0 or more: of inventory_position, what arrives in  [R]
        each period; None: all of it is there

    >>> net = net_requirements(np.array([[0.5, 0.5, 3.2, 1.8]]), np.array([4]), np.array([2.0]), np.array([1]))
    >>> net.requirement.tolist(), net.whole_demand.tolist(), net.n_open.tolist(), net.short.tolist()
    ([[0.0, 3.0, 1.0, 0.0]], [[1.0, 0.0, 4.0, 1.0]], [3], [0.0])

    Of 10 units, 8 come in period 2; until then 2 are there, for a demand of 3 a period:

    >>> demand, at_2 = np.full((1, 4), 3.0), np.array([[0.0, 0.0, 8.0]])
    >>> net_requirements(demand, np.array([4]), np.array([10.0]), np.array([0]), at_2).requirement.tolist()
    [[1.0, 3.0, 0.0, 0.0]]
    """
    demand = np.ascontiguousarray(demand, dtype=np.float64)
    n = len(demand)
    there = np.ascontiguousarray(inventory_position, dtype=np.float64)
    position = np.floor(there + WHOLE)
    receipts = np.zeros((n, 0))
    if scheduled_receipts is not None:
        receipts = np.ascontiguousarray(scheduled_receipts, dtype=np.float64)
        there = there - receipts.sum(axis=1)
    requirements = NetRequirements(
        np.zeros(demand.shape), np.zeros(demand.shape), np.zeros(n, dtype=np.int64), position, np.zeros(n)
    )
    counts = [np.ascontiguousarray(array, dtype=np.int64) for array in (n_periods, lead_time)]
    _fill(demand, *counts, there, receipts, requirements)
    return requirements


def order_up_to_levels(order_quantity: np.ndarray, requirements: NetRequirements) -> np.ndarray:
    """(n, T) array, units: the inventory position after each period's order, if demand is as forecast.

        S_t = I + Q_0 + ... + Q_t - C_{t-1}

    >>> net = net_requirements(np.array([[2.0, 2.0, 2.0]]), np.array([3]), np.array([1.0]), np.array([0]))
    >>> order_up_to_levels(np.array([[3.0, 0.0, 2.0]]), net).tolist()
    [[4.0, 2.0, 2.0]]
    """
    levels = np.cumsum(order_quantity, axis=1)
    levels += requirements.position[:, None]
    levels[:, 1:] -= np.cumsum(requirements.whole_demand, axis=1)[:, :-1]
    return levels
