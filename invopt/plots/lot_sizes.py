"""A plan of orders over the coming days: the stock under it, its orders, and what other rhythms would cost."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.errors import ParameterError
from invopt.plots.curves import dearer, finding
from invopt.plots.style import PALETTE, POSITION, QUIET, REORDER_POINT, STOCK, dates, figure, legend, plain
from invopt.policies.inputs.lot_sizing import LotSizingInputs, lot_sizing_inputs


def read_plan(items: pd.DataFrame) -> LotSizingInputs:
    """The inputs of a plan of some items with a label.

    Raises
    ------
    ParameterError : an item's inputs can't be used.
    """
    columns = (
        items[name].to_numpy(dtype=object) for name in ("demand_mean", "fixed_order_cost", "unit_cost", "holding_cost")
    )
    read = lot_sizing_inputs(
        *columns, *(items[name].to_numpy(dtype=float) for name in ("inventory_position", "lead_time"))
    )
    for label, message in zip(items["label"], read.message, strict=True):
        if message is not None:
            raise ParameterError(f"{label}: {message}")
    return read


def lot_sizes(item: pd.Series) -> Figure:
    """Stock at the end of each day under the plan, the plan's orders and the demand, and the cost of it and of two
    simpler plans.

    item : a row of gold.inputs_dynamic_lot_sizing with label, as_of and order_quantities ((T,) array, units)

    Raises
    ------
    ParameterError : the inputs can't be used, or there is nothing to order within the plan.
    """
    read = read_plan(item.to_frame().T)
    found, lead, n_days = read.requirements, int(read.lead_time[0]), int(read.n_periods[0])
    n_open, ordered = int(found.n_open[0]), np.asarray(item["order_quantities"], float)[:n_days]
    need = found.requirement[0, :n_open]
    if not need.any():
        raise ParameterError(
            f"{item['label']}: what is there and on its way lasts through the plan: there is nothing to order"
        )
    demand = found.whole_demand[0, :n_days]
    arriving = np.concatenate([np.zeros(lead), ordered])[:n_days]
    stock = found.position[0] + np.cumsum(arriving) - np.cumsum(demand)
    first = pd.Timestamp(item["as_of"]).tz_localize(None).normalize()
    days = [first + timedelta(days=k) for k in range(n_days)]

    at_once = np.zeros(n_open)
    at_once[int(np.flatnonzero(need)[0])] = need.sum()
    plans = {"all in one order": at_once, "the plan": ordered[:n_open], "an order each day": need}
    fixed, unit, holding = read.costs_of(0)
    # what differs between the plans: a unit bought on a dearer day counts as holding would
    ordering = {
        name: float(fixed[plan > 0].sum() + unit @ plan - (unit @ need)) / n_days for name, plan in plans.items()
    }
    keeping = {name: float(holding @ np.cumsum(plan - need)) / n_days for name, plan in plans.items()}
    total = {name: ordering[name] + keeping[name] for name in plans}

    drawn, axes = figure(2, 2, (12, 6.5), width_ratios=(3, 1.3), height_ratios=(3, 2))
    (top, right), (below, corner) = axes
    corner.set_axis_off()
    top.fill_between(days, stock, step="mid", color=STOCK, alpha=0.25, linewidth=0)
    top.step(days, stock, where="mid", color=STOCK, linewidth=2, label="stock at the end of the day")
    if (stock < 0).any():
        top.fill_between(
            days, np.minimum(stock, 0), step="mid", color=REORDER_POINT, alpha=0.5, label="owed to customers"
        )
    comes = np.flatnonzero(arriving)
    top.scatter(
        [days[k] for k in comes], stock[comes], marker="^", color=REORDER_POINT, zorder=4, label="an order arrives"
    )
    if lead:
        top.axvspan(
            days[0] - timedelta(hours=12),
            days[min(lead, n_days) - 1] + timedelta(hours=12),
            color=QUIET,
            alpha=0.15,
            linewidth=0,
            label=f"before an order placed now arrives: {lead} day{'s' if lead > 1 else ''}",
        )
    top.axhline(0, color=POSITION, linewidth=0.8)
    plain(top, "Stock under the plan, if demand is as forecast; on order counts as there", "", "units")
    top.set_ylim(min(0, stock.min() * 1.1), stock.max() * 1.35 + 1)
    legend(top, loc="upper right", ncols=2)
    dates(top)
    top.set_xlabel("")
    below.bar(days, ordered, width=0.85, color=REORDER_POINT, label="ordered, arrives after the lead time")
    below.plot(days, demand, color=POSITION, drawstyle="steps-mid", linewidth=1.5, label="demand")
    for k in np.flatnonzero(ordered):
        below.annotate(f"{ordered[k]:g}", (days[k], ordered[k]), ha="center", va="bottom", fontsize=8.5)
    plain(below, "Orders by the day they are placed, and the demand of the day", "", "units")
    below.set_ylim(0, max(ordered.max(), demand.max()) * 1.45)
    below.set_xlim(top.get_xlim())
    legend(below, loc="upper right", ncols=2)
    dates(below)
    names = list(plans)
    right.barh(names, [ordering[name] for name in names], color=PALETTE[1], label="ordering")
    right.barh(
        names,
        [keeping[name] for name in names],
        left=[ordering[name] for name in names],
        color=PALETTE[2],
        label="stock",
    )
    for k, name in enumerate(names):
        right.annotate(f" {total[name]:.3g}", (total[name], k), va="center", fontsize=9)
    right.margins(x=0.2)
    right.set_ylim(-0.6, 3.2)
    right.get_yticklabels()[1].set_fontweight("bold")
    plain(right, "What plans cost, without purchases", "money per day", "")
    legend(right, loc="upper right", ncols=2)
    n_orders, n_needs = int((ordered > 0).sum()), int((need > 0).sum())
    corner.text(
        0,
        0.9,
        "Each order is paid once, whatever its size;\neach unit is paid for every day that it lies.\n"
        "The plan groups the days' needs so that\nboth together cost least.",
        va="top",
        fontsize=9.5,
    )
    finding(
        drawn,
        item["label"],
        f"{n_orders} order{'s' if n_orders > 1 else ''} in {n_days} days. An order for each of the {n_needs} "
        f"days that need one would cost {dearer(total['an order each day'], total['the plan'])}, a single order "
        f"{dearer(total['all in one order'], total['the plan'])}.",
    )
    return drawn
