"""From the columns of many items to the arrays of an economic order quantity; an item that can't be used is refused."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.columns import (
    DEMAND_MEAN,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    PRICE_BREAK_COST,
    PRICE_BREAK_QUANTITY,
    UNIT_COST,
)
from invopt.policies.inputs.item_demand import LARGEST_DEMAND, period_means
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.price_breaks import NO_BREAKS, PriceBreaks, price_breaks
from invopt.theory.demand.lead_time import WHOLE
from invopt.theory.eoq.pieces import LARGEST_QUANTITY

EOQ_COLUMNS = (
    FIXED_ORDER_COST,
    HOLDING_COST,
    UNIT_COST,
    PRICE_BREAK_QUANTITY,
    PRICE_BREAK_COST,
    LEAD_TIME,
    DEMAND_MEAN,
)
REVIEW_DAYS = 1


class EOQInputs(NamedTuple):
    """The columns as (n,) arrays, and the price breaks of all items.

    reorder_point : mean demand of the lead time and the day until the next look, rounded up; 0 without demand
    """

    mean: np.ndarray
    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    unit_cost: np.ndarray
    reorder_point: np.ndarray
    breaks: PriceBreaks


def eoq_inputs(items: Items, *, has_discount: bool) -> EOQInputs:
    """EOQ_COLUMNS of n items; without a discount the price breaks are not looked at."""
    K, h, unit_cost, lead_time = items.numbers_of("fixed_order_cost", "holding_cost", "unit_cost", "lead_time")
    mean, is_series = period_means(items.objects("demand_mean"))
    items.refuse(~is_series, "demand_mean must be a series of finite values of 0 or more")
    mean = np.where(is_series, mean, 0.0)
    items.refuse(
        mean * (lead_time + REVIEW_DAYS) > LARGEST_DEMAND,
        f"demand over the lead time passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    breaks = NO_BREAKS
    if has_discount:
        items.refuse(~(unit_cost > 0), "unit_cost is {value}, must be above 0 with a discount", unit_cost)
        breaks = price_breaks(items, unit_cost)
    items.refuse(
        np.sqrt(2 * mean * K / h) > LARGEST_QUANTITY,
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    reorder_point = np.where(mean > 0, np.ceil(mean * (lead_time + REVIEW_DAYS) - WHOLE), 0.0)
    return EOQInputs(mean, K, h, unit_cost, reorder_point, breaks)
