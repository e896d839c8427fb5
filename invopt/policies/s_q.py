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
from typing import Literal

import numpy as np
import pyomo.environ as pyo

from invopt.models.fill_rate_choices import fill_rate_choices
from invopt.models.selection import NOTHING, selection_model
from invopt.models.window import NO_DEMAND, window_model
from invopt.models.window_levels import SQItem, window_levels
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.columns import LEAD_TIME_DEMAND, SERVICE_LEVEL, STOCK_COSTS
from invopt.policies.inputs.each_item import answer_each, cost_each, whole_decisions
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.service import service_shares
from invopt.policies.inputs.stock_inputs import StockInputs, stock_inputs
from invopt.theory import order_rules
from invopt.theory.order_rules import Stock
from invopt.theory.s_q.cost import reorder_point_cost, review_days
from invopt.theory.s_q.search import LARGEST_QUANTITY, best_reorder_points
from invopt.theory.s_q.search_cycle_service import cycle_points
from invopt.theory.s_q.search_fill_rate import LARGEST_TABLE, best_reorder_points_with_fill_rate
from invopt.theory.s_q.search_service_points import cycle_point

DECIDES = (
    Decision("REORDER_POINT", "units", "order at an inventory position of this or less"),
    Decision("ORDER_QUANTITY", "units", "an order has this many units, or a multiple"),
)


class SQParams(Params):
    """Parameters of (s, Q).

    cost : the definition of a day's cost, as in `theory/s_q/cost.py`
    service : what the column service_level asks for, see the module's docstring; NULL asks for nothing
    """

    cost: Literal["daily_review", "time_weighted", "guide"] = "daily_review"
    service: Literal["none", "cycle", "fill_rate"] = "none"


def algorithm(items: Items, params: SQParams) -> Answer:
    """The best (s, Q) of every item in one call; an item without demand has s = Q = 0 and costs nothing."""
    inputs, share = stock_inputs(items, review_days(params.cost)), service_shares(params.service, items)

    def search(chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        columns = inputs.columns_of(chosen)
        columns |= {"is_guide": params.cost == "guide", "lead_time_pmfs": inputs.demand.pmfs_of(chosen)}
        if params.service == "fill_rate":
            return best_reorder_points_with_fill_rate(**columns, fill_share=share[chosen])
        if params.service == "cycle":
            columns["smallest_point"] = cycle_points(share, inputs.demand, chosen)
        return best_reorder_points(**columns)

    answer = answer_each(items, DECIDES, inputs.has_demand, search)
    items.refuse(
        items.is_usable & np.isnan(answer.cost),
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    items.refuse(
        np.isinf(answer.cost),
        f"demand varies over more than {LARGEST_TABLE:g} units: too many for a fill rate; count in larger units",
    )
    for values in (*answer.decisions.values(), answer.cost):
        values[~items.is_usable] = np.nan
    return answer


def build_model(items: Items, params: SQParams) -> pyo.ConcreteModel:
    """The window model of each item, side by side in one ConcreteModel; under a fill rate each item's selection.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs, share = stock_inputs(items, review_days(params.cost)), service_shares(params.service, items)
    items.raise_problems()
    sq_items = [_item(inputs, params, i) if mean > 0 else None for i, mean in enumerate(inputs.demand.mean)]
    shares = list(zip(sq_items, share, strict=True))
    if params.service == "fill_rate" and (share < 1).any():
        return selection_model(
            [NOTHING if item is None else fill_rate_choices(item, missed) for item, missed in shares]
        )
    is_cycle = params.service == "cycle"
    levels = [
        NO_DEMAND if item is None else window_levels(item, cycle_point(item.demand, missed) if is_cycle else 0)
        for item, missed in shares
    ]
    return window_model(levels, all_hold_m=params.cost != "guide")


def _item(inputs: StockInputs, params: SQParams, i: int) -> SQItem:
    costs = (inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i])
    return SQItem(params.cost, inputs.demand.lead_time_demand(i), inputs.demand.mean[i], *costs)


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: SQParams) -> np.ndarray:
    """C(s, Q) of any whole s >= 0 and Q >= 1, money/day, NaN of others; the service does not count in it."""
    inputs = stock_inputs(items, review_days(params.cost))

    def cost_of(i: int, s: float, quantity: float) -> float:
        if s < 0 or quantity < 1:
            return np.nan
        item = _item(inputs, params, i)
        costs = (item.holding_cost, item.fixed_order_cost, item.backorder_cost)
        return reorder_point_cost(params.cost, int(s), int(quantity), item.demand, item.demand_mean, *costs)

    return cost_each(items, DECIDES, whole_decisions(DECIDES, decisions), inputs.has_demand, cost_of)


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.in_batches`."""
    return order_rules.in_batches(decisions["REORDER_POINT"], decisions["ORDER_QUANTITY"], stock)


def _example(name: str, numbers: tuple[float, ...], decisions: tuple[int, int], cost: float) -> Example:
    """A published instance of one item with Poisson demand: K, h, p, L, a; s and Q; C."""
    names = ("fixed_order_cost", "holding_cost", "backorder_cost", "lead_time")
    certain = {"lead_time_confidence": 0.0, "service_level": None, "demand_distribution": "poisson"}
    demand = {"demand_mean": np.array(numbers[4:]), "demand_variance": None, "demand_pmf": None}
    return Example(
        name,
        ({**dict(zip(names, numbers, strict=False)), **certain, **demand},),
        {"cost": "time_weighted"},
        cost,
        {"REORDER_POINT": decisions[:1], "ORDER_QUANTITY": decisions[1:]},
        f"Snyder & Shen (2019), Fundamentals of Supply Chain Theory, {name}; optimum as in stockpyl's tests",
    )


POLICY = Policy(
    name="s_q",
    about=About(
        "reorder point and order quantity of each item",
        "LP",
        "Federgruen & Zheng (1992), Operations Research 40(4)",
        "Federgruen-Zheng window; for the guide's cost a scan of s with closed-form Q",
    ),
    decides=DECIDES,
    needs=(*STOCK_COSTS, SERVICE_LEVEL, *LEAD_TIME_DEMAND),
    params=SQParams,
    build_model=build_model,
    cost=cost,
    order=order,
    examples=(
        _example("Example 5.8", (100.0, 20.0, 150.0, 2.0, 1.5), (3, 5), 107.92358063314975),
        _example("Problem 5.2", (4.0, 4.0, 28.0, 0.5, 12.0), (6, 7), 28.241312842169155),
    ),
    algorithm=algorithm,
    # These take half of the time of HiGHS's own choice on the window model: there is nothing to presolve, and the
    # primal simplex passes few windows on its way. It must not perturb bounds: a bound of 0 moved by 1e-7 outweighs a
    # 1/Q of 1e-5, and costs a thousand times the iterations.
    solver_options={
        "highs": {"presolve": "off", "simplex_strategy": 4, "primal_simplex_bound_perturbation_multiplier": 0.0}
    },
)
