"""The orders of all items of one supplier by day, beside what a day's shipment holds."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.curves import finding
from invopt.plots.lot_sizes import read_plan
from invopt.plots.style import PALETTE, POSITION, QUIET, REORDER_POINT, dates, figure, legend, plain
from invopt.theory.lot_sizing.search import best_orders


def shipping_capacity(items: pd.DataFrame) -> Figure:
    """Volume ordered each day under the plan, by product, beside the capacity and what the items would order if each
    were alone.

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
    shipped, wished = (plan * volume[:, None] + (plan > 0) * setup[:, None] for plan in (ordered, alone[:, :n_days]))
    capacity = float(items["max_shipping_volume"].iloc[0])
    first = pd.Timestamp(items["as_of"].iloc[0]).tz_localize(None).normalize()
    days = [first + timedelta(days=k) for k in range(n_days)]

    drawn, axes = figure(1, 1, (11, 5.5))
    largest = np.argsort(-shipped.sum(axis=1))
    bottom = np.zeros(n_days)
    for k, colour in zip(largest[: len(PALETTE) - 1], PALETTE, strict=False):
        axes.bar(days, shipped[k], bottom=bottom, width=0.8, color=colour, label=items["label"].iloc[k].split(",")[0])
        bottom = bottom + shipped[k]
    rest = largest[len(PALETTE) - 1 :]
    if len(rest):
        axes.bar(days, shipped[rest].sum(axis=0), bottom=bottom, width=0.8, color=QUIET, label=f"{len(rest)} others")
    most = wished.sum(axis=0)
    # a bar of no height would leave a dotted line on the axis
    axes.bar(
        days,
        np.where(most > 0, most, np.nan),
        width=0.8,
        facecolor="none",
        edgecolor=POSITION,
        linestyle=":",
        linewidth=1.4,
        label="without the limit",
    )
    top = max(most.max(), shipped.sum(axis=0).max(), 1e-9)
    if np.isfinite(capacity):
        axes.axhline(capacity, color=REORDER_POINT, linewidth=2, label=f"a day's shipment holds {capacity:,.4g}")
        top = max(top, capacity)
    plain(axes, "Volume ordered, by the day of the order", "", "volume per day")
    axes.set_ylim(0, top * 1.4)
    axes.set_xlim(days[0] - timedelta(hours=16), days[-1] + timedelta(hours=16))
    legend(axes, loc="upper right", ncols=4)
    dates(axes)
    finding(
        drawn,
        f"{len(items)} product{'s' if len(items) > 1 else ''}, {items['label'].iloc[0].split(', ', 1)[-1]}",
        _words(
            most,
            shipped.sum(axis=0),
            capacity,
            float(items["cost"].sum()),
            float(items["bound"].iloc[0]),
            float((alone_cost / np.maximum(read.n_periods, 1)).sum()),
        ),
    )
    return drawn


def _words(wished: np.ndarray, shipped: np.ndarray, capacity: float, cost: float, bound: float, alone: float) -> str:
    """What the limit does to the plan."""
    if not np.isfinite(capacity):
        return "There is no limit on a day's shipment: each item has its own best plan."
    n_over = int((wished > capacity * (1 + 1e-9)).sum())
    if n_over == 0:
        return f"A day's shipment holds {capacity:,.4g} and at most {wished.max():,.4g} is wanted: the limit changes nothing."
    text = (
        f"On {n_over} day{'s' if n_over > 1 else ''} the items would want more than a shipment holds, up to "
        f"{wished.max():,.4g} of "
        f"{capacity:,.4g}. Moving it to other days costs {cost - alone:.2g} more, {cost:.4g} per day"
    )
    if bound > 0:
        text += (
            f", {cost / bound - 1:.1%} above a bound that no plan can beat"
            if cost > bound * (1 + 1e-9)
            else ", the least possible"
        )
    over = int((shipped > capacity * (1 + 1e-6)).sum())
    return text + (f"; on {over} days it still does not fit." if over else ".")
