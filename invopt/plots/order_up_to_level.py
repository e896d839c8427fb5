"""What an order-up-to level costs when each has its best reorder point: the decision of (s, S)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.curves import dearer, finding, low_part, mark, parts_and_total, read_demand, whole_numbers
from invopt.plots.style import QUIET, figure, legend, plain
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.daily import normal_day_pmf, poisson_day_pmf
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import lead_time_pmf, pmf_lead_time_demand
from invopt.theory.s_s.curves import order_up_to_parts


def order_up_to_level(item: pd.Series) -> Figure:
    """Cost per day along S, each with the reorder point that is best for it, and the chosen (s, S).

    item : a row of gold.inputs_s_s with label, reorder_point and order_up_to_level (units)
    """
    read = read_demand(item.to_frame().T, 1)
    demand, mean = read.lead_time_demand(0), float(read.mean[0])
    if read.form[0] == PMF:
        day_pmf = mean_pmf(item["demand_pmf"])
    elif read.form[0] == NORMAL:
        # as the policy does: days of whole units, and the lead time their sum
        day_pmf = normal_day_pmf(mean, float(read.variance[0]))
        first = int(whole_days(read.first_lead_time)[0])
        demand = pmf_lead_time_demand(lead_time_pmf(day_pmf, first, int(read.n_lead_times[0])))
    else:
        day_pmf = poisson_day_pmf(mean)
    s, level = int(item["reorder_point"]), int(item["order_up_to_level"])
    costs = tuple(float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    usual = max(level - s, 2)
    lower, higher = max(s + 1, s + usual // 2), level + usual
    tried = np.unique([*whole_numbers(max(1, s + usual // 5), level + 2 * usual), lower, level, higher])
    points, parts = order_up_to_parts(tried, day_pmf, demand, *costs)
    at = dict(zip(tried.tolist(), parts.total.tolist(), strict=True))
    chosen = at[level]

    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 1))
    parts_and_total(axes, tried, parts)
    low_part(axes, parts.total, chosen)
    mark(axes, level, chosen, f"chosen: S = {level}, s = {s}, {chosen:.3g} per day")
    finding(
        drawn,
        item["label"],
        f"When {s} or fewer are left or on their way, fill up to {level}. Up to {lower} would cost "
        f"{dearer(at[lower], chosen)}, up to {higher} would cost {dearer(at[higher], chosen)}.",
    )
    plain(axes, "Each level with the reorder point that is best for it", "", "money per day")
    legend(axes, loc="upper right", ncols=2)
    below.step(tried, points, where="mid", color=QUIET)
    mark(below, level, s, "")
    plain(below, "The reorder point that is best with each level", "order-up-to level S, units", "s, units")
    below.set_ylim(0, points.max() * 1.2 + 1)
    return drawn
