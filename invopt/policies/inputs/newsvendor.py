"""From the columns of many items to the arrays of a newsvendor; an item that can't be used is refused."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.columns import DISPOSAL_COST, LIST_PRICE, LOST_SALE_COST, UNIT_COST
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.service import service_shares
from invopt.theory.demand.item_demand import ItemDemand

NEWSVENDOR_COSTS = (UNIT_COST, DISPOSAL_COST, LOST_SALE_COST, LIST_PRICE)


class NewsvendorInputs(NamedTuple):
    """The columns as (n,) arrays.

    overage, underage : what a unit left over and a unit missing cost, money/unit                        [o, u]
    service_level : NaN where nothing is asked for
    demand : of the days that an order has to last
    """

    unit_cost: np.ndarray
    overage: np.ndarray
    underage: np.ndarray
    service_level: np.ndarray
    demand: ItemDemand


def newsvendor_inputs(
    items: Items, protection_days: int, service: str, salvage_fraction: float, is_guide: bool
) -> NewsvendorInputs:
    """NEWSVENDOR_COSTS of n items, with their service_level and LEAD_TIME_DEMAND.

    Parameters
    ----------
    protection_days : the days that an order has to last, beside its lead time
    service : none, cycle or fill_rate
    salvage_fraction : the part of unit_cost that a unit left over brings back
    is_guide : a unit left over costs its disposal, and its purchase does not count
    """
    unit_cost, disposal, lost_sale, price = items.numbers_of(
        "unit_cost", "disposal_cost", "lost_sale_cost", "list_price"
    )
    demand = item_demand(items, protection_days)
    underage = np.where(np.isnan(lost_sale), np.maximum(price - unit_cost, 0.0), lost_sale)
    items.refuse(
        np.isnan(underage),
        "lost_sale_cost is NULL, and so is list_price, from which it could be taken; give one of them",
    )
    items.refuse(np.isinf(underage), "list_price is {value}, must be finite where lost_sale_cost is NULL", price)
    service_shares(service, items)
    level = np.full(len(items), np.nan) if service == "none" else items.numbers("service_level")
    overage = disposal if is_guide else unit_cost * (1 - salvage_fraction) + disposal
    return NewsvendorInputs(unit_cost, overage, underage, level, demand)
