"""What an order quantity costs when each has its best reorder point: the decision of (s, Q)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.curves import dearer, finding, low_part, mark, parts_and_total, read_demand, whole_numbers
from invopt.plots.style import figure, legend, plain
from invopt.theory.s_q.cost import review_days
from invopt.theory.s_q.curves import CostParts, cost_parts


def order_quantity(item: pd.Series, cost: str) -> Figure:
    """Cost per day along Q, each with the reorder point that is best for it, and the chosen (s, Q).

    item : a row of gold.inputs_s_q with label, reorder_point and order_quantity (units)
    cost : the policy's definition of cost: daily_review, time_weighted or guide
    """
    read = read_demand(item.to_frame().T, review_days(cost))
    s, quantity, demand = int(item["reorder_point"]), int(item["order_quantity"]), read.lead_time_demand(0)
    costs = (
        demand,
        float(read.mean[0]),
        float(item["holding_cost"]),
        float(item["fixed_order_cost"]),
        float(item["backorder_cost"]),
    )
    # Q/2, Q and 2Q are named in words: they must be among those that are drawn
    half, double = max(1, quantity // 2), 2 * quantity
    tried = np.unique([*whole_numbers(max(1, quantity // 5), 3 * quantity + 3), half, quantity, double])
    points = np.unique([*whole_numbers(0, max(demand.mean + 6 * demand.std, s) + 1), s])
    parts = cost_parts(cost, np.repeat(points, len(tried)), np.tile(tried, len(points)), *costs)
    best = parts.total.reshape(len(points), -1).argmin(axis=0)
    column = np.arange(len(tried))
    parts = CostParts(*(values.reshape(len(points), -1)[best, column] for values in parts))
    chosen = float(cost_parts(cost, [s], [quantity], *costs).total[0])

    drawn, axes = figure(1, 1, (10, 5))
    parts_and_total(axes, tried, parts)
    low_part(axes, parts.total, chosen)
    mark(axes, quantity, chosen, f"chosen: Q = {quantity}, s = {s}, {chosen:.3g} per day")
    at = dict(zip(tried.tolist(), parts.total.tolist(), strict=True))
    finding(
        drawn,
        item["label"],
        f"Order {quantity} when {s} or fewer are left or on their way. Orders of {half} would cost "
        f"{dearer(at[half], chosen)}, orders of {double} would cost {dearer(at[double], chosen)}.",
    )
    plain(axes, "Each quantity with the reorder point that is best for it", "order quantity Q, units", "money per day")
    legend(axes, loc="upper right", ncols=2)
    return drawn
