"""Random items of the policy s_q: slow and fast movers, every form of demand, uncertain lead times, some without a
service level.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.policies.s_q import POLICY
from invopt.tables.columns import ITEM

FORMS = ("poisson", "deterministic", "normal", "pmf")
COSTS = ("daily_review", "time_weighted", "guide")
PARAMS = (
    {},
    {"cost": "time_weighted"},
    {"cost": "guide"},
    *({"cost": cost, "service": service} for service in ("cycle", "fill_rate") for cost in COSTS),
)


def frame(*items: dict, columns=POLICY.input_columns) -> pd.DataFrame:
    """A DataFrame of the input columns as the engine gives it: series are arrays in object columns."""
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [item[column.name] for item in items], dtype=float if column.type == "double" else object
            )
            for column in columns
        }
    )


def poisson_item(**changes) -> dict:
    """An item of which a test changes what it is about."""
    item = {
        "fixed_order_cost": 100.0,
        "holding_cost": 20.0,
        "backorder_cost": 150.0,
        "lead_time": 2.0,
        "lead_time_confidence": 0.0,
        "service_level": None,
        "demand_distribution": "poisson",
        "demand_mean": np.array([1.0, 2.0]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return {**item, **changes}


def random_item(rng: np.random.Generator, form: str, largest_mean: float = 50.0) -> dict:
    """Slow and fast movers: means spread evenly over their logarithm; order costs that make Q from 1 to some
    hundreds.
    """
    n_periods = 5
    mean = 10 ** rng.uniform(-2, np.log10(largest_mean)) * rng.uniform(0.5, 1.5, n_periods)
    item = poisson_item(
        holding_cost=rng.uniform(0.1, 5),
        backorder_cost=rng.choice([0.0, 1.0, 5.0, 60.0]) * rng.uniform(0.5, 1.5),
        lead_time=float(rng.choice([0, 0.5, 1, 2, 7])),
        lead_time_confidence=float(rng.choice([0, 0, 1, 3])),
        demand_distribution=form,
        demand_mean=mean,
        demand_variance=rng.choice([0.0, 0.5, 2.0, 10.0]) * mean,
    )
    quantity = rng.uniform(0, 80)
    item["fixed_order_cost"] = quantity**2 * item["holding_cost"] / (2 * mean.mean())
    if form == "pmf":
        day = [rng.dirichlet(np.full(rng.integers(2, 6), 0.5)) for _ in range(n_periods)]
        item["demand_pmf"] = np.array([*day, None], dtype=object)[:-1]
        item["demand_mean"] = np.array([pmf @ np.arange(len(pmf)) for pmf in day])
        item["fixed_order_cost"] = quantity**2 * item["holding_cost"] / (2 * max(item["demand_mean"].mean(), 0.01))
    item["service_level"] = rng.choice([None, 0.5, 0.8, 0.95, 0.99])
    return item


def with_keys(items: pd.DataFrame) -> pd.DataFrame:
    """The items with keys: every item of its own product."""
    keys = {ITEM[0]: "store 1", ITEM[1]: [f"product {k}" for k in range(len(items))], ITEM[2]: "supplier 1"}
    return pd.concat([pd.DataFrame(keys, index=items.index), items], axis=1)


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """One item per partition, the forms of demand in turn; every tenth has no demand."""
    items = []
    for k in range(n_partitions):
        item = random_item(rng, FORMS[k % len(FORMS)], 20.0)
        if k % 10 == 9:
            item.update(demand_distribution="poisson", demand_mean=np.zeros(5))
        items.append(item)
    return with_keys(frame(*items))
