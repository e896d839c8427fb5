"""Perishable (s, Q): the cost along the order quantity, with and without expiry, and the units that expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invopt.policies.inputs.items import Items
from invopt.policies.inputs.perishable import PERISHABLE_COLUMNS, perishable_inputs
from invopt.theory.perishable.cost import perishable_cost, units_sold
from invopt.workbench.curves.curve import Curve, whole_numbers
from invopt.workbench.curves.demand import refuse_unexplained

if TYPE_CHECKING:
    from invopt.policies.s_q_perishable import SQPerishableParams


def order_quantity_with_expiry(item: pd.Series, params: SQPerishableParams) -> Curve:
    """The curve along `order_quantity` at the chosen s; each row also has `without_expiry`, the cost if nothing
    expired, and `expired`, units per order.

    The points are "chosen", with `shelf_life` (days, NaN for none), and "best without expiry".

    item : a row of gold.inputs_s_q_perishable with label, reorder_point and order_quantity (units)
    params : the policy's parameters
    """
    read = Items(item.to_frame().T, PERISHABLE_COLUMNS)
    counts_purchase = params.expired_unit_costs == "disposal_and_purchase"
    expiring = perishable_inputs(read, "none", 1 if params.review == "daily" else 0, counts_purchase)
    refuse_unexplained(read, expiring.demand)
    mean, costs, (demand, until_expiry) = float(expiring.demand.mean[0]), expiring.costs_of(0), expiring.demands_of(0)
    life = float(expiring.shelf_life[0]) if until_expiry is not None else np.nan
    s, quantity = int(item["reorder_point"]), int(item["order_quantity"])

    # without expiry the best Q at this s is the economic order quantity with K + pi n(s) in place of K
    batch_cost = costs.fixed_order_cost + costs.backorder_cost * float(demand.loss(np.array([s]))[0])
    lasting = max(1, round(np.sqrt(2 * mean * batch_cost / costs.holding_cost)))
    numbers = whole_numbers(max(1, quantity // 4), max(2.5 * quantity, 1.3 * lasting) + 3)
    quantities = np.unique([*numbers, quantity, lasting])
    tried = pd.DataFrame(
        {
            "order_quantity": quantities,
            "reorder_point": s,
            "total": perishable_cost([s], quantities, demand, until_expiry, mean, costs),
            "without_expiry": perishable_cost([s], quantities, demand, None, mean, costs),
            "expired": quantities - units_sold(np.array([s]), quantities, until_expiry),
        }
    )
    rows = {"chosen": np.searchsorted(quantities, quantity), "best without expiry": tried["without_expiry"].argmin()}
    points = tried.iloc[list(rows.values())].set_axis(list(rows)).assign(shelf_life=life)
    return Curve(item["label"], tried, points, _finding(points, until_expiry is not None))


def _finding(points: pd.DataFrame, expires: bool) -> str:
    chosen, lasting = points.loc["chosen"], points.loc["best without expiry"]
    quantity, s, best = int(chosen["order_quantity"]), int(chosen["reorder_point"]), int(lasting["order_quantity"])
    if not expires:
        return f"Order {quantity} when {s} or fewer are left: this product does not expire."
    return (
        f"Order {quantity} when {s} or fewer are left; {best} would be best if nothing expired. Of {quantity} units "
        f"ordered, {chosen['expired']:.2g} expire on average; of {best}, {lasting['expired']:.2g} would."
    )
