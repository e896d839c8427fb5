"""Input columns that several policies need, and how a policy reads them from the rows of a bucket.

A column means the same and has the same unit in every policy, so it is declared here once. What only one policy needs stands in its file.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.columns import ITEM, Column
from invopt.errors import ParameterError

FIXED_ORDER_COST = Column("fixed_order_cost", "double", "money/order", "cost of an order, whatever its size", is_nullable=False)
UNIT_COST = Column("unit_cost", "double", "money/unit", "what a unit costs to buy and ship", is_nullable=False)
HOLDING_COST = Column("holding_cost", "double", "money/unit/day", "cost of a unit in stock for a day", is_nullable=False)
BACKORDER_COST = Column("backorder_cost", "double", "money/unit/day",
                        "cost of a unit late for a day; for the guide's cost, of a unit late", is_nullable=False)
LEAD_TIME = Column("lead_time", "double", "days", "from order to arrival", is_nullable=False)
LEAD_TIME_CONFIDENCE = Column("lead_time_confidence", "double", "days",
                              "the lead time is within this of lead_time; 0 when it is certain", is_nullable=False)
SERVICE_LEVEL = Column("service_level", "double", "fraction", "what is asked for when params.service is not none; NULL asks for nothing")
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


def refuse(items: pd.DataFrame, message: np.ndarray) -> None:
    """Raise the first message there is, with the item it belongs to: what `build_model` does with inputs that can't be used.

    Raises
    ------
    ParameterError : an item has a message.
    """
    for i in np.flatnonzero(np.not_equal(message, None)):
        keys = ", ".join(f"{key} {items[key].iloc[i]}" for key in ITEM if key in items) or "no keys"
        raise ParameterError(f"item {i} ({keys}): {message[i]}")
