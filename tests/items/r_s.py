"""Random items of (R, S)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.items.s_q import BAD_DEMAND, BAD_SERVICE

FORMS = ("poisson", "deterministic", "normal", "pmf")
N_PERIODS = 5

PARAMS = (
    {},
    {"cost": "guide"},
    {"service": "cycle"},
    {"service": "fill_rate"},
    {"cost": "guide", "service": "fill_rate"},
    {"longest_review_period": 9},
)


def random_item(rng: np.random.Generator, form: str, largest_mean: float = 50.0) -> dict:
    """One item: means spread evenly over their logarithm, order costs that make R from 1 to some weeks."""
    mean = 10 ** rng.uniform(-2, np.log10(largest_mean)) * rng.uniform(0.5, 1.5, N_PERIODS)
    holding_cost = rng.uniform(0.1, 5)
    pmf = None
    if form == "pmf":
        pmf = [rng.dirichlet(np.full(rng.integers(2, 6), 0.5)) for _ in range(N_PERIODS)]
        mean = np.array([probabilities @ np.arange(len(probabilities)) for probabilities in pmf])
    return {
        "fixed_order_cost": rng.choice([0.0, 1.0]) * rng.uniform(0, 40) ** 2 * holding_cost * mean.mean() / 2,
        "holding_cost": holding_cost,
        "backorder_cost": rng.choice([0.0, 1.0, 5.0, 60.0]) * rng.uniform(0.5, 1.5),
        "lead_time": float(rng.choice([0, 0.5, 1, 2, 7])),
        "lead_time_confidence": float(rng.choice([0, 0, 1, 3])),
        "shipping_interval": rng.choice([None, None, 1.0, 6.5, 14.0]),
        "service_level": rng.choice([None, 0.5, 0.9, 0.99]),
        "demand_distribution": form,
        "demand_mean": mean,
        "demand_variance": rng.choice([0.0, 0.5, 2.0, 10.0]) * mean,
        "demand_pmf": pmf,
    }


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """So many items, each a partition, with their keys."""
    rows = [
        {
            "location_id": f"S{k % 7}",
            "product_id": f"P{k}",
            "source_id": "V1",
            **random_item(rng, FORMS[k % len(FORMS)], 12_000.0 if k % 10 == 9 else 50.0),
        }
        for k in range(n_partitions)
    ]
    columns = {
        name: pd.Series(
            [row[name] for row in rows],
            dtype=float
            if isinstance(rows[0][name], float) or name in ("shipping_interval", "service_level")
            else object,
        )
        for name in rows[0]
    }
    return pd.DataFrame(columns)


BAD = {
    **BAD_DEMAND,
    **BAD_SERVICE,
    "too wide a day": (
        {"demand_distribution": "pmf", "demand_pmf": [np.full(10_000, 1e-4)], "lead_time": 1.0},
        "too many units within lead time and review period",
    ),
    "too much at a review": ({"demand_mean": np.array([2e7])}, "lead time and review period passes"),
}
IS_WHOLE = True
TOO_LARGE = {
    "demand_distribution": "normal",
    "demand_mean": np.array([1e5]),
    "demand_variance": np.array([1e10]),
    "lead_time": 7.0,
}
# of the linear program
AGREEMENT = 1e-9
N_MANY = 1008
# by longest_review_period and shipping_interval
LIMITED = ("REVIEW_PERIOD",)
