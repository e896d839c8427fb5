"""The demand that a curve is computed from."""

from __future__ import annotations

import pandas as pd

from invopt.errors import ParameterError
from invopt.policies.inputs.columns import LEAD_TIME_DEMAND
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.items import Items
from invopt.theory.demand.item_demand import ItemDemand


def read_demand(items: pd.DataFrame, review_days: int) -> ItemDemand:
    """The demand of some rows of a policy's inputs with a label, over their lead times + review_days.

    Raises
    ------
    ParameterError : a row's inputs can't be used, or it has no demand and so no decision to explain.
    """
    read = Items(items, LEAD_TIME_DEMAND)
    demand = item_demand(read, review_days)
    refuse_unexplained(read, demand)
    return demand


def refuse_unexplained(read: Items, demand: ItemDemand) -> None:
    """Ends where a row with a label can't be used, or has no demand and so no decision to explain.

    Raises
    ------
    ParameterError : the first such row.
    """
    for label, problem, mean in zip(read.frame["label"], read.problems, demand.mean, strict=True):
        if problem is not None:
            raise ParameterError(f"{label}: {problem}")
        if mean <= 0:
            raise ParameterError(f"{label} has no demand: there is nothing to explain")
