"""Why an item's reorder point and order quantity are what they are: its forecast, its risk until the next delivery,
its costs.
"""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.cost_curve import parts_and_total
from invopt.plots.style import ON_ORDER, POSITION, QUIET, REORDER_POINT, STOCK, dates, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve
    from invopt.workbench.curves.decision import Decision, Risk


def decision(decided: Decision, sales: pd.DataFrame) -> Figure:
    """Four views of one (s, Q) decision: forecast after sales, demand until a delivery, and the cost along Q and s.

    Parameters
    ----------
    decided : the result of `workbench.curves.decision`
    sales : the sales of the item alone: sold_at (timestamp), units
    """
    drawn, ((top_left, top_right), (bottom_left, bottom_right)) = figure(2, 2, (12, 8))
    drawn.suptitle(f"{decided.label}\n{textwrap.fill(decided.reason, 130)}", x=0.01, ha="left", fontsize=11)
    _forecast(top_left, decided.forecast, sales)
    _risk(top_right, decided.risk, decided.levels)
    s, quantity = (f"{decided.levels[name]:.0f}" for name in ("reorder_point", "order_quantity"))
    _along(bottom_left, decided.along_quantity, "order_quantity", f"Q = {quantity}")
    plain(bottom_left, f"Cost of other order quantities (s = {s})", "order quantity Q, units", "money per day")
    _along(bottom_right, decided.along_reorder_point, "reorder_point", f"s = {s}")
    plain(bottom_right, f"Cost of other reorder points (Q = {quantity})", "reorder point s, units", "money per day")
    return drawn


def _forecast(axes: Axes, forecast: pd.DataFrame, sales: pd.DataFrame) -> None:
    """Past sales as bars, the forecast as a line within a day's standard deviation."""
    ahead, mean, std = forecast["day"], forecast["mean"], forecast["std"]
    first = ahead.iloc[0]
    sold = sales["units"].groupby(sales["sold_at"].dt.tz_localize(None).dt.normalize()).sum()
    if len(sold):
        # a day without a row is a day without a sale
        sold = sold.reindex(pd.date_range(sold.index.min(), first - timedelta(days=1)), fill_value=0.0)
        axes.bar(sold.index, sold, width=0.85, color=QUIET, label="sold")
    axes.plot(ahead, mean, color=STOCK, linewidth=2, label="forecast, mean")
    low, high = np.maximum(mean - std, 0), mean + std
    text = "mean ± 1 standard deviation"
    axes.fill_between(ahead, low, high, color=ON_ORDER, alpha=0.35, linewidth=0, label=text)
    axes.axvline(first, color=POSITION, linewidth=1, linestyle=":")
    plain(axes, "What was sold, and what is expected", "", "units per day")
    axes.set_ylim(0, max(sold.max() if len(sold) else 0.0, high.max()) * 1.3)
    legend(axes, loc="upper left", ncols=3)
    dates(axes)


def _risk(axes: Axes, risk: Risk, levels: pd.Series) -> None:
    """The probability of each demand until the next delivery, and s, s + Q and today's position beside it."""
    units, probability = risk.demand["units"], risk.demand["probability"]
    if len(units) <= 60:
        axes.bar(units, probability, width=0.85, color=ON_ORDER)
    else:
        axes.fill_between(units, probability, step="mid", color=ON_ORDER)
    s, position = levels["reorder_point"], levels["inventory_position"]
    text = f"reorder point s = {s:.0f}; with it, in stock on {risk.in_stock:.1%} of days"
    axes.axvline(s, color=REORDER_POINT, linewidth=2, label=text)
    for value, text, style in (
        (position, f"position now = {position:g}", ":"),
        (s + levels["order_quantity"], f"s + Q = {s + levels['order_quantity']:g}: the most after an order", "--"),
    ):
        # the distribution fills the picture: marks far beyond it are named, not drawn
        if value <= units.iloc[-1]:
            axes.axvline(value, color=POSITION, linestyle=style, linewidth=1.5, label=text)
        else:
            axes.plot([], [], color=POSITION, linestyle=style, linewidth=1.5, label=f"{text} (right of the picture)")
    days = f"{risk.lead_time:g} day{'' if risk.lead_time == 1 else 's'}"
    if risk.n_review_days:
        days += f" + {risk.n_review_days} to the next look"
    plain(axes, f"Demand until an order arrives ({days})", "units", "probability")
    axes.set_ylim(0, probability.max() * 1.5)
    legend(axes, loc="upper right")


def _along(axes: Axes, curve: Curve, along: str, choice: str) -> None:
    """The cost along one number, and the choice."""
    chosen = curve.points.loc["chosen"]
    parts_and_total(axes, curve, along)
    text = f"chosen: {choice}, {chosen['total']:.3g} per day"
    axes.scatter([chosen[along]], [chosen["total"]], color=REORDER_POINT, s=60, zorder=3, label=text)
    legend(axes, loc="upper right", ncols=2)
