"""The quantity that is ordered of each item, and why: by the supplier's rules, unless something blocks the item."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from invopt.ordering.line_rules import line_quantities
from invopt.ordering.reasons import reasons

# columns of the state that decide a line or are told in its reason
STATE_COLUMNS = (
    "inventory_position",
    "on_hand",
    "expiring",
    "on_order",
    "on_order_late",
    "min_order_quantity",
    "max_order_quantity",
    "quantity_multiple",
    "is_blocked",
    "blocked_because",
    "solution_remark",
)


def decide_lines(wanted: np.ndarray, decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> pd.DataFrame:
    """The quantity to order of each item, and why.

    Parameters
    ----------
    wanted : (n,) array, units: what the policy's order rule asks for; NaN where it has no solution, or none for this
        day or position
    decisions : decision name -> (n,) array, shown in the reason
    state : (n,) rows with STATE_COLUMNS; `is_blocked` stops an item's order, and `blocked_because` says why;
        `solution_remark`, where it is not NULL, is added to the reason

    Returns
    -------
    (n,) rows: wanted, quantity (units), reason

    >>> state = pd.DataFrame([{"inventory_position": 3, "on_hand": 5, "expiring": 2, "on_order": 0, "on_order_late": 0,
    ...     "min_order_quantity": 10, "max_order_quantity": None, "quantity_multiple": 4,
    ...     "is_blocked": False, "blocked_because": None, "solution_remark": None}])
    >>> decisions = {"REORDER_POINT": np.array([6]), "ORDER_QUANTITY": np.array([7])}
    >>> line = decide_lines(np.array([7.0]), decisions, state).loc[0]
    >>> float(line["quantity"])
    12.0
    >>> line["reason"].split(": ")[1]
    '7 wanted, raised to the minimum 10, rounded up to a multiple of 4'
    """
    lines = line_quantities(wanted, state)
    return pd.DataFrame(
        {
            "wanted": lines.wanted,
            "quantity": np.where(state["is_blocked"].to_numpy(bool), 0.0, lines.accepted),
            "reason": list(reasons(lines, wanted, decisions, state)),
        }
    )
