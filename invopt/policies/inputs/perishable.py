"""From the columns of many items that expire to arrays; an item that can't be used is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from invopt.policies.inputs.columns import (
    DISPOSAL_COST,
    LEAD_TIME_DEMAND,
    LONGEST_LEAD_TIME,
    SERVICE_LEVEL,
    STOCK_COSTS,
    UNIT_COST,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.service import service_shares
from invopt.policies.inputs.shelf_life import shelf_life_demand
from invopt.tables.columns import Column
from invopt.theory.perishable.cost import PerishableCosts
from invopt.theory.perishable.expiring_items import ExpiringItems

SHELF_LIFE = Column(
    "shelf_life",
    "double",
    "days",
    "from arrival to expiry; NULL does not expire",
    minimum=0,
    maximum=LONGEST_LEAD_TIME,
    is_above_minimum=True,
)
PERISHABLE_COLUMNS = (
    *STOCK_COSTS,
    # read only where a thrown-away unit's purchase counts
    replace(UNIT_COST, is_nullable=True),
    DISPOSAL_COST,
    SHELF_LIFE,
    SERVICE_LEVEL,
    *LEAD_TIME_DEMAND,
)


def perishable_inputs(items: Items, service: str, review_days: int, counts_purchase: bool) -> ExpiringItems:
    """The columns of n items as arrays.

    service : none, cycle or fill_rate
    review_days : days that the lead time is lengthened by
    counts_purchase : an expired unit also costs the unit_cost for which it was bought
    """
    K, h, pi, W = items.numbers_of("fixed_order_cost", "holding_cost", "backorder_cost", "disposal_cost")
    demand = item_demand(items, review_days)
    if counts_purchase:
        unit_cost = items.numbers("unit_cost")
        items.refuse(
            np.isnan(unit_cost), "unit_cost is NULL, but expired_unit_costs: disposal_and_purchase needs a number"
        )
        W = W + unit_cost
    missed_share, nothing = service_shares(service, items), np.ones(len(items))
    shelf_life, expiry_demand = shelf_life_demand(demand, items)
    return ExpiringItems(
        demand,
        expiry_demand,
        shelf_life,
        PerishableCosts(h, K, pi, W),
        cycle_share=missed_share if service == "cycle" else nothing,
        fill_share=missed_share if service == "fill_rate" else nothing,
        review_days=review_days,
    )
