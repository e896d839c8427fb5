"""The cost per day of an (s, Q) policy when units expire a fixed time after they arrive.

    ER(s, Q) = E(s + Q - Y)^+ - E(s - Y)^+          units of a batch that expire
    D(s, Q)  = Q - ER = n_Y(s) - n_Y(s + Q)         units of a batch that are sold
    C(s, Q)  = a [K + pi n_X(s) + W ER] / D + h (Q/2 + s - E X)

X is the demand over the lead time, Y over lead time and shelf life, n(s) = E(. - s)^+. The batch that is ordered at
position s finds s units ahead of it. At its expiry Y leaves E(s + Q - Y)^+ of all s + Q, of which E(s - Y)^+ were
ahead; the rest expires. For whole Y, ER = sum_{y=s}^{s+Q-1} P(Y <= y). Batches follow each other every D/a days.
Without expiry D = Q, and C is the cost `guide` of `theory/s_q/cost.py`.

C is an approximation. It counts the s units ahead as if they were all there until they are sold, though they may
expire, and it counts the stock as if nothing expired. `search_simulation.py` measures how far C is off.

Source: Chiu (1999), A good approximation of the inventory level in a (Q, r) perishable inventory system, RAIRO
Operations Research 33(1); the technical guide of the Azure inventory optimization solution, section "(s, Q) policy for
perishable items".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.demand.lead_time_demand import LeadTimeDemand


class PerishableCosts(NamedTuple):
    """One item's numbers, or (n,) arrays: money/unit/day, money/order, money/unit, money/unit   [h, K, pi, W]."""

    holding_cost: float | np.ndarray
    fixed_order_cost: float | np.ndarray
    backorder_cost: float | np.ndarray
    expiry_cost: float | np.ndarray


def losses_at(demand: LeadTimeDemand, levels: np.ndarray) -> np.ndarray:
    """n(y) for whole y in an array of any shape; where pairs share levels, each level is worked out once."""
    first, last = int(levels.min(initial=0)), int(levels.max(initial=0))
    if last - first < levels.size:
        return demand.loss(np.arange(first, last + 1))[levels - first]
    return demand.loss(levels.ravel()).reshape(levels.shape)


def units_sold(s: np.ndarray, order_quantity: np.ndarray, demand: LeadTimeDemand | None) -> np.ndarray:
    """D(s, Q), units, for whole s and Q of shapes that broadcast; demand is Y, or None without expiry.

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> units_sold(np.array([3]), np.array([4, 8]), poisson_lead_time_demand(1.5, [5])).round(4)
    array([3.1892, 4.364 ])
    """
    s, quantity = np.broadcast_arrays(np.asarray(s, np.int64), np.asarray(order_quantity, np.int64))
    if demand is None:
        return quantity.astype(float)
    return np.maximum(losses_at(demand, s) - losses_at(demand, s + quantity), 0.0)


def perishable_cost(
    s: np.ndarray,
    order_quantity: np.ndarray,
    demand: LeadTimeDemand,
    shelf_life_demand: LeadTimeDemand | None,
    demand_mean: float,
    costs: PerishableCosts,
) -> np.ndarray:
    """C(s, Q), money/day; infinite where nothing is ever sold.

    Parameters
    ----------
    s, order_quantity : arrays of whole numbers of shapes that broadcast, units
    demand, shelf_life_demand : X, and Y or None without expiry
    demand_mean : units/day                                                  [a]
    costs : of one item                                                      [h, K, pi, W]

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> x, y = poisson_lead_time_demand(1.5, [2]), poisson_lead_time_demand(1.5, [5])
    >>> perishable_cost([3], [4, 5], x, y, 1.5, PerishableCosts(0.1, 20, 8, 5)).round(4)
    array([14.0425, 13.3706])
    """
    s, quantity = np.broadcast_arrays(np.asarray(s, np.int64), np.asarray(order_quantity, np.int64))
    sold = units_sold(s, quantity, shelf_life_demand)
    h, K, pi, W = costs
    batch_cost = K + pi * losses_at(demand, s) + W * (quantity - sold)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        per_day = np.where(sold > 0, demand_mean * batch_cost / sold, np.inf)
    return per_day + h * (quantity / 2 + s - demand.mean)
