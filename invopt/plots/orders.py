"""The value of the orders by supplier, and the outcomes of the items."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.style import QUIET, STOCK, figure, plain


def orders_and_reasons(orders: pd.DataFrame, outcomes: pd.Series) -> Figure:
    """Order value by supplier, and the number of items of each outcome.

    orders : order lines with source_name and order_value (money)
    outcomes : one short text per reviewed item, such as "ordered" or "enough stock"
    """
    drawn, (left, right) = figure(1, 2, (11, 3.4))
    by_source = orders.groupby("source_name")["order_value"].agg(["sum", "size"]).sort_values("sum")
    bars = left.barh(by_source.index, by_source["sum"], color=STOCK)
    left.bar_label(bars, [f"{n} line{'s' if n != 1 else ''}" for n in by_source["size"]], padding=3)
    left.margins(x=0.18)
    plain(left, "Value of the orders by supplier", "money", "")
    counted = outcomes.value_counts().sort_values()
    bars = right.barh(
        counted.index, counted.to_numpy(), color=[STOCK if name == "ordered" else QUIET for name in counted.index]
    )
    right.bar_label(bars, padding=3)
    right.margins(x=0.12)
    plain(right, "What became of each item", "number of items", "")
    if by_source.empty:
        left.text(0.5, 0.5, "nothing was ordered", ha="center", va="center", transform=left.transAxes)
        left.set_xticks([])
        left.set_yticks([])
    return drawn
