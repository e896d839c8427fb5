"""Random items of the policy s_q_perishable: those of s_q with shelf lives from half a day to months, a few that do
not expire.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.policies.s_q_perishable import POLICY
from tests.items import example_item, frame
from tests.items.s_q import BAD_DEMAND, BAD_SERVICE, FORMS, random_item

FORMULA_PARAMS = (
    {},
    {"review": "daily"},
    {"expired_unit_costs": "disposal_and_purchase"},
    {"service": "cycle"},
    {"service": "fill_rate"},
    {"service": "fill_rate", "expired_unit_costs": "disposal_and_purchase", "review": "daily"},
)
PARAMS = (*FORMULA_PARAMS, {"polish": "simulation", "simulated_days": 300})


def expiring_item(**changes) -> dict:
    """An item of which a test changes what it is about; it asks for no service."""
    return example_item(POLICY, **{"service_level": None, **changes})


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
    """The items as the engine gets them."""
    return frame(POLICY, *items)


def random_items(rng: np.random.Generator, n_partitions: int) -> pd.DataFrame:
    """One item per partition, the forms of demand in turn; every tenth has no demand."""
    items = []
    for k in range(n_partitions):
        item = random_expiring_item(rng, FORMS[k % len(FORMS)])
        if k % 10 == 9:
            item.update(demand_distribution="poisson", demand_mean=np.zeros(5))
        items.append(item)
    return expiring_frame(*items)


BAD = {
    **BAD_DEMAND,
    **BAD_SERVICE,
    "no price": (
        {"unit_cost": None},
        "unit_cost is NULL, but expired_unit_costs: disposal_and_purchase needs a number",
        {"expired_unit_costs": "disposal_and_purchase"},
    ),
    "endless quantity": ({"holding_cost": 1e-30, "shelf_life": None}, "passes 1e+12 units"),
    "too wide a pmf on the shelf": (
        {"demand_distribution": "pmf", "shelf_life": 300.0, "demand_pmf": [np.full(10_000, 1e-4)]},
        "give such a demand as normal",
    ),
    "unreachable": (
        {"shelf_life": 0.01, "lead_time": 30.0, "service_level": 1 - 1e-13},
        "no batch that gives the service level",
        {"service": "cycle"},
    ),
}
