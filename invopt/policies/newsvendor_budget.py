"""Newsvendor under a budget: how much of each product to have for the next days, when leftovers are lost.

Decides the base-stock level s of each item of one source; the money for all of them is limited.

    minimize    sum_i o_i E(s_i - X_i)^+ + u_i E(X_i - s_i)^+
    subject to  sum_i c_i s_i <= V               filling up all items of the source from nothing costs at most V
                s_i whole, 0 or more
                P(X_i <= s_i) >= service_level          with `service: cycle`
                1 - E(X_i - s_i)^+ / E X_i >= service_level     with `service: fill_rate`

X_i is the demand of the days that an order has to last: the lead time and `protection_days`. An order brings the
inventory position up to s, so what was ordered before and what is still there count. With a lead time of 0, X is the
demand of protection_days, as in the guide.

    c   unit_cost           o   unit_cost (1 - salvage_fraction) + disposal_cost; with `cost: guide` disposal_cost alone
    V   purchase_budget     u   lost_sale_cost; where it is NULL, list_price - unit_cost, or 0 if that is negative

The cost is money per order (of protection_days), not per day. With u = 0 nothing is ordered, unless a service is asked
for.

Each item's cost is convex in s, with the slope o - (o + u) P(X > s): without the budget the best s is the critical
fractile. The model is a MILP over the quantities that are open: `models/allocation_choices.py` proves that all others
are in no optimal solution. The columns of an item end at its fractile, because a larger s costs more and uses more.

Assumptions: demands of different products and days are independent; a sale that is missed is lost; a deterministic
forecast has an unknown error and is treated as Poisson.

Source: Hadley & Whitin (1963), Analysis of Inventory Systems, 6-2 (several products, one budget); Snyder & Shen (2019),
section 4.3; the technical guide of the Azure inventory optimization solution, section "Newsvendor policy", (13), with
the exact sum over all x > s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo
from pydantic import Field

from invopt.models.newsvendor_curves import best_levels, lowest_served_levels, newsvendor_curves
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.columns import LEAD_TIME_DEMAND, PURCHASE_BUDGET, SERVICE_LEVEL
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.newsvendor import NEWSVENDOR_COSTS, NewsvendorInputs, newsvendor_inputs
from invopt.policies.inputs.shared_budget import Curves, SharedBudget, answer_under_budget, model_under_budget
from invopt.theory import order_rules
from invopt.theory.budget.cost import costs_at
from invopt.theory.newsvendor.pieces import newsvendor_pieces, wanted_pieces
from invopt.theory.order_rules import Stock

SHARED = SharedBudget(
    "purchase_budget",
    "BASE_STOCK_LEVEL",
    "purchase_budget is {budget:.10g}, but the service levels asked for cost {least_use:.10g}: raise it to that or "
    "more, or ask for less",
)


class NewsvendorBudgetParams(Params):
    """Parameters of the newsvendor.

    protection_days : the days that an order has to last, beside its lead time
    cost : what a unit left over costs: newsvendor, its purchase less its salvage, and its disposal; guide, its disposal
    salvage_fraction : the part of unit_cost that a unit left over brings back
    service : what the column service_level asks for: none; cycle, the probability that no unit is missing; fill_rate,
        the share of demand that is met
    """

    protection_days: int = Field(1, ge=1, le=365)
    cost: Literal["newsvendor", "guide"] = "newsvendor"
    salvage_fraction: float = Field(0.0, ge=0.0, le=1.0)
    service: Literal["none", "cycle", "fill_rate"] = "none"


def _read(items: Items, params: NewsvendorBudgetParams) -> NewsvendorInputs:
    is_guide = params.cost == "guide"
    return newsvendor_inputs(items, params.protection_days, params.service, params.salvage_fraction, is_guide)


def algorithm(items: Items, params: NewsvendorBudgetParams) -> Answer:
    """The best s of all items of each partition in one call, or the best known plan with a bound.

    A partition whose budget is too small for the service is refused.
    """
    inputs, budget = _read(items, params), SHARED.of_partitions(items)
    decided = items.is_usable & (inputs.demand.mean > 0)
    weight, overage, underage, level = (values[decided] for values in inputs[:4])
    pieces, tables = wanted_pieces(inputs.demand, decided, overage, underage, params.service, level)
    return answer_under_budget(items, SHARED, decided, (pieces, tables, np.arange(len(pieces) + 1)), weight, budget)


def build_model(items: Items, params: NewsvendorBudgetParams) -> pyo.ConcreteModel:
    """The MILP over the open quantities of one partition; see the module's docstring and `models/allocation.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used, the budget is too small for the service, or the model would be too
        large.
    """
    inputs, budget = _read(items, params), SHARED.of_partitions(items)
    items.raise_problems()
    decided = inputs.demand.mean > 0
    weight, overage, underage, level = (values[decided] for values in inputs[:4])
    costs = newsvendor_curves(inputs.demand, np.flatnonzero(decided), overage, underage)
    low = lowest_served_levels(params.service, costs, level)
    best = best_levels(costs, weight, low)
    curves = Curves(best, costs.cost, np.arange(len(low)), low, np.maximum(best(0.0), low))
    return model_under_budget(len(items), SHARED, decided, curves, weight, float(budget[0]))


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: NewsvendorBudgetParams) -> np.ndarray:
    """f(s) of any s of 0 or more, money/order; the budget and the service do not count in it."""
    inputs = _read(items, params)
    chosen = items.is_usable
    level = np.asarray(decisions["BASE_STOCK_LEVEL"], dtype=float)[chosen]
    pieces, tables, _ = newsvendor_pieces(inputs.demand, chosen, inputs.overage[chosen], inputs.underage[chosen])
    costs = np.full(len(items), np.nan)
    costs[chosen] = costs_at(pieces, tables, np.arange(len(level) + 1), level)
    return costs


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.to_base_stock`."""
    return order_rules.to_base_stock(decisions["BASE_STOCK_LEVEL"], stock)


def _example(name: str, source: str, found: tuple[int, float], salvage_fraction: float, **columns: Any) -> Example:
    """A published instance of one item with Poisson demand and no budget; s and its cost."""
    item = {
        "disposal_cost": None,
        "lost_sale_cost": None,
        "list_price": None,
        "purchase_budget": None,
        "service_level": None,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_variance": None,
        "demand_pmf": None,
        **columns,
    }
    params = {"salvage_fraction": salvage_fraction}
    book = "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, "
    return Example(name, (item,), params, found[1], {"BASE_STOCK_LEVEL": found[:1]}, book + source)


POLICY = Policy(
    name="newsvendor_budget",
    about=About(
        "stock of each product that does not keep, the purchase cost of all limited",
        "MILP",
        "Hadley & Whitin (1963), Analysis of Inventory Systems",
        "multiplier, reduced costs, list dynamic programme over the core",
    ),
    decides=(Decision("BASE_STOCK_LEVEL", "units", "every day's order lifts the inventory position to this"),),
    needs=(*NEWSVENDOR_COSTS, PURCHASE_BUDGET, SERVICE_LEVEL, *LEAD_TIME_DEMAND),
    params=NewsvendorBudgetParams,
    build_model=build_model,
    cost=cost,
    order=order,
    examples=(
        _example(
            "Example 4.7",
            "Example 4.7, as a newsvendor",
            (8, 3.5701069457709376),
            0.0,
            unit_cost=1.0,
            lost_sale_cost=4.0,
            demand_mean=np.array([6.0]),
        ),
        _example(
            "Example 4.2, Poisson",
            "Example 4.2 with Poisson demand: 0.7 E X less the profit",
            (56, 35 - 33.20276478819082),
            0.4,
            unit_cost=0.3,
            list_price=1.0,
            demand_mean=np.array([50.0]),
        ),
        _example(
            "Problem 4.3(b), Poisson",
            "Problem 4.3(b) with Poisson demand: 4.5 E X less the profit",
            (56, 225 - 214.51727992619266),
            0.6,
            unit_cost=2.5,
            list_price=7.0,
            demand_mean=np.array([50.0]),
        ),
    ),
    algorithm=algorithm,
    partition_by=("location_id", "source_id"),
    prices={"purchase_budget": ""},
)
