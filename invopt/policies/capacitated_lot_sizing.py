"""Capacitated lot sizing: the orders of all items of one source, when a day's shipment holds only so much.

Decides in which periods to order how much of each item that one supplier ships to one location. The net requirements,
the shift by each item's lead time, the costs and the assumptions are those of `dynamic_lot_sizing`. Beside them there
is a limit C on the volume that is ordered in a period. What does not fit is overtime at a price, so that there always
is a plan. `models/capacitated_plan.py` has the model, in money per day.

The overtime's cost is shared equally by the items of the partition. `overtime_price: null` takes ten times the most
that a unit of volume of this plan could cost on average: with all of it bought at the dearest, held to the end and
ordered in each period. Overtime then replaces only orders that are worth that much, or happens where no plan can do
without.

The algorithm gives a plan and a bound, not the optimum: see `theory/lot_sizing/search_capacitated.py`. Where no
capacity binds, the plan is the optimum and the bound its cost. The model proves the optimum of some ten items in
seconds to a minute. For 20 items and more of different volumes it often ends at the time limit, with a plan no better
than the algorithm's. Where capacity is very tight, the algorithm may leave overtime that the model avoids.

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

from invopt.models.capacitated_plan import Limit, capacitated_plan, plan_item
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
    """Parameters of capacitated lot sizing.

    overtime_price : money per unit of volume beyond the capacity; null takes ten times the most that a unit of volume
        of the plan can cost
    n_iterations : how often the algorithm (method: exact) adjusts the prices of capacity; more takes longer and narrows
        the gap
    """

    overtime_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    n_iterations: int = Field(default=40, ge=1, le=100_000)


class Shared(NamedTuple):
    """The limits that the items of a partition share, with each item's volumes; m partitions, n items.

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
    """A plan and a bound of every partition in one call; the bound is the cost where no capacity binds.

    The message of a partition's first item, and of each item ordered on overtime, says how much overtime the plan
    needs. A partition with an item that can't be planned is not planned: that item has NaN and a message. Periods after
    a partition's own end hold no orders and the last level.
    """
    inputs, shared = read_shared(items, offsets, params)
    requirements, message = inputs.requirements, inputs.message
    quantity, cost, bound = capacitated_orders(
        offsets,
        n_periods=shared.n_periods,
        requirement=requirements.requirement,
        n_open=requirements.n_open,
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
    level = order_up_to_levels(quantity, requirements)
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
    """Notes by how much and when a partition's plan passes the capacity.

    The message goes to the partition's first item, and to each item that is ordered on such a day.
    """
    limited = np.flatnonzero(np.isfinite(shared.capacity))
    if not len(limited):
        return
    volume = quantity * shared.unit_volume[:, None] + (quantity > 0) * shared.setup_volume[:, None]
    over = np.add.reduceat(volume, offsets[:-1], axis=0) - shared.capacity[:, None]
    over = np.where(over > 1e-9 * (1 + shared.capacity[:, None]), over, 0.0)
    for k in np.flatnonzero(over.any(axis=1)):
        periods = np.flatnonzero(over[k])
        text = (
            f"the plan passes the capacity by {over[k].sum():g} in all, on {len(periods)} days, "
            f"first on day {periods[0]}"
        )
        rows = np.arange(offsets[k], offsets[k + 1])
        has_text = (quantity[rows][:, periods] > 0).any(axis=1)
        has_text[0] = True
        for item in rows[has_text]:
            message[item] = text if message[item] is None else f"{message[item]}; {text}"


def build_model(items: pd.DataFrame, params: CapacitatedLotSizingParams) -> pyo.ConcreteModel:
    """The model of one partition; see `models/capacitated_plan.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs, shared = read_shared(items, np.array([0, len(items)]), params)
    refuse(items, inputs.message)
    requirements, n_open = inputs.requirements, inputs.requirements.n_open
    volumes = zip(shared.unit_volume.tolist(), shared.setup_volume.tolist(), strict=True)
    plan_items = [
        plan_item(requirements.requirement[i, : n_open[i]], inputs.costs_of(i), *item_volumes)
        for i, item_volumes in enumerate(volumes)
    ]
    limit = Limit(float(shared.capacity[0]), float(shared.overtime_price[0]))
    return capacitated_plan(plan_items, limit, requirements, inputs.n_periods)


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
    # Presolve substitutes the stock balances away. Without it the hardest of Trigeiro's instances (F8) is proved in a
    # minute; with it 1.5 % were left. Some easy ones take twice as long (a partition of 150 items 4.5 s instead of
    # 2.2 s), and small ones as long as with it.
    highs_options={"presolve": "off"},
)
