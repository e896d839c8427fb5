"""A plan of orders over the coming days: the stock under it, its orders, and the cost of other rhythms."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline
from invopt.plots.style import PALETTE, POSITION, QUIET, REORDER_POINT, STOCK, dates, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.lot_sizes import LotSizes

EXPLANATION = (
    "Each order is paid once, whatever its size;\neach unit is paid for every day that it lies.\n"
    "The plan groups the days' needs so that\nboth together cost least."
)


def lot_sizes(planned: LotSizes) -> Figure:
    """Stock at the end of each day under the plan, its orders and the demand, and the cost of it and of simpler plans.

    planned : the result of `workbench.curves.lot_sizes`
    """
    drawn, axes = figure(2, 2, (12, 6.5), width_ratios=(3, 1.3), height_ratios=(3, 2))
    (top, right), (below, corner) = axes
    _stock(top, planned.days, planned.lead_time)
    _orders(below, planned.days)
    below.set_xlim(top.get_xlim())
    dates(below)
    _plan_costs(right, planned.plans)
    corner.set_axis_off()
    corner.text(0, 0.9, EXPLANATION, va="top", fontsize=9.5)
    headline(drawn, planned.label, planned.finding)
    return drawn


def _stock(axes: Axes, days: pd.DataFrame, lead_time: int) -> None:
    """The stock under the plan, with the arrivals and the days that no order can reach."""
    day, stock = days["day"], days["stock"]
    axes.fill_between(day, stock, step="mid", color=STOCK, alpha=0.25, linewidth=0)
    axes.step(day, stock, where="mid", color=STOCK, linewidth=2, label="stock at the end of the day")
    if (stock < 0).any():
        owed = np.minimum(stock, 0)
        axes.fill_between(day, owed, step="mid", color=REORDER_POINT, alpha=0.5, label="owed to customers")
    arrivals = days[days["arriving"] != 0]
    axes.scatter(
        arrivals["day"], arrivals["stock"], marker="^", color=REORDER_POINT, zorder=4, label="an order arrives"
    )
    if lead_time:
        axes.axvspan(
            day.iloc[0] - timedelta(hours=12),
            day.iloc[min(lead_time, len(day)) - 1] + timedelta(hours=12),
            color=QUIET,
            alpha=0.15,
            linewidth=0,
            label=f"before an order placed now arrives: {lead_time} day{'s' if lead_time > 1 else ''}",
        )
    axes.axhline(0, color=POSITION, linewidth=0.8)
    plain(axes, "Stock under the plan, if demand is as forecast; on order counts as there", "", "units")
    axes.set_ylim(min(0, stock.min() * 1.1), stock.max() * 1.35 + 1)
    legend(axes, loc="upper right", ncols=2)
    dates(axes)
    axes.set_xlabel("")


def _orders(axes: Axes, days: pd.DataFrame) -> None:
    """The orders on the days they are placed, beside the demand."""
    day, ordered, demand = days["day"], days["ordered"], days["demand"]
    axes.bar(day, ordered, width=0.85, color=REORDER_POINT, label="ordered, arrives after the lead time")
    axes.plot(day, demand, color=POSITION, drawstyle="steps-mid", linewidth=1.5, label="demand")
    for placed, quantity in zip(day[ordered != 0], ordered[ordered != 0], strict=True):
        axes.annotate(f"{quantity:g}", (placed, quantity), ha="center", va="bottom", fontsize=8.5)
    plain(axes, "Orders by the day they are placed, and the demand of the day", "", "units")
    axes.set_ylim(0, max(ordered.max(), demand.max()) * 1.45)
    legend(axes, loc="upper right", ncols=2)


def _plan_costs(axes: Axes, plans: pd.DataFrame) -> None:
    """The cost of each plan, the policy's in bold."""
    axes.barh(plans.index, plans["ordering"], color=PALETTE[1], label="ordering")
    axes.barh(plans.index, plans["holding"], left=plans["ordering"], color=PALETTE[2], label="stock")
    for k, total in enumerate(plans["total"]):
        axes.annotate(f" {total:.3g}", (total, k), va="center", fontsize=9)
    axes.margins(x=0.2)
    axes.set_ylim(-0.6, 3.2)
    axes.get_yticklabels()[plans.index.get_loc("the plan")].set_fontweight("bold")
    plain(axes, "What plans cost, without purchases", "money per day", "")
    legend(axes, loc="upper right", ncols=2)
