"""(R, S): the cost along the review period, each period with the order-up-to level that is best for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from invopt.policies.inputs.columns import LEAD_TIME_DEMAND
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.review import SHIPPING_INTERVAL, review_inputs
from invopt.theory.r_s.cost import DemandAfter, demand_after, review_costs
from invopt.theory.s_q.curves import CostParts
from invopt.workbench.curves.curve import Curve, cost_columns, whole_numbers
from invopt.workbench.curves.demand import refuse_unexplained
from invopt.workbench.curves.wording import dearer

if TYPE_CHECKING:
    from invopt.policies.r_s import RSParams

# review periods shown beyond the longest that is allowed
_MORE_PERIODS = 7
# part of the cost -> what it is paid by
_PAID_BY = {"ordering": "fixed_order_cost", "holding": "holding_cost", "shortage": "backorder_cost"}


def review_period(item: pd.Series, params: RSParams) -> Curve:
    """The curve along `review_period` (days); each row also has its best `order_up_to_level` and `is_allowed`.

    item : a row of gold.inputs_r_s with label, review_period (days) and order_up_to_level (units)
    params : the policy's parameters
    """
    read = Items(item.to_frame().T, (*LEAD_TIME_DEMAND, SHIPPING_INTERVAL))
    inputs = review_inputs(read, params.service, params.longest_review_period)
    refuse_unexplained(read, inputs.demand)
    R, S = int(item["review_period"]), int(item["order_up_to_level"])
    shortest = int(inputs.shortest_review_period[0])
    longest = max(shortest, params.longest_review_period)
    periods = np.arange(1, longest + _MORE_PERIODS + 1)
    levels, demand = _levels_and_demand(inputs.demand_of(0), int(periods[-1]), S, params.service == "cycle")

    costs, mean = inputs.costs_of(0), float(inputs.demand.mean[0])
    priced = review_costs(params.cost, params.service, periods, levels, demand, mean, **costs)
    target = np.nan_to_num(inputs.service_level[0], nan=-np.inf)
    is_enough = priced.service >= target - 1e-14
    if params.cost == "guide":
        is_enough &= levels[None, :] >= demand.mean[periods, None] * (1 - 1e-12)
    best = np.where(is_enough, priced.cost, np.inf).argmin(axis=1)
    row = np.arange(len(periods))
    # the cost is linear in K, h and p: each part is the whole with the others at 0
    parts = CostParts(
        **{
            part: review_costs(
                params.cost, "none", periods, levels, demand, mean, **dict.fromkeys(costs, 0.0) | {name: costs[name]}
            ).cost[row, best]
            for part, name in _PAID_BY.items()
        }
    )
    chosen = float(parts.total[R - 1])
    tried = pd.DataFrame({"review_period": periods, "order_up_to_level": levels[best], **cost_columns(parts)})
    return Curve(
        item["label"],
        tried.assign(is_allowed=(periods >= shortest) & (periods <= longest)),
        pd.DataFrame({"review_period": R, "order_up_to_level": S, "total": chosen}, index=["chosen"]),
        _finding(R, S, parts.total, shortest, longest),
    )


def _levels_and_demand(
    of_item: dict[str, Any], longest: int, chosen_level: int, has_cdf: bool
) -> tuple[np.ndarray, DemandAfter]:
    """The levels tried for review periods up to the longest, and the demand beyond them."""
    mean, n_lead_times = of_item["demand_mean"], of_item["n_lead_times"]
    days = of_item["first_lead_time"] + n_lead_times - 1 + longest
    std = np.sqrt(max(of_item["demand_variance"], mean, 0.01) * days + (mean * (n_lead_times - 1)) ** 2 / 12)
    levels = np.unique([*whole_numbers(0, mean * days + 6 * std + 2, 2000), chosen_level])
    return levels, demand_after(levels=levels, n_days=longest, has_cdf=has_cdf, **of_item)


def _finding(R: int, S: int, total: np.ndarray, shortest: int, longest: int) -> str:
    """The decision, and the cost of half and twice the period; total[k] is the cost of a period of k + 1 days."""
    others = [
        f"every {other} days would cost {dearer(float(total[other - 1]), float(total[R - 1]))}"
        for other in (max(shortest, R // 2), min(longest, 2 * R))
        if other != R
    ]
    edge = {
        longest: " (the longest allowed)",
        shortest: " (the supplier does not ship more often)" if shortest > 1 else "",
    }
    return f"Every {R} days{edge.get(R, '')} fill up to {S}. To do so {', '.join(others)}."
