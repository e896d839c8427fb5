"""The cost per day of an (s, Q) policy: three definitions of one form.

    C(s, Q) = [ A(s) + sum_{y=s+1}^{s+Q} G(y) ] / Q            s >= 0, Q >= 1, whole

A(s) is the cost of an order of Q, times the demand rate a. G(y) is the cost of a day at inventory position y, which
takes the values s+1..s+Q equally often. X is the demand over the lead time, n(s) = E(X - s)^+.

    daily_review    A = K a             G(y) = h E(y - X)^+ + p E(X - y)^+      X over the lead time + 1 day
    time_weighted   A = K a             G(y) = h E(y - X)^+ + p E(X - y)^+      X over the lead time
    guide           A = a (K + p n(s))  G(y) = h (y - 1/2 - E X)                X over the lead time

`daily_review` is exact when the stock is looked at once a day and costs are charged at the end of each day. An order
placed now decides about the stock after the lead time and the day that follows it. An order may be of several batches
of Q, and each batch pays K: an order of n batches pays n K.

`time_weighted` is exact when the stock is watched without pause and demand comes unit by unit. In both, p is money per
unit and day late.

`guide` is h (Q/2 + s - E X) + K a/Q + p a n(s)/Q, where p is money per late unit, however late. Its stock leaves out
backorders: below s = E X its holding cost is too low, so that a slow mover's cost can be negative.

Source: Federgruen & Zheng (1992), Operations Research 40(4) (time_weighted); Snyder & Shen (2019), section 5.4; the
technical guide of the Azure inventory optimization solution, (s, Q) policy, after Jensen & Bard (2002), section 25.5
(guide).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.demand.lead_time_demand import LeadTimeDemand

COSTS = ("daily_review", "time_weighted", "guide")


class ItemCosts(NamedTuple):
    """(n,) arrays: money/unit/day, money/order, and money/unit/day or, in the guide's cost, money/unit."""

    holding_cost: np.ndarray
    fixed_order_cost: np.ndarray
    backorder_cost: np.ndarray


def cost_arrays(holding_cost: np.ndarray, fixed_order_cost: np.ndarray, backorder_cost: np.ndarray) -> ItemCosts:
    """The costs of n items for compiled loops: contiguous arrays of float64."""
    costs = (holding_cost, fixed_order_cost, backorder_cost)
    return ItemCosts(*(np.ascontiguousarray(cost, dtype=np.float64) for cost in costs))


def review_days(cost: str) -> int:
    """Days between two looks at the stock, which X covers beside the lead time.

    >>> review_days("daily_review"), review_days("guide")
    (1, 0)
    """
    return 1 if cost == "daily_review" else 0


def start_costs(
    cost: str, s: np.ndarray, demand: LeadTimeDemand, demand_mean: float, fixed_order_cost: float, backorder_cost: float
) -> np.ndarray:
    """A(s), money/day, for an (m,) array of whole s; demand_mean in units/day, fixed_order_cost in money/order."""
    if cost == "guide":
        return demand_mean * (fixed_order_cost + backorder_cost * demand.loss(s))
    return np.full(len(s), demand_mean * fixed_order_cost)


def level_costs(
    cost: str, y: np.ndarray, demand: LeadTimeDemand, holding_cost: float, backorder_cost: float
) -> np.ndarray:
    """G(y), money/day, for an (m,) array of whole y; holding_cost and backorder_cost in money/unit/day."""
    if cost == "guide":
        return holding_cost * (y - 0.5 - demand.mean)
    short = demand.loss(y)
    return holding_cost * np.maximum(y - demand.mean + short, 0.0) + backorder_cost * short


def reorder_point_cost(
    cost: str,
    s: int,
    order_quantity: int,
    demand: LeadTimeDemand,
    demand_mean: float,
    holding_cost: float,
    fixed_order_cost: float,
    backorder_cost: float,
) -> float:
    """C(s, Q), money/day.

    Source: Snyder & Shen (2019), Example 5.8.

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> round(reorder_point_cost("time_weighted", 3, 5, poisson_lead_time_demand(1.5, [2]), 1.5, 20, 100, 150), 6)
    107.923581
    """
    start = start_costs(cost, np.array([s]), demand, demand_mean, fixed_order_cost, backorder_cost)[0]
    levels = level_costs(cost, np.arange(s + 1, s + order_quantity + 1), demand, holding_cost, backorder_cost)
    return float((start + levels.sum()) / order_quantity)
