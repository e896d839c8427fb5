"""Random items of the policy s_q: slow and fast movers, every form of demand, uncertain lead times, some without a
service level.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.policies.s_q import POLICY
from tests.items import frame

FORMS = ("poisson", "deterministic", "normal", "pmf")
COSTS = ("daily_review", "time_weighted", "guide")
PARAMS = (
    {},
    {"cost": "time_weighted"},
    {"cost": "guide"},
    *({"cost": cost, "service": service} for service in ("cycle", "fill_rate") for cost in COSTS),
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


def random_items(rng: np.random.Generator, n_partitions: int, largest_mean: float = 20.0) -> pd.DataFrame:
    """One item per partition, the forms of demand in turn; every tenth has no demand."""
    items = []
    for k in range(n_partitions):
        item = random_item(rng, FORMS[k % len(FORMS)], largest_mean)
        if k % 10 == 9:
            item.update(demand_distribution="poisson", demand_mean=np.zeros(5))
        items.append(item)
    return frame(POLICY, *items)


# what item_demand refuses, for each policy that reads a demand over lead times
BAD_DEMAND = {
    "unknown distribution": (
        {"demand_distribution": "gamma"},
        "'gamma', must be one of poisson, deterministic, normal, pmf",
    ),
    "pmf of 0.9": ({"demand_distribution": "pmf", "demand_pmf": [np.array([0.5, 0.4])]}, "add up to 1"),
    "no pmf": ({"demand_distribution": "pmf"}, "demand_pmf must hold"),
    "no variance": ({"demand_distribution": "normal"}, "demand_variance of a normal demand"),
    "negative variance": (
        {"demand_distribution": "normal", "demand_variance": np.array([1.0, -1.0])},
        "demand_variance of a normal",
    ),
    "lead time of decades": (
        {"lead_time": 3000.0, "lead_time_confidence": 3000.0},
        "together at most 3650 days",
    ),
    "too much": ({"demand_mean": np.array([1e9])}, "count in larger units"),
    "too wide a pmf": (
        {"demand_distribution": "pmf", "lead_time": 300.0, "demand_pmf": [np.full(10_000, 1e-4)]},
        "give such a demand as normal",
    ),
    "too wide a mixture": (
        {"lead_time": 300.0, "lead_time_confidence": 200.0, "demand_mean": np.array([9999.0])},
        "give such a demand as normal",
    ),
}
BAD_SERVICE = {
    "percents": ({"service_level": 95.0}, "0.95 for 95 percent", {"service": "cycle"}),
    "certainty": ({"service_level": 1.0}, "no finite stock", {"service": "cycle"}),
    "less than nothing": ({"service_level": -0.5}, "must be 0 or more and below 1", {"service": "cycle"}),
    "more than percents": ({"service_level": 1e5}, "must be 0 or more and below 1", {"service": "fill_rate"}),
}
BAD = {
    **BAD_DEMAND,
    **BAD_SERVICE,
    "endless quantity": ({"holding_cost": 1e-30}, "passes 1e+12 units"),
    "too wide for a fill rate": (
        {
            "demand_distribution": "normal",
            "demand_mean": np.array([1e6]),
            "demand_variance": np.array([1e11]),
            "service_level": 0.9,
        },
        "too many for a fill rate; count in larger units",
        {"service": "fill_rate"},
    ),
}
IS_WHOLE = True
# of the linear program
AGREEMENT = 1e-9
TOO_LARGE = {"holding_cost": 1e-30}
N_MANY = 1008


def many_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """With faster movers, whose models are larger."""
    return random_items(rng, n_partitions, 1_000.0)
