"""What an order quantity costs when large orders are cheaper to buy, and what all products of a storage space use of
it: EOQ, budget.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.budget_use import Shares, budget_bars
from invopt.plots.curves import finding, mark, whole_numbers
from invopt.plots.style import PALETTE, POSITION, QUIET, figure, legend, plain
from invopt.theory.eoq.cost import order_cost


def storage_budget(items: pd.DataFrame, cost: str, discount: str, holding: str) -> Figure:
    """Cost per day along Q of the product that the budget touches most, and what each product of the storage space uses
    of it.

    items : rows of gold.inputs_eoq_budget of one partition, with label and order_quantity (units); those with demand
        are drawn
    cost, discount, holding : the policy's parameters
    """
    items = items[items["demand_mean"].map(np.sum) > 0]
    quantity, h = (items[name].to_numpy(dtype=float) for name in ("order_quantity", "holding_cost"))
    curves = [_curve(row, cost, discount, holding) for _, row in items.iterrows()]
    own = np.array([tried[int(total.argmin())] for tried, total, _ in curves], dtype=float)
    least = np.array([total.min() for _, total, _ in curves])
    chosen = np.array([total[np.searchsorted(tried, q)] for q, (tried, total, _) in zip(quantity, curves, strict=True)])
    budget = float(items["storage_cost_budget"].iloc[0])
    shares = Shares(h * quantity / 2, h * own / 2, np.inf if np.isnan(budget) else budget)
    # a product with price breaks shows more; of these, the one that pays most for the budget, or is ordered where a
    # price begins
    has_breaks = np.array([len(lines) > 1 for *_, lines in curves])
    at_break = np.array(
        [any(q == np.ceil(start) for _, start, _ in lines[1:]) for q, (*_, lines) in zip(quantity, curves, strict=True)]
    )
    i = int(np.lexsort((chosen, at_break, np.round(chosen - least, 9), has_breaks))[-1])

    drawn, (axes, right) = figure(1, 2, (12, 5.5), width_ratios=(3, 2))
    tried, total, lines = curves[i]
    for k, (price, start, line) in enumerate(lines):
        of = f"from {start:g} units on" if k else "for small orders"
        axes.plot(
            tried,
            line,
            color=PALETTE[k % len(PALETTE)],
            linewidth=1,
            linestyle="--",
            label=f"at {price:.4g} a unit, {of}",
        )
        if k:
            axes.axvline(start, color=QUIET, linewidth=0.8)
    for values in np.split(np.arange(len(tried)), np.searchsorted(tried, [start for _, start, _ in lines[1:]])):
        axes.plot(tried[values], total[values], color=POSITION, linewidth=2.8)
    axes.plot([], [], color=POSITION, linewidth=2.8, label="what is paid")
    axes.scatter(
        [own[i]],
        [least[i]],
        color=PALETTE[0],
        s=110,
        zorder=4,
        label=f"best alone: Q = {own[i]:g}, {least[i]:.4g} per day",
    )
    mark(axes, quantity[i], chosen[i], f"chosen: Q = {quantity[i]:g}, {chosen[i]:.4g} per day")
    low = least[i] - 0.25 * (np.quantile(total, 0.97) - least[i])
    axes.set_ylim(low, least[i] + 2.2 * (np.quantile(total, 0.97) - least[i]))
    plain(
        axes,
        f"{items['label'].iloc[i]} (the scale does not begin at 0)",
        "order quantity Q, units",
        "money per day" if cost == "ordering" and discount == "none" else "money per day, with what is bought",
    )
    legend(axes, loc="upper right")
    budget_bars(right, items["label"].str.split(",").str[0].tolist(), shares, "money per day, of average stock")
    names = items["label"].str.split(", ").str
    tail = (
        f"{names[0].iloc[i]}: orders of {quantity[i]:g}"
        + (f" instead of {own[i]:g}" if own[i] != quantity[i] else "")
        + (", where a lower price begins" if at_break[i] else "")
    )
    finding(
        drawn,
        f"{len(items)} product{'s' if len(items) > 1 else ''}, {names[-1].iloc[0]}",
        f"{shares.words('storage cost a day')}. {tail}.",
    )
    return drawn


def _curve(item: pd.Series, cost: str, discount: str, holding: str) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
    """Quantities, what a day costs at each, and for each price: (price, first quantity, what a day would cost if it
    held for all).
    """
    mean, K, h = float(np.mean(item["demand_mean"])), float(item["fixed_order_cost"]), float(item["holding_cost"])
    has_breaks = discount != "none" and item["price_break_quantity"] is not None
    starts = np.array([0.0, *(item["price_break_quantity"] if has_breaks else ())])
    prices = np.array(
        [0.0 if discount == "none" else float(item["unit_cost"]), *(item["price_break_cost"] if has_breaks else ())]
    )
    quantity = int(item["order_quantity"])
    eoq = np.sqrt(2 * K * mean / h)
    wide = max(2.0 * quantity, 1.6 * eoq, 1.3 * starts[-1]) + 3
    near = np.ceil(starts[1:]).astype(np.int64)
    narrow = max(1, min(quantity, eoq) // 4 if not has_breaks else min(quantity, eoq, 2 * starts[1]) // 4)
    tried = np.unique([*whole_numbers(narrow, wide, 2000), quantity, *near, *np.maximum(near - 1, 1)])
    settings = (
        mean,
        K,
        h,
        cost == "ordering_and_holding",
        discount == "incremental",
        holding == "with_price" and discount != "none",
    )
    lines = [(prices[j], starts[j], order_cost(tried, starts, prices, *settings, only=j)) for j in range(len(prices))]
    return tried, order_cost(tried, starts, prices, *settings), lines if has_breaks else []
