"""The best (s, Q) near the formula's, by simulating each item that expires.

Each search of `search_simulation.py` is given two paths of the item's demand, long enough for many orders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time_demand import (
    LeadTimeDemand,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.perishable.expiring_items import ExpiringItems
from invopt.theory.perishable.search_simulation import Path, demand_path, polish
from invopt.theory.s_q.search_cycle_service import cycle_points

# orders that a path should hold, and the most that it is lengthened for them
ORDERS_PER_PATH = 50
MOST_LENGTHENED = 20


class Near(NamedTuple):
    """(n,) arrays: the (s, Q) decided on, C(s, Q) in money/day, and what simulation says, a text or None."""

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray
    told: np.ndarray


def best_near(
    items: ExpiringItems,
    given: tuple[np.ndarray, np.ndarray, np.ndarray],
    day_pmfs: np.ndarray,
    least_days: int,
    seed: int,
) -> Near:
    """The best (s, Q) near those given of each item that is ordered; milliseconds per item.

    The cycle service level is kept; a fill rate does not count.

    given : (n,) arrays s, Q and C(s, Q) of the formula's best
    day_pmfs : (n,) object array: the probabilities of each period's daily demand, for the form pmf
    least_days : least length of a path
    seed : of the search's path; the second path has the next one
    """
    n = len(day_pmfs)
    near = Near(*(values.copy() for values in given), np.full(n, None, dtype=object))
    is_ordered, smallest = near.order_quantity > 0, np.zeros(n, dtype=np.int64)
    smallest[is_ordered] = cycle_points(items.cycle_share, items.demand, is_ordered)
    for i in np.flatnonzero(is_ordered):
        s, Q = int(near.reorder_point[i]), int(near.order_quantity[i])
        n_days = path_days(Q, items.demand.mean[i], least_days)
        paths = _paths(items, i, day_pmfs[i], n_days, seed)
        step = round(items.demand.lead_time_demand(i).std)
        best = polish(*paths, s, Q, smallest[i], step, items.shelf_life[i], items.costs_of(i))
        formula_cost = items.formula_cost(i, best.reorder_point, best.order_quantity)
        if best.cost < best.given_cost and np.isfinite(formula_cost):
            near.reorder_point[i], near.order_quantity[i] = best.reorder_point, best.order_quantity
            # no rounding may bring it below the formula's best
            near.cost[i] = max(formula_cost, near.cost[i])
            near.told[i] = (
                f"simulated over {n_days} days, s {best.reorder_point}, Q {best.order_quantity} cost "
                f"{best.cost:.6g} a day; the formula's s {s}, Q {Q} {best.given_cost:.6g}"
            )
        else:
            near.told[i] = (
                f"simulated over {n_days} days, the formula's s {s}, Q {Q} cost {best.given_cost:.6g} a day; none "
                "near is better"
            )
    return near


def _paths(items: ExpiringItems, i: int, day_pmfs: np.ndarray | None, n_days: int, seed: int) -> list[Path]:
    """The path of the search, and the second one."""
    demand = items.demand
    daily, first = _day_demand(demand, i, day_pmfs), demand.first_lead_time[i] - items.review_days
    return [demand_path(daily, first, demand.n_lead_times[i], n_days, each) for each in (seed, seed + 1)]


def path_days(order_quantity: float, demand_mean: float, least_days: int) -> int:
    """Days of a path: slow movers get longer ones, so that they order often enough.

    >>> path_days(10, 0.1, 4000), path_days(10, 5.0, 4000)
    (5000, 4000)
    """
    return int(np.clip(ORDERS_PER_PATH * order_quantity / demand_mean, least_days, MOST_LENGTHENED * least_days))


def _day_demand(demand: ItemDemand, i: int, day_pmfs: np.ndarray | None) -> LeadTimeDemand:
    if demand.form[i] == PMF:
        return pmf_lead_time_demand(mean_pmf(day_pmfs))
    if demand.form[i] == NORMAL:
        return normal_lead_time_demand(demand.mean[i], demand.variance[i], [1])
    return poisson_lead_time_demand(demand.mean[i], [1])
