"""Capacitated lot sizing: the volume that all items of one supplier order each day, beside a day's capacity and what
they would order without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.theory.lot_sizing.search import best_orders
from invopt.workbench.curves.plan import days_from, read_plan
from invopt.workbench.curves.wording import products_at


class ShippingCapacity(NamedTuple):
    """Plans of orders that share a day's shipment.

    label : the products and their place
    shipped, wanted : one row per product, one column per day: volume ordered, and volume if the product were alone
    capacity : volume of a day's shipment, NaN for no limit
    finding : the effect of the limit, in a sentence or two
    """

    label: str
    shipped: pd.DataFrame
    wanted: pd.DataFrame
    capacity: float
    finding: str


def shipping_capacity(items: pd.DataFrame) -> ShippingCapacity:
    """The volumes of one partition's plans, by product and day.

    items : rows of gold.inputs_capacitated_lot_sizing of one partition, with label, as_of, order_quantities ((T,)
        arrays, units), and cost and bound of the solution (money/day; the bound is that of the partition)
    """
    read = read_plan(items)
    n_days = int(read.n_periods.max())
    volume, setup = (
        np.nan_to_num(items[name].to_numpy(dtype=float), nan=default)
        for name, default in (("unit_volume", 1.0), ("setup_volume", 0.0))
    )
    ordered = np.array([np.asarray(plan, float)[:n_days] for plan in items["order_quantities"]])
    alone, alone_cost = best_orders(
        read.requirements.requirement,
        read.requirements.n_open,
        read.lead_time,
        read.fixed_order_cost,
        read.unit_cost,
        read.holding_cost,
    )
    products = items["label"].str.split(",").str[0].tolist()
    shipped, wanted = (
        pd.DataFrame(
            plan * volume[:, None] + (plan > 0) * setup[:, None], products, days_from(items["as_of"].iloc[0], n_days)
        )
        for plan in (ordered, alone[:, :n_days])
    )
    capacity = float(items["max_shipping_volume"].iloc[0])
    costs = (
        float(items["cost"].sum()),
        float(items["bound"].iloc[0]),
        float((alone_cost / np.maximum(read.n_periods, 1)).sum()),
    )
    return ShippingCapacity(
        products_at(items["label"]),
        shipped,
        wanted,
        capacity,
        _finding(wanted.sum().to_numpy(), shipped.sum().to_numpy(), capacity, *costs),
    )


def _finding(wanted: np.ndarray, shipped: np.ndarray, capacity: float, cost: float, bound: float, alone: float) -> str:
    """How the limit changes the plan; costs are money/day."""
    if not np.isfinite(capacity):
        return "There is no limit on a day's shipment: each item has its own best plan."
    n_days_over = int((wanted > capacity * (1 + 1e-9)).sum())
    if n_days_over == 0:
        return (
            f"A day's shipment holds {capacity:,.4g} and at most {wanted.max():,.4g} is wanted: the limit changes "
            "nothing."
        )
    text = (
        f"On {n_days_over} day{'s' if n_days_over > 1 else ''} the items would want more than a shipment holds, up to "
        f"{wanted.max():,.4g} of {capacity:,.4g}. Moving it to other days costs {cost - alone:.2g} more, "
        f"{cost:.4g} per day"
    )
    if bound > 0:
        is_proved = cost <= bound * (1 + 1e-9)
        text += ", the least possible" if is_proved else f", {cost / bound - 1:.1%} above a bound that no plan can beat"
    n_unfit = int((shipped > capacity * (1 + 1e-6)).sum())
    return text + (f"; on {n_unfit} days it still does not fit." if n_unfit else ".")
