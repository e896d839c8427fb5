"""Newsvendor under a budget: the expected cost along the base-stock level, and the money that each product gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invopt.policies.inputs.columns import LEAD_TIME_DEMAND
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.newsvendor import NEWSVENDOR_COSTS, newsvendor_inputs
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.workbench.curves.curve import Curve, whole_numbers
from invopt.workbench.curves.shared_budget import SharedBudget, comparison, is_short
from invopt.workbench.curves.wording import products_at

if TYPE_CHECKING:
    from invopt.policies.newsvendor_budget import NewsvendorBudgetParams


def purchase_budget(items: pd.DataFrame, params: NewsvendorBudgetParams) -> SharedBudget:
    """The curve of the product that the budget touches most, along `base_stock_level`, and each product's money.

    The parts of the curve's cost are `left_over` and `missed`; its points are "chosen" and "best alone".

    items : rows of gold.inputs_newsvendor_budget of one partition, with label and base_stock_level (units); those
        without demand are left out
    params : the policy's parameters

    Raises
    ------
    ParameterError : an item's inputs can't be used.
    """
    items = items[items["demand_mean"].map(np.sum) > 0]
    read = Items(items, (*NEWSVENDOR_COSTS, *LEAD_TIME_DEMAND))
    is_guide = params.cost == "guide"
    inputs = newsvendor_inputs(read, params.protection_days, params.service, params.salvage_fraction, is_guide)
    read.raise_problems()
    unit, overage, underage = inputs.unit_cost, inputs.overage, inputs.underage
    level, demand = items["base_stock_level"].to_numpy(dtype=float), inputs.demand
    tried = [_costs(demand.lead_time_demand(i), level[i], overage[i], underage[i]) for i in range(len(items))]
    alone = pd.DataFrame([costs.loc[costs["total"].idxmin()] for costs in tried], index=items.index)
    chosen = np.array(
        [np.interp(s, costs["base_stock_level"], costs["total"]) for s, costs in zip(level, tried, strict=True)]
    )
    best = alone["base_stock_level"].to_numpy()
    product = items["label"].str.split(", ").str[0].tolist()
    uses = pd.DataFrame({"product": product, "used": unit * level, "wanted": unit * best})
    budget = float(items["purchase_budget"].fillna(np.inf).iloc[0])
    # the product that pays most for the budget; where the budget does not bind, the dearest
    i = int((chosen - alone["total"].to_numpy() if is_short(uses, budget) else chosen).argmax())
    points = pd.DataFrame(
        {"base_stock_level": [level[i], best[i]], "total": [chosen[i], alone["total"].iloc[i]]},
        index=["chosen", "best alone"],
    )
    decision = f"{level[i]:g} units" + (f" instead of {best[i]:g}" if level[i] != best[i] else "")
    return SharedBudget(
        products_at(items["label"]),
        Curve(items["label"].iloc[i], tried[i], points, cost_unit="expected money per order"),
        uses,
        budget,
        f"{comparison(uses, budget, 'what filling up may cost')}. {product[i]}: {decision}.",
    )


def _costs(demand: LeadTimeDemand, level: float, overage: float, underage: float) -> pd.DataFrame:
    """The expected cost of one product at each level tried, money/order."""
    levels = np.unique([*whole_numbers(0, max(demand.mean + 4 * demand.std, level * 1.2) + 2, 2000), int(level)])
    missing = demand.loss(levels)
    left_over, missed = overage * np.maximum(levels - demand.mean + missing, 0.0), underage * missing
    return pd.DataFrame(
        {"base_stock_level": levels, "left_over": left_over, "missed": missed, "total": left_over + missed}
    )
