"""(s, Q): when an item's inventory position is s or less, order batches of Q until it is above s. Decides s and Q of
each item.

The inventory position then takes the values s+1..s+Q equally often, so the cost per day is C(s, Q) = [A(s) +
sum_{y=s+1}^{s+Q} G(y)] / Q; `cost` chooses its three definitions: daily_review (the default), time_weighted, guide (see
`theory/s_q/cost.py`).

The model chooses a window of consecutive levels of the inventory position (`models/window.py`): a linear program without
integers over the levels that an optimal one can reach. In daily_review and time_weighted A is constant and G convex, so
it holds a cheapest level; in guide A(s) falls with s and G is straight, so it need not.

Service (`params.service`, with the column service_level; the default asks for nothing;
`theory/s_q/search_cycle_service.py` explains):

    cycle       P(X <= s) >= service_level                   a smallest s: the levels up to it are left out of the model
    fill_rate   [n(s) - n(s+Q)] / Q <= 1 - service_level        of the units asked for at most this share finds no stock

X is the X of the cost: the demand over the lead time, + 1 day in daily_review. Under a fill rate the window model would
mix two windows, one that gives too little and one that gives too much, so each item chooses among pairs (s, Q) instead
(`selection.py`): for each Q the best s that gives the fill rate, which `theory/s_q/search_service_points.py` proves.
With the cost C of one of them, from a grid, only the Q with aK/Q + hQ/2 <= C + h E X are looked at, since C(s, Q) >=
aK/Q + hQ/2 + h (s - E X) and s >= 0; of them those no dearer than C are listed, and the 200 cheapest.

Assumptions: items are independent; demand is steady over the horizon, at the forecast's average; what is short is
backordered; demand of different days is independent.

Source: Federgruen & Zheng (1992), Operations Research 40(4), 808-813; Snyder & Shen (2019), section 5.4; the technical
guide of the Azure inventory optimization solution, section "(s, Q) policy", for the cost `guide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.errors import ParameterError
from invopt.models.selection import NOTHING, Choices, cheapest, selection_model
from invopt.models.window import NO_DEMAND, Levels, window_model
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    SERVICE_LEVEL,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.policies.inputs.service import service_shares
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs, review_days, start_costs
from invopt.theory.s_q.search import LARGEST_QUANTITY, best_reorder_points
from invopt.theory.s_q.search_cycle_service import cycle_points
from invopt.theory.s_q.search_fill_rate import LARGEST_TABLE, best_reorder_points_with_fill_rate
from invopt.theory.s_q.search_service_points import best_points_with_fill_rate, cycle_point

# levels of one model beyond which building it takes seconds and hundreds of megabytes
LARGEST_MODEL = 200_000
# levels looked at before pruning
LARGEST_RANGE = 5_000_000

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(fixed_order_cost AS double) AS fixed_order_cost,
    CAST(holding_cost AS double) AS holding_cost,
    CAST(backorder_cost AS double) AS backorder_cost,
    CAST(service_level AS double) AS service_level,
    CAST(lead_time AS double) AS lead_time,
    CAST(lead_time_confidence AS double) AS lead_time_confidence,
    CAST(demand_distribution AS string) AS demand_distribution,
    CAST(demand_mean AS array<double>) AS demand_mean,
    CAST(demand_variance AS array<double>) AS demand_variance,
    CAST(demand_pmf AS array<array<double>>) AS demand_pmf
FROM item_state
"""

INPUT_COLUMNS = (
    FIXED_ORDER_COST,
    HOLDING_COST,
    BACKORDER_COST,
    SERVICE_LEVEL,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    *DEMAND,
)


class SQParams(Params):
    """cost : what a day costs under (s, Q); the three definitions are those of `theory/s_q/cost.py`
    service : what service_level asks for, see the module; NULL asks for nothing
    """

    cost: Literal["daily_review", "time_weighted", "guide"] = "daily_review"
    service: Literal["none", "cycle", "fill_rate"] = "none"


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used; missed_share is 1 - service_level,
    or 1.
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    missed_share: np.ndarray
    demand: ItemDemand

    @property
    def message(self) -> np.ndarray:
        return self.demand.message


def _read(items: pd.DataFrame, params: SQParams) -> _Inputs:
    fixed_order_cost, holding_cost, backorder_cost = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        review_days(params.cost),
    )
    for name, values in (("fixed_order_cost", fixed_order_cost), ("backorder_cost", backorder_cost)):
        note(demand.message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        demand.message,
        holding_cost == 0,
        "holding_cost is 0: the larger the order the cheaper, so none is best; set it above 0",
    )
    note(
        demand.message,
        (holding_cost != 0) & ~((holding_cost > 0) & np.isfinite(holding_cost)),
        "holding_cost is {value}, must be above 0",
        holding_cost,
    )
    missed_share = (
        np.ones(len(items))
        if params.service == "none"
        else service_shares(params.service, numbers(items, SERVICE_LEVEL.name), demand.message)
    )
    return _Inputs(fixed_order_cost, holding_cost, backorder_cost, missed_share, demand)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SQParams) -> ExactSolution:
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
    asked = {
        "is_guide": params.cost == "guide",
        "form": demand.form[has_demand],
        "demand_mean": demand.mean[has_demand],
        "demand_variance": demand.variance[has_demand],
        "first_lead_time": demand.first_lead_time[has_demand],
        "n_lead_times": demand.n_lead_times[has_demand],
        "holding_cost": inputs.holding_cost[has_demand],
        "fixed_order_cost": inputs.fixed_order_cost[has_demand],
        "backorder_cost": inputs.backorder_cost[has_demand],
        "lead_time_pmfs": demand.pmfs_of(has_demand),
    }
    if params.service == "fill_rate":
        found = best_reorder_points_with_fill_rate(**asked, fill_share=inputs.missed_share[has_demand])
    elif params.service == "cycle":
        found = best_reorder_points(**asked, smallest_point=cycle_points(inputs.missed_share, demand, has_demand))
    else:
        found = best_reorder_points(**asked)
    for value, result in zip(values, found, strict=True):
        value[has_demand] = result
    point, quantity, cost = values
    is_endless = has_demand & np.isnan(cost)
    is_wide = has_demand & np.isinf(cost)
    for value in values:
        value[is_endless | is_wide] = np.nan
    note(
        message,
        is_endless,
        f"the best order quantity passes {LARGEST_QUANTITY:g} units: holding_cost is too small beside the other costs",
    )
    note(
        message,
        is_wide,
        f"demand varies over more than {LARGEST_TABLE:g} units: too many for a fill rate; count in larger units",
    )
    decisions = {"REORDER_POINT": point, "ORDER_QUANTITY": quantity}
    return ExactSolution(decisions, cost, None if np.equal(message, None).all() else message)


def _levels(
    cost: str, demand: LeadTimeDemand, demand_mean: float, h: float, K: float, p: float, smallest: int
) -> Levels:
    """Levels that an optimal window with s >= smallest can reach, by bounds that hold for every optimum, without the
    exact algorithm.

    Where it can start: at a cheapest level or below it, which holds for some optimum; in the guide by a bound that
    holds for every one.
    """
    if cost == "guide":
        low, n_starts, high = _guide_range(cost, demand, demand_mean, h, K, p, smallest)
        costs = level_costs(cost, np.arange(low, high + 1), demand, h, p)
    else:
        low, costs = _convex_levels(cost, demand, demand_mean, h, K, p, smallest)
        n_starts = int(costs.argmin()) + 1
    return Levels(low, start_costs(cost, np.arange(low - 1, low - 1 + n_starts), demand, demand_mean, K, p), costs)


def _check_size(n: float, largest: int) -> None:
    if n > largest:
        raise ParameterError(
            f"the model would have over {largest} levels of inventory position; solve this item with method: exact"
        )


def _convex_levels(
    cost: str, demand: LeadTimeDemand, demand_mean: float, h: float, K: float, p: float, smallest: int
) -> tuple[int, np.ndarray]:
    """First level and G of it and those after it, for a constant A and a convex G, among the levels above the smallest
    s.

    Some optimal window holds a cheapest level: moved towards it by one, a window gives up a level for one that costs no
    more.

    No level of an optimal window costs more than C*: G is convex, so its dearest level is at an end, and without that
    level the window's average would be smaller if G were above it, with the same s or one more. With the cost C of any
    policy at all, C* <= C, and levels with G > C are left out. Before G is known: h (y - mu) <= G(y) and p (mu - y) <=
    G(y) (Jensen), so mu - C/p <= y <= mu + C/h.
    """
    mu = demand.mean
    batch_cost = demand_mean * K
    # any policy will do; the deterministic optimum with backorders, raised by what the deviations of X ask for, is not
    # far off
    balance = p / (p + h)
    quantity = max(1, round(np.sqrt(2 * batch_cost / (h * balance if balance > 0 else h))))
    _check_size(quantity, LARGEST_RANGE)
    centre = mu + demand.std * np.clip(np.log((p + h) / h) - 0.7, -1.0, 4.0)
    s = max(smallest, round(centre - (1 - balance) * quantity))
    known = (batch_cost + level_costs(cost, np.arange(s + 1, s + quantity + 1), demand, h, p).sum()) / quantity
    low = max(smallest + 1, int(np.ceil(mu - known / p))) if p > 0 else smallest + 1
    high = max(int(mu + known / h) + 1, low, s + quantity)
    _check_size(high - low, LARGEST_RANGE)
    costs = level_costs(cost, np.arange(low, high + 1), demand, h, p)
    if len(costs) >= quantity:
        # the same quantity at the best place
        total = np.concatenate([[0.0], np.cumsum(costs)])
        known = min(known, (batch_cost + (total[quantity:] - total[:-quantity]).min()) / quantity)
    # a little more than C, so that rounding never leaves out an optimal level; the cheapest level is always in
    kept = np.flatnonzero(costs <= max(known * (1 + 1e-9), costs.min()))
    _check_size(kept[-1] - kept[0], LARGEST_MODEL)
    return low + int(kept[0]), costs[kept[0] : kept[-1] + 1]


def _guide_range(
    cost: str, demand: LeadTimeDemand, demand_mean: float, h: float, K: float, p: float, smallest: int
) -> tuple[int, int, int]:
    """First level, how many levels a window can start at, and last level, above the smallest s, for a straight G and an
    A(s) that falls with s: C(s, Q) = A(s)/Q + hQ/2 + h (s - mu).

    1. A/Q + hQ/2 >= sqrt(2hA), so C(s, Q) >= sqrt(2hA(s)) + h (s - mu) =: B(s). With the cost C of any policy, an s
        with B(s) > C is
       left out, and because A(s) >= aK all s > mu + (C - sqrt(2haK))/h are.
    2. For the smallest of the best Q of an s, Q (Q - 1) < 2A(s)/h, or one unit less would be as cheap.
    """
    mu = demand.mean
    tried = np.unique(np.maximum(smallest, np.rint(mu + demand.std * np.arange(-2, 4.5, 0.5)))).astype(np.int64)
    starts = start_costs(cost, tried, demand, demand_mean, K, p)
    quantity = np.maximum(1, np.rint(np.sqrt(2 * starts / h)))
    known = (starts / quantity + h * quantity / 2 + h * (tried - mu)).min()
    last = int(max(0.0, mu + (known - np.sqrt(2 * h * demand_mean * K)) / h)) + 1
    _check_size(last - smallest, LARGEST_RANGE)
    s = np.arange(smallest, max(last, smallest) + 1)
    starts = start_costs(cost, s, demand, demand_mean, K, p)
    # a little more than C, so that rounding never leaves out an optimal s
    slack = 1e-9 * (abs(known) + h * mu)
    is_kept = np.sqrt(2 * h * starts) + h * (s - mu) <= known + slack
    s, starts = s[is_kept], starts[is_kept]
    high = int((s + np.maximum(1.0, np.floor(0.5 + np.sqrt(0.25 + 2 * starts / h)))).max())
    _check_size(high - s[0], LARGEST_MODEL)
    return int(s[0]) + 1, int(s[-1] - s[0]) + 1, high


def _choices_with_fill_rate(
    cost: str, share: float, demand: LeadTimeDemand, demand_mean: float, h: float, K: float, p: float
) -> Choices:
    """For each Q that can be optimal the best s that gives the fill rate; the module's docstring has the proof."""
    mu, order_cost = demand.mean, demand_mean * K
    largest = 4 * np.sqrt(2 * order_cost / h) + mu + 6 * demand.std + 10
    _check_size(largest, LARGEST_RANGE)
    grid, known = np.geomspace(1, largest, 60), np.inf
    for _ in range(2):
        tried = np.unique(np.rint(grid).astype(np.int64))
        costs = best_points_with_fill_rate(cost, tried, share, demand, demand_mean, h, K, p).cost
        known = min(known, costs.min())
        k = costs.argmin()
        grid = np.linspace(tried[max(k - 1, 0)], tried[min(k + 1, len(tried) - 1)], 60)
    # a little more than the known cost, so that rounding never leaves out an optimum
    limit = known + 1e-9 * (abs(known) + h * mu)
    middle = mu + limit / h
    root = np.sqrt(max(middle**2 - 2 * order_cost / h, 0.0))
    _check_size(middle + root, LARGEST_RANGE)
    quantity = np.arange(max(1, int(np.ceil(middle - root - 1e-6))), int(middle + root + 1e-6) + 2)
    found = best_points_with_fill_rate(cost, quantity, share, demand, demand_mean, h, K, p)
    return cheapest(limit, found.reorder_point, quantity, found.cost)


def build_model(items: pd.DataFrame, params: SQParams) -> pyo.ConcreteModel:
    """The window model of each item, side by side in one ConcreteModel; under a fill rate the choice of each. See the
    module's docstring.

    REORDER_POINT and ORDER_QUANTITY are Expressions of the solved variables. An item without demand has s = Q = 0 and
    costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items, params)
    refuse(items, inputs.message)
    has_demand = [bool(mean > 0) for mean in inputs.demand.mean]
    if params.service == "fill_rate" and (inputs.missed_share < 1).any():
        return selection_model(
            [
                _choices_with_fill_rate(
                    params.cost,
                    inputs.missed_share[i],
                    inputs.demand.lead_time_demand(i),
                    inputs.demand.mean[i],
                    inputs.holding_cost[i],
                    inputs.fixed_order_cost[i],
                    inputs.backorder_cost[i],
                )
                if has_demand[i]
                else NOTHING
                for i in range(len(items))
            ]
        )
    levels = []
    for i in range(len(items)):
        if not has_demand[i]:
            levels.append(NO_DEMAND)
            continue
        demand = inputs.demand.lead_time_demand(i)
        smallest = cycle_point(demand, inputs.missed_share[i]) if params.service == "cycle" else 0
        levels.append(
            _levels(
                params.cost,
                demand,
                inputs.demand.mean[i],
                inputs.holding_cost[i],
                inputs.fixed_order_cost[i],
                inputs.backorder_cost[i],
                smallest,
            )
        )
    return window_model(levels, all_hold_m=params.cost != "guide")


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: at an inventory position of s or less, the fewest batches of Q that bring it above s; else 0.

    Q = 0 orders nothing. An item without a decision or without a known position gets NaN: nobody knows what it needs.

    >>> decisions = {"REORDER_POINT": np.array([3, 3, 3]), "ORDER_QUANTITY": np.array([5, 5, 0])}
    >>> order(decisions, pd.DataFrame({"inventory_position": [3, -7, 1]}))
    array([ 5., 15.,  0.])
    """
    s = np.asarray(decisions["REORDER_POINT"], float)
    quantity = np.asarray(decisions["ORDER_QUANTITY"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    batches = np.floor((s - position) / np.where(quantity > 0, quantity, 1.0)) + 1
    wanted = np.where((position <= s) & (quantity > 0), batches * quantity, 0.0)
    return np.where(np.isnan(s) | np.isnan(quantity) | np.isnan(position), np.nan, wanted)


def _example(
    name: str,
    holding_cost: float,
    backorder_cost: float,
    fixed_order_cost: float,
    demand_mean: float,
    lead_time: float,
    s: int,
    quantity: int,
    cost: float,
) -> Example:
    item = {
        "fixed_order_cost": fixed_order_cost,
        "holding_cost": holding_cost,
        "backorder_cost": backorder_cost,
        "lead_time": lead_time,
        "lead_time_confidence": 0.0,
        "service_level": None,
        "demand_distribution": "poisson",
        "demand_mean": np.array([demand_mean]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return Example(
        name,
        (item,),
        {"cost": "time_weighted"},
        cost,
        {"REORDER_POINT": (s,), "ORDER_QUANTITY": (quantity,)},
        f"Snyder & Shen (2019), Fundamentals of Supply Chain Theory, {name}; optimum as in stockpyl's tests",
    )


POLICY = Policy(
    name="s_q",
    title="reorder point and order quantity of each item",
    model_class="LP",
    algorithm="Federgruen-Zheng window; for the guide's cost a scan of s with closed-form Q",
    source="Federgruen & Zheng (1992), Operations Research 40(4)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=SQParams,
    decisions=("REORDER_POINT", "ORDER_QUANTITY"),
    build_model=build_model,
    order=order,
    examples=(
        _example("Example 5.8", 20, 150, 100, 1.5, 2, 3, 5, 107.92358063314975),
        _example("Problem 5.2", 4, 28, 4, 12, 0.5, 6, 7, 28.241312842169155),
    ),
    solve_exact=solve_exact,
    # half of the time of HiGHS's own choice on the window model: nothing in it can be presolved, and few windows are
    # passed on the way; but bounds of 0 moved by as little as 1e-7 outweigh a 1/Q of 1e-5, and take it a thousand times
    # the iterations
    highs_options={"presolve": "off", "simplex_strategy": 4, "primal_simplex_bound_perturbation_multiplier": 0.0},
)
