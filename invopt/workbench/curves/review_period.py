"""(R, S): the cost along the review period, each period with the order-up-to level that is best for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.r_s.cost import DemandAfter, demand_after, review_costs
from invopt.theory.s_q.curves import CostParts
from invopt.workbench.curves.curve import Curve, cost_columns, whole_numbers
from invopt.workbench.curves.demand import read_demand
from invopt.workbench.curves.wording import dearer

if TYPE_CHECKING:
    from invopt.policies.r_s import RSParams

_FORMS = {POISSON: "poisson", NORMAL: "normal", PMF: "pmf"}
# review periods shown beyond the longest that is allowed
_MORE_PERIODS = 7


def review_period(item: pd.Series, params: RSParams) -> Curve:
    """The curve along `review_period` (days); each row also has its best `order_up_to_level` and `is_allowed`.

    item : a row of gold.inputs_r_s with label, review_period (days) and order_up_to_level (units)
    params : the policy's parameters
    """
    read = read_demand(item.to_frame().T, 0)
    mean = float(read.mean[0])
    h, K, p = (float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    R, S = int(item["review_period"]), int(item["order_up_to_level"])
    interval = float(np.nan_to_num(float(item["shipping_interval"]), nan=1.0))
    shortest = max(1, int(whole_days(np.array([interval]))[0]))
    longest = max(shortest, params.longest_review_period)
    periods = np.arange(1, longest + _MORE_PERIODS + 1)
    levels, demand = _levels_and_demand(item, read, int(periods[-1]), S, params.service == "cycle")

    costs = {"fixed_order_cost": K, "holding_cost": h, "backorder_cost": p}
    priced = review_costs(params.cost, params.service, periods, levels, demand, mean, **costs)
    has_target = params.service != "none" and pd.notna(item["service_level"])
    target = float(item["service_level"]) if has_target else -np.inf
    is_enough = priced.service >= target - 1e-14
    if params.cost == "guide":
        is_enough &= levels[None, :] >= demand.mean[periods, None] * (1 - 1e-12)
    best = np.where(is_enough, priced.cost, np.inf).argmin(axis=1)
    row = np.arange(len(periods))
    # the cost is linear in K, h and p: each part is the whole with the others at 0
    parts = CostParts(
        *(
            review_costs(params.cost, "none", periods, levels, demand, mean, **part).cost[row, best]
            for part in ({**dict.fromkeys(costs, 0.0), name: costs[name]} for name in costs)
        )
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
    item: pd.Series, read: ItemDemand, longest: int, chosen_level: int, has_cdf: bool
) -> tuple[np.ndarray, DemandAfter]:
    """The levels tried for review periods up to the longest, and the demand beyond them."""
    mean, variance, first, n_lead_times = (float(values[0]) for values in read[1:5])
    days = first + n_lead_times - 1 + longest
    std = np.sqrt(max(variance, mean, 0.01) * days + (mean * (n_lead_times - 1)) ** 2 / 12)
    levels = np.unique([*whole_numbers(0, mean * days + 6 * std + 2, 2000), chosen_level])
    form = int(read.form[0])
    day_pmf = mean_pmf(item["demand_pmf"]) if form == PMF else np.zeros(0)
    demand = demand_after(
        _FORMS[form], levels, longest, mean, variance, day_pmf, first, int(n_lead_times), has_cdf=has_cdf
    )
    return levels, demand


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
