"""Random storage spaces for the policy eoq_budget."""

from __future__ import annotations

import numpy as np
import pandas as pd

PARAMS = (
    {},
    {"cost": "ordering"},
    {"discount": "all_units"},
    {"discount": "incremental"},
    {"discount": "all_units", "holding": "with_price"},
    {"discount": "incremental", "holding": "with_price"},
    {"cost": "ordering", "discount": "all_units"},
)

FALLING = {"price_break_quantity": np.array([5.0, 4.0]), "price_break_cost": np.array([0.7, 0.6])}
RISING = {"price_break_quantity": np.array([5.0]), "price_break_cost": np.array([0.8])}
BAD = {
    "endless quantity": ({"holding_cost": 1e-30}, "passes 1e+12 units"),
    "too much": ({"demand_mean": np.array([1e9])}, "count in larger units"),
    "no budget": ({}, "storage_cost_budget is needed", {"cost": "ordering"}),
    "a budget for less than a unit": ({"storage_cost_budget": 0.1}, "costs 0.1125 on average: raise it"),
    "breaks of two lengths": ({"price_break_quantity": np.array([5.0])}, "same length", {"discount": "all_units"}),
    "breaks fall": (FALLING, "must rise", {"discount": "all_units"}),
    "prices rise": (RISING, "must not", {"discount": "incremental"}),
    "no price": ({"unit_cost": 0.0}, "unit_cost is 0.0, must be above 0", {"discount": "incremental"}),
}


def random_items(
    rng: np.random.Generator, n_partitions: int, largest: int = 12, largest_mean: float = 1000.0
) -> pd.DataFrame:
    """Spaces of 1 to `largest` products; budgets from just enough for a unit of each to more than is wanted."""
    tables = [space(rng, k, int(rng.integers(1, largest + 1)), largest_mean) for k in range(n_partitions)]
    return pd.concat(tables, ignore_index=True)


def space(rng: np.random.Generator, k: int, n: int, largest_mean: float = 1000.0) -> pd.DataFrame:
    """Storage space k with n products."""
    mean = 10 ** rng.uniform(-2, np.log10(largest_mean), n) * (rng.random(n) > 0.05)
    unit_cost = 10 ** rng.uniform(-0.5, 2, n)
    holding_cost = unit_cost * rng.uniform(1e-3, 2e-2, n)
    if rng.random() < 0.3:  # money in cents, as real storage costs are
        holding_cost = np.ceil(holding_cost * 100) / 100
    quantity = 10 ** rng.uniform(0, 2.5, n)
    fixed_order_cost = quantity**2 * holding_cost / (2 * np.maximum(mean, 0.01))
    least, wanted = holding_cost[mean > 0].sum() / 2, (holding_cost * quantity / 2)[mean > 0].sum()
    budget = least * 1.001 + rng.uniform(0.0, 1.1) * max(wanted - least, 0.0)
    n_breaks = rng.integers(0, 3, n)
    breaks = [np.sort(rng.choice(np.arange(2, 400), m, replace=False)).astype(float) if m else None for m in n_breaks]
    costs = [unit_cost[i] * np.cumprod(rng.uniform(0.9, 1.0, m)) if m else None for i, m in enumerate(n_breaks)]
    return pd.DataFrame(
        {
            "location_id": f"L{k}",
            "product_id": [f"P{i}" for i in range(n)],
            "source_id": "S1",
            "storage_id": "1",
            "storage_cost_budget": budget,
            "fixed_order_cost": fixed_order_cost,
            "holding_cost": holding_cost,
            "unit_cost": unit_cost,
            "price_break_quantity": pd.Series(breaks, dtype=object),
            "price_break_cost": pd.Series(costs, dtype=object),
            "lead_time": rng.choice([0.0, 0.5, 2.0, 7.0], n),
            "demand_mean": pd.Series([m * np.ones(3) for m in mean], dtype=object),
        }
    )
