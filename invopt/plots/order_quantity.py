"""(s, Q): the cost along the order quantity, and the chosen quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline, low_part, mark, parts_and_total
from invopt.plots.style import figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve


def order_quantity(curve: Curve) -> Figure:
    """Cost per day along Q, each with the reorder point that is best for it, and the chosen (s, Q).

    curve : the result of `workbench.curves.order_quantity`
    """
    chosen = curve.points.loc["chosen"]
    quantity, s, cost = chosen["order_quantity"], chosen["reorder_point"], chosen["total"]
    drawn, axes = figure(1, 1, (10, 5))
    parts_and_total(axes, curve, "order_quantity")
    low_part(axes, curve.tried["total"], cost)
    mark(axes, quantity, cost, f"chosen: Q = {quantity:.0f}, s = {s:.0f}, {cost:.3g} per day")
    headline(drawn, curve.label, curve.finding)
    title = "Each quantity with the reorder point that is best for it"
    plain(axes, title, "order quantity Q, units", curve.cost_unit)
    legend(axes, loc="upper right", ncols=2)
    return drawn
