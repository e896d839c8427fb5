"""(s, Q) for products that expire: at an inventory position of s or less, order batches of Q.

Decides s and Q of each item.

    ER(s, Q) = E(s + Q - Y)^+ - E(s - Y)^+                                  units of a batch that expire
    C(s, Q)  = a [K + pi n(s) + W ER] / (Q - ER) + h (Q/2 + s - E X)        money/day

X is the demand over the lead time tau, Y over tau and the shelf life, n(s) = E(X - s)^+, a the demand rate. A batch of
Q sells Q - ER units, so batches follow each other every (Q - ER)/a days. backorder_cost (pi) is money per unit that is
late, however long it is. W is the cost of an expired unit: `expired_unit_costs: disposal` counts disposal_cost alone,
as the guide does; `disposal_and_purchase` adds unit_cost, because the unit that is thrown away was bought. An item
without shelf_life does not expire: ER = 0, and with `review: continuous` C is the cost `guide` of s_q.

The cost is Chiu's approximation for a stock that is watched without pause: `review: continuous`, the guide's. Where
orders are placed once a day, an order waits for the next look at the stock, and `review: daily` makes tau a day longer.

14 items were simulated with daily orders (tests/unit/test_perishable_simulation.py prints them). 12 of them have a
shelf life of 3 days or more: there the best (s, Q) of `continuous` costs up to 38 % more than the best of all in the
simulation, and the best (s, Q) of `daily` at most 5 % more. For the two whose shelf life is two days both are far off,
by 14 to 234 %.

`polish: simulation` looks for a better (s, Q) near the formula's by simulating it
(`theory/perishable/search_simulation.py`). Then `cost` is still the formula's, at the (s, Q) decided on. `bound` is the
formula's best, which is the model's objective, and the message says what both cost in simulation.

As in the guide, below s = E X the holding cost leaves out what is on backorder, so a slow mover's cost can be negative.

Service (`params.service`, with the column service_level; the default asks for nothing):

    cycle       P(X <= s) >= service_level                     the stock at an order lasts through the lead time
    fill_rate   n(s) / (Q - ER) <= 1 - service_level           of the units sold at most this share is late

The model takes one pair (s, Q) of each item from a list (`models/selection.py`). `models/perishable_choices.py` makes
the list and proves that it holds an optimum.

Assumptions: items are independent; demand is steady over the horizon, at the forecast's average; what is short is
backordered; the shelf life begins at arrival and is the same for all deliveries; the oldest unit is sold first.

Source: Chiu (1999), A good approximation of the inventory level in a (Q, r) perishable inventory system, RAIRO
Operations Research 33(1); the technical guide of the Azure inventory optimization solution, section "(s, Q) policy for
perishable items", with exact sums for its sigmoids.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pydantic import Field, ValidationInfo, field_validator

from invopt.models.perishable_choices import NO_SALE, PerishableItem, perishable_choices
from invopt.models.selection import NOTHING, selection_model
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    SERVICE_LEVEL,
    UNIT_COST,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.policies.inputs.service import service_shares
from invopt.policies.inputs.shelf_life import shelf_life_demand
from invopt.policies.s_q import order
from invopt.tables.columns import Column
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time_demand import (
    LeadTimeDemand,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.perishable.cost import PerishableCosts, perishable_cost
from invopt.theory.perishable.search import best_perishable_reorder_points
from invopt.theory.perishable.search_simulation import demand_path, polish
from invopt.theory.s_q.search import LARGEST_QUANTITY
from invopt.theory.s_q.search_cycle_service import cycle_points

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(fixed_order_cost AS double) AS fixed_order_cost,
    CAST(unit_cost AS double) AS unit_cost,
    CAST(holding_cost AS double) AS holding_cost,
    CAST(backorder_cost AS double) AS backorder_cost,
    CAST(disposal_cost AS double) AS disposal_cost,
    CAST(shelf_life AS double) AS shelf_life,
    CAST(service_level AS double) AS service_level,
    CAST(lead_time AS double) AS lead_time,
    CAST(lead_time_confidence AS double) AS lead_time_confidence,
    CAST(demand_distribution AS string) AS demand_distribution,
    CAST(demand_mean AS array<double>) AS demand_mean,
    CAST(demand_variance AS array<double>) AS demand_variance,
    CAST(demand_pmf AS array<array<double>>) AS demand_pmf
FROM item_state
"""

DISPOSAL_COST = Column("disposal_cost", "double", "money/unit", "cost of disposing of an expired unit; NULL is 0")
SHELF_LIFE = Column("shelf_life", "double", "days", "from arrival to expiry; NULL does not expire")
# read only where a thrown-away unit's purchase counts
OPTIONAL_UNIT_COST = replace(UNIT_COST, is_nullable=True)

INPUT_COLUMNS = (
    FIXED_ORDER_COST,
    OPTIONAL_UNIT_COST,
    HOLDING_COST,
    BACKORDER_COST,
    DISPOSAL_COST,
    SHELF_LIFE,
    SERVICE_LEVEL,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    *DEMAND,
)


class SQPerishableParams(Params):
    """Parameters of (s, Q) with expiry.

    expired_unit_costs : disposal_cost alone, or with it the unit_cost for which the expired unit was bought
    review : continuous, the guide's; or daily: orders are placed once a day, which makes the lead time a day longer
    service : what the column service_level asks for, see the module's docstring; NULL asks for nothing
    polish : none; or simulation, which looks for a better (s, Q) near the formula's; not with service: fill_rate
    simulated_days : least length of each of the two simulations; slow movers get up to 20 times that, so that they
        order often enough
    seed : the simulations' demand follows from it alone, so an item is decided the same in every run and beside any
        other items
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


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used.

    expiry_cost : W, money/unit
    shelf_life : days; infinite for an item that does not expire
    missed_share : 1 - service_level; 1 where nothing is asked for
    demand, expiry_demand : X and Y
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    expiry_cost: np.ndarray
    shelf_life: np.ndarray
    missed_share: np.ndarray
    demand: ItemDemand
    expiry_demand: ItemDemand

    @property
    def message(self) -> np.ndarray:
        return self.demand.message

    def costs_of(self, i: int) -> PerishableCosts:
        return PerishableCosts(
            self.holding_cost[i], self.fixed_order_cost[i], self.backorder_cost[i], self.expiry_cost[i]
        )

    def expiry_demand_of(self, i: int) -> LeadTimeDemand | None:
        """Y of item i; None when it does not expire."""
        return self.expiry_demand.lead_time_demand(i) if np.isfinite(self.shelf_life[i]) else None


def _review_days(params: SQPerishableParams) -> int:
    return 1 if params.review == "daily" else 0


def _read(items: pd.DataFrame, params: SQPerishableParams) -> _Inputs:
    K, h, pi, W, shelf_life = (
        numbers(items, column.name)
        for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST, DISPOSAL_COST, SHELF_LIFE)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        _review_days(params),
    )
    message = demand.message
    W = np.where(np.isnan(W), 0.0, W)
    shelf_life = np.where(np.isnan(shelf_life), np.inf, shelf_life)
    for name, values in (("fixed_order_cost", K), ("backorder_cost", pi), ("disposal_cost", W)):
        note(message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(message, ~((h > 0) & np.isfinite(h)), "holding_cost is {value}, must be above 0", h)
    if params.expired_unit_costs == "disposal_and_purchase":
        unit_cost = numbers(items, UNIT_COST.name)
        note(
            message,
            ~((unit_cost >= 0) & np.isfinite(unit_cost)),
            "unit_cost is {value}, must be 0 or more for expired_unit_costs: disposal_and_purchase",
            unit_cost,
        )
        W = W + unit_cost
    missed_share = service_shares(params.service, numbers(items, SERVICE_LEVEL.name), message)
    expiry_demand = shelf_life_demand(demand, objects(items, "demand_pmf"), shelf_life)
    return _Inputs(K, h, pi, W, shelf_life, missed_share, demand, expiry_demand)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SQPerishableParams) -> ExactSolution:
    """The best (s, Q) of every item in one call; items are independent, so `offsets` makes no difference.

    An item whose mean demand is 0 has s = 0, Q = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message.
    """
    inputs = _read(items, params)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    share = inputs.missed_share[has_demand]
    results = best_perishable_reorder_points(
        form=demand.form[has_demand],
        demand_mean=demand.mean[has_demand],
        demand_variance=demand.variance[has_demand],
        first_lead_time=demand.first_lead_time[has_demand],
        n_lead_times=demand.n_lead_times[has_demand],
        shelf_life=inputs.shelf_life[has_demand],
        holding_cost=inputs.holding_cost[has_demand],
        fixed_order_cost=inputs.fixed_order_cost[has_demand],
        backorder_cost=inputs.backorder_cost[has_demand],
        expiry_cost=inputs.expiry_cost[has_demand],
        cycle_share=share if params.service == "cycle" else None,
        fill_share=share if params.service == "fill_rate" else None,
        lead_time_pmfs=demand.pmfs_of(has_demand),
        shelf_life_pmfs=inputs.expiry_demand.pmfs_of(has_demand & np.isfinite(inputs.shelf_life)),
    )
    for value, result in zip(values, results, strict=True):
        value[has_demand] = result
    point, quantity, cost = values
    is_endless = has_demand & np.isnan(cost)
    is_unsold = has_demand & np.isinf(cost)
    for value in values:
        value[is_endless | is_unsold] = np.nan
    note(
        message,
        is_endless,
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    note(message, is_unsold, NO_SALE)
    bound = None
    if params.polish == "simulation":
        bound = cost.copy()
        _polish(items, inputs, params, point, quantity, cost)
    decisions = {"REORDER_POINT": point, "ORDER_QUANTITY": quantity}
    return ExactSolution(decisions, cost, None if np.equal(message, None).all() else message, bound)


def _polish(
    items: pd.DataFrame,
    inputs: _Inputs,
    params: SQPerishableParams,
    point: np.ndarray,
    quantity: np.ndarray,
    cost: np.ndarray,
) -> None:
    """Replaces s and Q by better ones near them, and the cost by the formula's cost of those; milliseconds per item."""
    demand, pmfs = inputs.demand, objects(items, "demand_pmf")
    is_ordered = quantity > 0
    smallest = np.zeros(len(items), dtype=np.int64)
    if params.service == "cycle":
        smallest[is_ordered] = cycle_points(inputs.missed_share, demand, is_ordered)
    for i in np.flatnonzero(is_ordered):
        a, s, Q = demand.mean[i], int(point[i]), int(quantity[i])
        lead_time = demand.lead_time_demand(i)
        daily = _day_demand(demand, i, pmfs[i])
        n_days = int(np.clip(50 * Q / a, params.simulated_days, 20 * params.simulated_days))
        paths = [
            demand_path(daily, demand.first_lead_time[i] - _review_days(params), demand.n_lead_times[i], n_days, seed)
            for seed in (params.seed, params.seed + 1)
        ]
        costs, y = inputs.costs_of(i), inputs.expiry_demand_of(i)
        best = polish(*paths, s, Q, smallest[i], round(lead_time.std), inputs.shelf_life[i], costs)
        by_formula = perishable_cost(best.reorder_point, best.order_quantity, lead_time, y, a, costs)
        if best.cost < best.given_cost and np.isfinite(by_formula):
            point[i], quantity[i], cost[i] = best.reorder_point, best.order_quantity, max(by_formula, cost[i])
            inputs.message[i] = (
                f"simulated over {n_days} days, s {best.reorder_point}, Q {best.order_quantity} cost "
                f"{best.cost:.6g} a day; the formula's s {s}, Q {Q} {best.given_cost:.6g}"
            )
        else:
            inputs.message[i] = (
                f"simulated over {n_days} days, the formula's s {s}, Q {Q} cost {best.given_cost:.6g} a day; "
                "none near is better"
            )


def _day_demand(demand: ItemDemand, i: int, pmf: np.ndarray | None) -> LeadTimeDemand:
    """One day's demand of item i; `pmf` is its column demand_pmf."""
    if demand.form[i] == PMF:
        return pmf_lead_time_demand(mean_pmf(pmf))
    if demand.form[i] == NORMAL:
        return normal_lead_time_demand(demand.mean[i], demand.variance[i], [1])
    return poisson_lead_time_demand(demand.mean[i], [1])


def build_model(items: pd.DataFrame, params: SQPerishableParams) -> pyo.ConcreteModel:
    """The selection model of all items; an item without demand has one choice, s = Q = 0, that costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items, params)
    refuse(items, inputs.message)
    choices = []
    for i in range(len(items)):
        if not inputs.demand.mean[i] > 0:
            choices.append(NOTHING)
            continue
        x, y = inputs.demand.lead_time_demand(i), inputs.expiry_demand_of(i)
        share, mean, costs = inputs.missed_share[i], inputs.demand.mean[i], inputs.costs_of(i)
        choices.append(perishable_choices(PerishableItem(params.service, share, mean, costs, x, y)))
    return selection_model(choices)


def _example(name: str, shelf_life: float | None, s: int, quantity: int, cost: float, **params: str) -> Example:
    """An instance with W = 2 or 5, a = 1.5 and L = 2: for a shelf life of 3 days Y is Poisson with mean 7.5."""
    item = {
        "fixed_order_cost": 20.0,
        "unit_cost": 3.0,
        "holding_cost": 0.1,
        "backorder_cost": 8.0,
        "disposal_cost": 2.0,
        "shelf_life": shelf_life,
        "service_level": 0.95,
        "lead_time": 2.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.array([1.5]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return Example(
        name,
        (item,),
        params,
        cost,
        {"REORDER_POINT": (s,), "ORDER_QUANTITY": (quantity,)},
        "no published instance states its numbers: found by trying all pairs with sums over scipy's Poisson "
        "probabilities (tests/unit/test_s_q_perishable.py does it again)",
    )


_BOUGHT = {"expired_unit_costs": "disposal_and_purchase"}

POLICY = Policy(
    name="s_q_perishable",
    title="reorder point and order quantity of each item that expires",
    model_class="LP",
    algorithm="scan of s by blocks with a unimodal search of Q",
    source="Chiu (1999), RAIRO Operations Research 33(1)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=SQPerishableParams,
    decisions=("REORDER_POINT", "ORDER_QUANTITY"),
    build_model=build_model,
    order=order,
    examples=(
        _example("three days on the shelf", 3.0, 1, 8, 10.348578976586667),
        _example("three days, and what expired was bought", 3.0, 0, 8, 11.578613224437154, **_BOUGHT),
        _example("three days, and 95 of 100 deliveries in time", 3.0, 6, 5, 22.936052584142054, service="cycle"),
        _example("three days, and 95 of 100 units in time", 3.0, 5, 9, 19.3704503114259, service="fill_rate"),
        _example("no expiry", None, 4, 26, 2.701241836191567),
    ),
    solve_exact=solve_exact,
)
