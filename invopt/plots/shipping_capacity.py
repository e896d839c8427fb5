"""The orders of all items of one supplier by day, beside what a day's shipment holds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline
from invopt.plots.style import PALETTE, POSITION, QUIET, REORDER_POINT, dates, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.shipping_capacity import ShippingCapacity


def shipping_capacity(shared: ShippingCapacity) -> Figure:
    """Volume ordered each day by product, beside the capacity and what the products would order if each were alone.

    shared : the result of `workbench.curves.shipping_capacity`
    """
    drawn, axes = figure(1, 1, (11, 5.5))
    _shipped(axes, shared.shipped)
    days = shared.shipped.columns
    wanted = shared.wanted.to_numpy().sum(axis=0)
    axes.bar(
        days,
        # a bar of no height would leave a dotted line on the axis
        np.where(wanted > 0, wanted, np.nan),
        width=0.8,
        facecolor="none",
        edgecolor=POSITION,
        linestyle=":",
        linewidth=1.4,
        label="without the limit",
    )
    top = max(wanted.max(), shared.shipped.to_numpy().sum(axis=0).max(), 1e-9)
    if np.isfinite(shared.capacity):
        text = f"a day's shipment holds {shared.capacity:,.4g}"
        axes.axhline(shared.capacity, color=REORDER_POINT, linewidth=2, label=text)
        top = max(top, shared.capacity)
    plain(axes, "Volume ordered, by the day of the order", "", "volume per day")
    axes.set_ylim(0, top * 1.4)
    axes.set_xlim(days[0] - timedelta(hours=16), days[-1] + timedelta(hours=16))
    legend(axes, loc="upper right", ncols=4)
    dates(axes)
    headline(drawn, shared.label, shared.finding)
    return drawn


def _shipped(axes: Axes, shipped: pd.DataFrame) -> None:
    """The bars of the products that ship most, on each other; the others are one bar."""
    days, volume = shipped.columns, shipped.to_numpy()
    largest = np.argsort(-volume.sum(axis=1))
    bottom = np.zeros(len(days))
    for k, colour in zip(largest[: len(PALETTE) - 1], PALETTE, strict=False):
        axes.bar(days, volume[k], bottom=bottom, width=0.8, color=colour, label=shipped.index[k])
        bottom = bottom + volume[k]
    rest = largest[len(PALETTE) - 1 :]
    if len(rest):
        axes.bar(days, volume[rest].sum(axis=0), bottom=bottom, width=0.8, color=QUIET, label=f"{len(rest)} others")
