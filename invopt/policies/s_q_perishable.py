"""(s, Q) for products that expire: at an inventory position of s or less order batches of Q. Decides s and Q of each
item.

    ER(s, Q) = E(s + Q - Y)^+ - E(s - Y)^+                                  units of a batch that expire
    C(s, Q)  = a [K + pi n(s) + W ER] / (Q - ER) + h (Q/2 + s - E X)        money/day

X is the demand over the lead time tau, Y over tau and the shelf life, n(s) = E(X - s)^+, a the demand rate. A batch of
Q sells Q - ER units, so batches follow each other every (Q - ER)/a days. backorder_cost (pi) is money per unit that is
late, however long it is. W is what an expired unit costs: `expired_unit_costs: disposal` counts disposal_cost alone, as
the guide does; `disposal_and_purchase` adds unit_cost, since the unit that is thrown away was bought. An item without
shelf_life does not expire: ER = 0, and with `review: continuous` C is the cost `guide` of s_q.

The cost is Chiu's approximation of a stock that is watched without pause: `review: continuous`, the guide's. Where
orders are placed once a day, an order waits for the next look at the stock, and `review: daily` makes tau a day longer.
Of 14 items simulated with daily orders (tests/unit/test_perishable_simulation.py prints them) 12 have a shelf life of 3
days or more: there the best (s, Q) of `continuous` cost up to 38 % more than the best that was found, those of `daily`
at most 5 %. Both are far off, by 14 to 234 %, for the two whose shelf life is two days. `polish: simulation` looks for
a better (s, Q) near the formula's by simulating it (`theory/perishable/search_simulation.py`); then `cost` is still the
formula's, at the (s, Q) decided on, `bound` is the formula's best, which is the model's objective, and the message says
what both cost in simulation.

As in the guide, below s = E X the holding cost leaves out what is on backorder, so a slow mover's cost can be negative.

Service (`params.service`, with the column service_level; the default asks for nothing):

    cycle       P(X <= s) >= service_level                     the stock at an order lasts through the lead time
    fill_rate   n(s) / (Q - ER) <= 1 - service_level           of the units sold at most this share is late

The model lists pairs (s, Q) and takes one of each item (`selection.py`). Which pairs can be optimal: with the cost C of
some pair, looked for on a grid and nothing more, the list leaves out all that C(s, Q) <= C rules out. Since Q - ER <= Q
and W ER >= 0,

    C(s, Q) >= A(s)/Q + hQ/2 + h (s - E X),        A(s) = a (K + pi n(s))

1. A/Q + hQ/2 >= sqrt(2hA), so s is left out when sqrt(2h A(s)) + h (s - E X) > C.
2. With D = Q - ER = sum_{y=s}^{s+Q-1} P(Y > y): D <= n_Y(s) and D <= Q P(Y > s), so C(s, Q) >= A(s)/n_Y(s) + aW (1/P(Y
    > s) - 1) +
   h (s + 1/2 - E X). With aK for A(s) this rises with s: where it is above C for the first time, the s end.
3. For an s that is left, Q must lie between the roots of hQ^2/2 - (C - h (s - E X)) Q + A(s) = 0.
4. Once A(s) P(Y > s+Q) <= h D^2/2, the next Q adds h/2 and takes away at most that of A(s)/D, for this and (D is
    concave) all larger Q,
   while Q/D rises: of Q that give the service, those above the first of 1, 2, 4, 8, ... where this holds are left out.
5. Of the pairs left, those that cost more than C themselves are no columns, unless they are among the 200 cheapest, and
    those that don't
   give the service are none.

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

from invopt.errors import ParameterError
from invopt.models.selection import LARGEST_RANGE, NOTHING, Choices, cheapest, check_size, selection_model, spread
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
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.perishable.cost import PerishableCosts, losses_at, perishable_cost, units_sold
from invopt.theory.perishable.search import LEAST_SOLD, best_perishable_reorder_points
from invopt.theory.perishable.search_simulation import demand_path, polish
from invopt.theory.s_q.search import LARGEST_QUANTITY
from invopt.theory.s_q.search_cycle_service import REACHED, cycle_points
from invopt.theory.s_q.search_service_points import cycle_point

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

NO_SALE = (
    "no batch that gives the service level would be sold before it expires; ask for less, or for a longer shelf_life"
)


class SQPerishableParams(Params):
    """expired_unit_costs : what an expired unit costs, disposal_cost alone or with it what the unit was bought for
    (unit_cost) review : continuous, the guide's, or daily: orders are placed once a day, which makes the lead time a
    day longer service : what service_level asks for, see the module; NULL asks for nothing polish : none, or
    simulation: a better (s, Q) near the formula's is looked for by simulation; not with service:
        fill_rate
    simulated_days : length of each of the two simulations, at least; slow movers get up to 20 times that, so that they
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
    """The columns as arrays, with one message for each item that can't be used; shelf_life is infinite for what does
    not expire.
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
    missed_share = (
        np.ones(len(items))
        if params.service == "none"
        else service_shares(params.service, numbers(items, SERVICE_LEVEL.name), message)
    )
    return _Inputs(
        K,
        h,
        pi,
        W,
        shelf_life,
        missed_share,
        demand,
        shelf_life_demand(demand, objects(items, "demand_pmf"), shelf_life),
    )


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SQPerishableParams) -> ExactSolution:
    """The best (s, Q) of every item in one call; each partition's items are independent, so `offsets` makes no
    difference.

    An item whose mean demand is 0 has s = 0, Q = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message.
    """
    inputs = _read(items, params)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    share = inputs.missed_share[has_demand]
    found = best_perishable_reorder_points(
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
    for value, result in zip(values, found, strict=True):
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
    """Replace s and Q by better ones near them, and the cost by the formula's cost of those; milliseconds per item."""
    demand, pmfs = inputs.demand, objects(items, "demand_pmf")
    chosen = quantity > 0
    smallest = np.zeros(len(items), dtype=np.int64)
    if params.service == "cycle":
        smallest[chosen] = cycle_points(inputs.missed_share, demand, chosen)
    for i in np.flatnonzero(chosen):
        a, s, Q = demand.mean[i], int(point[i]), int(quantity[i])
        lead_time = demand.lead_time_demand(i)
        if demand.form[i] == PMF:
            daily = pmf_lead_time_demand(mean_pmf(pmfs[i]))
        elif demand.form[i] == NORMAL:
            daily = normal_lead_time_demand(a, demand.variance[i], [1])
        else:
            daily = poisson_lead_time_demand(a, [1])
        n_days = int(np.clip(50 * Q / a, params.simulated_days, 20 * params.simulated_days))
        paths = [
            demand_path(daily, demand.first_lead_time[i] - _review_days(params), demand.n_lead_times[i], n_days, seed)
            for seed in (params.seed, params.seed + 1)
        ]
        costs = PerishableCosts(
            inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i], inputs.expiry_cost[i]
        )
        found = polish(*paths, s, Q, smallest[i], round(lead_time.std), inputs.shelf_life[i], costs)
        y = inputs.expiry_demand.lead_time_demand(i) if np.isfinite(inputs.shelf_life[i]) else None
        by_formula = perishable_cost(found.reorder_point, found.order_quantity, lead_time, y, a, costs)
        if found.cost < found.given_cost and np.isfinite(by_formula):
            point[i], quantity[i], cost[i] = found.reorder_point, found.order_quantity, max(by_formula, cost[i])
            said = (
                f"simulated over {n_days} days, s {found.reorder_point}, Q {found.order_quantity} cost "
                f"{found.cost:.6g} a day; "
                f"the formula's s {s}, Q {Q} {found.given_cost:.6g}"
            )
        else:
            said = f"simulated over {n_days} days, the formula's s {s}, Q {Q} cost {found.given_cost:.6g} a day; none near is better"
        inputs.message[i] = said


class _Item(NamedTuple):
    """One item's numbers, for the list of its pairs."""

    service: str
    missed_share: float
    a: float
    K: float
    h: float
    pi: float
    W: float
    x: object
    y: object | None

    def cost(self, s: np.ndarray, quantity: np.ndarray) -> np.ndarray:
        """C(s, Q), infinite where the fill rate or a sale is missed; s and Q broadcast."""
        s, quantity = np.broadcast_arrays(s, quantity)
        sold = units_sold(s, quantity, self.y)
        costs = PerishableCosts(self.h, self.K, self.pi, self.W)
        cost = perishable_cost(s, quantity, self.x, self.y, self.a, costs)
        is_missed = (
            np.zeros(s.shape, dtype=bool) if self.y is None else sold * REACHED < LEAST_SOLD * min(1.0, self.y.mean)
        )
        if self.service == "fill_rate" and self.missed_share < 1:
            is_missed = is_missed | (losses_at(self.x, s) > self.missed_share * sold * REACHED)
        return np.where(is_missed, np.inf, cost)


def _known_cost(item: _Item, smallest: int) -> float:
    """The cost of the best pair of a coarse grid, made finer around its best; any pair would do, a good one makes a
    short list.
    """
    mean, std = item.x.mean, item.x.std
    s = np.linspace(smallest, max(mean + 9 * std, smallest) + 10, 48)
    largest = 4 * np.sqrt(2 * item.a * (item.K + item.pi * std + item.W) / item.h) + 6 * std + 10
    if item.service == "fill_rate":
        largest += item.x.loss(np.array([smallest]))[0] / item.missed_share
    if item.y is not None:
        largest = min(largest, item.y.mean + 9 * item.y.std + 10)
    quantity = np.geomspace(1, largest, 40)
    known = np.inf
    for _ in range(4):
        points, quantities = (np.unique(np.rint(values).astype(np.int64)) for values in (s, quantity))
        costs = item.cost(points[:, None], quantities[None, :])
        known = min(known, float(costs.min()))
        i, j = np.unravel_index(costs.argmin(), costs.shape)
        near_points, near_quantities = points[max(i - 1, 0) : i + 2], quantities[max(j - 1, 0) : j + 2]
        if np.ptp(near_points) <= 2 and np.ptp(near_quantities) <= 2:
            break
        s = np.linspace(near_points[0], near_points[-1], 9)
        quantity = np.linspace(near_quantities[0], near_quantities[-1], 9)
    return known


def _choices(item: _Item) -> Choices:
    """All pairs that can be optimal; the module's docstring has the proof."""
    smallest = cycle_point(item.x, item.missed_share) if item.service == "cycle" else 0
    known = _known_cost(item, smallest)
    if not np.isfinite(known):
        raise ParameterError(NO_SALE)
    mean, h, order_cost = item.x.mean, item.h, item.a * item.K
    # a little more than the known cost, so that rounding never leaves out an optimum
    slack = 1e-9 * (abs(known) + h * mean)
    limit = known + slack
    s = np.arange(smallest, _last_point(item, smallest, limit) + 1)
    start = order_cost + item.a * item.pi * item.x.loss(s)
    left = limit - h * (s - mean)
    is_kept = np.sqrt(2 * h * start) <= left
    s, start, left = s[is_kept], start[is_kept], left[is_kept]
    root = np.sqrt(np.maximum(left**2 - 2 * h * start, 0.0))
    lowest = np.maximum(np.ceil(np.minimum((left - root) / h, LARGEST_RANGE + 2) - 1e-6), 1).astype(np.int64)
    highest = np.floor(np.minimum((left + root) / h, LARGEST_RANGE + 1) + 1e-6).astype(np.int64)
    if item.y is not None:
        highest = np.minimum(highest, _largest_quantities(item, s, start))
    quantity, k = spread(lowest, highest)
    return cheapest(limit, s[k], quantity, item.cost(s[k], quantity))


def _last_point(item: _Item, smallest: int, limit: float) -> int:
    """The last s that 2 leaves (without expiry: that 1 leaves with aK for A), by doubling and halving."""
    order_cost, mean, h = item.a * item.K, item.x.mean, item.h
    if item.y is None:
        last = max(mean + (limit - np.sqrt(2 * h * order_cost)) / h, smallest) + 1
        check_size(last - smallest, LARGEST_RANGE)
        return int(last)

    def is_beyond(s: int) -> bool:
        sold, probability = float(item.y.loss(np.array([s]))[0]), float(units_sold([s], [1], item.y)[0])
        if sold < LEAST_SOLD**2 or probability < LEAST_SOLD**2:
            return True
        return order_cost / sold + item.a * item.W * (1 / probability - 1) + h * (s + 0.5 - mean) > limit

    last, end = smallest, smallest + 1
    while not is_beyond(end):
        last, end = end, smallest + 2 * (end - smallest)
    while end - last > 1:
        middle = (last + end) // 2
        last, end = (last, middle) if is_beyond(middle) else (middle, end)
    check_size(last - smallest, LARGEST_RANGE)
    return last


def _largest_quantities(item: _Item, s: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The last Q that 4 leaves for each s; 0 where no Q gives the service, and LARGEST_RANGE + 1 where only a huge
    one might.
    """
    # more than Y ever takes sells no more
    enough = 4 * (item.y.mean + 10 * item.y.std + 10)
    quantity = 2 ** np.arange(int(np.log2(min(enough, LARGEST_RANGE))) + 1)[None, :]
    sold = units_sold(s[:, None], quantity, item.y)
    more = units_sold(s[:, None] + quantity, 1, item.y)
    is_last = (start[:, None] * more <= item.h * sold**2 / 2) & np.isfinite(item.cost(s[:, None], quantity))
    return np.where(
        is_last.any(axis=1), quantity[0, is_last.argmax(axis=1)], 0 if enough <= LARGEST_RANGE else LARGEST_RANGE + 1
    )


def build_model(items: pd.DataFrame, params: SQPerishableParams) -> pyo.ConcreteModel:
    """The selection model of all items; see the module's docstring. An item without demand has one choice, s = Q = 0,
    that costs nothing.

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
        y = inputs.expiry_demand.lead_time_demand(i) if np.isfinite(inputs.shelf_life[i]) else None
        choices.append(
            _choices(
                _Item(
                    params.service,
                    inputs.missed_share[i],
                    inputs.demand.mean[i],
                    inputs.fixed_order_cost[i],
                    inputs.holding_cost[i],
                    inputs.backorder_cost[i],
                    inputs.expiry_cost[i],
                    inputs.demand.lead_time_demand(i),
                    y,
                )
            )
        )
    return selection_model(choices)


def _example(name: str, shelf_life: float | None, s: int, quantity: int, cost: float, **params: str) -> Example:
    # W = 2 or 5, a = 1.5, L = 2: Y is Poisson of mean 7.5 over lead time and shelf life
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
        "probabilities "
        "(tests/unit/test_s_q_perishable.py does it again)",
    )


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
        _example(
            "three days, and what expired was bought",
            3.0,
            0,
            8,
            11.578613224437154,
            expired_unit_costs="disposal_and_purchase",
        ),
        _example("three days, and 95 of 100 deliveries in time", 3.0, 6, 5, 22.936052584142054, service="cycle"),
        _example("three days, and 95 of 100 units in time", 3.0, 5, 9, 19.3704503114259, service="fill_rate"),
        _example("no expiry", None, 4, 26, 2.701241836191567),
    ),
    solve_exact=solve_exact,
)
