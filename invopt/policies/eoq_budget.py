"""EOQ under a budget: how much to order of each product of a storage space whose average storage cost is limited.

    minimize    sum_i K_i lambda_i / Q_i + h_i Q_i / 2
    subject to  sum_i h_i Q_i / 2 <= b            average storage cost a day of all that lies in the space
                Q_i whole, 1 or more

`cost: ordering` leaves out the second term, as the technical guide does.

With `discount` the supplier's prices join: lambda_i c_i(Q) a day, where c_i(Q) is the cost of a unit in an order of Q.

    all_units     c(Q) = c_j for b_j <= Q < b_{j+1}                   every unit of the order has the price
    incremental   c(Q) = c_j + e_j / Q                                only the units beyond a break have its price
                  e_j = sum_{k<=j} (c_{k-1} - c_k) b_k

c_0 is unit_cost, and the breaks and prices are price_break_quantity and price_break_cost. With `holding: with_price` a
unit's holding cost follows the price that was paid (h c(Q) / unit_cost, as in textbooks, where h is interest). With
`per_unit` it is holding_cost whatever was paid. The budget's row counts holding_cost in both.

The cost is money per day. Purchases are in it only with a discount, because without one they don't depend on Q.

The model is a MILP over the quantities that are open: `models/allocation_choices.py` proves, from a price of the budget
and the cost of one plan that fits, that all others are in no optimal solution. Without that, 1,000 products would need
11 million columns.

The price storage_cost_budget is what one more unit of the budget is worth: money a day, per money a day of storage.

A product's demand is steady at the forecast's average and certain. It is ordered when its inventory position is
REORDER_POINT or less: the mean demand of the lead time and the day until the next look, rounded up. A product without
demand has Q = 0, cost 0, and no part in the row.

Source: Muckstadt & Sapra (2010), Principles of Inventory Management, section 2.4; Snyder & Shen (2019), sections 3.2
and 3.4; the technical guide of the Azure inventory optimization solution, section "EOQ policy", (8)-(9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from invopt.models.eoq_curves import best_quantities, cost_of
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.columns import STORAGE, STORAGE_COST_BUDGET
from invopt.policies.inputs.eoq import EOQ_COLUMNS, EOQInputs, eoq_inputs
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.shared_budget import Curves, SharedBudget, answer_under_budget, model_under_budget
from invopt.theory import order_rules
from invopt.theory.budget.cost import HIGH, LOW, NO_TABLE, costs_at
from invopt.theory.eoq.pieces import order_pieces
from invopt.theory.order_rules import Stock

SHARED = SharedBudget(
    "storage_cost_budget",
    "ORDER_QUANTITY",
    "storage_cost_budget is {budget:.10g}, but one unit of each item costs {least_use:.10g} on average: raise it to "
    "that or more",
)


class EOQBudgetParams(Params):
    """Parameters of the EOQ.

    cost : minimizes ordering and holding, or ordering alone (the guide's; it needs a budget)
    discount : none ignores the price breaks; the module's docstring explains all_units and incremental
    holding : per_unit, or with_price: a unit that was cheaper to buy is cheaper to hold
    """

    cost: Literal["ordering_and_holding", "ordering"] = "ordering_and_holding"
    discount: Literal["none", "all_units", "incremental"] = "none"
    holding: Literal["per_unit", "with_price"] = "per_unit"


def _read(items: Items, params: EOQBudgetParams) -> tuple[EOQInputs, np.ndarray]:
    """The columns, and the budget of each partition, (m,) money/day."""
    inputs = eoq_inputs(items, has_discount=params.discount != "none")
    if params.cost == "ordering":
        items.refuse(
            np.isnan(items.numbers("storage_cost_budget")) & (inputs.mean > 0),
            "with cost: ordering the larger the order the cheaper, so storage_cost_budget is needed; set it, or "
            "cost: ordering_and_holding",
        )
    return inputs, SHARED.of_partitions(items)


def _pieces(inputs: EOQInputs, chosen: np.ndarray, params: EOQBudgetParams) -> tuple[np.ndarray, np.ndarray]:
    """(pieces, starts) of the chosen items' costs, as in `theory/eoq/pieces.py`."""
    return order_pieces(
        *(values[chosen] for values in inputs[:4]),
        inputs.breaks.of(chosen),
        discount=params.discount,
        has_holding=params.cost == "ordering_and_holding",
        holds_with_price=params.holding == "with_price",
    )


def algorithm(items: Items, params: EOQBudgetParams) -> Answer:
    """The best Q of all items of each partition in one call, or the best known plan with a bound.

    A partition whose budget is too small for one unit of each item is refused.
    """
    inputs, budget = _read(items, params)
    decided = items.is_usable & (inputs.mean > 0)
    pieces, starts = _pieces(inputs, decided, params)
    weight = inputs.holding_cost[decided] / 2
    answer = answer_under_budget(items, SHARED, decided, (pieces, NO_TABLE, starts), weight, budget)
    reorder_point = np.where(items.is_usable, inputs.reorder_point, np.nan)
    return answer._replace(decisions={**answer.decisions, "REORDER_POINT": reorder_point})


def build_model(items: Items, params: EOQBudgetParams) -> pyo.ConcreteModel:
    """The MILP over the open quantities of one partition; see the module's docstring and `models/allocation.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used, the budget is too small, or the model would be too large.
    """
    inputs, budget = _read(items, params)
    items.raise_problems()
    decided = inputs.mean > 0
    pieces, starts = _pieces(inputs, decided, params)
    weight, item = inputs.holding_cost[decided] / 2, np.repeat(np.arange(decided.sum()), np.diff(starts))
    curves = Curves(best_quantities(pieces, weight[item]), cost_of(pieces), item, pieces[:, LOW], pieces[:, HIGH])
    model = model_under_budget(len(items), SHARED, decided, curves, weight, float(budget[0]))
    model.REORDER_POINT = pyo.Expression(model.ITEMS, initialize=dict(enumerate(inputs.reorder_point.tolist())))
    return model


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: EOQBudgetParams) -> np.ndarray:
    """The cost of any Q of 1 or more, money/day; 0 where an item without demand is not ordered.

    A Q between two whole numbers has the price of the one below. The reorder point and the budget do not count in it.
    """
    inputs = eoq_inputs(items, has_discount=params.discount != "none")
    quantity = np.asarray(decisions["ORDER_QUANTITY"], dtype=float)
    is_idle = (inputs.mean == 0) & (quantity == 0)
    chosen = items.is_usable & (inputs.mean > 0)
    costs = np.where(items.is_usable & is_idle, 0.0, np.nan)
    pieces, starts = _pieces(inputs, chosen, params)
    costs[chosen] = costs_at(pieces, NO_TABLE, starts, quantity[chosen])
    return costs


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.in_batches`."""
    return order_rules.in_batches(decisions["REORDER_POINT"], decisions["ORDER_QUANTITY"], stock)


def _example(name: str, columns: dict[str, Any], params: dict[str, str], found: tuple[int, float]) -> Example:
    """A published instance of one item without a budget; Q and its cost.

    The book's quantities are real: where it does not order at a price break, the cost is that of the whole Q beside.
    """
    item = {"storage_id": "1", "storage_cost_budget": None, "lead_time": 0.0, **columns}
    source = f"Snyder & Shen (2019), Fundamentals of Supply Chain Theory, {name}, in whole units"
    return Example(name, (item,), params, found[1], {"ORDER_QUANTITY": found[:1]}, source)


def _columns(K: float, h: float, c: float, mean: float, break_quantity: list, break_cost: list) -> dict[str, Any]:
    breaks = {"price_break_quantity": np.array(break_quantity), "price_break_cost": np.array(break_cost)}
    costs = {"fixed_order_cost": K, "holding_cost": h, "unit_cost": c}
    return {**costs, "demand_mean": np.array([mean]), **breaks}


_SMALL = _columns(8.0, 0.225, 0.75, 1300.0, [400.0, 800.0], [0.72, 0.68])
_LARGE = _columns(2250.0, 372.5, 1490.0, 182500.0, [1200.0, 2400.0], [1220.0, 1100.0])
_ALL_UNITS = {"discount": "all_units", "holding": "with_price"}
_INCREMENTAL = {"discount": "incremental", "holding": "with_price"}

POLICY = Policy(
    name="eoq_budget",
    about=About(
        "order quantity of each product, the storage cost of all limited",
        "MILP",
        "Muckstadt & Sapra (2010), Principles of Inventory Management, 2.4",
        "multiplier, reduced costs, list dynamic programme over the core",
    ),
    decides=(
        Decision("ORDER_QUANTITY", "units", "an order has this many units, or a multiple"),
        Decision("REORDER_POINT", "units", "order at an inventory position of this or less"),
    ),
    needs=(STORAGE, STORAGE_COST_BUDGET, *EOQ_COLUMNS),
    params=EOQBudgetParams,
    build_model=build_model,
    cost=cost,
    order=order,
    examples=(
        _example("Example 3.5, all units", _SMALL, _ALL_UNITS, (800, 978.6)),
        _example("Problem 3.12, all units", _LARGE, _ALL_UNITS, (2400, 201251093.75)),
        _example("Example 3.1", _SMALL, {}, (304, 68.41052550594829)),
        _example("Problem 3.12, incremental", _LARGE, _INCREMENTAL, (28553, 208678591.67992836)),
    ),
    algorithm=algorithm,
    partition_by=("location_id", "storage_id"),
    prices={"storage_cost_budget": ""},
)
