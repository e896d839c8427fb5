"""Newsvendor under a budget: the cost of having more or less of a product, and the money that each product gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from invopt.plots.budget_bars import budget_bars
from invopt.plots.cost_curve import headline, mark
from invopt.plots.style import PALETTE, POSITION, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.shared_budget import SharedBudget


def purchase_budget(shared: SharedBudget) -> Figure:
    """Expected cost along s of the product that the budget touches most, and the money that each product gets.

    shared : the result of `workbench.curves.purchase_budget`
    """
    curve = shared.curve
    tried, total = curve.tried, curve.tried["total"]
    (level, cost), (best, least) = (
        curve.points.loc[name, ["base_stock_level", "total"]] for name in ("chosen", "best alone")
    )
    drawn, (axes, right) = figure(1, 2, (12, 5.5), width_ratios=(3, 2))
    for part, text, colour in (
        ("missed", "sales that are missed", PALETTE[4]),
        ("left_over", "units left over", PALETTE[2]),
    ):
        axes.plot(tried["base_stock_level"], tried[part], color=colour, linewidth=1.5, label=text)
    axes.plot(tried["base_stock_level"], total, color=POSITION, linewidth=2.5, label="total")
    axes.scatter([best], [least], color=PALETTE[0], s=110, zorder=4, label=f"best alone: s = {best:g}, {least:.3g}")
    mark(axes, level, cost, f"chosen: s = {level:g}, {cost:.3g}")
    # the legend stands above all that is drawn
    near = tried[total <= 3.5 * max(cost, 1e-9)]
    axes.set_xlim(near["base_stock_level"].min() - 0.5, near["base_stock_level"].max() + 0.5)
    axes.set_ylim(0, near["total"].max() * 1.5)
    plain(axes, curve.label, "base-stock level s: units there after the order", curve.cost_unit)
    legend(axes, loc="upper right", ncols=2)
    budget_bars(right, shared, "money, to fill up from nothing")
    headline(drawn, shared.label, shared.finding)
    return drawn
