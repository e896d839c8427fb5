"""Items as a retailer has them, for the item policies and the two with a budget, made by whole columns: a million
take seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from invopt import policies
from invopt.tables.columns import ITEM

PERIODS = 28
FORMS = np.array(["poisson", "normal", "deterministic"])
ARROW = {
    "string": pa.string(),
    "double": pa.float64(),
    "array<double>": pa.list_(pa.float64()),
    "array<array<double>>": pa.list_(pa.list_(pa.float64())),
}


def item_policies() -> list[str]:
    """The policies that decide for every item by itself."""
    return [name for name in policies.names() if policies.load(name).partition_by == ITEM]


def arrow_items(n: int, seed: int, policy: str = "s_q") -> pa.Table:
    """n items with all input columns of the policy; a column that no item of this kind has is NULL.

    Mean lead-time demand is 1..200 units, demand has three forms and a weekly pattern with noise over 28 days.
    """
    rng = np.random.default_rng(seed)
    columns = _columns(rng, n, seed)
    if policy == "dynamic_lot_sizing":
        columns |= _plans(rng, columns)
    return _table(columns, policy)


def _table(columns: dict[str, Any], policy: str) -> pa.Table:
    """The keys and the policy's input columns; what no item has is NULL."""
    n = len(columns["product_id"])
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ITEM),
            *((column.name, ARROW[column.type]) for column in policies.load(policy).needs),
        ]
    )
    return pa.table(
        {name: columns[name] if name in columns else pa.nulls(n, schema.field(name).type) for name in schema.names},
        schema,
    )


def budget_items(n: int, seed: int, policy: str) -> pa.Table:
    """n items of one budget, a storage space or a source: the budget is from half to all of what the items would
    want without it.
    """
    rng = np.random.default_rng(seed)
    columns = _columns(rng, n, seed)
    daily = columns["demand_mean"].flatten().to_numpy().reshape(n, PERIODS).mean(axis=1)
    unit_cost, h = columns["unit_cost"], columns["holding_cost"]
    space = (h * np.sqrt(2 * columns["fixed_order_cost"] * daily / h) / 2).sum()
    # a little more than the mean demand of the days an order has to last
    purchase = (unit_cost * daily * (columns["lead_time"] + 1) * 1.2).sum()
    lost_sale_cost = unit_cost * rng.uniform(0.2, 2, n)
    share = rng.uniform(0.5, 1)
    columns |= {
        "location_id": pa.array([f"S{seed}"] * n),
        "product_id": pa.array([f"P{number}" for number in range(n)]),
        "source_id": pa.array(["V1"] * n),
        "storage_id": pa.array(["1"] * n),
        "storage_cost_budget": np.full(n, space * share),
        "purchase_budget": np.full(n, purchase * share),
        "lost_sale_cost": lost_sale_cost,
        "list_price": unit_cost + lost_sale_cost,
    }
    return _table(columns, policy)


def _columns(rng: np.random.Generator, n: int, seed: int) -> dict[str, Any]:
    """The columns that the policies of stock levels need.

    The draws of the first policy come first, so that its items stay as they were.
    """
    lead_time = rng.integers(1, 15, n).astype(float)
    daily = np.exp(rng.uniform(0, np.log(200), n)) / lead_time
    week = 1 + 0.4 * np.sin(2 * np.pi * np.arange(PERIODS) / 7)
    means = np.round(daily[:, None] * week * rng.uniform(0.9, 1.1, (n, PERIODS)), 3)
    form = rng.integers(0, 3, n)
    unit_cost = rng.uniform(1, 100, n)
    offsets = np.arange(0, (n + 1) * PERIODS, PERIODS, dtype=np.int32)
    variances = np.round(means * rng.uniform(1, 4, n)[:, None], 3)
    columns = {
        "location_id": pa.array([f"S{number // 1000:05d}" for number in range(n)]),
        "product_id": pa.array([f"P{seed}_{number % 1000:04d}" for number in range(n)]),
        "source_id": pa.array([f"V{number % 7}" for number in range(n)]),
        "unit_cost": unit_cost,
        "fixed_order_cost": rng.uniform(5, 100, n),
        "holding_cost": unit_cost * 0.25 / 365,
        "backorder_cost": unit_cost * rng.uniform(0.005, 0.05, n),
        "lead_time": lead_time,
        "lead_time_confidence": np.where(rng.random(n) < 0.3, 1.0, 0.0),
        "demand_distribution": FORMS[form],
        "demand_mean": pa.ListArray.from_arrays(offsets, means.ravel()),
        "demand_variance": pa.ListArray.from_arrays(offsets, variances.ravel(), mask=pa.array(FORMS[form] != "normal")),
    }
    return columns | {
        "shipping_interval": pa.array(rng.choice([1.0, 2.0, 7.0], n), mask=rng.random(n) < 0.6),
        "shelf_life": rng.choice([3.0, 5.0, 7.0, 14.0, 30.0], n),
        "disposal_cost": pa.array(unit_cost * rng.uniform(0, 0.3, n), mask=rng.random(n) < 0.5),
    }


def _plans(rng: np.random.Generator, columns: dict[str, Any]) -> dict[str, Any]:
    """The further columns that lot sizing needs.

    They are a plan that goes on after the lead time for 28 days, costs as series of one value, and the stock.
    """
    lead_time = columns["lead_time"]
    n = len(lead_time)
    weekly = columns["demand_mean"].flatten().to_numpy().reshape(n, PERIODS)
    lengths = PERIODS + lead_time.astype(int)
    every = np.concatenate([weekly, weekly], axis=1)
    is_planned = np.arange(2 * PERIODS) < lengths[:, None]
    needed_first = weekly.mean(axis=1) * lead_time
    return {
        **{
            name: pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32), columns[name])
            for name in ("fixed_order_cost", "holding_cost", "unit_cost")
        },
        "inventory_position": np.round(needed_first * rng.uniform(0.5, 1.5, n)),
        "scheduled_receipts": pa.nulls(n, pa.list_(pa.float64())),
        "demand_mean": pa.ListArray.from_arrays(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), every[is_planned]
        ),
    }
