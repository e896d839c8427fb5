"""Perishable (s, Q): the cost along the order quantity with and without expiry, and the part that expires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline, mark
from invopt.plots.style import PALETTE, POSITION, QUIET, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve


def order_quantity_with_expiry(curve: Curve) -> Figure:
    """Cost per day along Q at the chosen s with and without expiry, and the part of an order that is thrown away.

    curve : the result of `workbench.curves.order_quantity_with_expiry`
    """
    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 2))
    chosen, lasting = curve.points.loc["chosen"], curve.points.loc["best without expiry"]
    _costs(axes, curve, chosen, lasting)
    headline(drawn, curve.label, curve.finding)
    _expired_part(below, curve.tried, chosen, lasting)
    return drawn


def _costs(axes: Axes, curve: Curve, chosen: pd.Series, lasting: pd.Series) -> None:
    """The cost with expiry beside the cost without."""
    tried, life = curve.tried, chosen["shelf_life"]
    quantity, s, cost = chosen["order_quantity"], chosen["reorder_point"], chosen["total"]
    text = "does not expire" if np.isnan(life) else f"expires after {life:g} days"
    axes.plot(tried["order_quantity"], tried["total"], color=POSITION, linewidth=2.5, label=text)
    axes.plot(
        tried["order_quantity"],
        tried["without_expiry"],
        color=PALETTE[2],
        linewidth=2,
        linestyle="--",
        label="if it did not expire",
    )
    best, least = lasting["order_quantity"], lasting["without_expiry"]
    text = f"then best: Q = {best:.0f}, {least:.3g} per day"
    axes.scatter([best], [least], color=PALETTE[2], s=50, zorder=4, label=text)
    mark(axes, quantity, cost, f"chosen: Q = {quantity:.0f}, s = {s:.0f}, {cost:.3g} per day")
    axes.set_ylim(0, max(min(tried["total"].max(), 3 * cost), least) * 1.55)
    plain(axes, f"Cost of other order quantities (s = {s:.0f})", "", curve.cost_unit)
    legend(axes, loc="upper right", ncols=2)


def _expired_part(axes: Axes, tried: pd.DataFrame, chosen: pd.Series, lasting: pd.Series) -> None:
    """The part of an order that expires, along Q."""
    percent = 100 * tried["expired"] / tried["order_quantity"]
    axes.fill_between(tried["order_quantity"], percent, color=PALETTE[3], alpha=0.35, linewidth=0)
    axes.plot(tried["order_quantity"], percent, color=PALETTE[3])
    axes.axvline(lasting["order_quantity"], color=PALETTE[2], linewidth=1, linestyle="--")
    mark(axes, chosen["order_quantity"], 100 * chosen["expired"] / chosen["order_quantity"], "")
    plain(axes, "The part of an order that expires unsold", "order quantity Q, units", "percent of the order")
    axes.set_ylim(0, max(5.0, percent.max() * 1.15))
    axes.grid(axis="y", color=QUIET, alpha=0.3)
