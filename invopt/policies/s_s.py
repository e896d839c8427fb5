"""(s, S): every morning, when an item's inventory position is s or less, order up to S.

Decides s and S of each item. The cost per day C(s, S) is exact for demand that is independent from day to day, in whole
units, and backordered when short. Stock and shortage are charged at the end of each day (`theory/s_s/cost.py`). s >= 0:
a negative s would order only when customers already wait, and would never order where lost sales are not recorded as
backorders.

A day's demand is Poisson, given by its probabilities, or Normal put on whole units with its mean kept
(`theory/demand/daily.py`). The demand over the lead time is the sum of such days; for a Normal and a pmf these are
whole days. A lead time that is uncertain is a mixture: what is on order counts in the position whenever it arrives.

The model is the linear program of the Markov decision process over the levels of the position after ordering
(`models/position_process.py`).

No `service` is offered: with such a constraint the best policy mixes two (s, S) at random, and no quick exact algorithm
is known for the best single one.

Source: Zheng & Federgruen (1991), Operations Research 39(4), 654-665; Snyder & Shen (2019), section 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.models.position_process import IDLE, SSCosts, position_levels, position_process
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.policies.s_q import INPUTS
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.s_s.search import best_order_up_to_levels

INPUT_COLUMNS = (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST, LEAD_TIME, LEAD_TIME_CONFIDENCE, *DEMAND)


class SSParams(Params):
    """(s, S) has none: what is short is backordered, the position is looked at once a day, and s is 0 or more."""


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used.

    demand : over the lead time + 1 day
    day_pmfs : of each item the probabilities of a day's demand; empty for the other forms
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    demand: ItemDemand
    day_pmfs: list[np.ndarray]

    @property
    def message(self) -> np.ndarray:
        return self.demand.message


def _read(items: pd.DataFrame) -> _Inputs:
    fixed_order_cost, holding_cost, backorder_cost = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        1,
    )
    for name, values in (("fixed_order_cost", fixed_order_cost), ("backorder_cost", backorder_cost)):
        note(demand.message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        demand.message,
        ~((holding_cost > 0) & np.isfinite(holding_cost)),
        "holding_cost is {value}, must be above 0",
        holding_cost,
    )
    is_normal = demand.form == NORMAL
    # a sum of rounded days needs whole days, as for a pmf
    demand.first_lead_time[is_normal] = whole_days(demand.first_lead_time[is_normal])
    day_pmfs = [np.zeros(0)] * len(items)
    for i in np.flatnonzero((demand.form == PMF) & np.equal(demand.message, None)):
        day_pmfs[i] = mean_pmf(items["demand_pmf"].iloc[i])
    return _Inputs(fixed_order_cost, holding_cost, backorder_cost, demand, day_pmfs)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SSParams) -> ExactSolution:
    """The best (s, S) of every item in one call; items are independent, so `offsets` makes no difference.

    An item whose mean demand is 0 has s = 0, S = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message. An item whose demand is counted in larger steps has a message that says so: its levels and its cost
    are those of demand in such steps.
    """
    inputs = _read(items)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    results = best_order_up_to_levels(
        form=demand.form[has_demand],
        demand_mean=demand.mean[has_demand],
        demand_variance=demand.variance[has_demand],
        first_lead_time=demand.first_lead_time[has_demand],
        n_lead_times=demand.n_lead_times[has_demand],
        holding_cost=inputs.holding_cost[has_demand],
        fixed_order_cost=inputs.fixed_order_cost[has_demand],
        backorder_cost=inputs.backorder_cost[has_demand],
        day_pmfs=[inputs.day_pmfs[i] for i in np.flatnonzero(has_demand)],
    )
    for value, result in zip(values, results[:3], strict=True):
        value[has_demand] = result
    step = np.ones(len(items))
    step[has_demand] = results.step
    note(
        message,
        step > 1,
        "demand is counted in steps of {value:g} units, since whole units would take too long: levels and cost are"
        " those of demand in steps",
        step,
    )
    decisions = {"REORDER_POINT": values[0], "ORDER_UP_TO_LEVEL": values[1]}
    return ExactSolution(decisions, values[2], None if np.equal(message, None).all() else message)


def build_model(items: pd.DataFrame, params: SSParams) -> pyo.ConcreteModel:
    """The linear program of each item, side by side in one ConcreteModel; an item without demand has s = S = 0.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items)
    refuse(items, inputs.message)
    levels = []
    for i in range(len(items)):
        costs = SSCosts(inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i])
        has_demand = inputs.demand.mean[i] > 0
        levels.append(position_levels(inputs.demand, i, inputs.day_pmfs[i], costs) if has_demand else IDLE)
    return position_process(levels)


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: at an inventory position of s or less, the units that lift it to S; else 0.

    S = s (an item without demand) orders nothing. An item without a decision or without a known position gets NaN.

    >>> decisions = {"REORDER_POINT": np.array([4, 4, 0]), "ORDER_UP_TO_LEVEL": np.array([10, 10, 0])}
    >>> order(decisions, pd.DataFrame({"inventory_position": [4, 5, -3]}))
    array([6., 0., 0.])
    """
    s = np.asarray(decisions["REORDER_POINT"], float)
    S = np.asarray(decisions["ORDER_UP_TO_LEVEL"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    wanted = np.where((position <= s) & (S > s), S - position, 0.0)
    return np.where(np.isnan(s) | np.isnan(S) | np.isnan(position), np.nan, wanted)


POLICY = Policy(
    name="s_s",
    title="reorder point and order-up-to level of each item",
    model_class="LP",
    algorithm="Dinkelbach's method on the cost per order cycle, over the renewal equation of the days",
    source="Zheng & Federgruen (1991), Operations Research 39(4)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=SSParams,
    decisions=("REORDER_POINT", "ORDER_UP_TO_LEVEL"),
    build_model=build_model,
    order=order,
    examples=(
        Example(
            "Example 4.7",
            (
                {
                    "fixed_order_cost": 5.0,
                    "holding_cost": 1.0,
                    "backorder_cost": 4.0,
                    "lead_time": 0.0,
                    "lead_time_confidence": 0.0,
                    "demand_distribution": "poisson",
                    "demand_mean": np.array([6.0]),
                    "demand_variance": None,
                    "demand_pmf": None,
                },
            ),
            {},
            8.034111561471642,
            {"REORDER_POINT": (4,), "ORDER_UP_TO_LEVEL": (10,)},
            "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, Example 4.7; optimum as in stockpyl's "
            "documentation",
        ),
    ),
    solve_exact=solve_exact,
)
