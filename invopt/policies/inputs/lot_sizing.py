"""From the columns of many items to the arrays of a lot-sizing plan; an item that can't be planned is refused."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.columns import DEMAND_MEAN, LEAD_TIME, LONGEST_LEAD_TIME
from invopt.policies.inputs.item_demand import concatenated
from invopt.policies.inputs.items import Items
from invopt.tables.columns import Column
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.lot_sizing.net_requirements import WHOLE, NetRequirements, net_requirements

PLAN_COLUMNS = (
    Column(
        "fixed_order_cost",
        "array<double>",
        "money/order",
        "cost of an order, by the day it is placed: one value for all days, or one for each",
        is_nullable=False,
        minimum=0,
    ),
    Column(
        "holding_cost",
        "array<double>",
        "money/unit/day",
        "cost of a unit in stock at the end of the day: one value for all days, or one for each",
        is_nullable=False,
        minimum=0,
    ),
    Column(
        "unit_cost",
        "array<double>",
        "money/unit",
        "what a unit costs to buy and ship, by the day it is ordered: one value for all days, or one for each; NULL is "
        "0",
        minimum=0,
    ),
    Column(
        "inventory_position",
        "double",
        "units",
        "on hand, less what will expire, and on order; negative when units are owed",
        is_nullable=False,
    ),
    Column(
        "scheduled_receipts",
        "array<double>",
        "units/day",
        "of what is on order, the units that arrive on each day, late ones on the first; what arrives after the last "
        "day of demand_mean may stand in one value more; NULL: all is there",
        minimum=0,
    ),
    LEAD_TIME,
    DEMAND_MEAN,
)
# units over the plan; with costs of cents beside it a float still counts single units
LARGEST_TOTAL = 1e9


class LotSizingInputs(NamedTuple):
    """n items over T periods, T the longest plan among them.

    requirements : the units to order and when; none for a refused item
    lead_time, n_periods : (n,) arrays of int, periods: the arguments of `net_requirements`
    fixed_order_cost, unit_cost, holding_cost : (n, T) arrays, or (n, 1) where one value holds for all periods
    """

    requirements: NetRequirements
    lead_time: np.ndarray
    n_periods: np.ndarray
    fixed_order_cost: np.ndarray
    unit_cost: np.ndarray
    holding_cost: np.ndarray

    def costs_of(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """K, c and h of item i by the period of the order, each (n_open,).

        h is that of the day on which the order arrives: units ordered in t cost the sum of h over t..u-1 until u.
        """
        n, lead = self.requirements.n_open[i], self.lead_time[i]
        last = lead + n
        fixed, unit, holding = (
            np.broadcast_to(cost[i], (last,)) if len(cost[i]) == 1 else cost[i]
            for cost in (self.fixed_order_cost, self.unit_cost, self.holding_cost)
        )
        return fixed[:n], unit[:n], holding[lead:last]


def _padded(column: np.ndarray, n_periods: np.ndarray, width: int, is_cost: bool) -> tuple[np.ndarray, np.ndarray]:
    """The cells as rows of one array, and whether each is usable.

    A cost may have one value, or none, which is 0; its last value goes on to the end of the row.
    """
    values, lengths = concatenated(column)
    if is_cost:
        is_usable = (lengths <= 1) | (lengths == n_periods)
        width = 1 if lengths.max(initial=0) <= 1 else width
    else:
        is_usable = lengths > 0
    starts = np.cumsum(lengths) - lengths
    if len(column) and (lengths == width).all():
        padded = values.reshape(len(column), width)
    else:
        period = np.arange(width)[None, :]
        last = np.maximum(np.minimum(lengths, width) - 1, 0)[:, None]
        at = starts[:, None] + np.minimum(period, last)
        padded = np.append(values, 0.0)[np.minimum(at, len(values))]
        is_empty = (lengths[:, None] == 0) if is_cost else (period >= lengths[:, None])
        padded = np.where(is_empty, 0.0, padded)
    if len(column):
        is_usable = is_usable & (padded.min(axis=1) >= 0) & (padded.max(axis=1) < np.inf)
    return padded, is_usable


def lot_sizing_inputs(items: Items, horizon: np.ndarray | None = None) -> LotSizingInputs:
    """Arrays of n items; an item that can't be planned is refused, and what will be late is noted.

    The columns are demand_mean, fixed_order_cost, unit_cost, holding_cost (series), inventory_position, lead_time
    (rounded up to whole periods) and scheduled_receipts, which may be missing. A cost has one value for all periods, or
    one for each period of demand_mean.

    horizon : (n,) array of int, periods: the plan is at least that long, without demand after the last of demand_mean;
        None: as demand

    >>> import pandas as pd
    >>> costs = {"fixed_order_cost": [5.0], "unit_cost": [0.0], "holding_cost": [1.0]}
    >>> item = {**costs, "inventory_position": 0.0, "lead_time": 0.0}
    >>> items = Items(pd.DataFrame([{**item, "demand_mean": series} for series in ([1, 2], [])]), [])
    >>> lot_sizing_inputs(items).requirements.requirement.tolist(), items.problems.tolist()
    ([[1.0, 2.0], [0.0, 0.0]], [None, 'demand_mean must be a series of finite values of 0 or more'])
    """
    demand_mean = items.objects("demand_mean")
    lengths = concatenated(demand_mean)[1]
    n_periods = lengths if horizon is None else np.maximum(lengths, horizon)
    width = max(1, int(n_periods.max(initial=1)))
    demand, is_usable = _padded(demand_mean, lengths, width, is_cost=False)
    items.refuse(~is_usable, "demand_mean must be a series of finite values of 0 or more")
    costs = [_cost_by_period(items, name, lengths, width) for name in ("fixed_order_cost", "unit_cost", "holding_cost")]
    receipts = _receipts(items)
    position, lead_time = items.numbers_of("inventory_position", "lead_time")
    lead = whole_days(np.clip(np.nan_to_num(lead_time), 0.0, LONGEST_LEAD_TIME)).astype(np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        total = demand.sum(axis=1) + np.abs(position)
    items.refuse(
        is_usable & ~(total <= LARGEST_TOTAL),
        f"demand over the plan passes {LARGEST_TOTAL:g} units; count in larger units",
    )
    is_bad = ~items.is_usable
    if is_bad.any():
        demand = np.where(is_bad[:, None], 0.0, demand)
        receipts = None if receipts is None else np.where(is_bad[:, None], 0.0, receipts)
    requirements = net_requirements(demand, n_periods, np.where(is_bad, 0.0, position), lead, receipts)
    items.refuse(
        ~is_bad & (requirements.n_open == 0) & (requirements.short > 0),
        "lead_time reaches past the plan: no order would arrive within it; forecast more than {value} days",
        lead,
    )
    for i in np.flatnonzero(items.is_usable & (requirements.short > 0)):
        items.remarks[i] = (
            f"{requirements.short[i]:.0f} units are late until the first order can arrive, on day {lead[i]}"
        )
    if receipts is not None:
        owed = receipts.sum(axis=1) - position
        items.note(
            items.is_usable & (owed > WHOLE * (1 + np.abs(position))) & receipts.any(axis=1),
            "scheduled_receipts are {value:g} units more than inventory_position, which holds them, so {value:g} are "
            "taken to be owed to customers today",
            owed,
        )
    return LotSizingInputs(requirements, lead, n_periods, *costs)


def _receipts(items: Items) -> np.ndarray | None:
    """(n, the most that an item has) array, units/period; None where no item has any."""
    name = "scheduled_receipts"
    if name not in items.frame:
        return None
    values, lengths = concatenated(items.objects(name))
    if not len(values):
        return None
    receipts = np.zeros((len(items), int(lengths.max())))
    receipts[np.arange(receipts.shape[1]) < lengths[:, None]] = values
    is_wrong = ~(np.isfinite(receipts) & (receipts >= 0)).all(axis=1)
    items.refuse(is_wrong, f"{name} must be a series of finite values of 0 or more")
    return receipts


def _cost_by_period(items: Items, name: str, n_periods: np.ndarray, width: int) -> np.ndarray:
    """The costs as `_padded` rows; only a unit cost may be NULL."""
    column = items.objects(name)
    cost, is_usable = _padded(column, n_periods, width, is_cost=True)
    if name != "unit_cost":
        is_usable = is_usable & (concatenated(column)[1] > 0)
    items.refuse(~is_usable, f"{name} must hold one finite value of 0 or more, or one for each period of demand_mean")
    return cost
