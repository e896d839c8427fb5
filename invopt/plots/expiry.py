"""What an order quantity costs when units expire, beside what it would cost if they did not: the decision of the
perishable (s, Q).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.curves import finding, mark, read_demand, whole_numbers
from invopt.plots.style import PALETTE, POSITION, QUIET, figure, legend, plain
from invopt.policies.inputs.shelf_life import shelf_life_demand
from invopt.theory.perishable.cost import PerishableCosts, perishable_cost, units_sold


def order_quantity_with_expiry(item: pd.Series, review: str, expired_unit_costs: str) -> Figure:
    """Cost per day along Q at the chosen s with and without expiry, and the part of an order that is thrown away.

    item : a row of gold.inputs_s_q_perishable with label, reorder_point and order_quantity (units)
    review, expired_unit_costs : the policy's parameters
    """
    read = read_demand(item.to_frame().T, 1 if review == "daily" else 0)
    mean, demand = float(read.mean[0]), read.lead_time_demand(0)
    s, quantity = int(item["reorder_point"]), int(item["order_quantity"])
    h, K, late, disposal, life = (
        float(item[name])
        for name in ("holding_cost", "fixed_order_cost", "backorder_cost", "disposal_cost", "shelf_life")
    )
    expiry_cost = np.nan_to_num(disposal) + (
        float(item["unit_cost"]) if expired_unit_costs == "disposal_and_purchase" else 0.0
    )
    pmf = np.array([item["demand_pmf"], None], dtype=object)[:1]
    until_expiry = None if np.isnan(life) else shelf_life_demand(read, pmf, np.array([life])).lead_time_demand(0)

    # where expiry changes nothing else, the best Q without it is that of the economic order quantity with K + pi n(s)
    batch_cost = K + late * float(demand.loss(np.array([s]))[0])
    lasting = max(1, round(np.sqrt(2 * mean * batch_cost / h)))
    tried = np.unique(
        [*whole_numbers(max(1, quantity // 4), max(2.5 * quantity, 1.3 * lasting) + 3), quantity, lasting]
    )
    costs = PerishableCosts(h, K, late, expiry_cost)
    with_expiry = perishable_cost([s], tried, demand, until_expiry, mean, costs)
    without = perishable_cost([s], tried, demand, None, mean, costs)
    thrown = tried - units_sold(np.array([s]), tried, until_expiry)
    where, best = int(np.searchsorted(tried, quantity)), int(without.argmin())
    chosen = float(with_expiry[where])

    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 2))
    axes.plot(
        tried,
        with_expiry,
        color=POSITION,
        linewidth=2.5,
        label=f"expires after {life:g} days" if until_expiry is not None else "does not expire",
    )
    axes.plot(tried, without, color=PALETTE[2], linewidth=2, linestyle="--", label="if it did not expire")
    axes.scatter(
        [tried[best]],
        [without[best]],
        color=PALETTE[2],
        s=50,
        zorder=4,
        label=f"then best: Q = {tried[best]}, {without[best]:.3g} per day",
    )
    mark(axes, quantity, chosen, f"chosen: Q = {quantity}, s = {s}, {chosen:.3g} per day")
    axes.set_ylim(0, max(min(with_expiry.max(), 3 * chosen), without[best]) * 1.55)
    if until_expiry is None:
        text = f"Order {quantity} when {s} or fewer are left: this product does not expire."
    else:
        text = (
            f"Order {quantity} when {s} or fewer are left; {tried[best]} would be best if nothing expired. Of "
            f"{quantity} units "
            f"ordered, {thrown[where]:.2g} expire on average; of {tried[best]}, {thrown[best]:.2g} would."
        )
    finding(drawn, item["label"], text)
    plain(axes, f"Cost of other order quantities (s = {s})", "", "money per day")
    legend(axes, loc="upper right", ncols=2)
    below.fill_between(tried, 100 * thrown / tried, color=PALETTE[3], alpha=0.35, linewidth=0)
    below.plot(tried, 100 * thrown / tried, color=PALETTE[3])
    below.axvline(tried[best], color=PALETTE[2], linewidth=1, linestyle="--")
    mark(below, quantity, 100 * thrown[where] / quantity, "")
    plain(below, "The part of an order that expires unsold", "order quantity Q, units", "percent of the order")
    below.set_ylim(0, max(5.0, (100 * thrown / tried).max() * 1.15))
    below.grid(axis="y", color=QUIET, alpha=0.3)
    return drawn
