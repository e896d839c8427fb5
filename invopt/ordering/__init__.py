"""From what a policy wants to what a supplier accepts, with the reason for each line and each item that is not ordered.

    n = 0                        if the policy wants nothing
    q = max(wanted, minimum), rounded up to a multiple, cut to the largest multiple that the maximum allows

A minimum that no multiple up to the maximum reaches can't be ordered; the reason says so. The supplier's limits over
several lines (volume, budget, shipping days) are not seen here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

# columns of the state that the rules look at; NULL or NaN limits do not bind
STATE_COLUMNS = (
    "inventory_position",
    "on_hand",
    "expiring",
    "on_order",
    "on_order_late",
    "min_order_quantity",
    "max_order_quantity",
    "quantity_multiple",
    "is_held",
    "held_because",
    "solution_says",
)


def review(wanted: np.ndarray, decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> pd.DataFrame:
    """The quantity to order of each item, and why.

    Parameters
    ----------
    wanted : (n,) array, units: what the policy's order rule asks for; NaN where it has no solution, or none for this
        day or position
    decisions : decision name -> (n,) array, shown in the reason
    state : (n,) rows with STATE_COLUMNS; `is_held` stops an item's order, and `held_because` says why; `solution_says`,
        where it is not NULL, is added to the reason

    Returns
    -------
    (n,) rows: wanted, quantity (units), reason

    >>> state = pd.DataFrame({"inventory_position": [3.0], "on_hand": [5.0], "expiring": [2.0], "on_order": [0.0],
    ...     "on_order_late": [0.0], "min_order_quantity": [10.0],
    ...     "max_order_quantity": [np.nan], "quantity_multiple": [4.0], "is_held": [False], "held_because": [None],
    ...     "solution_says": [None]})
    >>> float(review(np.array([7.0]), {"REORDER_POINT": np.array([6.0]), "ORDER_QUANTITY": np.array([7.0])}, state).quantity[0])
    12.0
    """
    n = len(state)
    least = _limit(state["min_order_quantity"], 0.0)
    most = _limit(state["max_order_quantity"], np.inf)
    multiple = np.maximum(_limit(state["quantity_multiple"], 1.0), 1.0)
    is_held = state["is_held"].to_numpy(bool)
    asked = np.where(np.isfinite(wanted), wanted, 0.0)

    raised = np.maximum(asked, least)
    rounded = np.ceil(raised / multiple - 1e-9) * multiple
    cut = np.minimum(rounded, np.floor(most / multiple + 1e-9) * multiple)
    is_impossible = cut < least - 1e-9
    quantity = np.where((asked > 0) & ~is_held & ~is_impossible & (cut > 0), cut, 0.0)

    position = state["inventory_position"].to_numpy(float)
    stock = state["on_hand"].to_numpy(float), state["expiring"].to_numpy(float), state["on_order"].to_numpy(float)
    late = state["on_order_late"].to_numpy(float)
    named = list(decisions.items())
    because = state["held_because"].to_numpy(object)
    said = [f"; {text}" if isinstance(text, str) and text else "" for text in state["solution_says"]]
    reasons = []
    for i in range(n):
        text = (
            f"position {position[i]:g} = {stock[0][i]:g} on hand - {stock[1][i]:g} expiring + {stock[2][i]:g} on order"
        )
        if late[i] > 0:
            text += f" ({late[i]:g} late)"
        if is_held[i]:
            reasons.append(f"held: {because[i]}; {text}")
            continue
        if not np.isfinite(wanted[i]):
            reasons.append(
                f"held: the decisions say nothing for this day, or the inventory position is not known; {text}"
            )
            continue
        text += "; " + ", ".join(f"{name.lower().replace('_', ' ')} {values[i]:g}" for name, values in named)
        if asked[i] <= 0:
            reasons.append(f"nothing wanted: {text}{said[i]}")
            continue
        text += f": {asked[i]:g} wanted"
        if raised[i] > asked[i]:
            text += f", raised to the minimum {least[i]:g}"
        if rounded[i] > raised[i]:
            text += f", rounded up to a multiple of {multiple[i]:g}"
        if cut[i] < rounded[i]:
            text += f", cut to the maximum {most[i]:g}"
        if quantity[i] <= 0:
            text += f"; can't be ordered: no multiple of {multiple[i]:g} lies between the minimum {least[i]:g} and the maximum {most[i]:g}"
        elif quantity[i] != asked[i]:
            text += f": {quantity[i]:g} ordered"
        reasons.append(text + said[i])
    return pd.DataFrame({"wanted": asked, "quantity": quantity, "reason": reasons})


def _limit(values: pd.Series, none: float) -> np.ndarray:
    """Limits as floats, with what stands for no limit."""
    limits = pd.to_numeric(values, errors="coerce").to_numpy(float)
    return np.where(np.isnan(limits), none, limits)
