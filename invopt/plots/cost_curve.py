"""How a cost curve is drawn: its parts and their total, the chosen point, and the sentence above."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.style import PALETTE, POSITION, REORDER_POINT

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve


def parts_and_total(axes: Axes, curve: Curve, along: str) -> None:
    """The parts of the cost and their total along a column of the curve, with room above for the legend."""
    tried = curve.tried
    for part, text, colour in (
        ("ordering", "ordering", PALETTE[1]),
        ("holding", "stock", PALETTE[2]),
        ("shortage", "shortage", PALETTE[4]),
    ):
        axes.plot(tried[along], tried[part], color=colour, linewidth=1.5, label=text)
    axes.plot(tried[along], tried["total"], color=POSITION, linewidth=2.5, label="total")
    axes.set_ylim(min(0.0, tried["holding"].min()), tried["total"].max() * 1.4)


def low_part(axes: Axes, total: pd.Series, chosen: float) -> None:
    """Cut off what is many times dearer than the choice, which would press the rest of the picture flat."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, min(high, 3.2 * chosen) if chosen > 0 else high)
    if total.max() > axes.get_ylim()[1]:
        axes.text(0.005, 0.99, "dearer still above", transform=axes.transAxes, va="top", fontsize=8, color="#555555")


def mark(axes: Axes, x: float, y: float, text: str) -> None:
    """The chosen point, with a line down to its number."""
    axes.axvline(x, color=REORDER_POINT, linewidth=1, linestyle=":")
    axes.scatter([x], [y], color=REORDER_POINT, s=70, zorder=5, label=text)


def headline(drawn: Figure, label: str, finding: str) -> None:
    """The item above, and the picture's finding in a sentence."""
    width = int(11 * drawn.get_figwidth())
    drawn.suptitle(f"{label}\n{textwrap.fill(finding, width)}", x=0.01, ha="left", fontsize=12)
