"""EOQ under a storage budget: the cost of an order quantity when large orders are cheaper to buy, and the use that
each product makes of the budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.budget_bars import budget_bars
from invopt.plots.cost_curve import headline, mark
from invopt.plots.style import PALETTE, POSITION, QUIET, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.shared_budget import SharedBudget


def storage_budget(shared: SharedBudget) -> Figure:
    """Cost per day along Q of the product that the budget touches most, and the use of each product.

    shared : the result of `workbench.curves.storage_budget`
    """
    drawn, (axes, right) = figure(1, 2, (12, 5.5), width_ratios=(3, 2))
    _costs(axes, shared)
    budget_bars(right, shared, "money per day, of average stock")
    headline(drawn, shared.label, shared.finding)
    return drawn


def _costs(axes: Axes, shared: SharedBudget) -> None:
    """The cost that is paid along Q, beside the cost at each price if it held for all quantities."""
    curve = shared.curve
    for k, line in shared.price_lines.groupby("line"):
        price, start = line[["price", "first_quantity"]].iloc[0]
        text = f"at {price:.4g} a unit, {f'from {start:g} units on' if k else 'for small orders'}"
        colour = PALETTE[k % len(PALETTE)]
        axes.plot(line["order_quantity"], line["total"], color=colour, linewidth=1, linestyle="--", label=text)
        if k:
            axes.axvline(start, color=QUIET, linewidth=0.8)
    for _, piece in curve.tried.groupby("line"):
        axes.plot(piece["order_quantity"], piece["total"], color=POSITION, linewidth=2.8)
    axes.plot([], [], color=POSITION, linewidth=2.8, label="what is paid")
    (quantity, cost), (best, least) = (
        curve.points.loc[name, ["order_quantity", "total"]] for name in ("chosen", "best alone")
    )
    text = f"best alone: Q = {best:g}, {least:.4g} per day"
    axes.scatter([best], [least], color=PALETTE[0], s=110, zorder=4, label=text)
    mark(axes, quantity, cost, f"chosen: Q = {quantity:g}, {cost:.4g} per day")
    height = curve.tried["total"].quantile(0.97) - least
    axes.set_ylim(least - 0.25 * height, least + 2.2 * height)
    plain(axes, f"{curve.label} (the scale does not begin at 0)", "order quantity Q, units", curve.cost_unit)
    legend(axes, loc="upper right")
