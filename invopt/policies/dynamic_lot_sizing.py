"""Dynamic lot sizing: when to order how much of each item, for demand and costs that change from period to period.

Demand is the forecast's mean, taken as certain. Stock and what is on order (the inventory position) are used first,
what is on order from the day on which it arrives. An order placed in period t arrives in t + L. So the orders have to
cover r_t, the net requirement of `theory/lot_sizing/net_requirements.py`. It is in whole units, because the cumulative
demand is rounded up to whole units. Over the periods t = 0..T-L-1 whose orders arrive within the plan:

    minimize    (1/T) sum_t K_t [Q_t > 0] + c_t Q_t + h_{t+L} x_t
    subject to  x_t = x_{t-1} + Q_t - r_t >= 0      units of the orders that are left at the end of t + L

The cost is money per day over the T days of the plan. K_t and c_t are those of the day on which the order is placed,
h is that of the day on which a unit lies in stock.

The model is a shortest path from period 0 to the end: an arc is an order and the periods that it covers. See
`models/path.py`, which also proves which arcs can be left out.

Demand before the first possible arrival that stock doesn't cover is late whatever is planned. It costs nothing here,
the first arrival brings its quantity, and the message says how much. The stock there is now costs the same under every
plan, so its cost is left out.

The plan has no demand after its last period, so its last orders are smaller than those of a longer plan. So choose a
horizon of several orders, and plan anew every few days.

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96; Snyder & Shen (2019), section 3.7; the technical guide
of the Azure inventory optimization solution, section "Dynamic Lot Sizing policy", which has one K and one h, no lead
time and no stock.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyomo.environ as pyo

from invopt.models.path import order_arcs, path_model
from invopt.policies.base import About, Answer, Example, Params, Policy
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.lot_sizing import PLAN_COLUMNS, lot_sizing_inputs
from invopt.policies.inputs.plan import PLAN, given_quantities, plan_decisions
from invopt.theory import order_rules
from invopt.theory.lot_sizing.given_plan import given_plan_costs
from invopt.theory.lot_sizing.search import best_orders
from invopt.theory.order_rules import Stock


class DynamicLotSizingParams(Params):
    """There are none: what is short before the first order arrives is backordered, and later nothing is short."""


def algorithm(items: Items, params: DynamicLotSizingParams) -> Answer:
    """The best plan of every item in one call.

    Decisions have as many periods as the longest plan of the bucket; after an item's own end they hold no orders and
    its last level.
    """
    inputs = lot_sizing_inputs(items)
    quantity, cost = best_orders(
        inputs.requirements.requirement,
        inputs.requirements.n_open,
        inputs.lead_time,
        inputs.fixed_order_cost,
        inputs.unit_cost,
        inputs.holding_cost,
    )
    cost /= np.maximum(inputs.n_periods, 1)
    cost[~items.is_usable] = np.nan
    return Answer(plan_decisions(items, inputs, quantity), cost)


def build_model(items: Items, params: DynamicLotSizingParams) -> pyo.ConcreteModel:
    """The path model of each item, side by side in one ConcreteModel; see `models/path.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs = lot_sizing_inputs(items)
    items.raise_problems()
    requirements = inputs.requirements
    needs = zip(requirements.requirement, requirements.n_open, strict=True)
    arcs = [order_arcs(need[:n_open], *inputs.costs_of(i)) for i, (need, n_open) in enumerate(needs)]
    return path_model(arcs, requirements, inputs.n_periods)


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: DynamicLotSizingParams) -> np.ndarray:
    """The objective at any plan, money/day.

    It is NaN where a requirement is not covered, an order would arrive after the plan, or a quantity is not known. Only
    ORDER_QUANTITY counts: the levels follow from it.
    """
    inputs = lot_sizing_inputs(items)
    quantity = given_quantities(decisions, inputs)
    prices = inputs.fixed_order_cost, inputs.unit_cost, inputs.holding_cost
    costs = given_plan_costs(quantity, inputs.requirements, inputs.lead_time, *prices)
    return np.where(items.is_usable, costs / np.maximum(inputs.n_periods, 1), np.nan)


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.as_planned`."""
    return order_rules.as_planned(decisions["ORDER_QUANTITY"], decisions["ORDER_UP_TO_LEVEL"], stock)


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
        "scheduled_receipts": None,
        "lead_time": 0.0,
        "demand_mean": np.array(demand, float),
    }
    # the published cost is that of the whole plan
    return Example(name, (item,), {}, cost / len(demand), {"ORDER_QUANTITY": (orders,)}, source)


POLICY = Policy(
    name="dynamic_lot_sizing",
    about=About(
        "orders of each item over the coming periods, for demand that changes",
        "LP",
        "Wagner & Whitin (1958), Management Science 5(1)",
        "Wagner-Whitin by Wagelmans, van Hoesel & Kolen",
    ),
    decides=PLAN,
    needs=PLAN_COLUMNS,
    params=DynamicLotSizingParams,
    build_model=build_model,
    cost=cost,
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
    algorithm=algorithm,
    # the simplex method solves a path over 28 days sooner than presolve finds that it can leave out little
    solver_options={"highs": {"presolve": "off"}},
)
