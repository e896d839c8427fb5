"""Dynamic lot sizing: in which periods to order how much of each item, for demand and costs that change from period to
period.

Demand is the forecast's mean, taken as certain. Stock and what is on order (the inventory position) are used first, and
an order placed in period t arrives in t + L, so an order has to cover r_t, the net requirement of
`theory/lot_sizing/net_requirements.py`: whole units, because the cumulative demand is rounded up to whole units. Then, over the
periods t = 0..T-L-1 whose orders arrive within the plan,

    minimize    (1/T) sum_t K_t [Q_t > 0] + c_t Q_t + h_{t+L} x_t
    subject to  x_t = x_{t-1} + Q_t - r_t >= 0      what orders have brought and nobody has taken at the end of t + L

in money per day over the T days of the plan. K_t and c_t are those of the day the order is placed, h of the day it lies
there.

The model is a shortest path from period 0 to the end. Some optimum orders only when nothing is left of earlier orders
(Wagner & Whitin), so an arc (s, e) is an order in s for the requirements of s..e-1 and costs what these cost; a period
without a requirement is passed free.

    minimize    sum over arcs of cost_a y_a,    y_a >= 0
    subject to  one arc leaves period 0;  of each later period, as many arcs leave as arrive

A path problem's matrix is totally unimodular: a vertex is one path, and no integers are needed. Arcs that no optimum
uses are left out: let p_s - p_k be what a unit ordered in s costs more than one ordered in k > s (its holding until k
and the difference of c). If (p_s - p_k) x (requirements of k..e-1) > K_k for a k between, the arcs (s, k), (k, e) cost
less than (s, e). If (s, e) with every arc (k, f) that can come next costs more than (s, f), it is in no optimum either.
An arc that ends with a period without a requirement costs as much as the one that ends before it and the free step.

What to know: demand before the first possible arrival that stock doesn't cover is late whatever is planned; it costs
nothing here, the first arrival brings its quantity, and the message says how much. The stock there is costs the same
under every plan: it is left out. After the last period there is no demand in the plan, so its last orders are smaller
than those of a longer plan: make the plan anew every few days, of a horizon of several orders. Everything on order
counts as there from the start.

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96; Snyder & Shen (2019), section 3.7; the technical guide
of the Azure inventory optimization solution, section "Dynamic Lot Sizing policy", which has one K and one h, no lead
time and no stock.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

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
    """There are none: what is short before the first order arrives is backordered, and from then on nothing is."""


def read(items: pd.DataFrame, horizon: np.ndarray | None = None) -> LotSizingInputs:
    """The columns as arrays; `horizon` as in `lot_sizing_inputs`."""
    columns = (objects(items, column.name) for column in (DEMAND_MEAN, FIXED_ORDER_COSTS, UNIT_COSTS, HOLDING_COSTS))
    return lot_sizing_inputs(*columns, numbers(items, "inventory_position"), numbers(items, "lead_time"), horizon)


def note_short(message: np.ndarray, inputs: LotSizingInputs) -> None:
    """Say what is late whatever is planned; an item that has a message already can't be planned at all."""
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
    found, message = inputs.requirements, inputs.message
    quantity, cost = best_orders(
        found.requirement,
        found.n_open,
        inputs.lead_time,
        inputs.fixed_order_cost,
        inputs.unit_cost,
        inputs.holding_cost,
    )
    level = order_up_to_levels(quantity, found)
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


def _arcs(inputs: LotSizingInputs, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Start, end, units and cost of the arcs of item i, the free steps last; the path ends after the last
    requirement.
    """
    n_open = inputs.requirements.n_open[i]
    need = inputs.requirements.requirement[i, :n_open]
    end = int(np.flatnonzero(need)[-1]) + 1 if need.any() else 0
    need = need[:end]
    fixed, unit, holding = (cost[:end] for cost in inputs.costs_of(i))
    held = np.concatenate([[0.0], np.cumsum(holding)])[:end]
    total = np.concatenate([[0.0], np.cumsum(need)])
    # what a unit for period u costs when it is ordered in s, and with it the arcs' costs, by s and e - 1
    per_unit = unit[:, None] + held[None, :] - held[:, None]
    cost = fixed[:, None] + np.cumsum(np.triu(per_unit * need[None, :]), axis=1)
    # by s and k: requirements up to this total may be ordered in s before an order in k saves more than it costs
    saving = np.triu(per_unit - unit[None, :], 1)
    with np.errstate(divide="ignore"):
        most = np.where(saving > 0, total[None, :-1] + fixed[None, :] / np.where(saving > 0, saving, 1.0), np.inf)
    # a little more, so that rounding never leaves out an optimal arc
    most = most.min(axis=1, initial=np.inf) * (1 + 1e-9)
    is_kept = np.triu((total[None, 1:] <= most[:, None]) & (need[None, :] > 0))
    start, last = np.nonzero(is_kept & ~_are_better_longer(cost, need, is_kept))
    free = np.flatnonzero(need == 0)
    nothing = np.zeros(len(free))
    return (
        np.concatenate([start, free]),
        np.concatenate([last, free]) + 1,
        np.concatenate([total[last + 1] - total[start], nothing]),
        np.concatenate([cost[start, last], nothing]),
    )


def _are_better_longer(cost: np.ndarray, need: np.ndarray, is_kept: np.ndarray) -> np.ndarray:
    """Which arcs cost more with any next one than one arc from their start to its end; by s and e - 1, as the
    others.
    """
    end = len(need)
    # by s: the most that an arc (s, f) costs beyond (k, f), over the k that can come after e, the first period with a
    # requirement and those before it; from the last e backwards
    beyond, is_better = np.full(end, -np.inf), np.zeros_like(is_kept)
    rounding = 1e-9 * np.abs(cost).max(initial=0.0)
    for e in range(end - 1, 0, -1):
        of_next = (cost[:, is_kept[e]] - cost[e, is_kept[e]]).max(axis=1, initial=-np.inf)
        beyond = of_next if need[e] > 0 else np.maximum(beyond, of_next)
        is_better[:e, e - 1] = cost[:e, e - 1] > beyond[:e] + rounding
    return is_better


def build_model(items: pd.DataFrame, params: DynamicLotSizingParams) -> pyo.ConcreteModel:
    """The path model of each item, side by side in one ConcreteModel; see the module's docstring.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs = read(items)
    refuse(items, inputs.message)
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        return _path_model(inputs)


def _path_model(inputs: LotSizingInputs) -> pyo.ConcreteModel:
    """One flat set of arcs for all items."""
    n, n_periods = inputs.requirements.requirement.shape
    arcs = [_arcs(inputs, i) for i in range(n)]
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, n - 1)
    model.PERIODS = pyo.RangeSet(0, n_periods - 1)
    model.ARCS = pyo.RangeSet(0, sum(len(start) for start, *_ in arcs) - 1)
    model.is_used = pyo.Var(model.ARCS, domain=pyo.NonNegativeReals)
    used = list(model.is_used.values())
    used_of, leaving, arriving, ordering = [], {}, {}, {}
    for i, (start, end, units, _) in enumerate(arcs):
        own = used[: len(start)]
        del used[: len(start)]
        used_of.append(own)
        for arc, s, e, quantity in zip(own, start.tolist(), end.tolist(), units.tolist(), strict=True):
            leaving.setdefault((i, s), []).append(arc)
            arriving.setdefault((i, e), []).append(arc)
            if quantity:
                ordering.setdefault((i, s), []).append((quantity, arc))

    def as_many_leave_as_arrive(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        out, into = leaving[i, t], arriving.get((i, t), [])
        start = 1 if t == 0 else 0
        return start, LinearExpression(linear_coefs=[1] * len(out) + [-1] * len(into), linear_vars=out + into), start

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        cost = arcs[i][3] / inputs.n_periods[i]
        return LinearExpression(linear_coefs=cost.tolist(), linear_vars=used_of[i]) if len(cost) else 0.0

    def order_quantity(model: pyo.ConcreteModel, i: int, t: int) -> object:
        orders = ordering.get((i, t))
        return (
            LinearExpression(linear_coefs=[units for units, _ in orders], linear_vars=[arc for _, arc in orders])
            if orders
            else 0.0
        )

    model.as_many_leave_as_arrive = pyo.Constraint(list(leaving), rule=as_many_leave_as_arrive)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
    model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, model.PERIODS, rule=order_quantity)
    add_levels(model, inputs)
    return model


def add_levels(model: pyo.ConcreteModel, inputs: LotSizingInputs) -> None:
    """The decision ORDER_UP_TO_LEVEL from ORDER_QUANTITY, as variables, a row for each.

    As an Expression, a period's level would be evaluated through the levels of all periods before it.
    """
    position, whole_demand = inputs.requirements.position.tolist(), inputs.requirements.whole_demand.tolist()
    n_periods = inputs.n_periods.tolist()
    model.ORDER_UP_TO_LEVEL = pyo.Var(model.ITEMS, model.PERIODS)
    level = model.ORDER_UP_TO_LEVEL

    def position_less_demand_plus_order_is_the_next_position(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        # an Expression's own terms: a sum of a variable and a linear expression takes Pyomo longer to look through
        ordered = model.ORDER_QUANTITY[i, t].expr
        coefficients, variables = [1.0], [level[i, t]]
        before = position[i]
        if t > 0:
            coefficients.append(-1.0)
            variables.append(level[i, t - 1])
            before = -whole_demand[i][t - 1] if t < n_periods[i] else 0.0
        if isinstance(ordered, LinearExpression):
            coefficients += [-coefficient for coefficient in ordered.linear_coefs]
            variables += ordered.linear_vars
        return before, LinearExpression(linear_coefs=coefficients, linear_vars=variables), before

    model.position_less_demand_plus_order_is_the_next_position = pyo.Constraint(
        model.ITEMS, model.PERIODS, rule=position_less_demand_plus_order_is_the_next_position
    )


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: where the plan orders today, or ordered since the item's last order, what lifts the position to
    the plan's; else 0.

    So what was sold more or less than forecast is made up for by the next order, and so is a planned order whose day
    had no order run. `state` has `period`, whole days since the plan was made (0 on its day), `days_since_order` (NaN:
    never) and `inventory_position`. After the last period, and where the decision or the position is unknown, it is
    NaN.

    >>> decisions = {"ORDER_QUANTITY": np.array([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0]]), "ORDER_UP_TO_LEVEL": np.array([[7.0, 5.0]] * 3)}
    >>> order(decisions, pd.DataFrame({"inventory_position": [2.5, 9.0, 2.0], "period": [0, 0, 1], "days_since_order": [9, 9, 1]}))
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
    # to whole units, and a level that was reached but for rounding is reached
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
    # published for the whole plan
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
    # a path over 28 days takes the simplex method less time than presolve takes to find that little can be left out
    highs_options={"presolve": "off"},
)
