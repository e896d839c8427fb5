"""From the columns price_break_quantity and price_break_cost to flat arrays of all items' price breaks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.item_demand import concatenated
from invopt.policies.inputs.items import Items


class PriceBreaks(NamedTuple):
    """(m,) arrays over the breaks of all items, in the order of the items.

    item : position of the item
    quantity, cost : from this many units of an order on a unit costs this, money/unit
    """

    item: np.ndarray
    quantity: np.ndarray
    cost: np.ndarray

    def of(self, chosen: np.ndarray) -> PriceBreaks:
        """The breaks of some items, with their positions among these. chosen : (n,) bool"""
        is_taken = chosen[self.item]
        position = np.cumsum(chosen) - 1
        return PriceBreaks(position[self.item[is_taken]], self.quantity[is_taken], self.cost[is_taken])


NO_BREAKS = PriceBreaks(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))


def price_breaks(items: Items, unit_cost: np.ndarray) -> PriceBreaks:
    """Every price break; an item whose lists can't be used is refused.

    >>> import pandas as pd
    >>> breaks = {"price_break_quantity": [[10.0, 50.0], None], "price_break_cost": [[0.9, 0.8], None]}
    >>> items = Items(pd.DataFrame(breaks), [])
    >>> [array.tolist() for array in price_breaks(items, np.ones(2))], items.problems.tolist()
    ([[0, 0], [10.0, 50.0], [0.9, 0.8]], [None, None])
    """
    quantity, n_quantities = concatenated(items.objects("price_break_quantity"))
    cost, n_costs = concatenated(items.objects("price_break_cost"))
    is_even = n_quantities == n_costs
    items.refuse(~is_even, "price_break_quantity and price_break_cost must have the same length")
    every = np.arange(len(items))
    item, item_of_cost = np.repeat(every, n_quantities), np.repeat(every, n_costs)
    quantity, cost, item = quantity[is_even[item]], cost[is_even[item_of_cost]], item[is_even[item]]
    is_first = np.diff(item, prepend=-1) != 0
    before_quantity = np.where(is_first, 0.0, np.concatenate([[0.0], quantity[:-1]])[: len(quantity)])
    before_cost = np.where(is_first, unit_cost[item], np.concatenate([[0.0], cost[:-1]])[: len(cost)])
    is_wrong = ~((quantity > before_quantity) & np.isfinite(quantity) & (cost >= 0) & (cost <= before_cost))
    has_wrong_break = np.zeros(len(items), dtype=bool)
    has_wrong_break[item[is_wrong]] = True
    items.refuse(
        has_wrong_break,
        "price_break_quantity must rise from above 0, and price_break_cost must not: none above the one before, "
        "unit_cost the first",
    )
    return PriceBreaks(item, quantity, cost)
