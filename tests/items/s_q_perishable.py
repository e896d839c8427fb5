"""Random items of the policy s_q_perishable: those of s_q with shelf lives from half a day to months, a few that do
not expire.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.policies.s_q_perishable import POLICY
from tests.items.s_q import FORMS, frame, poisson_item, random_item, with_keys

PARAMS = (
    {},
    {"review": "daily"},
    {"expired_unit_costs": "disposal_and_purchase"},
    {"service": "cycle"},
    {"service": "fill_rate"},
    {"service": "fill_rate", "expired_unit_costs": "disposal_and_purchase", "review": "daily"},
)


def expiring_item(**changes) -> dict:
    """An item of which a test changes what it is about."""
    return {
        **poisson_item(),
        "fixed_order_cost": 20.0,
        "unit_cost": 3.0,
        "holding_cost": 0.1,
        "backorder_cost": 8.0,
        "disposal_cost": 2.0,
        "shelf_life": 3.0,
        "demand_mean": np.array([1.5]),
        **changes,
    }


def random_expiring_item(rng: np.random.Generator, form: str, largest_mean: float = 20.0) -> dict:
    """Order costs and shelf lives that make few, some or most units expire."""
    shelf_life = rng.choice([0.5, 1.0, 2.0, 5.0, 12.0, 40.0, 200.0, None])
    return {
        **random_item(rng, form, largest_mean),
        "unit_cost": rng.uniform(0.5, 20),
        "disposal_cost": rng.choice([None, 0.0, 1.0, 10.0]),
        "shelf_life": shelf_life,
    }


def expiring_frame(*items: dict) -> pd.DataFrame:
    """A DataFrame of the policy's input columns."""
    return frame(*items, columns=POLICY.input_columns)


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """One item per partition, the forms of demand in turn; every tenth has no demand."""
    items = []
    for k in range(n_partitions):
        item = random_expiring_item(rng, FORMS[k % len(FORMS)])
        if k % 10 == 9:
            item.update(demand_distribution="poisson", demand_mean=np.zeros(5))
        items.append(item)
    return with_keys(expiring_frame(*items))
