"""What having more or less of a product costs, and what all products of a supplier get of the money: the newsvendor
under a budget.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.budget_use import Shares, budget_bars
from invopt.plots.curves import finding, mark, read_demand, whole_numbers
from invopt.plots.style import PALETTE, POSITION, figure, legend, plain


def purchase_budget(items: pd.DataFrame, protection_days: int, cost: str, salvage_fraction: float) -> Figure:
    """Expected cost along s of the product that the budget touches most, and the money that each product of the
    partition gets.

    items : rows of gold.inputs_newsvendor_budget of one partition, with label and base_stock_level (units); those with
        demand are drawn
    protection_days, cost, salvage_fraction : the policy's parameters
    """
    items = items[items["demand_mean"].map(np.sum) > 0]
    read = read_demand(items, protection_days)
    columns = ("unit_cost", "disposal_cost", "lost_sale_cost", "list_price", "base_stock_level")
    unit, disposal, lost, price, level = (items[name].to_numpy(dtype=float) for name in columns)
    overage = np.nan_to_num(disposal) + (0.0 if cost == "guide" else unit * (1 - salvage_fraction))
    underage = np.where(np.isnan(lost), np.maximum(price - unit, 0.0), lost)
    curves = []
    for i in range(len(items)):
        demand = read.lead_time_demand(i)
        tried = np.unique(
            [*whole_numbers(0, max(demand.mean + 4 * demand.std, level[i] * 1.2) + 2, 2000), int(level[i])]
        )
        missing = demand.loss(tried)
        curves.append((tried, overage[i] * np.maximum(tried - demand.mean + missing, 0.0), underage[i] * missing))
    best = np.array([int((left + lost_sales).argmin()) for _, left, lost_sales in curves])
    own = np.array([tried[k] for (tried, *_), k in zip(curves, best, strict=True)], dtype=float)
    dearest = np.array([(left + lost_sales).min() for _, left, lost_sales in curves])
    chosen = np.array(
        [np.interp(s, tried, left + lost_sales) for s, (tried, left, lost_sales) in zip(level, curves, strict=True)]
    )
    budget = float(items["purchase_budget"].iloc[0])
    shares = Shares(unit * level, unit * own, np.inf if np.isnan(budget) else budget)
    # the one that pays most for the budget; where it does not bind, the dearest
    extra = chosen - dearest
    i = int(extra.argmax() if shares.is_short else chosen.argmax())

    drawn, (axes, right) = figure(1, 2, (12, 5.5), width_ratios=(3, 2))
    tried, left, lost_sales = curves[i]
    axes.plot(tried, lost_sales, color=PALETTE[4], linewidth=1.5, label="sales that are missed")
    axes.plot(tried, left, color=PALETTE[2], linewidth=1.5, label="units left over")
    axes.plot(tried, left + lost_sales, color=POSITION, linewidth=2.5, label="total")
    axes.scatter(
        [own[i]], [dearest[i]], color=PALETTE[0], s=110, zorder=4, label=f"best alone: s = {own[i]:g}, {dearest[i]:.3g}"
    )
    mark(axes, level[i], chosen[i], f"chosen: s = {level[i]:g}, {chosen[i]:.3g}")
    # the legend stands above all that is drawn
    is_near = left + lost_sales <= 3.5 * max(chosen[i], 1e-9)
    axes.set_xlim(tried[is_near].min() - 0.5, tried[is_near].max() + 0.5)
    axes.set_ylim(0, (left + lost_sales)[is_near].max() * 1.5)
    plain(axes, items["label"].iloc[i], "base-stock level s: units there after the order", "expected money per order")
    legend(axes, loc="upper right", ncols=2)
    budget_bars(right, items["label"].str.split(",").str[0].tolist(), shares, "money, to fill up from nothing")
    names = items["label"].str.split(", ").str
    tail = f"{names[0].iloc[i]}: {level[i]:g} units" + (f" instead of {own[i]:g}" if level[i] != own[i] else "")
    finding(
        drawn,
        f"{len(items)} product{'s' if len(items) > 1 else ''}, {names[-1].iloc[0]}",
        f"{shares.words('what filling up may cost')}. {tail}.",
    )
    return drawn
