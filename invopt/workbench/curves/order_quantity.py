"""(s, Q): the cost along the order quantity, each quantity with the reorder point that is best for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invopt.theory.s_q.cost import review_days
from invopt.theory.s_q.curves import CostParts, cost_parts
from invopt.workbench.curves.curve import Curve, cost_columns, whole_numbers
from invopt.workbench.curves.demand import read_demand
from invopt.workbench.curves.wording import dearer

if TYPE_CHECKING:
    from invopt.policies.s_q import SQParams


def order_quantity(item: pd.Series, params: SQParams) -> Curve:
    """The curve along `order_quantity`; each row also has its best `reorder_point`.

    item : a row of gold.inputs_s_q with label, reorder_point and order_quantity (units)
    params : the policy's parameters
    """
    read = read_demand(item.to_frame().T, review_days(params.cost))
    s, quantity, demand = int(item["reorder_point"]), int(item["order_quantity"]), read.lead_time_demand(0)
    costs = (float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    priced = (demand, float(read.mean[0]), *costs)
    # the sentence names the costs of Q/2 and 2Q, so both are among the numbers tried
    half, double = max(1, quantity // 2), 2 * quantity
    tried = np.unique([*whole_numbers(max(1, quantity // 5), 3 * quantity + 3), half, quantity, double])
    points = np.unique([*whole_numbers(0, max(demand.mean + 6 * demand.std, s) + 1), s])
    of_pairs = cost_parts(params.cost, np.repeat(points, len(tried)), np.tile(tried, len(points)), *priced)
    best = of_pairs.total.reshape(len(points), -1).argmin(axis=0)
    column = np.arange(len(tried))
    parts = CostParts(*(values.reshape(len(points), -1)[best, column] for values in of_pairs))
    chosen = float(cost_parts(params.cost, [s], [quantity], *priced).total[0])
    total = dict(zip(tried.tolist(), parts.total.tolist(), strict=True))
    return Curve(
        item["label"],
        pd.DataFrame({"order_quantity": tried, "reorder_point": points[best], **cost_columns(parts)}),
        pd.DataFrame({"order_quantity": quantity, "reorder_point": s, "total": chosen}, index=["chosen"]),
        f"Order {quantity} when {s} or fewer are left or on their way. Orders of {half} would cost "
        f"{dearer(total[half], chosen)}, orders of {double} would cost {dearer(total[double], chosen)}.",
    )
