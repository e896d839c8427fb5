"""Reorder points that give a service level, and the best of them for each order quantity, by scipy's distributions.

Models use these functions. They share no code with the compiled searches of `search_cycle_service.py` and
`search_fill_rate.py`, so that the two check each other. `search_cycle_service.py` defines the services.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs, start_costs
from invopt.theory.s_q.search_cycle_service import REACHED

# levels of a table beyond which it takes seconds and hundreds of megabytes
LARGEST_TABLE = 5_000_000


def _first(low: np.ndarray, high: np.ndarray, holds: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The first whole number after `low` from which on a condition holds, by halving; it holds at `high`."""
    while np.any(high - low > 1):
        # rounded up, so that where the search has ended only the known end is tried again
        middle = (low + high + 1) // 2
        is_there = holds(middle)
        low, high = np.where(is_there, low, middle), np.where(is_there, middle, high)
    return high


def _first_from(start: int, holds: Callable[[np.ndarray], np.ndarray]) -> int:
    """The first whole number >= start from which on a condition holds; no end is known."""
    step = 1
    while not holds(np.array([start + step]))[0]:
        step *= 2
    return int(_first(np.array([start - 1]), np.array([start + step]), holds)[0])


def cycle_point(demand: LeadTimeDemand, share: float) -> int:
    """The smallest whole s >= 0 with P(X > s) <= share; 0 where the share is 1.

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> cycle_point(poisson_lead_time_demand(1.5, [2]), 0.05)
    6
    """
    return 0 if share >= 1 else _first_from(0, lambda s: 1 - demand.cdf(s) <= share * REACHED)


class QuantityChoices(NamedTuple):
    """(m,) arrays: for each order quantity the best reorder point that gives the fill rate, units, and the pair's cost,
    money/day.
    """

    reorder_point: np.ndarray
    cost: np.ndarray


def best_points_with_fill_rate(
    cost: str,
    order_quantity: np.ndarray,
    share: float,
    demand: LeadTimeDemand,
    demand_mean: float,
    holding_cost: float,
    fixed_order_cost: float,
    backorder_cost: float,
) -> QuantityChoices:
    """For each Q the s >= 0 of least C(s, Q) with [n(s) - n(s+Q)] / Q <= share.

    For one Q, C(s, Q) is convex in s: with a constant A the sum of G over Q levels is convex, as G is; in the guide's
    cost n(s) is. So the best s is the larger of two: the first whose next one is no cheaper, and the smallest that
    gives the fill rate.

        constant A    G(s+Q+1) >= G(s+1)                  guide    h >= (a p / Q) (n(s) - n(s+1))

    Parameters
    ----------
    cost : daily_review, time_weighted or guide, as in `theory/s_q/cost.py`
    order_quantity : (m,) array of whole numbers >= 1                                                        [Q]
    share : above 0, the share of demand that may be missed                                                  [1 - beta]
    demand : X, over the lead time (+ `review_days` of the cost)
    demand_mean : units/day                                                                                  [a]
    holding_cost, backorder_cost : money/unit/day; for the guide's cost the second is money/unit             [h, p]
    fixed_order_cost : money/order                                                                           [K]

    Raises
    ------
    ParameterError : a table of over LARGEST_TABLE levels would be needed.

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> demand = poisson_lead_time_demand(1.5, [2])
    >>> best = best_points_with_fill_rate("time_weighted", np.array([5, 6]), 0.05, demand, 1.5, 20, 100, 150)
    >>> best.reorder_point, best.cost.round(4)
    (array([5, 5]), array([132.5519, 137.1292]))
    """
    quantity = np.asarray(order_quantity, np.int64)
    h, p = holding_cost, backorder_cost
    ratio = h / (h + p) if cost != "guide" else h / max(demand_mean * p, 1e-300)
    # at this s the fill rate is given for all Q, and the next s is no cheaper for any
    highest = _first_from(0, lambda s: (demand.loss(s) <= share) & (demand.loss(s) - demand.loss(s + 1) <= ratio)) + 1
    if not highest + int(quantity.max()) <= LARGEST_TABLE:
        problem = f"the model would look at over {LARGEST_TABLE} levels of inventory position"
        raise ParameterError(f"{problem}; solve this item with method: algorithm")
    levels = np.arange(highest + int(quantity.max()) + 3)
    loss, level_cost = demand.loss(levels), level_costs(cost, levels, demand, h, p)

    def is_enough(s: np.ndarray) -> np.ndarray:
        gives_fill_rate = loss[s] - loss[s + quantity] <= share * quantity * REACHED
        if cost == "guide":
            return gives_fill_rate & (h >= demand_mean * p / quantity * (loss[s] - loss[s + 1]))
        return gives_fill_rate & (level_cost[s + quantity + 1] >= level_cost[s + 1])

    s = _first(np.full(len(quantity), -1), np.full(len(quantity), highest), is_enough)
    so_far = np.concatenate([[0.0], np.cumsum(level_cost)])
    level_sums = so_far[s + quantity + 1] - so_far[s + 1]
    return QuantityChoices(s, (start_costs(cost, s, demand, demand_mean, fixed_order_cost, p) + level_sums) / quantity)
