"""Random sources for the policy newsvendor_budget."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.items.s_q import BAD_DEMAND, BAD_SERVICE

PARAMS = (
    {},
    {"cost": "guide"},
    {"service": "cycle"},
    {"service": "fill_rate", "salvage_fraction": 0.5},
    {"protection_days": 3},
)
# a level of 0 still orders what customers wait for
FILLS_WHAT_IS_OWED = True
FORMS = ("poisson", "deterministic", "normal", "pmf")

NO_SALE = {"lost_sale_cost": None, "list_price": np.inf}
FEW = {"service_level": 0.9, "purchase_budget": 5.0}
BAD = {
    **BAD_DEMAND,
    **BAD_SERVICE,
    "no lost sale": ({"lost_sale_cost": None}, "lost_sale_cost is NULL, and so is list_price"),
    "endless list price": (NO_SALE, "list_price is inf"),
    "a budget for less than the service": (FEW, "service levels asked for cost 9: raise it", {"service": "cycle"}),
}


def random_items(
    rng: np.random.Generator, n_partitions: int, largest: int = 12, largest_mean: float = 300.0
) -> pd.DataFrame:
    """Sources of 1 to `largest` products; budgets from what low service levels need to more than is wanted."""
    tables = [source(rng, k, int(rng.integers(1, largest + 1)), largest_mean) for k in range(n_partitions)]
    return pd.concat(tables, ignore_index=True)


def source(rng: np.random.Generator, k: int, n: int, largest_mean: float = 300.0) -> pd.DataFrame:
    """Source k with n products."""
    form = rng.choice(FORMS, n, p=[0.6, 0.1, 0.2, 0.1])
    mean = 10 ** rng.uniform(-2, np.log10(largest_mean), n) * (rng.random(n) > 0.05)
    pmfs = [rng.dirichlet(np.full(rng.integers(2, 9), 0.5)) for _ in range(n)]
    mean = np.where(form == "pmf", [pmf @ np.arange(len(pmf)) for pmf in pmfs], mean)
    unit_cost = 10 ** rng.uniform(-0.5, 2, n)
    if rng.random() < 0.5:  # cents
        unit_cost = np.ceil(unit_cost * 100) / 100
    lead_time = rng.choice([0.0, 0.5, 1.0, 3.0], n)
    confidence = rng.choice([0.0, 0.0, 1.0], n)
    lost_sale = unit_cost * rng.uniform(0.2, 4, n)
    service = np.where(rng.random(n) < 0.5, rng.uniform(0.3, 0.99, n), np.nan)
    days = lead_time + confidence + 1
    # mean + 4.5 standard deviations serves 0.99 of any of these; half of the partitions are bound
    served = (unit_cost * (mean * days + 4.5 * np.sqrt(3 * mean * days) + 10)).sum()
    budget = served * 3 if rng.random() < 0.2 else served * rng.uniform(0.3, 1.0)
    return pd.DataFrame(
        {
            "location_id": f"L{k}",
            "product_id": [f"P{i}" for i in range(n)],
            "source_id": "S1",
            "unit_cost": unit_cost,
            "disposal_cost": np.where(rng.random(n) < 0.5, np.nan, unit_cost * rng.uniform(0, 0.5, n)),
            "lost_sale_cost": np.where(rng.random(n) < 0.3, np.nan, lost_sale),
            "list_price": unit_cost + lost_sale,
            "purchase_budget": budget if rng.random() < 0.9 else np.nan,
            "service_level": service,
            "lead_time": lead_time,
            "lead_time_confidence": confidence,
            "demand_distribution": form,
            "demand_mean": pd.Series([m * np.ones(3) for m in mean], dtype=object),
            "demand_variance": pd.Series([m * rng.choice([0.0, 0.5, 3.0]) * np.ones(3) for m in mean], dtype=object),
            "demand_pmf": pd.Series(
                [[pmf] * 3 if f == "pmf" else None for f, pmf in zip(form, pmfs, strict=True)], dtype=object
            ),
        }
    )
