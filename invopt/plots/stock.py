"""The stock on hand and on order, beside the reorder points."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from invopt.plots.style import ON_ORDER, QUIET, REORDER_POINT, STOCK, figure, legend, plain

# days of cover that the last bar stands for, with all that is longer: to a reader it is the same
LONGEST_COVER = 60


def cover(items: pd.DataFrame) -> Figure:
    """The days that the stock lasts: a histogram over the items.

    items : rows with on_hand and expiring (units), demand_per_day (units/day), lead_time (days)
    """
    has_demand = items["demand_per_day"] > 0
    usable = items.loc[has_demand, "on_hand"] - items.loc[has_demand, "expiring"]
    days = (usable / items.loc[has_demand, "demand_per_day"]).clip(upper=LONGEST_COVER)
    drawn, axes = figure(1, 1, (10, 3.2))
    longest = np.ceil(days.max() + 2) if len(days) else LONGEST_COVER
    axes.hist(days, bins=np.arange(0, longest + 1), color=STOCK, edgecolor="white")
    typical = items["lead_time"].median()
    axes.axvline(typical, color=REORDER_POINT, linestyle="--", label=f"typical lead time, {typical:g} days")
    axes.axvline(
        days.median(), color="black", linestyle=":", label=f"half of the items have less, {days.median():.0f} days"
    )
    beyond = f" ({LONGEST_COVER} stands for all that is longer)" if (days == LONGEST_COVER).any() else ""
    plain(axes, "How long the stock on hand lasts", f"days of forecast demand{beyond}", "number of items")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes)
    return drawn


def positions(items: pd.DataFrame) -> Figure:
    """On hand, on order and the reorder point of each item, in days of its demand; the fullest at the top.

    items : rows with label, on_hand, expiring, on_order and reorder_point (units), demand_per_day (units/day), quantity
        (units ordered)
    """
    ordered = items[items["demand_per_day"] > 0].copy()
    rate = ordered["demand_per_day"]
    ordered["usable"] = (ordered["on_hand"] - ordered["expiring"]) / rate
    ordered["coming"] = ordered["on_order"] / rate
    ordered["point"] = ordered["reorder_point"] / rate
    ordered = ordered.assign(above=ordered["usable"] + ordered["coming"] - ordered["point"]).sort_values("above")
    drawn, axes = figure(1, 1, (10, 1.6 + 0.32 * len(ordered)))
    rows = np.arange(len(ordered))
    axes.barh(rows, ordered["usable"], color=STOCK, label="on hand")
    axes.barh(rows, ordered["coming"], left=ordered["usable"], color=ON_ORDER, label="on order")
    axes.scatter(
        ordered["point"],
        rows,
        marker="|",
        s=170,
        linewidths=3,
        color=REORDER_POINT,
        zorder=3,
        clip_on=False,
        label="reorder point",
    )
    names = [
        f"{label}  [order {quantity:g}]" if quantity > 0 else label
        for label, quantity in ordered[["label", "quantity"]].to_numpy()
    ]
    axes.set_yticks(rows, names, fontsize=9)
    plain(axes, "Where the bar does not pass the reorder point, an order is due", "days of forecast demand", "")
    axes.grid(axis="x", color=QUIET, alpha=0.3)
    axes.set_axisbelow(True)
    axes.margins(y=0.02)
    legend(axes, loc="lower right")
    return drawn
