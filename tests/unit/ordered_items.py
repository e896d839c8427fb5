"""Items as step `order` gives them to the executors."""

from __future__ import annotations

import numpy as np
import pandas as pd

N_ITEMS = 4


def items(policy_id: str | None = "s_q", **changes) -> pd.DataFrame:
    """Items with s = 6 and Q = 7 at position 3, the last without a solution; `changes` are values of columns."""
    numbers = dict.fromkeys(("inventory_position", "on_hand"), 3.0) | dict.fromkeys(
        ("expiring", "on_order", "on_order_late"), 0.0
    )
    frame = pd.DataFrame(
        {
            "policy_id": policy_id,
            "location_id": "L",
            "product_id": [f"P{k}" for k in range(N_ITEMS)],
            "source_id": "S",
            **numbers,
            "min_order_quantity": np.nan,
            "max_order_quantity": np.nan,
            "quantity_multiple": np.nan,
            "unit_cost": 2.0,
            "day": 17_000.0,
            "days_since_order": np.nan,
            "is_stale": False,
            "is_blocked": False,
            "problem": None,
            "status": "optimal",
            "message": None,
            "acted_on_order": None,
            "acted_on_units": np.nan,
            "decisions": [[("REORDER_POINT", [6.0]), ("ORDER_QUANTITY", [7.0])] for _ in range(N_ITEMS)],
        }
    )
    frame.loc[N_ITEMS - 1, ["status", "message"]] = "no_solution", "infeasible"
    frame.at[N_ITEMS - 1, "decisions"] = None
    return frame.assign(**changes)
