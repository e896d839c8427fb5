"""Random items of capacitated_lot_sizing: a few items share a source's shipments, with and without a limit that
binds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.items.dynamic_lot_sizing import BAD as BAD_PLANS
from tests.items.dynamic_lot_sizing import cells, random_plan

PARAMS = ({}, {"n_iterations": 20}, {"overtime_price": 3.0})
# small enough for the model to be solved in a moment
PERIODS = 8


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """Partitions of 1 to 4 items of one location and source."""
    rows = []
    for k in range(n_partitions):
        n = int(rng.integers(1, 5))
        plans = [random_plan(rng, PERIODS) for _ in range(n)]
        volumes = np.ones(n) if rng.random() < 0.5 else rng.uniform(0.1, 3, n).round(2)
        setups = np.full(n, np.nan) if rng.random() < 0.5 else rng.integers(0, 3, n).astype(float)
        per_day = sum(plan["demand_mean"].mean() * volume for plan, volume in zip(plans, volumes, strict=True))
        limit = np.nan if rng.random() < 0.3 else np.ceil(per_day * rng.uniform(1.1, 4) + np.nansum(setups))
        for i, plan in enumerate(plans):
            rows.append(
                {
                    "location_id": f"S{k}",
                    "product_id": f"P{i}",
                    "source_id": "V1",
                    **plan,
                    "unit_volume": volumes[i],
                    "setup_volume": setups[i],
                    "max_shipping_volume": limit,
                }
            )
    arrays = ("fixed_order_cost", "holding_cost", "unit_cost", "scheduled_receipts", "demand_mean")
    table = pd.DataFrame([{name: value for name, value in row.items() if name not in arrays} for row in rows])
    for name in arrays:
        table[name] = cells([row[name] for row in rows])
    return table


BAD = BAD_PLANS

# parameters that are money
MONEY = ("overtime_price",)
