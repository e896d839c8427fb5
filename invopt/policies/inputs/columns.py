"""Input columns that several policies need, and how a policy reads them from the rows of a bucket.

A column means the same and has the same unit in every policy, so it is declared here once. A column that only one
policy needs stands in that policy's file.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.policies.inputs.messages import note
from invopt.tables.columns import Column

FIXED_ORDER_COST = Column(
    "fixed_order_cost", "double", "money/order", "cost of an order, whatever its size", is_nullable=False
)
UNIT_COST = Column("unit_cost", "double", "money/unit", "what a unit costs to buy and ship", is_nullable=False)
HOLDING_COST = Column(
    "holding_cost", "double", "money/unit/day", "cost of a unit in stock for a day", is_nullable=False
)
BACKORDER_COST = Column(
    "backorder_cost",
    "double",
    "money/unit/day",
    "cost of a unit late for a day; for the guide's cost, of a unit late",
    is_nullable=False,
)
LEAD_TIME = Column("lead_time", "double", "days", "from order to arrival", is_nullable=False)
LEAD_TIME_CONFIDENCE = Column(
    "lead_time_confidence",
    "double",
    "days",
    "the lead time is within this of lead_time; 0 when it is certain",
    is_nullable=False,
)
SERVICE_LEVEL = Column(
    "service_level", "double", "fraction", "what is asked for when params.service is not none; NULL asks for nothing"
)
STORAGE = Column("storage_id", "string", "", "the storage space in which the product is kept", is_nullable=False)
STORAGE_COST_BUDGET = Column(
    "storage_cost_budget",
    "double",
    "money/day",
    "limit on the average storage cost of all that lies in the storage space, the same in each of its rows; NULL "
    "for none",
)
PRICE_BREAK_QUANTITY = Column(
    "price_break_quantity",
    "array<double>",
    "units",
    "order quantities, rising, from which the price_break_cost of the same place holds; NULL for none",
)
PRICE_BREAK_COST = Column(
    "price_break_cost",
    "array<double>",
    "money/unit",
    "unit costs from the price_break_quantity of the same place on, none above the one before; NULL for none",
)
LOST_SALE_COST = Column(
    "lost_sale_cost",
    "double",
    "money/unit",
    "cost of a unit that is asked for and not there; NULL for list_price - unit_cost",
)
DISPOSAL_COST = Column(
    "disposal_cost", "double", "money/unit", "cost of getting rid of a unit that was not sold; NULL for 0"
)
LIST_PRICE = Column("list_price", "double", "money/unit", "what a customer pays for a unit")
PURCHASE_BUDGET = Column(
    "purchase_budget",
    "double",
    "money/order",
    "limit on what all items bought from the source cost together, the same in each of their rows; NULL for none",
)
DEMAND = (
    Column("demand_distribution", "string", "", "poisson, normal, pmf or deterministic", is_nullable=False),
    Column("demand_mean", "array<double>", "units/day", "mean demand of each period", is_nullable=False),
    Column("demand_variance", "array<double>", "units^2/day", "variance of each period's demand; needed by normal"),
    Column("demand_pmf", "array<array<double>>", "", "[period][x]: probability that demand is x; needed by pmf"),
)


def numbers(items: pd.DataFrame, name: str) -> np.ndarray:
    """A column of numbers as an (n,) float array; NULL is NaN."""
    return items[name].to_numpy(dtype=np.float64, na_value=np.nan)


def objects(items: pd.DataFrame, name: str) -> np.ndarray:
    """A column of texts or arrays as an (n,) object array."""
    return items[name].to_numpy(dtype=object)


def budgets(items: pd.DataFrame, name: str, offsets: np.ndarray, message: np.ndarray) -> np.ndarray:
    """The budget of each partition, an (m,) array, inf where it is NULL.

    A partition whose rows differ or are below 0 gets a message. Partition k is rows offsets[k]:offsets[k+1].
    """
    given = numbers(items, name)
    if len(given) == 0:
        return np.zeros(0)
    first = np.repeat(given[offsets[:-1]], np.diff(offsets))
    is_other = ~((given == first) | (np.isnan(given) & np.isnan(first)))
    note(
        message,
        is_other,
        name + " is {value} here and something else in another row of the partition; all its rows must have the same",
        given,
    )
    note(message, given < 0, name + " is {value}, must be 0 or more", given)
    budget = given[offsets[:-1]]
    return np.where(np.isnan(budget), np.inf, np.maximum(budget, 0.0))
