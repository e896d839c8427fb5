"""The parts of the cost per day of an (s, Q) policy, for many s and Q: curves whose lowest points are the best.

    C(s, Q) = ordering + holding + shortage

                  ordering      holding                          shortage
    daily_review  K a / Q       1/Q sum_y h E(y - X)^+           1/Q sum_y p E(X - y)^+          y = s+1..s+Q
    time_weighted K a / Q       the same                         the same
    guide         K a / Q       h (Q/2 + s - E X)                p a n(s) / Q

`theory/s_q/cost.py` says what the three definitions mean; X is the demand over the lead time, + 1 day in
daily_review.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs, start_costs


class CostParts(NamedTuple):
    """(m,) arrays, money/day: of orders, of stock, and of demand that finds no stock."""

    ordering: np.ndarray
    holding: np.ndarray
    shortage: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """C(s, Q), money/day."""
        return self.ordering + self.holding + self.shortage


def cost_parts(
    cost: str,
    s: np.ndarray,
    order_quantity: np.ndarray,
    demand: LeadTimeDemand,
    demand_mean: float,
    holding_cost: float,
    fixed_order_cost: float,
    backorder_cost: float,
) -> CostParts:
    """The parts of C(s, Q) for whole s >= 0 and whole Q >= 1 of shapes that broadcast to (m,).

    Parameters
    ----------
    cost : daily_review, time_weighted or guide
    s, order_quantity : arrays, units; one of them may be an array of one, which shows the effect of the other
    demand : X, over the lead time (+ `review_days` of the cost)
    demand_mean : units/day                                              [a]
    holding_cost, backorder_cost : money/unit/day                        [h, p]
    fixed_order_cost : money/order                                       [K]

    Raises
    ------
    ParameterError : an s is negative or a Q below 1.

    Source: Snyder & Shen (2019), Example 5.8.

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> demand = poisson_lead_time_demand(1.5, [2])
    >>> parts = cost_parts("time_weighted", [3], [4, 5, 6], demand, 1.5, 20, 100, 150)
    >>> parts.total.round(3).tolist(), parts.ordering.tolist()
    ([109.68, 107.924, 109.978], [37.5, 30.0, 25.0])
    """
    s, quantity = (
        np.array(values)
        for values in np.broadcast_arrays(np.asarray(s, np.int64), np.asarray(order_quantity, np.int64))
    )
    if s.min() < 0 or quantity.min() < 1:
        raise ParameterError(
            f"s must be 0 or more and order_quantity 1 or more; the smallest are {s.min()} and {quantity.min()}"
        )
    first = int(s.min()) + 1
    levels = np.arange(first, int((s + quantity).max()) + 1)
    start, end = s + 1 - first, s + quantity + 1 - first

    def level_sum(holding: float, backorder: float) -> np.ndarray:
        so_far = np.concatenate([[0.0], np.cumsum(level_costs(cost, levels, demand, holding, backorder))])
        return so_far[end] - so_far[start]

    # each part is the whole cost with the other costs at 0: C is linear in K, h and p
    return CostParts(
        start_costs(cost, s, demand, demand_mean, fixed_order_cost, 0.0) / quantity,
        level_sum(holding_cost, 0.0) / quantity,
        (start_costs(cost, s, demand, demand_mean, 0.0, backorder_cost) + level_sum(0.0, backorder_cost)) / quantity,
    )
