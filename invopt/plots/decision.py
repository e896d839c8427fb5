"""Why an item's reorder point and order quantity are what they are: its forecast, its risk until the next delivery,
its costs.
"""

from __future__ import annotations

import textwrap
from datetime import timedelta

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.errors import ParameterError
from invopt.plots.curves import parts_and_total, read_demand
from invopt.plots.style import ON_ORDER, POSITION, QUIET, REORDER_POINT, STOCK, dates, figure, legend, plain
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import review_days
from invopt.theory.s_q.curves import cost_parts


def decision(item: pd.Series, sales: pd.DataFrame, cost: str) -> Figure:
    """Four views of one (s, Q) decision: forecast after sales, demand until a delivery, and the cost along Q and along
    s.

    Parameters
    ----------
    item : a row with the policy's inputs, and label, as_of, reorder_point, order_quantity, inventory_position (units)
        and reason
    sales : the item's own sales: sold_at (timestamp), units
    cost : the policy's definition of cost: daily_review, time_weighted or guide

    Raises
    ------
    ParameterError : the item's inputs can't be used, or it has no demand and so no decision to explain.
    """
    read = read_demand(item.to_frame().T, review_days(cost))
    s, quantity, mean = int(item["reorder_point"]), int(item["order_quantity"]), float(read.mean[0])
    if quantity < 1:
        raise ParameterError(f"{item['label']} has no demand: there is nothing to explain")
    demand = read.lead_time_demand(0)
    costs = (demand, mean, float(item["holding_cost"]), float(item["fixed_order_cost"]), float(item["backorder_cost"]))

    drawn, ((top_left, top_right), (bottom_left, bottom_right)) = figure(2, 2, (12, 8))
    drawn.suptitle(f"{item['label']}\n{textwrap.fill(item['reason'], 130)}", x=0.01, ha="left", fontsize=11)
    _forecast(top_left, item, sales)
    _risk(
        top_right, demand, s, quantity, float(item["inventory_position"]), float(item["lead_time"]), review_days(cost)
    )
    _along_quantity(bottom_left, cost, s, quantity, costs)
    _along_reorder_point(bottom_right, cost, s, quantity, demand, costs)
    return drawn


def _forecast(axes: Axes, item: pd.Series, sales: pd.DataFrame) -> None:
    """Past sales as bars, the forecast as a line with the spread of a day's demand."""
    first = pd.Timestamp(item["as_of"]).tz_localize(None).normalize()
    days = sales["sold_at"].dt.tz_localize(None).dt.normalize()
    sold = sales["units"].groupby(days).sum()
    mean = np.asarray(item["demand_mean"], float)
    if len(sold):
        # a day without a row is a day without a sale
        sold = sold.reindex(pd.date_range(sold.index.min(), first - timedelta(days=1)), fill_value=0.0)
        axes.bar(sold.index, sold, width=0.85, color=QUIET, label="sold")
    ahead = pd.date_range(first, periods=len(mean))
    variance = mean if item["demand_variance"] is None else np.asarray(item["demand_variance"], float)
    spread = np.sqrt(variance)
    axes.plot(ahead, mean, color=STOCK, linewidth=2, label="forecast, mean")
    axes.fill_between(
        ahead,
        np.maximum(mean - spread, 0),
        mean + spread,
        color=ON_ORDER,
        alpha=0.35,
        linewidth=0,
        label="mean ± 1 standard deviation",
    )
    axes.axvline(first, color=POSITION, linewidth=1, linestyle=":")
    plain(axes, "What was sold, and what is expected", "", "units per day")
    axes.set_ylim(0, max(sold.max() if len(sold) else 0.0, (mean + spread).max()) * 1.3)
    legend(axes, loc="upper left", ncols=3)
    dates(axes)


def _risk(
    axes: Axes, demand: LeadTimeDemand, s: int, quantity: int, position: float, lead_time: float, review: int
) -> None:
    """How likely each demand until the next delivery is, and where s, s + Q and today's position lie."""
    # the distribution fills the picture: marks far beyond it are named, not drawn
    end = int(max(demand.mean + 5 * demand.std, s, 4)) + 2
    x = np.arange(end + 1)
    probability = demand.probability(x)
    if len(x) <= 60:
        axes.bar(x, probability, width=0.85, color=ON_ORDER)
    else:
        axes.fill_between(x, probability, step="mid", color=ON_ORDER)
    # the position is at s+1..s+Q equally often, and each must last until an order arrives
    in_stock = np.cumsum(demand.probability(np.arange(s + quantity + 1)))[s + 1 :].mean()
    axes.axvline(
        s, color=REORDER_POINT, linewidth=2, label=f"reorder point s = {s}; with it, in stock on {in_stock:.1%} of days"
    )
    for value, name, more, style in (
        (position, "position now", "", ":"),
        (s + quantity, "s + Q", ": the most after an order", "--"),
    ):
        text = f"{name} = {value:g}{more}"
        if value <= end:
            axes.axvline(value, color=POSITION, linestyle=style, linewidth=1.5, label=text)
        else:
            axes.plot([], [], color=POSITION, linestyle=style, linewidth=1.5, label=f"{text} (right of the picture)")
    days = f"{lead_time:g} day{'' if lead_time == 1 else 's'}" + (f" + {review} to the next look" if review else "")
    plain(axes, f"Demand until an order arrives ({days})", "units", "probability")
    axes.set_ylim(0, probability.max() * 1.5)
    legend(axes, loc="upper right")


def _along_quantity(axes: Axes, cost: str, s: int, quantity: int, costs: tuple) -> None:
    """The cost over Q at the chosen s."""
    tried = np.unique(np.linspace(max(1, quantity // 5), max(quantity * 3, 6), 200).round().astype(np.int64))
    parts_and_total(axes, tried, cost_parts(cost, [s], tried, *costs))
    best = cost_parts(cost, [s], [quantity], *costs).total[0]
    axes.scatter(
        [quantity], [best], color=REORDER_POINT, s=60, zorder=3, label=f"chosen: Q = {quantity}, {best:.3g} per day"
    )
    plain(axes, f"Cost of other order quantities (s = {s})", "order quantity Q, units", "money per day")
    legend(axes, loc="upper right", ncols=2)


def _along_reorder_point(axes: Axes, cost: str, s: int, quantity: int, demand: LeadTimeDemand, costs: tuple) -> None:
    """The cost over s at the chosen Q."""
    reach = max(3, int(np.ceil(2 * demand.std)))
    tried = np.unique(np.linspace(max(0, s - reach), s + 2 * reach, 200).round().astype(np.int64))
    parts_and_total(axes, tried, cost_parts(cost, tried, [quantity], *costs))
    best = cost_parts(cost, [s], [quantity], *costs).total[0]
    axes.scatter([s], [best], color=REORDER_POINT, s=60, zorder=3, label=f"chosen: s = {s}, {best:.3g} per day")
    plain(axes, f"Cost of other reorder points (Q = {quantity})", "reorder point s, units", "money per day")
    legend(axes, loc="upper right", ncols=2)
