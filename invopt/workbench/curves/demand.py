"""The demand that a curve is computed from."""

from __future__ import annotations

import pandas as pd

from invopt.errors import ParameterError
from invopt.policies.inputs.item_demand import item_demand
from invopt.theory.demand.item_demand import ItemDemand


def read_demand(items: pd.DataFrame, review_days: int) -> ItemDemand:
    """The demand of some rows of a policy's inputs with a label, over their lead times + review_days.

    Raises
    ------
    ParameterError : a row's inputs can't be used, or it has no demand and so no decision to explain.
    """
    columns = (
        items[name].to_numpy(dtype=object)
        for name in ("demand_distribution", "demand_mean", "demand_variance", "demand_pmf")
    )
    days = (items[name].to_numpy(dtype=float) for name in ("lead_time", "lead_time_confidence"))
    demand = item_demand(*columns, *days, review_days)
    for label, message, mean in zip(items["label"], demand.message, demand.mean, strict=True):
        if message is not None:
            raise ParameterError(f"{label}: {message}")
        if mean <= 0:
            raise ParameterError(f"{label} has no demand: there is nothing to explain")
    return demand
