"""Random items of (s, S): those of (R, S) without its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.items import r_s
from tests.items.s_q import BAD_DEMAND

FORMS = r_s.FORMS
PARAMS = ({},)
ITS_LIMITS = ("shipping_interval", "service_level")


def random_item(rng: np.random.Generator, form: str, largest_mean: float = 50.0) -> dict:
    """One item: means spread evenly over their logarithm; order costs that make S - s from 1 to some hundreds."""
    item = r_s.random_item(rng, form, largest_mean)
    for name in ITS_LIMITS:
        del item[name]
    quantity = rng.choice([0.0, 1.0]) * rng.uniform(0, 60) * max(1.0, item["demand_mean"].mean() / 50)
    item["fixed_order_cost"] = quantity**2 * item["holding_cost"] / (2 * max(item["demand_mean"].mean(), 0.01))
    return item


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
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=float if isinstance(value, float) else object)
            for name, value in rows[0].items()
        }
    )


BAD = BAD_DEMAND
IS_WHOLE = True
# of the linear program: a price that is wrong by less than 1e-7 of money counts as right in HiGHS
AGREEMENT = 1e-8
TOO_LARGE = {"holding_cost": 1e-12}
N_MANY = 1000
