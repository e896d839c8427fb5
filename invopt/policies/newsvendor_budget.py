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
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pydantic import Field

from invopt.errors import ParameterError
from invopt.models.allocation import allocation_model
from invopt.models.allocation_choices import open_choices
from invopt.models.newsvendor_curves import best_levels, lowest_served_levels, newsvendor_curves
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    DEMAND,
    DISPOSAL_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    LIST_PRICE,
    LOST_SALE_COST,
    PURCHASE_BUDGET,
    SERVICE_LEVEL,
    UNIT_COST,
    budgets,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, pass_on_messages, refuse
from invopt.theory.budget.cost import CONSTANT, HIGH, LOW, SCALE, SLOPE
from invopt.theory.budget.loss_pieces import loss_pieces
from invopt.theory.budget.search import allocate
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.newsvendor.search import lowest_levels

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(unit_cost AS double) AS unit_cost,
    CAST(disposal_cost AS double) AS disposal_cost,
    CAST(lost_sale_cost AS double) AS lost_sale_cost,
    CAST(list_price AS double) AS list_price,
    CAST(purchase_budget AS double) AS purchase_budget,
    CAST(service_level AS double) AS service_level,
    CAST(lead_time AS double) AS lead_time,
    CAST(lead_time_confidence AS double) AS lead_time_confidence,
    CAST(demand_distribution AS string) AS demand_distribution,
    CAST(demand_mean AS array<double>) AS demand_mean,
    CAST(demand_variance AS array<double>) AS demand_variance,
    CAST(demand_pmf AS array<array<double>>) AS demand_pmf
FROM item_state
"""

INPUT_COLUMNS = (
    UNIT_COST,
    DISPOSAL_COST,
    LOST_SALE_COST,
    LIST_PRICE,
    PURCHASE_BUDGET,
    SERVICE_LEVEL,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    *DEMAND,
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


class _Inputs(NamedTuple):
    """(n,) arrays, (m,) budgets, and the demand, with one message for each item that can't be used."""

    unit_cost: np.ndarray
    overage: np.ndarray
    underage: np.ndarray
    service_level: np.ndarray
    budget: np.ndarray
    demand: ItemDemand

    @property
    def message(self) -> np.ndarray:
        return self.demand.message

    @property
    def decided(self) -> np.ndarray:
        """Positions of the items that can be used and have demand."""
        return np.flatnonzero(np.equal(self.message, None) & (self.demand.mean > 0))


def _read(items: pd.DataFrame, offsets: np.ndarray, params: NewsvendorBudgetParams) -> _Inputs:
    unit_cost, disposal, lost_sale, price, level = (
        numbers(items, column.name) for column in (UNIT_COST, DISPOSAL_COST, LOST_SALE_COST, LIST_PRICE, SERVICE_LEVEL)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        params.protection_days,
    )
    message = demand.message
    disposal = np.where(np.isnan(disposal), 0.0, disposal)
    underage = np.where(np.isnan(lost_sale), np.maximum(price - unit_cost, 0.0), lost_sale)
    for name, values in (("unit_cost", unit_cost), ("disposal_cost", disposal)):
        note(message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        message,
        np.isnan(underage),
        "lost_sale_cost is NULL, and so is list_price, from which it could be taken; give one of them",
    )
    note(message, (underage < 0) | np.isinf(underage), "lost_sale_cost is {value}, must be 0 or more", underage)
    if params.service != "none":
        note(message, (level < 0) | (level >= 1), "service_level is {value}, must be 0 or more and below 1", level)
    budget = budgets(items, "purchase_budget", offsets, message)
    pass_on_messages(items, message, offsets)
    overage = disposal if params.cost == "guide" else unit_cost * (1 - params.salvage_fraction) + disposal
    return _Inputs(unit_cost, overage, underage, level, budget, demand)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: NewsvendorBudgetParams) -> ExactSolution:
    """The best s of all items of each partition in one call.

    A partition with an item that can't be used, or whose budget is too small for the service, has NaN and a message.
    Where the core was too hard, the cost is that of the best known plan, and `bound` says how far it may be from the
    optimum.
    """
    offsets = np.asarray(offsets, dtype=np.int64)
    inputs = _read(items, offsets, params)
    message, decided = inputs.message, inputs.decided
    pieces, tables = _pieces(inputs, params)
    plan = allocate(
        pieces,
        tables,
        np.arange(len(decided) + 1),
        inputs.unit_cost[decided],
        np.searchsorted(decided, offsets),
        inputs.budget,
    )
    for k in np.flatnonzero(np.isnan(plan.gap)):
        message[offsets[k] : offsets[k + 1]] = _too_small(inputs.budget[k], plan.least_use[k])
    is_decided = np.equal(message, None)
    level, cost = np.zeros(len(items)), np.zeros(len(items))
    level[decided], cost[decided] = plan.x, plan.cost
    level[~is_decided] = cost[~is_decided] = np.nan
    bound = None
    if (plan.gap > 0).any():
        total = np.add.reduceat(cost, offsets[:-1])
        bound = cost * np.repeat(1 - plan.gap / np.where(total > 0, total, 1.0), np.diff(offsets))
    return ExactSolution({"BASE_STOCK_LEVEL": level}, cost, None if is_decided.all() else message, bound)


def _pieces(inputs: _Inputs, params: NewsvendorBudgetParams) -> tuple[np.ndarray, np.ndarray]:
    """The cost of each decided item as a piece of `theory/budget/cost.py`, and the tables that pieces refer to."""
    demand, decided = inputs.demand, inputs.decided
    pmfs = [demand.lead_time_pmfs[k] for k in demand.pmf_position[decided][demand.form[decided] == PMF]]
    o, u, service_level = inputs.overage[decided], inputs.underage[decided], inputs.service_level[decided]
    # no s is wanted above the fractile and the service; only the whole table tells where a fill rate ends
    least_saving = np.zeros(len(decided)) if params.service == "fill_rate" else o / np.maximum(o + u, 1e-300)
    if params.service == "cycle":
        least_saving = np.fmin(least_saving, 1 - service_level)
    pieces, tables, mean = loss_pieces(
        form=demand.form[decided],
        demand_mean=demand.mean[decided],
        demand_variance=demand.variance[decided],
        first_lead_time=demand.first_lead_time[decided],
        n_lead_times=demand.n_lead_times[decided],
        lead_time_pmfs=(np.concatenate([np.zeros(0), *pmfs]), np.cumsum([0, *map(len, pmfs)])),
        least_saving=least_saving,
    )
    pieces[:, CONSTANT], pieces[:, SLOPE], pieces[:, SCALE] = -o * mean, o, o + u
    pieces[:, LOW] = lowest_levels(params.service, service_level, pieces, tables, mean)
    pieces[:, HIGH] = np.maximum(pieces[:, HIGH], pieces[:, LOW])
    return pieces, tables


def _too_small(budget: float, least_use: float) -> str:
    return (
        f"purchase_budget is {budget:.10g}, but the service levels asked for cost {least_use:.10g}: raise it to "
        "that or more, or ask for less"
    )


def build_model(items: pd.DataFrame, params: NewsvendorBudgetParams) -> pyo.ConcreteModel:
    """The MILP over the open quantities of one partition; see the module's docstring and `models/allocation.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used, the budget is too small for the service, or the model would be too
        large.
    """
    inputs = _read(items, np.array([0, len(items)]), params)
    refuse(items, inputs.message)
    decided = inputs.decided
    curves = newsvendor_curves(inputs.demand, decided, inputs.overage[decided], inputs.underage[decided])
    weight, budget = inputs.unit_cost[decided], float(inputs.budget[0])
    low = lowest_served_levels(params.service, curves, inputs.service_level[decided])
    if weight @ low > budget * (1 + 1e-12):
        raise ParameterError(_too_small(budget, weight @ low))
    best = best_levels(curves, weight, low)
    every = np.arange(len(decided))
    choices = open_choices(best, curves.cost, every, low, np.maximum(best(0.0), low), weight, budget)
    return allocation_model(
        len(items), decided, choices, every, curves.cost, weight, np.isfinite(budget), "BASE_STOCK_LEVEL"
    )


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: what the inventory position lacks to the base-stock level, rounded up; 0 when it lacks nothing.

    An item without a decision or without a known position gets NaN.

    >>> order({"BASE_STOCK_LEVEL": np.array([8.0, 8.0, np.nan])}, pd.DataFrame({"inventory_position": [3, 9, 0]}))
    array([ 5.,  0., nan])
    """
    level = np.asarray(decisions["BASE_STOCK_LEVEL"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    # np.maximum passes a NaN on
    return np.maximum(np.ceil(level - position - 1e-9), 0.0)


def _item(**changes: object) -> dict:
    item = {
        "unit_cost": 1.0,
        "disposal_cost": None,
        "lost_sale_cost": 4.0,
        "list_price": None,
        "purchase_budget": None,
        "service_level": None,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.array([6.0]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return {**item, **changes}


_BOOK = "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, "

POLICY = Policy(
    name="newsvendor_budget",
    title="stock of each product that does not keep, the purchase cost of all limited",
    model_class="MILP",
    algorithm="multiplier, reduced costs, list dynamic programme over the core",
    source="Hadley & Whitin (1963), Analysis of Inventory Systems",
    partition_by=("location_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=NewsvendorBudgetParams,
    decisions=("BASE_STOCK_LEVEL",),
    build_model=build_model,
    order=order,
    examples=(
        Example(
            "Example 4.7",
            (_item(),),
            {},
            3.5701069457709376,
            {"BASE_STOCK_LEVEL": (8,)},
            _BOOK + "Example 4.7, as a newsvendor",
        ),
        Example(
            "Example 4.2, Poisson",
            (_item(unit_cost=0.3, lost_sale_cost=None, list_price=1.0, demand_mean=np.array([50.0])),),
            {"salvage_fraction": 0.4},
            35 - 33.20276478819082,
            {"BASE_STOCK_LEVEL": (56,)},
            _BOOK + "Example 4.2 with Poisson demand: 0.7 E X less the profit",
        ),
        Example(
            "Problem 4.3(b), Poisson",
            (_item(unit_cost=2.5, lost_sale_cost=None, list_price=7.0, demand_mean=np.array([50.0])),),
            {"salvage_fraction": 0.6},
            225 - 214.51727992619266,
            {"BASE_STOCK_LEVEL": (56,)},
            _BOOK + "Problem 4.3(b) with Poisson demand: 4.5 E X less the profit",
        ),
    ),
    solve_exact=solve_exact,
)
