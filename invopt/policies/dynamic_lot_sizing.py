"""Dynamic lot sizing: when to order how much of each item, for demand and costs that change from period to period.

Demand is the forecast's mean, taken as certain. Stock and what is on order (the inventory position) are used first, and
an order placed in period t arrives in t + L. So the orders have to cover r_t, the net requirement of
`theory/lot_sizing/net_requirements.py`. It is in whole units, because the cumulative demand is rounded up to whole
units. Over the periods t = 0..T-L-1 whose orders arrive within the plan:

    minimize    (1/T) sum_t K_t [Q_t > 0] + c_t Q_t + h_{t+L} x_t
    subject to  x_t = x_{t-1} + Q_t - r_t >= 0      units of the orders that are left at the end of t + L

The cost is money per day over the T days of the plan. K_t and c_t are those of the day on which the order is placed,
h is that of the day on which a unit lies in stock.

The model is a shortest path from period 0 to the end: an arc is an order and the periods that it covers. See
`models/path.py`, which also proves which arcs can be left out.

Demand before the first possible arrival that stock doesn't cover is late whatever is planned. It costs nothing here,
the first arrival brings its quantity, and the message says how much. The stock there is now costs the same under every
plan, so its cost is left out. Everything on order counts as if it were there from the start.

The plan has no demand after its last period, so its last orders are smaller than those of a longer plan. So choose a
horizon of several orders, and plan anew every few days.

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96; Snyder & Shen (2019), section 3.7; the technical guide
of the Azure inventory optimization solution, section "Dynamic Lot Sizing policy", which has one K and one h, no lead
time and no stock.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.models.path import order_arcs, path_model
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import DEMAND, LEAD_TIME, numbers, objects
from invopt.policies.inputs.lot_sizing import LotSizingInputs, lot_sizing_inputs
from invopt.policies.inputs.messages import refuse
from invopt.tables.columns import Column
from invopt.theory.lot_sizing.net_requirements import order_up_to_levels
from invopt.theory.lot_sizing.search import best_orders

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(array(fixed_order_cost) AS array<double>) AS fixed_order_cost,
    CAST(array(holding_cost) AS array<double>) AS holding_cost,
    CAST(array(coalesce(unit_cost, 0)) AS array<double>) AS unit_cost,
    CAST(inventory_position AS double) AS inventory_position,
    CAST(lead_time AS double) AS lead_time,
    CAST(demand_mean AS array<double>) AS demand_mean
FROM item_state
"""

FIXED_ORDER_COSTS = Column(
    "fixed_order_cost",
    "array<double>",
    "money/order",
    "cost of an order, by the day it is placed: one value for all days, or one for each",
    is_nullable=False,
)
UNIT_COSTS = Column(
    "unit_cost",
    "array<double>",
    "money/unit",
    "what a unit costs to buy and ship, by the day it is ordered: one value for all days, or one for each; NULL is 0",
)
HOLDING_COSTS = Column(
    "holding_cost",
    "array<double>",
    "money/unit/day",
    "cost of a unit in stock at the end of the day: one value for all days, or one for each",
    is_nullable=False,
)
INVENTORY_POSITION = Column(
    "inventory_position",
    "double",
    "units",
    "on hand, less what will expire, and on order; negative when units are owed",
    is_nullable=False,
)
DEMAND_MEAN = next(column for column in DEMAND if column.name == "demand_mean")
INPUT_COLUMNS = (FIXED_ORDER_COSTS, HOLDING_COSTS, UNIT_COSTS, INVENTORY_POSITION, LEAD_TIME, DEMAND_MEAN)


class DynamicLotSizingParams(Params):
    """There are none: what is short before the first order arrives is backordered, and later nothing is short."""


def read(items: pd.DataFrame, horizon: np.ndarray | None = None) -> LotSizingInputs:
    """The columns as arrays; `horizon` as in `lot_sizing_inputs`."""
    columns = (objects(items, column.name) for column in (DEMAND_MEAN, FIXED_ORDER_COSTS, UNIT_COSTS, HOLDING_COSTS))
    return lot_sizing_inputs(*columns, numbers(items, "inventory_position"), numbers(items, "lead_time"), horizon)


def note_short(message: np.ndarray, inputs: LotSizingInputs) -> None:
    """Notes what is late whatever is planned; an item that has a message already can't be planned at all."""
    is_short = np.equal(message, None) & (inputs.requirements.short > 0)
    if is_short.any():
        for i in np.flatnonzero(is_short):
            message[i] = (
                f"{inputs.requirements.short[i]:.0f} units are late until the first order can arrive, on day "
                f"{inputs.lead_time[i]}"
            )


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: DynamicLotSizingParams) -> ExactSolution:
    """The best plan of every item in one call; items are independent, so `offsets` makes no difference.

    Decisions have as many periods as the longest plan of the bucket; after an item's own end they hold no orders and
    its last level.
    """
    inputs = read(items)
    requirements, message = inputs.requirements, inputs.message
    quantity, cost = best_orders(
        requirements.requirement,
        requirements.n_open,
        inputs.lead_time,
        inputs.fixed_order_cost,
        inputs.unit_cost,
        inputs.holding_cost,
    )
    level = order_up_to_levels(quantity, requirements)
    cost /= np.maximum(inputs.n_periods, 1)
    is_bad = np.not_equal(message, None)
    cost[is_bad] = quantity[is_bad] = level[is_bad] = np.nan
    for i in np.flatnonzero(inputs.n_periods < quantity.shape[1]):
        level[i, inputs.n_periods[i] :] = level[i, inputs.n_periods[i] - 1]
    note_short(message, inputs)
    return ExactSolution(
        {"ORDER_QUANTITY": quantity, "ORDER_UP_TO_LEVEL": level},
        cost,
        None if np.equal(message, None).all() else message,
    )


def build_model(items: pd.DataFrame, params: DynamicLotSizingParams) -> pyo.ConcreteModel:
    """The path model of each item, side by side in one ConcreteModel; see `models/path.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs = read(items)
    refuse(items, inputs.message)
    requirements = inputs.requirements
    needs = zip(requirements.requirement, requirements.n_open, strict=True)
    arcs = [order_arcs(need[:n_open], *inputs.costs_of(i)) for i, (need, n_open) in enumerate(needs)]
    return path_model(arcs, requirements, inputs.n_periods)


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: on a day of a planned order, what lifts the position to the plan's level; else 0.

    A planned order that is newer than the item's last order counts as today's: its day had no order run. The next order
    also makes up for what was sold more or less than forecast.

    `state` has `period`, whole days since the plan was made (0 on its day), `days_since_order` (NaN: never) and
    `inventory_position`. After the last period, and where the decision or the position is unknown, the quantity is NaN.

    >>> decisions = {"ORDER_QUANTITY": np.array([[3.0, 0.0]] * 3), "ORDER_UP_TO_LEVEL": np.array([[7.0, 5.0]] * 3)}
    >>> state = {"inventory_position": [2.5, 9.0, 2.0], "period": [0, 0, 1], "days_since_order": [9, 9, 1]}
    >>> order(decisions, pd.DataFrame(state))
    array([5., 0., 0.])
    """
    quantity, level = (np.asarray(decisions[name], float) for name in ("ORDER_QUANTITY", "ORDER_UP_TO_LEVEL"))
    position = state["inventory_position"].to_numpy(dtype=float, na_value=np.nan)
    period = state["period"].to_numpy(dtype=float, na_value=np.nan)
    if quantity.ndim == 1:  # a plan of one period comes without the axis
        quantity, level = quantity[:, None], level[:, None]
    is_planned = (period >= 0) & (period < quantity.shape[1])
    today = np.where(is_planned, period, 0).astype(np.int64)
    at = np.arange(len(quantity)), today
    is_known = is_planned & np.isfinite(quantity[at]) & np.isfinite(level[at]) & np.isfinite(position)
    last_ordered = period - state["days_since_order"].to_numpy(dtype=float, na_value=np.nan)
    days = np.arange(quantity.shape[1])
    is_waiting = (days <= today[:, None]) & ~(days <= last_ordered[:, None]) & (quantity > 0)
    # whole units; a level that only rounding keeps from being reached is reached
    wanted = np.where(is_waiting.any(axis=1), np.maximum(0.0, np.ceil(level[at] - position - 1e-6)), 0.0)
    return np.where(is_known, wanted, np.nan)


def _example(
    name: str,
    demand: list,
    fixed_order_cost: list,
    holding_cost: list,
    unit_cost: list | None,
    orders: list,
    cost: float,
    source: str,
) -> Example:
    item = {
        "fixed_order_cost": np.array(fixed_order_cost, float),
        "holding_cost": np.array(holding_cost, float),
        "unit_cost": None if unit_cost is None else np.array(unit_cost, float),
        "inventory_position": 0.0,
        "lead_time": 0.0,
        "demand_mean": np.array(demand, float),
    }
    # the published cost is that of the whole plan
    return Example(name, (item,), {}, cost / len(demand), {"ORDER_QUANTITY": (orders,)}, source)


POLICY = Policy(
    name="dynamic_lot_sizing",
    title="orders of each item over the coming periods, for demand that changes",
    model_class="LP",
    algorithm="Wagner-Whitin by Wagelmans, van Hoesel & Kolen",
    source="Wagner & Whitin (1958), Management Science 5(1)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=DynamicLotSizingParams,
    decisions=("ORDER_QUANTITY", "ORDER_UP_TO_LEVEL"),
    build_model=build_model,
    order=order,
    examples=(
        _example(
            "Wagner & Whitin's table 1",
            [69, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56],
            [85, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114],
            [1],
            None,
            [98, 0, 97, 0, 121, 0, 0, 112, 0, 67, 135, 0],
            864,
            "Wagner & Whitin (1958), Management Science 5(1), 89-96, table 1",
        ),
        _example(
            "Example 3.9",
            [90, 120, 80, 70],
            [500],
            [2],
            None,
            [210, 0, 150, 0],
            1380,
            "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, Example 3.9",
        ),
        _example(
            "changing unit cost",
            [400, 500, 500, 1100, 900],
            [100],
            [0.1],
            [3, 1, 4, 6, 6],
            [400, 3000, 0, 0, 0],
            4940,
            "a Wagner-Whitin instance with purchase costs; optimum as in stockpyl's tests",
        ),
    ),
    solve_exact=solve_exact,
    # the simplex method solves a path over 28 days sooner than presolve finds that it can leave out little
    highs_options={"presolve": "off"},
)
