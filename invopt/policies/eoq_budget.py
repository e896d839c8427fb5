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

A product's demand is steady at the forecast's average and certain. It is ordered when its inventory position is
REORDER_POINT or less: the mean demand of the lead time and the day until the next look, rounded up. A product without
demand has Q = 0, cost 0, and no part in the row.

Source: Muckstadt & Sapra (2010), Principles of Inventory Management, section 2.4; Snyder & Shen (2019), sections 3.2
and 3.4; the technical guide of the Azure inventory optimization solution, section "EOQ policy", (8)-(9).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.errors import ParameterError
from invopt.models.allocation import allocation_model
from invopt.models.allocation_choices import open_choices
from invopt.models.eoq_curves import best_quantities, cost_of
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    PRICE_BREAK_COST,
    PRICE_BREAK_QUANTITY,
    STORAGE,
    STORAGE_COST_BUDGET,
    UNIT_COST,
    budgets,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import LARGEST_DEMAND, LONGEST_LEAD_TIME, period_means
from invopt.policies.inputs.messages import note, pass_on_messages, refuse
from invopt.policies.inputs.price_breaks import NO_BREAKS, PriceBreaks, price_breaks
from invopt.policies.s_q import order
from invopt.theory.budget.cost import HIGH, LOW, NO_TABLE, reciprocal_pieces
from invopt.theory.budget.search import allocate
from invopt.theory.demand.lead_time import WHOLE

# an order of more units than this comes from a holding cost that is a slip
LARGEST_QUANTITY = 1e12
REVIEW_DAYS = 1

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(storage_id AS string) AS storage_id,
    CAST(storage_cost_budget AS double) AS storage_cost_budget,
    CAST(fixed_order_cost AS double) AS fixed_order_cost,
    CAST(holding_cost AS double) AS holding_cost,
    CAST(unit_cost AS double) AS unit_cost,
    CAST(price_break_quantity AS array<double>) AS price_break_quantity,
    CAST(price_break_cost AS array<double>) AS price_break_cost,
    CAST(lead_time AS double) AS lead_time,
    CAST(demand_mean AS array<double>) AS demand_mean
FROM item_state
"""

DEMAND_MEAN = DEMAND[1]
INPUT_COLUMNS = (
    STORAGE,
    STORAGE_COST_BUDGET,
    FIXED_ORDER_COST,
    HOLDING_COST,
    UNIT_COST,
    PRICE_BREAK_QUANTITY,
    PRICE_BREAK_COST,
    LEAD_TIME,
    DEMAND_MEAN,
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


class _Inputs(NamedTuple):
    """(n,) arrays, (m,) budgets, and one message for each item that can't be used."""

    mean: np.ndarray
    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    unit_cost: np.ndarray
    reorder_point: np.ndarray
    budget: np.ndarray
    breaks: PriceBreaks
    message: np.ndarray


def _read(items: pd.DataFrame, offsets: np.ndarray, params: EOQBudgetParams) -> _Inputs:
    message = np.full(len(items), None, dtype=object)
    K, h, unit_cost, lead_time = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, UNIT_COST, LEAD_TIME)
    )
    mean, is_usable = period_means(objects(items, "demand_mean"))
    note(message, ~is_usable, "demand_mean must be a series of finite values of 0 or more")
    for name, values in (("fixed_order_cost", K), ("lead_time", lead_time)):
        note(message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        message,
        np.isfinite(lead_time) & (lead_time > LONGEST_LEAD_TIME),
        f"lead_time is {{value}}, must be at most {LONGEST_LEAD_TIME:g} days",
        lead_time,
    )
    note(
        message,
        mean * (1 + np.clip(lead_time, 0, LONGEST_LEAD_TIME)) > LARGEST_DEMAND,
        f"demand over the lead time passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    note(
        message,
        ~((h > 0) & np.isfinite(h)),
        "holding_cost is {value}, must be above 0, or the largest order were best",
        h,
    )
    budget = budgets(items, "storage_cost_budget", offsets, message)
    breaks = NO_BREAKS
    if params.discount != "none":
        note(message, ~((unit_cost > 0) & np.isfinite(unit_cost)), "unit_cost is {value}, must be above 0", unit_cost)
        breaks = price_breaks(items, unit_cost, message)
    if params.cost == "ordering":
        is_endless = np.repeat(np.isinf(budget), np.diff(offsets)) & (mean > 0)
        note(
            message,
            is_endless,
            "with cost: ordering the larger the order the cheaper, so storage_cost_budget is needed; set it, or "
            "cost: ordering_and_holding",
        )
    quantity = np.sqrt(2 * np.where(mean > 0, mean, 0.0) * np.maximum(K, 0) / np.where(h > 0, h, 1.0))
    note(
        message,
        (quantity > LARGEST_QUANTITY) & (h > 0),
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    pass_on_messages(items, message, offsets)
    # NaN where the inputs are wrong, and those items have a message
    reorder_point = np.where(mean > 0, np.ceil(mean * (lead_time + REVIEW_DAYS) - WHOLE), 0.0)
    return _Inputs(mean, K, h, unit_cost, reorder_point, budget, breaks, message)


class _Costs(NamedTuple):
    """The costs of the n items that are decided, as m pieces of `theory/budget/cost.py`.

    decided : (n,) array, positions of the items
    pieces, starts : item k has the pieces starts[k]:starts[k + 1]
    weight : (n,) array, what a unit of the order quantity takes from the budget
    """

    decided: np.ndarray
    pieces: np.ndarray
    starts: np.ndarray
    weight: np.ndarray

    @property
    def piece_item(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.decided)), np.diff(self.starts))


def _costs(inputs: _Inputs, params: EOQBudgetParams) -> _Costs:
    """f(Q) = lambda c_j + i e_j / 2 + (h_j / 2) Q + lambda (K + e_j) / Q on each range of quantities.

    e = 0 unless `discount: incremental`.
    """
    decided = np.flatnonzero(np.equal(inputs.message, None) & (inputs.mean > 0))
    mean, K, h, price = (
        values[decided] for values in (inputs.mean, inputs.fixed_order_cost, inputs.holding_cost, inputs.unit_cost)
    )
    weight = h / 2
    counts_holding = params.cost == "ordering_and_holding"
    if params.discount == "none":
        slope = weight if counts_holding else 0.0
        pieces = reciprocal_pieces(np.ones(len(decided)), LARGEST_QUANTITY, 0.0, slope, mean * K)
        return _Costs(decided, pieces, np.arange(len(decided) + 1), weight)
    item, low, high, cost, extra = _price_ranges(inputs, decided, price, params.discount == "incremental")
    a = mean[item]
    if not counts_holding:
        constant, slope = np.zeros(len(item)), np.zeros(len(item))
    elif params.holding == "with_price":
        rate = h[item] / price[item]
        constant, slope = rate * extra / 2, rate * cost / 2
    else:
        constant, slope = np.zeros(len(item)), weight[item]
    pieces = reciprocal_pieces(low, high, a * cost + constant, slope, a * (K[item] + extra))
    return _Costs(decided, pieces, np.searchsorted(item, np.arange(len(decided) + 1)), weight)


def _price_ranges(
    inputs: _Inputs, decided: np.ndarray, price: np.ndarray, is_incremental: bool
) -> tuple[np.ndarray, ...]:
    """The ranges of quantities with one price, in the order of the decided items.

    Returns
    -------
    item : (m,) array, the range's item among the decided ones
    low, high : (m,) arrays, units
    cost, extra : (m,) arrays: c_j, money/unit, and e_j, money/order
    """
    position = np.full(len(inputs.mean), -1)
    position[decided] = np.arange(len(decided))
    breaks = inputs.breaks
    is_decided = position[breaks.item] >= 0
    # each item's base price from 1 unit on, then its breaks
    item = np.concatenate([np.arange(len(decided)), position[breaks.item[is_decided]]])
    start = np.concatenate([np.ones(len(decided)), breaks.quantity[is_decided]])
    cost = np.concatenate([price, breaks.cost[is_decided]])
    by_item = np.argsort(item, kind="stable")
    item, start, cost = item[by_item], start[by_item], cost[by_item]
    is_base = np.diff(item, prepend=-1) != 0
    extra = np.zeros(len(item))
    if is_incremental and len(item):
        saved = np.where(is_base, 0.0, (np.concatenate([[0.0], cost[:-1]]) - cost) * start)
        total = np.cumsum(saved)
        extra = total - np.repeat(total[is_base], np.diff(np.append(np.flatnonzero(is_base), len(item))))
    low = np.maximum(1.0, np.ceil(start - WHOLE))
    high = np.where(np.append(is_base[1:], True), LARGEST_QUANTITY, np.append(low[1:], 0.0) - 1)
    is_range = low <= high
    return tuple(values[is_range] for values in (item, low, high, cost, extra))


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: EOQBudgetParams) -> ExactSolution:
    """The best Q of all items of each partition in one call.

    A partition with an item that can't be used, or whose budget is too small for one unit of each, has NaN and a
    message. Where the core was too hard, the cost is that of the best known plan, and `bound` says how far it may be
    from the optimum.
    """
    offsets = np.asarray(offsets, dtype=np.int64)
    inputs = _read(items, offsets, params)
    message = inputs.message
    costs = _costs(inputs, params)
    offsets_of_decided = np.searchsorted(costs.decided, offsets)
    plan = allocate(costs.pieces, NO_TABLE, costs.starts, costs.weight, offsets_of_decided, inputs.budget)
    for k in np.flatnonzero(np.isnan(plan.gap)):
        message[offsets[k] : offsets[k + 1]] = _too_small(inputs.budget[k], plan.least_use[k])
    is_decided = np.equal(message, None)
    quantity, cost = np.zeros(len(items)), np.zeros(len(items))
    quantity[costs.decided], cost[costs.decided] = plan.x, plan.cost
    quantity[~is_decided] = cost[~is_decided] = np.nan
    decisions = {
        "ORDER_QUANTITY": quantity,
        "REORDER_POINT": np.where(np.isnan(quantity), np.nan, inputs.reorder_point),
    }
    bound = None
    if (plan.gap > 0).any():
        total = np.add.reduceat(cost, offsets[:-1])
        bound = cost * np.repeat(1 - plan.gap / np.where(total > 0, total, 1.0), np.diff(offsets))
    return ExactSolution(decisions, cost, None if is_decided.all() else message, bound)


def _too_small(budget: float, least_use: float) -> str:
    return (
        f"storage_cost_budget is {budget:.10g}, but one unit of each item costs {least_use:.10g} on average: raise it "
        "to that or more"
    )


def build_model(items: pd.DataFrame, params: EOQBudgetParams) -> pyo.ConcreteModel:
    """The MILP over the open quantities of one partition; see the module's docstring and `models/allocation.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used, the budget is too small, or the model would be too large.
    """
    offsets = np.array([0, len(items)])
    inputs = _read(items, offsets, params)
    refuse(items, inputs.message)
    costs = _costs(inputs, params)
    pieces, item = costs.pieces, costs.piece_item
    budget = float(inputs.budget[0])
    first_of_item = pieces[costs.starts[:-1], LOW]
    if costs.weight @ first_of_item > budget * (1 + 1e-12):
        raise ParameterError(_too_small(budget, costs.weight @ first_of_item))
    best, cost = best_quantities(pieces, costs.weight[item]), cost_of(pieces)
    choices = open_choices(best, cost, item, pieces[:, LOW], pieces[:, HIGH], costs.weight, budget)
    model = allocation_model(
        len(items), costs.decided, choices, item, cost, costs.weight, np.isfinite(budget), "ORDER_QUANTITY"
    )
    model.REORDER_POINT = pyo.Expression(model.ITEMS, initialize=dict(enumerate(inputs.reorder_point.tolist())))
    return model


def _item(**changes: object) -> dict:
    item = {
        "storage_id": "1",
        "storage_cost_budget": None,
        "fixed_order_cost": 8.0,
        "holding_cost": 0.225,
        "unit_cost": 0.75,
        "price_break_quantity": None,
        "price_break_cost": None,
        "lead_time": 0.0,
        "demand_mean": np.array([1300.0]),
    }
    return {**item, **changes}


_BREAKS = {"price_break_quantity": np.array([400.0, 800.0]), "price_break_cost": np.array([0.72, 0.68])}
_LARGE = _item(
    fixed_order_cost=2250.0,
    holding_cost=372.5,
    unit_cost=1490.0,
    demand_mean=np.array([182500.0]),
    price_break_quantity=np.array([1200.0, 2400.0]),
    price_break_cost=np.array([1220.0, 1100.0]),
)
_BOOK = "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, "

POLICY = Policy(
    name="eoq_budget",
    title="order quantity of each product, the storage cost of all limited",
    model_class="MILP",
    algorithm="multiplier, reduced costs, list dynamic programme over the core",
    source="Muckstadt & Sapra (2010), Principles of Inventory Management, 2.4",
    partition_by=("location_id", "storage_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=EOQBudgetParams,
    decisions=("ORDER_QUANTITY", "REORDER_POINT"),
    build_model=build_model,
    order=order,
    examples=(
        Example(
            "Example 3.5, all units",
            (_item(**_BREAKS),),
            {"discount": "all_units", "holding": "with_price"},
            978.6,
            {"ORDER_QUANTITY": (800,)},
            _BOOK + "Example 3.5",
        ),
        Example(
            "Problem 3.12, all units",
            (_LARGE,),
            {"discount": "all_units", "holding": "with_price"},
            201251093.75,
            {"ORDER_QUANTITY": (2400,)},
            _BOOK + "Problem 3.12",
        ),
        Example(
            "Example 3.1",
            (_item(),),
            {},
            68.41052550594829,
            {"ORDER_QUANTITY": (304,)},
            _BOOK + "Example 3.1: Q = 304.05 for real quantities, 304 for whole ones",
        ),
        Example(
            "Problem 3.12, incremental",
            (_LARGE,),
            {"discount": "incremental", "holding": "with_price"},
            208678591.67992836,
            {"ORDER_QUANTITY": (28553,)},
            _BOOK + "Problem 3.12: Q = 28553.06 for real quantities, 28553 for whole ones",
        ),
    ),
    solve_exact=solve_exact,
)
