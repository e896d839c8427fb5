"""The decisions of a plan of orders: what it gives to the engine, what it is given back, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from invopt.policies.base import Decision
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.lot_sizing import LotSizingInputs
from invopt.theory.lot_sizing.net_requirements import order_up_to_levels

PLAN = (
    Decision("ORDER_QUANTITY", "units", "what is ordered on each day of the plan, if demand is as forecast", True),
    Decision("ORDER_UP_TO_LEVEL", "units", "an order of that day lifts the inventory position to this", True),
)


def plan_decisions(items: Items, inputs: LotSizingInputs, order_quantity: np.ndarray) -> dict[str, np.ndarray]:
    """The decisions of a plan; NaN for a refused item. After an item's own end its last level stays.

    order_quantity : (n, T) array, units
    """
    level = order_up_to_levels(order_quantity, inputs.requirements)
    for i in np.flatnonzero(inputs.n_periods < level.shape[1]):
        level[i, inputs.n_periods[i] :] = level[i, max(inputs.n_periods[i] - 1, 0)]
    is_refused = ~items.is_usable
    order_quantity[is_refused] = level[is_refused] = np.nan
    return {"ORDER_QUANTITY": order_quantity, "ORDER_UP_TO_LEVEL": level}


def given_quantities(decisions: Mapping[str, np.ndarray], inputs: LotSizingInputs) -> np.ndarray:
    """The order quantities of any plans, (n, at least T); NaN where they are not known, 0 after an item's own end.

    decisions : of `PLAN`, (n, n_periods) arrays, or (n,) for a plan of one period. The levels follow from the
        quantities and do not count.
    """
    given = np.asarray(decisions["ORDER_QUANTITY"], dtype=float)
    given = given[:, None] if given.ndim == 1 else given
    width = max(inputs.requirements.requirement.shape[1], given.shape[1])
    quantity = np.full((len(given), width), np.nan)
    quantity[:, : given.shape[1]] = given
    is_past = np.arange(width) >= inputs.n_periods[:, None]
    return np.where(is_past & np.isnan(quantity), 0.0, quantity)


def note_overtime(items: Items, order_quantity: np.ndarray, overtime: np.ndarray) -> None:
    """Notes by how much and when a partition's plan passes the capacity.

    The remark goes to the partition's first item, and to each item that is ordered on such a day.

    order_quantity : (n, T) array, units
    overtime : (m, T) array, volume
    """
    for k in np.flatnonzero(overtime.any(axis=1)):
        periods = np.flatnonzero(overtime[k])
        rows = np.arange(items.offsets[k], items.offsets[k + 1])
        is_told = np.zeros(len(items), dtype=bool)
        is_told[rows] = (order_quantity[rows][:, periods] > 0).any(axis=1)
        is_told[rows[0]] = True
        items.note(
            is_told,
            f"the plan passes the capacity by {overtime[k].sum():g} in all, on {len(periods)} days, first on day "
            f"{periods[0]}",
        )
