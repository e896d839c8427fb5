"""From the columns of many items to the arrays of a lot-sizing plan; an item that can't be planned gets a message."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.item_demand import LONGEST_LEAD_TIME, concatenated
from invopt.policies.inputs.messages import note
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.lot_sizing.net_requirements import NetRequirements, net_requirements

# units over the plan; with costs of cents beside it a float still counts single units
LARGEST_TOTAL = 1e9


class LotSizingInputs(NamedTuple):
    """n items over T periods, T the longest plan among them.

    requirements : the units to order and when; none for an item with a message
    lead_time, n_periods : (n,) arrays of int, periods: the arguments of `net_requirements`
    fixed_order_cost, unit_cost, holding_cost : (n, T) arrays, or (n, 1) where one value holds for all periods
    message : (n,) object array of str or None
    """

    requirements: NetRequirements
    lead_time: np.ndarray
    n_periods: np.ndarray
    fixed_order_cost: np.ndarray
    unit_cost: np.ndarray
    holding_cost: np.ndarray
    message: np.ndarray

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


def lot_sizing_inputs(
    demand_mean: np.ndarray,
    fixed_order_cost: np.ndarray,
    unit_cost: np.ndarray,
    holding_cost: np.ndarray,
    inventory_position: np.ndarray,
    lead_time: np.ndarray,
    horizon: np.ndarray | None = None,
) -> LotSizingInputs:
    """Arrays and messages of n items.

    Parameters
    ----------
    demand_mean : (n,) object array of arrays over periods, units/period
    fixed_order_cost, unit_cost, holding_cost : (n,) object arrays of arrays: one value for all periods, or one for each
        period of demand_mean; unit_cost may be NULL, which is 0
    inventory_position : (n,) array, units
    lead_time : (n,) array, periods; rounded up
    horizon : (n,) array of int, periods: the plan is at least that long, without demand after the last of demand_mean;
        None: as demand

    >>> cells = lambda *rows: np.array([*map(np.array, rows), None], dtype=object)[:-1]
    >>> costs = cells([5.0], [5.0]), cells([0.0], [0.0]), cells([1.0, 1.0], [1.0])
    >>> inputs = lot_sizing_inputs(cells([1.0, 2.0], []), *costs, np.zeros(2), np.zeros(2))
    >>> inputs.requirements.requirement.tolist(), inputs.message.tolist()
    ([[1.0, 2.0], [0.0, 0.0]], [None, 'demand_mean must be a series of finite values of 0 or more'])
    """
    n = len(demand_mean)
    message = np.full(n, None, dtype=object)
    lengths = concatenated(demand_mean)[1]
    n_periods = lengths if horizon is None else np.maximum(lengths, horizon)
    width = max(1, int(n_periods.max(initial=1)))
    demand, is_usable = _padded(demand_mean, lengths, width, is_cost=False)
    note(message, ~is_usable, "demand_mean must be a series of finite values of 0 or more")
    columns = {"fixed_order_cost": fixed_order_cost, "unit_cost": unit_cost, "holding_cost": holding_cost}
    costs = [_cost_by_period(name, column, lengths, width, message) for name, column in columns.items()]
    unknown = ~np.isfinite(inventory_position)
    note(message, unknown, "inventory_position is {value}, must be a number of units", inventory_position)
    lead = _whole_lead_time(lead_time, message)
    with np.errstate(over="ignore", invalid="ignore"):
        total = demand.sum(axis=1) + np.abs(inventory_position)
    note(
        message,
        is_usable & (total > LARGEST_TOTAL),
        f"demand over the plan passes {LARGEST_TOTAL:g} units; count in larger units",
    )

    is_bad = np.not_equal(message, None)
    if is_bad.any():
        demand = np.where(is_bad[:, None], 0.0, demand)
    position = np.where(is_bad, 0.0, inventory_position)
    requirements = net_requirements(demand, n_periods, position, lead)
    note(
        message,
        ~is_bad & (requirements.n_open == 0) & (requirements.short > 0),
        "lead_time reaches past the plan: no order would arrive within it; forecast more than {value} days",
        lead,
    )
    return LotSizingInputs(requirements, lead, n_periods, *costs, message)


def _cost_by_period(
    name: str, column: np.ndarray, n_periods: np.ndarray, width: int, message: np.ndarray
) -> np.ndarray:
    """The costs as `_padded` rows; only a unit cost may be NULL."""
    cost, is_usable = _padded(column, n_periods, width, is_cost=True)
    if name != "unit_cost":
        is_usable = is_usable & (concatenated(column)[1] > 0)
    note(message, ~is_usable, f"{name} must hold one finite value of 0 or more, or one for each period of demand_mean")
    return cost


def _whole_lead_time(lead_time: np.ndarray, message: np.ndarray) -> np.ndarray:
    """Lead times in whole periods; 0 where they can't be used."""
    is_usable = (lead_time >= 0) & (lead_time <= LONGEST_LEAD_TIME)
    limit = f"{LONGEST_LEAD_TIME:g} days"
    note(message, ~is_usable, "lead_time is {value}, must be 0 or more and at most " + limit, lead_time)
    return whole_days(np.where(is_usable, lead_time, 0.0)).astype(np.int64)
