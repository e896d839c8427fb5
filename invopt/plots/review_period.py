"""(R, S): the cost along the review period, the order-up-to level that goes with it, and the chosen period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from invopt.plots.cost_curve import headline, mark, parts_and_total
from invopt.plots.style import QUIET, figure, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.curve import Curve


def review_period(curve: Curve) -> Figure:
    """Cost per day along R, each with the order-up-to level that is best for it, and the chosen (R, S).

    curve : the result of `workbench.curves.review_period`
    """
    tried, chosen = curve.tried, curve.points.loc["chosen"]
    R, S, cost = chosen["review_period"], chosen["order_up_to_level"], chosen["total"]
    allowed = tried.loc[tried["is_allowed"], "review_period"]
    shortest, longest, last = allowed.min(), allowed.max(), tried["review_period"].max()
    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 1))
    parts_and_total(axes, curve, "review_period")
    # very short periods cost so much that they would press the rest of the picture flat
    shown = tried.loc[tried["review_period"] >= max(shortest, R // 3), "total"]
    axes.set_ylim(min(0.0, tried["holding"].min()), max(shown.max(), cost) * 1.4)
    for start, end in ((0.5, shortest - 0.5), (longest + 0.5, last + 0.5)):
        axes.axvspan(start, end, color=QUIET, alpha=0.2, linewidth=0)
    too_short = f", or under {shortest}, for the supplier ships no sooner" if shortest > 1 else ""
    grey = f"not allowed: over {longest} days{too_short}"
    axes.fill_between([], [], color=QUIET, alpha=0.2, linewidth=0, label=grey)
    mark(axes, R, cost, f"chosen: R = {R:.0f}, S = {S:.0f}, {cost:.3g} per day")
    headline(drawn, curve.label, curve.finding)
    plain(axes, "Each review period with the order-up-to level that is best for it", "", curve.cost_unit)
    legend(axes, loc="upper right", ncols=2)
    below.step(tried["review_period"], tried["order_up_to_level"], where="mid", color=QUIET)
    mark(below, R, S, "")
    plain(below, "The order-up-to level that is best with each review period", "review period R, days", "S, units")
    below.set_ylim(0, tried["order_up_to_level"].max() * 1.15)
    axes.set_xlim(0.5, last + 0.5)
    return drawn
