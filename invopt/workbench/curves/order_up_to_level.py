"""(s, S): the cost along the order-up-to level, each level with the reorder point that is best for it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.daily import normal_day_pmf, poisson_day_pmf
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import LeadTimeDemand, lead_time_pmf, pmf_lead_time_demand
from invopt.theory.s_s.curves import order_up_to_parts
from invopt.workbench.curves.curve import Curve, cost_columns, whole_numbers
from invopt.workbench.curves.demand import read_demand
from invopt.workbench.curves.wording import dearer


def order_up_to_level(item: pd.Series) -> Curve:
    """The curve along `order_up_to_level`; each row also has its best `reorder_point`.

    item : a row of gold.inputs_s_s with label, reorder_point and order_up_to_level (units)
    """
    day_pmf, demand = _day_and_lead_time(item)
    s, level = int(item["reorder_point"]), int(item["order_up_to_level"])
    costs = (float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    usual = max(level - s, 2)
    lower, higher = max(s + 1, s + usual // 2), level + usual
    tried = np.unique([*whole_numbers(max(1, s + usual // 5), level + 2 * usual), lower, level, higher])
    points, parts = order_up_to_parts(tried, day_pmf, demand, *costs)
    total = dict(zip(tried.tolist(), parts.total.tolist(), strict=True))
    chosen = total[level]
    return Curve(
        item["label"],
        pd.DataFrame({"order_up_to_level": tried, "reorder_point": points, **cost_columns(parts)}),
        pd.DataFrame({"order_up_to_level": level, "reorder_point": s, "total": chosen}, index=["chosen"]),
        f"When {s} or fewer are left or on their way, fill up to {level}. Up to {lower} would cost "
        f"{dearer(total[lower], chosen)}, up to {higher} would cost {dearer(total[higher], chosen)}.",
    )


def _day_and_lead_time(item: pd.Series) -> tuple[np.ndarray, LeadTimeDemand]:
    """The probabilities of a day's demand, and the demand over the lead time + 1 day."""
    read = read_demand(item.to_frame().T, 1)
    demand, mean = read.lead_time_demand(0), float(read.mean[0])
    if read.form[0] == PMF:
        return mean_pmf(item["demand_pmf"]), demand
    if read.form[0] == NORMAL:
        # the policy counts a day's demand in whole units, and the lead time as the sum of such days
        day_pmf = normal_day_pmf(mean, float(read.variance[0]))
        first = int(whole_days(read.first_lead_time)[0])
        return day_pmf, pmf_lead_time_demand(lead_time_pmf(day_pmf, first, int(read.n_lead_times[0])))
    return poisson_day_pmf(mean), demand
