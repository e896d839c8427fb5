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
from typing import Any

import numpy as np
import pyomo.environ as pyo

from invopt.models.position_process import IDLE, SSCosts, position_levels, position_process
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.columns import LEAD_TIME_DEMAND, STOCK_COSTS
from invopt.policies.inputs.day_demand import day_pmfs
from invopt.policies.inputs.each_item import answer_each, whole_decisions
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.stock_inputs import StockInputs, stock_inputs
from invopt.theory import order_rules
from invopt.theory.demand.codes import NORMAL
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.order_rules import Stock
from invopt.theory.s_s.cost import order_up_to_costs
from invopt.theory.s_s.search import best_order_up_to_levels

DECIDES = (
    Decision("REORDER_POINT", "units", "order at an inventory position of this or less"),
    Decision("ORDER_UP_TO_LEVEL", "units", "an order lifts the inventory position to this"),
)


class SSParams(Params):
    """(s, S) has none: what is short is backordered, the position is looked at once a day, and s is 0 or more."""


def _read(items: Items) -> tuple[StockInputs, list[np.ndarray]]:
    """Costs and demand over the lead time + 1 day, and of each item the probabilities of a day's demand."""
    inputs = stock_inputs(items, 1)
    is_normal = inputs.demand.form == NORMAL
    # a sum of rounded days needs whole days, as for a pmf
    inputs.demand.first_lead_time[is_normal] = whole_days(inputs.demand.first_lead_time[is_normal])
    return inputs, day_pmfs(items, inputs.demand.form)


def _columns(inputs: StockInputs, pmfs: list[np.ndarray], chosen: np.ndarray) -> dict[str, Any]:
    """The chosen items as the arguments of `theory/s_s`."""
    return inputs.columns_of(chosen) | {"day_pmfs": [pmfs[i] for i in np.flatnonzero(chosen)]}


def algorithm(items: Items, params: SSParams) -> Answer:
    """The best (s, S) of every item in one call; an item without demand has s = S = 0 and costs nothing.

    An item whose demand is counted in larger steps has a remark that says so: its levels and its cost are those of
    demand in such steps.
    """
    inputs, pmfs = _read(items)
    step = np.ones(len(items))

    def search(chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        results = best_order_up_to_levels(**_columns(inputs, pmfs, chosen))
        step[chosen] = results.step
        return results[:3]

    answer = answer_each(items, DECIDES, inputs.has_demand, search)
    items.note(
        step > 1,
        "demand is counted in steps of {value:g} units, since whole units would take too long: levels and cost are"
        " those of demand in steps",
        step,
    )
    return answer


def build_model(items: Items, params: SSParams) -> pyo.ConcreteModel:
    """The linear program of each item, side by side in one ConcreteModel; an item without demand has s = S = 0.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs, pmfs = _read(items)
    items.raise_problems()
    levels = []
    for i in range(len(items)):
        costs = SSCosts(inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i])
        has_demand = inputs.has_demand[i]
        levels.append(position_levels(inputs.demand, i, pmfs[i], costs) if has_demand else IDLE)
    return position_process(levels)


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: SSParams) -> np.ndarray:
    """C(s, S) of any whole s >= 0 and S > s, money/day; 0 where an item without demand is not ordered."""
    inputs, pmfs = _read(items)
    s, S = whole_decisions(DECIDES, decisions).values()
    has_demand = inputs.has_demand
    costs = np.where(items.is_usable & ~has_demand & (s == 0) & (S == 0), 0.0, np.nan)
    chosen = items.is_usable & has_demand & np.isfinite(s) & np.isfinite(S)
    costs[chosen] = order_up_to_costs(s[chosen], S[chosen], **_columns(inputs, pmfs, chosen))
    return costs


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.up_to_level`."""
    return order_rules.up_to_level(decisions["REORDER_POINT"], decisions["ORDER_UP_TO_LEVEL"], stock)


POLICY = Policy(
    name="s_s",
    about=About(
        "reorder point and order-up-to level of each item",
        "LP",
        "Zheng & Federgruen (1991), Operations Research 39(4)",
        "Dinkelbach's method on the cost per order cycle, over the renewal equation of the days",
    ),
    decides=DECIDES,
    needs=(*STOCK_COSTS, *LEAD_TIME_DEMAND),
    params=SSParams,
    build_model=build_model,
    cost=cost,
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
    algorithm=algorithm,
)
