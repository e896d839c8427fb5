"""(s, Q) for products that expire: at an inventory position of s or less, order batches of Q.

Decides s and Q of each item.

    ER(s, Q) = E(s + Q - Y)^+ - E(s - Y)^+                                  units of a batch that expire
    C(s, Q)  = a [K + pi n(s) + W ER] / (Q - ER) + h (Q/2 + s - E X)        money/day

X is the demand over the lead time, Y over lead time and shelf life, n(s) = E(X - s)^+, a the demand rate. pi is money
per unit that is late, however long it is. W is disposal_cost, or with `expired_unit_costs: disposal_and_purchase` that
and unit_cost. Without shelf_life nothing expires: ER = 0. `theory/perishable/cost.py` explains C, an approximation.

The guide watches the stock without pause, `review: continuous`. Where orders are placed once a day, an order waits for
the next look, and `review: daily` makes the lead time a day longer. Below s = E X the holding cost leaves out what is
on backorder, so a slow mover's cost can be negative.

`polish: simulation` looks for a better (s, Q) near the formula's (`theory/perishable/search_simulation.py`, which also
says how far off the formula is). `cost` is still the formula's, at the (s, Q) decided on, and `bound` the formula's
best, the model's objective. The message says what both cost in simulation.

Service (`params.service`, with the column service_level; the default asks for nothing):

    cycle       P(X <= s) >= service_level                     the stock at an order lasts through the lead time
    fill_rate   n(s) / (Q - ER) <= 1 - service_level           of the units sold at most this share is late

The model takes one pair (s, Q) of each item from a list that holds an optimum (`models/perishable_choices.py`).

Assumptions: items are independent; demand is steady over the horizon, at the forecast's average; what is short is
backordered; the shelf life begins at arrival and is the same for all deliveries; the oldest unit is sold first.

Source: Chiu (1999), RAIRO Operations Research 33(1); the technical guide of the Azure inventory optimization solution,
section "(s, Q) policy for perishable items", with exact sums for its sigmoids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import pyomo.environ as pyo
from pydantic import Field, ValidationInfo, field_validator

from invopt.models.perishable_choices import NO_SALE, PerishableItem, perishable_choices
from invopt.models.selection import NOTHING, Choices, selection_model
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.each_item import answer_each, cost_each
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.perishable import PERISHABLE_COLUMNS, perishable_inputs
from invopt.theory import order_rules
from invopt.theory.order_rules import Stock
from invopt.theory.perishable.expiring_items import ExpiringItems
from invopt.theory.perishable.search import best_perishable_reorder_points
from invopt.theory.perishable.search_near import best_near
from invopt.theory.s_q.search import LARGEST_QUANTITY

DECIDES = (
    Decision("REORDER_POINT", "units", "order at an inventory position of this or less"),
    Decision("ORDER_QUANTITY", "units", "an order has this many units, or a multiple"),
)


class SQPerishableParams(Params):
    """Parameters of (s, Q) with expiry.

    expired_unit_costs : disposal_cost alone, or with it the unit_cost for which the expired unit was bought
    review : continuous, the guide's; or daily: orders are placed once a day, which makes the lead time a day longer
    service : what the column service_level asks for, see the module's docstring; NULL asks for nothing
    polish : none; or simulation, which looks for a better (s, Q) near the formula's; not with service: fill_rate
    simulated_days : least length of each of the two simulations; slow movers get up to 20 times that
    seed : the simulations' demand follows from it alone: an item is decided the same in every run, beside any others
    """

    expired_unit_costs: Literal["disposal", "disposal_and_purchase"] = "disposal"
    review: Literal["continuous", "daily"] = "continuous"
    service: Literal["none", "cycle", "fill_rate"] = "none"
    polish: Literal["none", "simulation"] = "none"
    simulated_days: Annotated[int, Field(ge=100, le=1_000_000)] = 4000
    seed: Annotated[int, Field(ge=0)] = 1

    @field_validator("polish")
    @classmethod
    def _keeps_the_service(cls, polish: str, info: ValidationInfo) -> str:
        if polish == "simulation" and info.data.get("service") == "fill_rate":
            raise ValueError(
                "simulation does not keep a fill rate; use it with service: none or cycle, or take polish: none"
            )
        return polish

    def algorithm_alone_because(self) -> str | None:
        return "no model simulates, as polish: simulation asks for" if self.polish == "simulation" else None


def _read(items: Items, params: SQPerishableParams) -> ExpiringItems:
    counts_purchase = params.expired_unit_costs == "disposal_and_purchase"
    review_days = 1 if params.review == "daily" else 0
    return perishable_inputs(items, params.service, review_days, counts_purchase)


def algorithm(items: Items, params: SQPerishableParams) -> Answer:
    """The best (s, Q) of every item in one call; an item without demand has s = Q = 0 and costs nothing."""
    expiring = _read(items, params)

    def search(chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        return best_perishable_reorder_points(**expiring.arrays_of(chosen))

    answer = answer_each(items, DECIDES, expiring.demand.mean > 0, search)
    items.refuse(
        items.is_usable & np.isnan(answer.cost),
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    items.refuse(np.isinf(answer.cost), NO_SALE)
    for values in (*answer.decisions.values(), answer.cost):
        values[~items.is_usable] = np.nan
    if params.polish == "none":
        return answer
    best = (*answer.decisions.values(), answer.cost)
    near = best_near(expiring, best, items.objects("demand_pmf"), params.simulated_days, params.seed)
    items.note(best[1] > 0, "{value}", near.told)
    return Answer(dict(zip(answer.decisions, near[:2], strict=True)), near.cost, bound=answer.cost)


def build_model(items: Items, params: SQPerishableParams) -> pyo.ConcreteModel:
    """The selection model of all items; an item without demand has one choice, s = Q = 0, that costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    expiring = _read(items, params)
    items.raise_problems()
    missed_share = np.minimum(expiring.cycle_share, expiring.fill_share)

    def choices(i: int, mean: float) -> Choices:
        costs, demands = expiring.costs_of(i), expiring.demands_of(i)
        return perishable_choices(PerishableItem(params.service, missed_share[i], mean, costs, *demands))

    means = enumerate(expiring.demand.mean)
    return selection_model([choices(i, mean) if mean > 0 else NOTHING for i, mean in means])


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: SQPerishableParams) -> np.ndarray:
    """C(s, Q) of any whole s >= 0 and Q >= 1, money/day; NaN where nothing is ever sold.

    Neither the service nor the simulation counts in it.
    """
    expiring = _read(items, params)

    def cost_of(i: int, s: float, quantity: float) -> float:
        formula_cost = expiring.formula_cost(i, s, quantity) if s >= 0 and quantity >= 1 else np.nan
        return formula_cost if np.isfinite(formula_cost) else np.nan

    return cost_each(items, DECIDES, decisions, expiring.demand.mean > 0, cost_of)


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.in_batches`."""
    return order_rules.in_batches(decisions["REORDER_POINT"], decisions["ORDER_QUANTITY"], stock)


def _example(name: str, s: int, quantity: int, cost: float, shelf_life: float | None = 3.0, **params: str) -> Example:
    """An instance with W = 2 or 5, a = 1.5 and L = 2: for a shelf life of 3 days Y is Poisson with mean 7.5."""
    costs = {"fixed_order_cost": 20.0, "unit_cost": 3.0, "holding_cost": 0.1, "backorder_cost": 8.0}
    expiry = {"disposal_cost": 2.0, "shelf_life": shelf_life, "service_level": 0.95}
    lead_time = {"lead_time": 2.0, "lead_time_confidence": 0.0}
    demand = {"demand_distribution": "poisson", "demand_mean": np.array([1.5])}
    return Example(
        name,
        ({**costs, **expiry, **lead_time, **demand, "demand_variance": None, "demand_pmf": None},),
        params,
        cost,
        {"REORDER_POINT": (s,), "ORDER_QUANTITY": (quantity,)},
        "found by trying all pairs with sums over scipy's Poisson probabilities (tests/unit/test_s_q_perishable.py "
        "does it again): no published instance states its numbers",
    )


POLICY = Policy(
    name="s_q_perishable",
    about=About(
        "reorder point and order quantity of each item that expires",
        "LP",
        "Chiu (1999), RAIRO Operations Research 33(1)",
        "scan of s by blocks with a unimodal search of Q",
    ),
    decides=DECIDES,
    needs=PERISHABLE_COLUMNS,
    params=SQPerishableParams,
    build_model=build_model,
    cost=cost,
    order=order,
    examples=(
        _example("three days on the shelf", 1, 8, 10.348578976586667),
        _example("three days, units were bought", 0, 8, 11.578613224437154, expired_unit_costs="disposal_and_purchase"),
        _example("three days, and 95 of 100 deliveries in time", 6, 5, 22.936052584142054, service="cycle"),
        _example("three days, and 95 of 100 units in time", 5, 9, 19.3704503114259, service="fill_rate"),
        _example("no expiry", 4, 26, 2.701241836191567, shelf_life=None),
    ),
    algorithm=algorithm,
)
