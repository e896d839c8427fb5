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

The algorithm's price of max_shipping_volume is what one more unit of C each day is worth, in money per day, by the
bound's Lagrangian multipliers. It is 0 where no capacity binds. The model gives none: its integers leave no duals.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366; Barany, Van Roy & Wolsey (1984),
Management Science 30(10), 1255-1261; the technical guide of the Azure inventory optimization solution, section
"Capacitated Dynamic Lot Sizing policy", where volumes are missing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyomo.environ as pyo
from pydantic import Field

from invopt.models.capacitated_plan import Limit, capacitated_plan, plan_item
from invopt.policies.base import About, Answer, Example, Params, Policy
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.lot_sizing import PLAN_COLUMNS
from invopt.policies.inputs.plan import PLAN, given_quantities, note_overtime, plan_decisions
from invopt.policies.inputs.select import item_state_select
from invopt.policies.inputs.shared_capacity import CAPACITY_COLUMNS, shared_capacity_inputs
from invopt.theory import order_rules
from invopt.theory.lot_sizing.given_plan import given_plan_costs, overtime_volumes
from invopt.theory.lot_sizing.search_capacitated import capacitated_orders
from invopt.theory.order_rules import Stock

NEEDS = (*PLAN_COLUMNS, *CAPACITY_COLUMNS)


class CapacitatedLotSizingParams(Params):
    """Parameters of capacitated lot sizing.

    overtime_price : money per unit of volume beyond the capacity; null takes ten times the most that a unit of volume
        of the plan can cost
    n_iterations : how often the algorithm adjusts the prices of capacity; more takes longer and narrows the gap
    """

    overtime_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    n_iterations: int = Field(default=40, ge=1, le=100_000)


def algorithm(items: Items, params: CapacitatedLotSizingParams) -> Answer:
    """A plan and a bound of every partition in one call; the bound is the cost where no capacity binds.

    A remark on a partition's first item, and on each item ordered on overtime, says how much overtime the plan needs.
    A partition with a refused item is not planned. Periods after a partition's own end hold no orders and the last
    level.
    """
    inputs, shared = shared_capacity_inputs(items, params.overtime_price)
    items.refuse_partitions()
    quantity, *shares = capacitated_orders(
        items.offsets,
        n_periods=shared.n_periods,
        requirement=inputs.requirements.requirement,
        n_open=inputs.requirements.n_open,
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
    for share in shares:
        share /= np.maximum(inputs.n_periods, 1)
        share[~items.is_usable] = np.nan
    cost, bound, price = shares
    decisions = plan_decisions(items, inputs, quantity)
    overtime = overtime_volumes(quantity, items.offsets, shared.unit_volume, shared.setup_volume, shared.capacity)
    note_overtime(items, quantity, overtime)
    has_limit = np.isfinite(np.repeat(shared.capacity, items.sizes))
    return Answer(decisions, cost, bound, {"max_shipping_volume": np.where(has_limit, price, np.nan)})


def build_model(items: Items, params: CapacitatedLotSizingParams) -> pyo.ConcreteModel:
    """The model of one partition; see `models/capacitated_plan.py`.

    Raises
    ------
    ParameterError : an item's inputs can't be used; says which and why.
    """
    inputs, shared = shared_capacity_inputs(items, params.overtime_price)
    items.raise_problems()
    requirements, n_open = inputs.requirements, inputs.requirements.n_open
    volumes = zip(shared.unit_volume.tolist(), shared.setup_volume.tolist(), strict=True)
    plan_items = [
        plan_item(requirements.requirement[i, : n_open[i]], inputs.costs_of(i), *item_volumes)
        for i, item_volumes in enumerate(volumes)
    ]
    limit = Limit(float(shared.capacity[0]), float(shared.overtime_price[0]))
    return capacitated_plan(plan_items, limit, requirements, inputs.n_periods)


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: CapacitatedLotSizingParams) -> np.ndarray:
    """The objective at any plans, money/day: each item's own costs, and an equal share of its partition's overtime.

    A partition is NaN where an item's plan is impossible or not known, as in `dynamic_lot_sizing`. Only ORDER_QUANTITY
    counts: the levels follow from it.
    """
    inputs, shared = shared_capacity_inputs(items, params.overtime_price)
    quantity = given_quantities(decisions, inputs)
    prices = inputs.fixed_order_cost, inputs.unit_cost, inputs.holding_cost
    costs = given_plan_costs(quantity, inputs.requirements, inputs.lead_time, *prices)
    costs[~items.is_usable] = np.nan
    over = overtime_volumes(quantity, items.offsets, shared.unit_volume, shared.setup_volume, shared.capacity)
    is_known = np.logical_and.reduceat(np.isfinite(costs), items.offsets[:-1])
    overtime_share = np.where(is_known, shared.overtime_price * over.sum(axis=1) / items.sizes, np.nan)
    return (costs + np.repeat(overtime_share, items.sizes)) / np.maximum(inputs.n_periods, 1)


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.as_planned`."""
    return order_rules.as_planned(decisions["ORDER_QUANTITY"], decisions["ORDER_UP_TO_LEVEL"], stock)


def _example_items() -> tuple[dict, ...]:
    """Two items over four days; without the capacity of 8 units a day the plan would cost 26.9."""
    rows = zip(([4, 3, 5, 2], [2, 4, 1, 3]), (6, 5), (0.5, 0.4), strict=True)
    return tuple(
        {
            "fixed_order_cost": np.array([fixed], float),
            "holding_cost": np.array([holding], float),
            "unit_cost": None,
            "inventory_position": 0.0,
            "scheduled_receipts": None,
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
    about=About(
        "orders of all items of a source over the coming periods, within what it ships in a day",
        "MILP",
        "Trigeiro, Thomas & McClain (1989), Management Science 35(3)",
        "Lagrangian relaxation of the capacity, plans mended and searched: a plan and a bound",
    ),
    decides=PLAN,
    needs=NEEDS,
    params=CapacitatedLotSizingParams,
    build_model=build_model,
    cost=cost,
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
    algorithm=algorithm,
    partition_by=("location_id", "source_id"),
    select=item_state_select(NEEDS, setup_volume="NULL"),
    # Presolve substitutes the stock balances away. Without it the hardest of Trigeiro's instances (F8) is proved in a
    # minute; with it 1.5 % were left. Some easy ones take twice as long (a partition of 150 items 4.5 s instead of
    # 2.2 s), and small ones as long as with it.
    solver_options={"highs": {"presolve": "off"}},
    prices={"max_shipping_volume": ""},
)
