"""Many items that expire: their demand, shelf lives and costs, and one of them for functions of one item."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.perishable.cost import PerishableCosts, perishable_cost


class ExpiringItems(NamedTuple):
    """n items.

    demand, expiry_demand : over lead time and review, and over the shelf life too            [X, Y]
    shelf_life : (n,) array, days; infinity does not expire                                   [m]
    costs : (n,) arrays                                                                       [h, K, pi, W]
    cycle_share, fill_share : (n,) arrays, what may be missed; 1 where nothing is asked for   [1 - alpha, 1 - beta]
    review_days : days by which X is longer than the lead time
    """

    demand: ItemDemand
    expiry_demand: ItemDemand
    shelf_life: np.ndarray
    costs: PerishableCosts
    cycle_share: np.ndarray
    fill_share: np.ndarray
    review_days: int

    def costs_of(self, i: int) -> PerishableCosts:
        """h, K, pi and W of item i."""
        return PerishableCosts(*(cost[i] for cost in self.costs))

    def demands_of(self, i: int) -> tuple[LeadTimeDemand, LeadTimeDemand | None]:
        """X and Y of item i; no Y when it does not expire."""
        expires = np.isfinite(self.shelf_life[i])
        return self.demand.lead_time_demand(i), self.expiry_demand.lead_time_demand(i) if expires else None

    def formula_cost(self, i: int, s: float, order_quantity: float) -> float:
        """C(s, Q) of item i, money/day; infinite where nothing is ever sold."""
        mean = self.demand.mean[i]
        return perishable_cost([s], [order_quantity], *self.demands_of(i), mean, self.costs_of(i)).item()

    def arrays_of(self, chosen: np.ndarray) -> dict[str, Any]:
        """The chosen items by the names of the parameters of `search.best_perishable_reorder_points`."""
        return {
            **self.demand.arrays_of(chosen),
            "shelf_life": self.shelf_life[chosen],
            "cycle_share": self.cycle_share[chosen],
            "fill_share": self.fill_share[chosen],
            **{name: cost[chosen] for name, cost in self.costs._asdict().items()},
            "lead_time_pmfs": self.demand.pmfs_of(chosen),
            "shelf_life_pmfs": self.expiry_demand.pmfs_of(chosen & np.isfinite(self.shelf_life)),
        }
