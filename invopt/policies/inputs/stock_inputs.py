"""The costs of stock, orders and shortage of many items, and their demand over the lead time, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.items import Items
from invopt.theory.demand.item_demand import ItemDemand


class StockInputs(NamedTuple):
    """(n,) arrays, money/order, money/unit/day, money/unit[/day]; demand over the lead time and the review days."""

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    demand: ItemDemand

    @property
    def has_demand(self) -> np.ndarray:
        return self.demand.mean > 0

    def columns_of(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """The chosen items, by the names of the searches' parameters."""
        return self.demand.arrays_of(chosen) | {
            "holding_cost": self.holding_cost[chosen],
            "fixed_order_cost": self.fixed_order_cost[chosen],
            "backorder_cost": self.backorder_cost[chosen],
        }


def stock_inputs(items: Items, review_days: int) -> StockInputs:
    """The columns STOCK_COSTS and LEAD_TIME_DEMAND; an item that can't be used is refused.

    review_days : days that the lead time is lengthened by
    """
    costs = items.numbers_of("fixed_order_cost", "holding_cost", "backorder_cost")
    return StockInputs(*costs, item_demand(items, review_days))
