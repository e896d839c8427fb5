"""Random items of dynamic_lot_sizing: slow and fast movers, demand that comes and goes, costs that change, stock and
lead times.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

PARAMS = ({},)
PERIODS = 28


def cells(rows: list) -> pd.Series:
    """A column whose cells are arrays."""
    column = np.empty(len(rows), dtype=object)
    column[:] = rows
    return pd.Series(column)


def random_plan(rng: np.random.Generator, n_periods: int) -> dict:
    """The columns of one item; means spread evenly over their logarithm, from 0.01 to 12,000 units a day."""
    mean = 10 ** rng.uniform(-2, np.log10(12_000))
    demand = mean * rng.uniform(0.3, 1.7, n_periods) * (rng.random(n_periods) < rng.choice([1.0, 0.6, 0.2]))
    demand = np.round(demand, rng.integers(0, 4))
    holding = rng.uniform(0.01, 2) * (rng.uniform(0.5, 1.5, n_periods) if rng.random() < 0.4 else np.ones(1))
    # orders that last for some days
    fixed = (
        rng.uniform(0, 40)
        * mean
        * holding.mean()
        * (rng.uniform(0.5, 1.5, n_periods) if rng.random() < 0.4 else np.ones(1))
    )
    unit = rng.uniform(1, 50) * (rng.uniform(0.7, 1.3, n_periods) if rng.random() < 0.4 else np.ones(1))
    position = float(np.round(mean * rng.choice([0.0, 0.0, 3.0, 40.0, -2.0])))
    receipts = None
    if rng.random() < 0.3:  # some of it comes in the plan, and some after it
        receipts = np.round(mean * rng.uniform(0, 4, n_periods + 1) * (rng.random(n_periods + 1) < 0.2))
        position += receipts.sum()
    return {
        "fixed_order_cost": fixed,
        "holding_cost": holding,
        "unit_cost": unit if rng.random() < 0.9 else None,
        "inventory_position": position,
        "scheduled_receipts": receipts,
        "lead_time": float(rng.choice([0, 0.5, 1, 2, 7])),
        "demand_mean": demand,
    }


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """One item is one partition."""
    plans = [random_plan(rng, PERIODS) for _ in range(n_partitions)]
    table = {
        "location_id": [f"S{k % 3}" for k in range(n_partitions)],
        "product_id": [f"P{k}" for k in range(n_partitions)],
        "source_id": ["V1"] * n_partitions,
    }
    for name in ("fixed_order_cost", "holding_cost", "unit_cost", "scheduled_receipts", "demand_mean"):
        table[name] = cells([plan[name] for plan in plans])
    for name in ("inventory_position", "lead_time"):
        table[name] = np.array([plan[name] for plan in plans], float)
    return pd.DataFrame(table)


BAD = {
    "two holding costs": (
        {"holding_cost": np.array([1.0, 2.0])},
        "holding_cost must hold one finite value of 0 or more, or one for each period of demand_mean",
    ),
    "two order costs": ({"fixed_order_cost": np.array([1.0, 2.0])}, "fixed_order_cost must hold one finite value"),
    "two unit costs": ({"unit_cost": np.array([1.0, 2.0])}, "unit_cost must hold one finite value"),
    "too much": ({"demand_mean": np.array([1e10])}, "count in larger units"),
    "owed too much": ({"inventory_position": -1e10}, "count in larger units"),
    "lead time past the plan": ({"lead_time": 40.0}, "forecast more than 40 days"),
}
