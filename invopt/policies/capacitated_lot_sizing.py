"""Capacitated lot sizing: the orders of all items that one supplier ships to one location, when a day's shipment holds
only so much.

As `dynamic_lot_sizing`, with the same net requirements r, shift by each item's lead time, costs and assumptions, and
with a limit on the volume that is ordered in a period: v_i is an item's volume, s_i what an order of it takes up
whatever its size, C the capacity. What does not fit is overtime o_t at a price, so that there always is a plan. Over
periods t of the order, in money per day over T days,

    minimize    (1/T) sum_i sum_t K_it d_it + c_it Q_it + h_it x_it   +   (1/T) sum_t price o_t
    subject to  x_it = x_i,t-1 + Q_it - r_it,    x_it >= 0          stock balance
                Q_it <= R_it d_it,   d_it in {0, 1}     an order at all; R_it = r_it + r_i,t+1 + ... is all that is left
                v_i Q_it <= (C - s_i) d_it + o_t      the order alone must fit; given where it is the tighter of the two
                sum_i v_i Q_it + s_i d_it <= C + o_t                all orders must fit
                x_i,k-1 + sum_{k<=u<=l} r_i(u..l) d_iu >= r_i(k..l)    what stock does not cover must be ordered in k..l

The last rows cut off fractional d only: an order in u brings at most r(u..l) of what is needed until l, or stock of
before k has it (Barany, Van Roy & Wolsey). Those are given in which an order in k would still cover l were there no
limit: the others seldom bind. Nothing is ordered after an item's last requirement: its cost and its volume would be for
nothing. Q is integer, unless the other integers imply it: with d fixed this is a flow problem if there is no C, or if
all v are equal and C and all s are multiples of v, and a flow of whole requirements and capacities has whole optima at
its vertices.

The overtime's cost is shared equally by the items of the partition. `overtime_price: null` takes ten times what a unit
of volume of this plan would cost at most on average, if all of it was bought at the dearest, held to the end and
ordered in each period: overtime then replaces orders that are worth that much, and otherwise happens only where the
plan can't do without.

The algorithm gives a plan and a bound, not the optimum: see `theory/lot_sizing/search_capacitated.py`. Where no capacity
binds, the plan is the optimum and the bound its cost. The model proves the optimum of some ten items in seconds to a
minute. For 20 items and more of different volumes it often ends at the time limit, with a plan no better than the
algorithm's; where capacity is very tight, the algorithm may leave overtime that the model avoids.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366; Barany, Van Roy & Wolsey (1984),
Management Science 30(10), 1255-1261; the technical guide of the Azure inventory optimization solution, section
"Capacitated Dynamic Lot Sizing policy", where volumes are missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pydantic import Field
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.models.path import add_order_up_to_levels, largest_totals
from invopt.policies import dynamic_lot_sizing
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.dynamic_lot_sizing import note_short, order, read
from invopt.policies.inputs.columns import numbers
from invopt.policies.inputs.lot_sizing import LotSizingInputs
from invopt.policies.inputs.messages import note, refuse
from invopt.tables.columns import Column
from invopt.theory.lot_sizing.net_requirements import order_up_to_levels
from invopt.theory.lot_sizing.search_capacitated import capacitated_orders

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
    CAST(demand_mean AS array<double>) AS demand_mean,
    CAST(unit_volume AS double) AS unit_volume,
    CAST(NULL AS double) AS setup_volume,
    CAST(max_shipping_volume AS double) AS max_shipping_volume
FROM item_state
"""

INPUT_COLUMNS = (
    *dynamic_lot_sizing.INPUT_COLUMNS,
    Column("unit_volume", "double", "volume/unit", "volume of a unit; NULL is 1"),
    Column(
        "setup_volume", "double", "volume/order", "volume an order of the item takes up whatever its size; NULL is 0"
    ),
    Column(
        "max_shipping_volume",
        "double",
        "volume/day",
        "volume the source ships to the location in a day, the same in all rows of a partition; NULL is no limit",
    ),
)


class CapacitatedLotSizingParams(Params):
    """overtime_price : money per unit of volume beyond the capacity; null: ten times what a unit of volume of the plan
    costs at most.

    n_iterations : how often the algorithm (method: exact) adjusts the prices of capacity; more takes longer and narrows
        the gap.
    """

    overtime_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    n_iterations: int = Field(default=40, ge=1, le=100_000)


class Shared(NamedTuple):
    """What the items of a partition share, with each item's part in it; m partitions, n items.

    unit_volume, setup_volume : (n,) arrays, volume; 1 and 0 where none was given
    capacity : (m,) array, volume/period; infinite where there is no limit
    overtime_price : (m,) array, money/volume
    n_periods : (m,) array of int: the longest plan of the partition's items
    """

    unit_volume: np.ndarray
    setup_volume: np.ndarray
    capacity: np.ndarray
    overtime_price: np.ndarray
    n_periods: np.ndarray


def read_shared(
    items: pd.DataFrame, offsets: np.ndarray, params: CapacitatedLotSizingParams
) -> tuple[LotSizingInputs, Shared]:
    """The columns of all partitions as arrays; messages of the items are in the first."""
    sizes = np.diff(offsets)
    starts = offsets[:-1]
    lengths = np.fromiter(
        (len(cell) if hasattr(cell, "__len__") else 0 for cell in items["demand_mean"]), np.int64, len(items)
    )
    n_periods = np.maximum.reduceat(lengths, starts) if len(items) else np.zeros(0, dtype=np.int64)
    inputs = read(items, np.repeat(n_periods, sizes))
    volume, setup, capacity = (numbers(items, name) for name in ("unit_volume", "setup_volume", "max_shipping_volume"))
    volume, setup = np.where(np.isnan(volume), 1.0, volume), np.where(np.isnan(setup), 0.0, setup)
    capacity = np.where(np.isnan(capacity), np.inf, capacity)
    for name, values in (("unit_volume", volume), ("setup_volume", setup)):
        note(inputs.message, ~((values >= 0) & (values < np.inf)), name + " is {value}, must be 0 or more", values)
    note(inputs.message, ~(capacity >= 0), "max_shipping_volume is {value}, must be 0 or more", capacity)
    capacity_of = capacity[starts] if len(items) else np.zeros(0)
    note(
        inputs.message,
        capacity != np.repeat(capacity_of, sizes),
        "max_shipping_volume is {value} here and something else in the partition's first item: it is one limit for all",
        capacity,
    )
    volume, setup = (np.where(np.isfinite(values) & (values >= 0), values, 0.0) for values in (volume, setup))
    price = np.full(len(sizes), np.nan if params.overtime_price is None else params.overtime_price)
    if params.overtime_price is None and len(items):
        units = inputs.requirements.requirement.sum(axis=1)
        periods = np.repeat(n_periods, sizes)
        fixed, unit, holding = (
            np.where(np.isfinite(cost), cost, 0.0)
            for cost in (inputs.fixed_order_cost, inputs.unit_cost, inputs.holding_cost)
        )
        dearest = periods * fixed.max(axis=1) + units * (unit.max(axis=1) + periods * holding.max(axis=1))
        total_volume = np.add.reduceat(units * volume + setup, starts)
        price = 10 * np.add.reduceat(dearest, starts) / np.where(total_volume > 0, total_volume, 1.0)
    return inputs, Shared(volume, setup, capacity_of, price, n_periods)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: CapacitatedLotSizingParams) -> ExactSolution:
    """A plan and a bound of every partition in one call; the bound's shares add up to it, and where nothing binds it is
    the cost.

    The messages of a partition's first item, and of those ordered on overtime, say how much of it the plan needs. A
    partition with an item that can't be planned is not planned: that item has NaN and a message. Periods after a
    partition's own end hold no orders and the last level.
    """
    inputs, shared = read_shared(items, offsets, params)
    found, message = inputs.requirements, inputs.message
    quantity, cost, bound = capacitated_orders(
        offsets,
        n_periods=shared.n_periods,
        requirement=found.requirement,
        n_open=found.n_open,
        lead_time=inputs.lead_time,
        fixed_order_cost=inputs.fixed_order_cost,
        unit_cost=inputs.unit_cost,
        holding_cost=inputs.holding_cost,
        unit_volume=shared.unit_volume,
        setup_volume=shared.setup_volume,
        capacity=shared.capacity,
        overtime_price=shared.overtime_price,
        n_iterations=params.n_iterations,
    )
    level = order_up_to_levels(quantity, found)
    horizon = np.maximum(inputs.n_periods, 1)
    is_bad = np.not_equal(message, None)
    for values in (cost, bound):
        values /= horizon
        values[is_bad] = np.nan
    quantity[is_bad] = level[is_bad] = np.nan
    for i in np.flatnonzero(inputs.n_periods < quantity.shape[1]):
        level[i, inputs.n_periods[i] :] = level[i, max(inputs.n_periods[i] - 1, 0)]
    note_short(message, inputs)
    _note_overtime(message, offsets, quantity, shared)
    return ExactSolution(
        {"ORDER_QUANTITY": quantity, "ORDER_UP_TO_LEVEL": level},
        cost,
        None if np.equal(message, None).all() else message,
        bound,
    )


def _note_overtime(message: np.ndarray, offsets: np.ndarray, quantity: np.ndarray, shared: Shared) -> None:
    """Say by how much and when a partition's plan passes the capacity: in its first item, and in each that is
    ordered on such a day.
    """
    limited = np.flatnonzero(np.isfinite(shared.capacity))
    if not len(limited):
        return
    volume = quantity * shared.unit_volume[:, None] + (quantity > 0) * shared.setup_volume[:, None]
    over = np.add.reduceat(volume, offsets[:-1], axis=0) - shared.capacity[:, None]
    over = np.where(over > 1e-9 * (1 + shared.capacity[:, None]), over, 0.0)
    for k in np.flatnonzero(over.any(axis=1)):
        periods = np.flatnonzero(over[k])
        text = f"the plan passes the capacity by {over[k].sum():g} in all, on {len(periods)} days, first on day {periods[0]}"
        own = np.arange(offsets[k], offsets[k + 1])
        is_told = (quantity[own][:, periods] > 0).any(axis=1)
        is_told[0] = True
        for item in own[is_told]:
            message[item] = text if message[item] is None else f"{message[item]}; {text}"


def build_model(items: pd.DataFrame, params: CapacitatedLotSizingParams) -> pyo.ConcreteModel:
    """The model of one partition; see the module's docstring.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs, shared = read_shared(items, np.array([0, len(items)]), params)
    refuse(items, inputs.message)
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        return _plan_model(inputs, shared)


def _are_flows_whole(shared: Shared) -> bool:
    """Whether, given which orders there are, quantities are a flow of whole units, so that a vertex is whole without
    being asked.
    """
    capacity, volume = shared.capacity[0], shared.unit_volume[0]
    if np.isinf(capacity):
        return True
    if volume == 0 or (shared.unit_volume != volume).any():
        return False
    in_units = np.append(shared.setup_volume, capacity) / volume
    return bool((in_units == np.rint(in_units)).all())


def _lasting(need: np.ndarray, fixed: np.ndarray, kept: np.ndarray) -> list[int]:
    """For each period k the last l that an order in k covers at most, if nothing was limited: until an order in
    between is cheaper.
    """
    total = np.concatenate([[0.0], np.cumsum(need)])
    most = largest_totals(total, fixed, np.triu(kept[:, None] - kept[None, :], 1))
    lasts = np.searchsorted(total, most, side="right") - 2
    return np.minimum(np.maximum(lasts, np.arange(len(need))), len(need) - 1).tolist()


def _plan_model(inputs: LotSizingInputs, shared: Shared) -> pyo.ConcreteModel:
    n, n_periods = inputs.requirements.requirement.shape
    horizon = float(max(shared.n_periods[0], 1))
    capacity = float(shared.capacity[0])
    is_limited = np.isfinite(capacity)
    needs, orders = [], []
    for i in range(n):
        need = inputs.requirements.requirement[i, : inputs.requirements.n_open[i]]
        last = int(np.flatnonzero(need)[-1]) + 1 if need.any() else 0
        needs.append(need[:last])
        orders += [(i, t) for t in range(last)]
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, n - 1)
    model.PERIODS = pyo.RangeSet(0, n_periods - 1)
    model.ORDERS = pyo.Set(initialize=orders, dimen=2)
    model.quantity = pyo.Var(
        model.ORDERS, domain=pyo.NonNegativeReals if _are_flows_whole(shared) else pyo.NonNegativeIntegers
    )
    model.is_ordered = pyo.Var(model.ORDERS, domain=pyo.Binary)
    model.stock = pyo.Var(model.ORDERS, domain=pyo.NonNegativeReals)
    model.overtime = pyo.Var(model.PERIODS, domain=pyo.NonNegativeReals) if is_limited else {}
    quantity, is_ordered, stock = (
        dict(variable.items()) for variable in (model.quantity, model.is_ordered, model.stock)
    )
    left = [np.cumsum(need[::-1])[::-1].tolist() for need in needs]
    volumes, setups = shared.unit_volume.tolist(), shared.setup_volume.tolist()

    def stock_balance(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        need = needs[i][t]
        coefficients, variables = [1, -1], [quantity[i, t], stock[i, t]]
        if t > 0:
            coefficients.append(1)
            variables.append(stock[i, t - 1])
        return need, LinearExpression(linear_coefs=coefficients, linear_vars=variables), need

    def a_quantity_needs_an_order(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        return None, LinearExpression(linear_coefs=(1, -left[i][t]), linear_vars=(quantity[i, t], is_ordered[i, t])), 0

    def an_order_alone_fits(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        return (
            None,
            LinearExpression(
                linear_coefs=(volumes[i], setups[i] - capacity, -1),
                linear_vars=(quantity[i, t], is_ordered[i, t], model.overtime[t]),
            ),
            0,
        )

    ordering: list[list[int]] = [[] for _ in range(n_periods)]
    for i, t in orders:
        ordering[t].append(i)

    def all_orders_fit(model: pyo.ConcreteModel, t: int) -> tuple:
        own = ordering[t]
        coefficients = [volumes[i] for i in own] + [setups[i] for i in own] + [-1]
        variables = [quantity[i, t] for i in own] + [is_ordered[i, t] for i in own] + [model.overtime[t]]
        return None, LinearExpression(linear_coefs=coefficients, linear_vars=variables), capacity

    spans = []
    costs = []
    for i in range(n):
        fixed, unit, holding = (cost[: len(needs[i])] for cost in inputs.costs_of(i))
        costs.append((fixed / horizon, unit / horizon, holding / horizon))
        kept = unit + np.cumsum(holding[::-1])[::-1]
        lasts = _lasting(needs[i], fixed, kept)
        spans += [(i, k, last) for k in range(len(lasts)) for last in range(k, lasts[k] + 1) if needs[i][last] > 0]

    def what_stock_does_not_cover_is_ordered(model: pyo.ConcreteModel, i: int, k: int, last: int) -> tuple:
        after = left[i][last + 1] if last + 1 < len(left[i]) else 0.0
        coefficients = [amount - after for amount in left[i][k : last + 1]]
        variables = [is_ordered[i, u] for u in range(k, last + 1)]
        least = coefficients[0]
        if k > 0:
            coefficients.append(1.0)
            variables.append(stock[i, k - 1])
        return least, LinearExpression(linear_coefs=coefficients, linear_vars=variables), None

    share = shared.overtime_price[0] / horizon / n if is_limited else 0.0

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        periods = range(len(needs[i]))
        coefficients = np.concatenate(costs[i]).tolist()
        variables = [variable[i, t] for variable in (is_ordered, quantity, stock) for t in periods]
        if is_limited:
            coefficients += [share] * n_periods
            variables += list(model.overtime.values())
        return LinearExpression(linear_coefs=coefficients, linear_vars=variables) if variables else 0.0

    def order_quantity(model: pyo.ConcreteModel, i: int, t: int) -> object:
        return LinearExpression(linear_coefs=[1], linear_vars=[quantity[i, t]]) if (i, t) in quantity else 0.0

    model.stock_balance = pyo.Constraint(model.ORDERS, rule=stock_balance)
    model.a_quantity_needs_an_order = pyo.Constraint(model.ORDERS, rule=a_quantity_needs_an_order)
    if is_limited:
        tight = [(i, t) for i, t in orders if volumes[i] * left[i][t] + setups[i] > capacity]
        model.an_order_alone_fits = pyo.Constraint(tight, rule=an_order_alone_fits)
        model.all_orders_fit = pyo.Constraint([t for t in range(n_periods) if ordering[t]], rule=all_orders_fit)
    model.what_stock_does_not_cover_is_ordered = pyo.Constraint(spans, rule=what_stock_does_not_cover_is_ordered)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
    model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, model.PERIODS, rule=order_quantity)
    add_order_up_to_levels(model, inputs.requirements, inputs.n_periods)
    return model


def _example_items() -> tuple[dict, ...]:
    """Two items over four days; without the capacity of 8 units a day the plan would cost 26.9."""
    rows = zip(([4, 3, 5, 2], [2, 4, 1, 3]), (6, 5), (0.5, 0.4), strict=True)
    return tuple(
        {
            "fixed_order_cost": np.array([fixed], float),
            "holding_cost": np.array([holding], float),
            "unit_cost": None,
            "inventory_position": 0.0,
            "lead_time": 0.0,
            "demand_mean": np.array(series, float),
            "unit_volume": 1.0,
            "setup_volume": None,
            "max_shipping_volume": 8.0,
        }
        for series, fixed, holding in rows
    )


POLICY = Policy(
    name="capacitated_lot_sizing",
    title="orders of all items of a source over the coming periods, within what it ships in a day",
    model_class="MILP",
    algorithm="Lagrangian relaxation of the capacity, plans mended and searched: a plan and a bound",
    source="Trigeiro, Thomas & McClain (1989), Management Science 35(3)",
    partition_by=("location_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=CapacitatedLotSizingParams,
    decisions=("ORDER_QUANTITY", "ORDER_UP_TO_LEVEL"),
    build_model=build_model,
    order=order,
    examples=(
        Example(
            "two items, four days",
            _example_items(),
            {},
            34.4 / 4,
            {"ORDER_QUANTITY": ((4, 3, 7, 0), (2, 5, 0, 3))},
            "by enumeration of all 98 x 86 pairs of plans",
        ),
    ),
    solve_exact=solve_exact,
    # presolve substitutes the stock balances away; without it the hardest of Trigeiro's instances (F8) is proved in a
    # minute, where 1.5 % were left. Some easy ones take twice as long, a partition of 150 items 4.5 s instead of 2.2 s,
    # small ones what they took
    highs_options={"presolve": "off"},
)
