"""(s, Q): when an item's inventory position is s or less, order batches of Q until it is above s.

Decides s and Q of each item. The inventory position then takes the values s+1..s+Q equally often, so a day costs

    C(s, Q) = [A(s) + sum_{y=s+1}^{s+Q} G(y)] / Q

`cost` chooses its definition: daily_review (the default), time_weighted or guide (`theory/s_q/cost.py`).

The model chooses a window of consecutive levels of the inventory position (`models/window.py`). It is a linear program
without integers, over the levels that an optimal window can reach (`models/window_levels.py`).

Service (`params.service`, with the column service_level; the default asks for nothing). X is the X of the cost: the
demand over the lead time, + 1 day in daily_review. `theory/s_q/search_cycle_service.py` explains the two:

    cycle       P(X <= s) >= service_level              a smallest s: the levels up to it are left out of the model
    fill_rate   [n(s) - n(s+Q)] / Q <= 1 - service_level      at most this share of the units asked for finds no stock

Under a fill rate each item chooses among pairs (s, Q) instead (`models/fill_rate_choices.py`).

Assumptions: items are independent; demand is steady over the horizon, at the forecast's average; what is short is
backordered; demand of different days is independent.

Source: Federgruen & Zheng (1992), Operations Research 40(4), 808-813; Snyder & Shen (2019), section 5.4; the technical
guide of the Azure inventory optimization solution, section "(s, Q) policy", for the cost `guide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.models.fill_rate_choices import fill_rate_choices
from invopt.models.selection import NOTHING, selection_model
from invopt.models.window import NO_DEMAND, window_model
from invopt.models.window_levels import SQItem, window_levels
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    SERVICE_LEVEL,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.policies.inputs.service import service_shares
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.s_q.cost import review_days
from invopt.theory.s_q.search import LARGEST_QUANTITY, best_reorder_points
from invopt.theory.s_q.search_cycle_service import cycle_points
from invopt.theory.s_q.search_fill_rate import LARGEST_TABLE, best_reorder_points_with_fill_rate
from invopt.theory.s_q.search_service_points import cycle_point

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(fixed_order_cost AS double) AS fixed_order_cost,
    CAST(holding_cost AS double) AS holding_cost,
    CAST(backorder_cost AS double) AS backorder_cost,
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
    FIXED_ORDER_COST,
    HOLDING_COST,
    BACKORDER_COST,
    SERVICE_LEVEL,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    *DEMAND,
)


class SQParams(Params):
    """Parameters of (s, Q).

    cost : the definition of a day's cost, as in `theory/s_q/cost.py`
    service : what the column service_level asks for, see the module's docstring; NULL asks for nothing
    """

    cost: Literal["daily_review", "time_weighted", "guide"] = "daily_review"
    service: Literal["none", "cycle", "fill_rate"] = "none"


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used.

    missed_share : 1 - service_level; 1 where nothing is asked for
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    missed_share: np.ndarray
    demand: ItemDemand

    @property
    def message(self) -> np.ndarray:
        return self.demand.message


def _read(items: pd.DataFrame, params: SQParams) -> _Inputs:
    fixed_order_cost, holding_cost, backorder_cost = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        review_days(params.cost),
    )
    for name, values in (("fixed_order_cost", fixed_order_cost), ("backorder_cost", backorder_cost)):
        note(demand.message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        demand.message,
        holding_cost == 0,
        "holding_cost is 0: the larger the order the cheaper, so none is best; set it above 0",
    )
    note(
        demand.message,
        (holding_cost != 0) & ~((holding_cost > 0) & np.isfinite(holding_cost)),
        "holding_cost is {value}, must be above 0",
        holding_cost,
    )
    missed_share = service_shares(params.service, numbers(items, SERVICE_LEVEL.name), demand.message)
    return _Inputs(fixed_order_cost, holding_cost, backorder_cost, missed_share, demand)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SQParams) -> ExactSolution:
    """The best (s, Q) of every item in one call; items are independent, so `offsets` makes no difference.

    An item whose mean demand is 0 has s = 0, Q = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message.
    """
    inputs = _read(items, params)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    columns = {
        "is_guide": params.cost == "guide",
        "form": demand.form[has_demand],
        "demand_mean": demand.mean[has_demand],
        "demand_variance": demand.variance[has_demand],
        "first_lead_time": demand.first_lead_time[has_demand],
        "n_lead_times": demand.n_lead_times[has_demand],
        "holding_cost": inputs.holding_cost[has_demand],
        "fixed_order_cost": inputs.fixed_order_cost[has_demand],
        "backorder_cost": inputs.backorder_cost[has_demand],
        "lead_time_pmfs": demand.pmfs_of(has_demand),
    }
    if params.service == "fill_rate":
        results = best_reorder_points_with_fill_rate(**columns, fill_share=inputs.missed_share[has_demand])
    elif params.service == "cycle":
        results = best_reorder_points(**columns, smallest_point=cycle_points(inputs.missed_share, demand, has_demand))
    else:
        results = best_reorder_points(**columns)
    for value, result in zip(values, results, strict=True):
        value[has_demand] = result
    point, quantity, cost = values
    is_endless = has_demand & np.isnan(cost)
    is_wide = has_demand & np.isinf(cost)
    for value in values:
        value[is_endless | is_wide] = np.nan
    note(
        message,
        is_endless,
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    note(
        message,
        is_wide,
        f"demand varies over more than {LARGEST_TABLE:g} units: too many for a fill rate; count in larger units",
    )
    decisions = {"REORDER_POINT": point, "ORDER_QUANTITY": quantity}
    return ExactSolution(decisions, cost, None if np.equal(message, None).all() else message)


def build_model(items: pd.DataFrame, params: SQParams) -> pyo.ConcreteModel:
    """The window model of each item, side by side in one ConcreteModel; under a fill rate each item's selection.

    REORDER_POINT and ORDER_QUANTITY are Expressions of the solved variables. An item without demand has s = Q = 0 and
    costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items, params)
    refuse(items, inputs.message)
    has_demand = inputs.demand.mean > 0
    sq_items = [_item(inputs, params, i) if has_demand[i] else None for i in range(len(items))]
    if params.service == "fill_rate" and (inputs.missed_share < 1).any():
        shares = zip(sq_items, inputs.missed_share, strict=True)
        return selection_model([NOTHING if item is None else fill_rate_choices(item, share) for item, share in shares])
    levels = []
    for item, share in zip(sq_items, inputs.missed_share, strict=True):
        if item is None:
            levels.append(NO_DEMAND)
        else:
            levels.append(window_levels(item, cycle_point(item.demand, share) if params.service == "cycle" else 0))
    return window_model(levels, all_hold_m=params.cost != "guide")


def _item(inputs: _Inputs, params: SQParams, i: int) -> SQItem:
    costs = (inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i])
    return SQItem(params.cost, inputs.demand.lead_time_demand(i), inputs.demand.mean[i], *costs)


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: at an inventory position of s or less, the fewest batches of Q that bring it above s; else 0.

    Q = 0 orders nothing. An item without a decision or without a known position gets NaN.

    >>> decisions = {"REORDER_POINT": np.array([3, 3, 3]), "ORDER_QUANTITY": np.array([5, 5, 0])}
    >>> order(decisions, pd.DataFrame({"inventory_position": [3, -7, 1]}))
    array([ 5., 15.,  0.])
    """
    s = np.asarray(decisions["REORDER_POINT"], float)
    quantity = np.asarray(decisions["ORDER_QUANTITY"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    batches = np.floor((s - position) / np.where(quantity > 0, quantity, 1.0)) + 1
    wanted = np.where((position <= s) & (quantity > 0), batches * quantity, 0.0)
    return np.where(np.isnan(s) | np.isnan(quantity) | np.isnan(position), np.nan, wanted)


def _example(name: str, item: Mapping[str, float], decisions: tuple[int, int], cost: float) -> Example:
    """A published instance of one item with Poisson demand; `decisions` are s and Q."""
    certain = {"lead_time_confidence": 0.0, "service_level": None, "demand_distribution": "poisson"}
    demand = {"demand_mean": np.array([item["demand_mean"]]), "demand_variance": None, "demand_pmf": None}
    return Example(
        name,
        ({**item, **certain, **demand},),
        {"cost": "time_weighted"},
        cost,
        {"REORDER_POINT": decisions[:1], "ORDER_QUANTITY": decisions[1:]},
        f"Snyder & Shen (2019), Fundamentals of Supply Chain Theory, {name}; optimum as in stockpyl's tests",
    )


_EXAMPLE_5_8 = {
    "fixed_order_cost": 100.0,
    "holding_cost": 20.0,
    "backorder_cost": 150.0,
    "lead_time": 2.0,
    "demand_mean": 1.5,
}
_PROBLEM_5_2 = {
    "fixed_order_cost": 4.0,
    "holding_cost": 4.0,
    "backorder_cost": 28.0,
    "lead_time": 0.5,
    "demand_mean": 12.0,
}

POLICY = Policy(
    name="s_q",
    title="reorder point and order quantity of each item",
    model_class="LP",
    algorithm="Federgruen-Zheng window; for the guide's cost a scan of s with closed-form Q",
    source="Federgruen & Zheng (1992), Operations Research 40(4)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=SQParams,
    decisions=("REORDER_POINT", "ORDER_QUANTITY"),
    build_model=build_model,
    order=order,
    examples=(
        _example("Example 5.8", _EXAMPLE_5_8, (3, 5), 107.92358063314975),
        _example("Problem 5.2", _PROBLEM_5_2, (6, 7), 28.241312842169155),
    ),
    solve_exact=solve_exact,
    # These take half of the time of HiGHS's own choice on the window model: there is nothing to presolve, and the
    # primal simplex passes few windows on its way. It must not perturb bounds: a bound of 0 moved by 1e-7 outweighs a
    # 1/Q of 1e-5, and costs a thousand times the iterations.
    highs_options={"presolve": "off", "simplex_strategy": 4, "primal_simplex_bound_perturbation_multiplier": 0.0},
)
