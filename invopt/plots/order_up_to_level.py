"""(s, S): the cost along the order-up-to level, the reorder point that goes with it, and the chosen level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline, low_part, mark, parts_and_total
from invopt.plots.style import QUIET, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve


def order_up_to_level(curve: Curve) -> Figure:
    """Cost per day along S, each with the reorder point that is best for it, and the chosen (s, S).

    curve : the result of `workbench.curves.order_up_to_level`
    """
    tried, chosen = curve.tried, curve.points.loc["chosen"]
    level, s, cost = chosen["order_up_to_level"], chosen["reorder_point"], chosen["total"]
    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 1))
    parts_and_total(axes, curve, "order_up_to_level")
    low_part(axes, tried["total"], cost)
    mark(axes, level, cost, f"chosen: S = {level:.0f}, s = {s:.0f}, {cost:.3g} per day")
    headline(drawn, curve.label, curve.finding)
    plain(axes, "Each level with the reorder point that is best for it", "", curve.cost_unit)
    legend(axes, loc="upper right", ncols=2)
    below.step(tried["order_up_to_level"], tried["reorder_point"], where="mid", color=QUIET)
    mark(below, level, s, "")
    plain(below, "The reorder point that is best with each level", "order-up-to level S, units", "s, units")
    below.set_ylim(0, tried["reorder_point"].max() * 1.2 + 1)
    return drawn
