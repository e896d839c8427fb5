"""What a review period costs when each has its best order-up-to level: the decision of (R, S)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invopt.plots.curves import dearer, finding, mark, parts_and_total, read_demand, whole_numbers
from invopt.plots.style import QUIET, figure, legend, plain
from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.r_s.cost import demand_after, review_costs
from invopt.theory.s_q.curves import CostParts

_FORMS = {POISSON: "poisson", NORMAL: "normal", PMF: "pmf"}


def review_period(item: pd.Series, cost: str, service: str, longest_review_period: int) -> Figure:
    """Cost per day along R, each with the order-up-to level that is best for it, and the chosen (R, S).

    item : a row of gold.inputs_r_s with label, review_period (days) and order_up_to_level (units)
    cost, service, longest_review_period : the policy's parameters
    """
    read = read_demand(item.to_frame().T, 0)
    mean, variance, first, n_lead_times = (float(values[0]) for values in read[1:5])
    h, K, p = (float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    R, S = int(item["review_period"]), int(item["order_up_to_level"])
    interval = float(np.nan_to_num(float(item["shipping_interval"]), nan=1.0))
    shortest = max(1, int(whole_days(np.array([interval]))[0]))
    longest = max(shortest, longest_review_period)
    periods = np.arange(1, longest + 8)
    days = first + n_lead_times - 1 + periods[-1]
    spread = np.sqrt(max(variance, mean, 0.01) * days + (mean * (n_lead_times - 1)) ** 2 / 12)
    levels = np.unique([*whole_numbers(0, mean * days + 6 * spread + 2, 2000), S])
    day_pmf = mean_pmf(item["demand_pmf"]) if read.form[0] == PMF else np.zeros(0)
    demand = demand_after(
        _FORMS[int(read.form[0])],
        levels,
        int(periods[-1]),
        mean,
        variance,
        day_pmf,
        first,
        int(n_lead_times),
        has_cdf=service == "cycle",
    )

    found = review_costs(cost, service, periods, levels, demand, mean, h, K, p)
    asked = float(item["service_level"]) if service != "none" and pd.notna(item["service_level"]) else -np.inf
    is_allowed = found.service >= asked - 1e-14
    if cost == "guide":
        is_allowed &= levels[None, :] >= demand.mean[periods, None] * (1 - 1e-12)
    best = np.where(is_allowed, found.cost, np.inf).argmin(axis=1)
    row = np.arange(len(periods))
    # the cost is linear in K, h and p: each part is the whole with the others at 0
    parts = CostParts(
        *(
            review_costs(cost, "none", periods, levels, demand, mean, *only).cost[row, best]
            for only in ((0.0, K, 0.0), (h, 0.0, 0.0), (0.0, 0.0, p))
        )
    )
    chosen = float(parts.total[R - 1])

    drawn, (axes, below) = figure(2, 1, (10, 6.5), sharex=True, height_ratios=(3, 1))
    inside = parts.total[max(shortest, R // 3) - 1 :]
    parts_and_total(axes, periods, parts)
    axes.set_ylim(min(0.0, parts.holding.min()), max(inside.max(), chosen) * 1.4)
    for start, end in ((0.5, shortest - 0.5), (longest + 0.5, periods[-1] + 0.5)):
        axes.axvspan(start, end, color=QUIET, alpha=0.2, linewidth=0)
    between = f"not allowed: over {longest} days" + (
        f", or under {shortest}, for the supplier ships no sooner" if shortest > 1 else ""
    )
    axes.fill_between([], [], color=QUIET, alpha=0.2, linewidth=0, label=between)
    mark(axes, R, chosen, f"chosen: R = {R}, S = {S}, {chosen:.3g} per day")
    others = [
        f"every {other} days would cost {dearer(float(parts.total[other - 1]), chosen)}"
        for other in (max(shortest, R // 2), min(longest, 2 * R))
        if other != R
    ]
    edge = {
        longest: " (the longest allowed)",
        shortest: " (the supplier does not ship more often)" if shortest > 1 else "",
    }
    finding(drawn, item["label"], f"Every {R} days{edge.get(R, '')} fill up to {S}. To do so {', '.join(others)}.")
    plain(axes, "Each review period with the order-up-to level that is best for it", "", "money per day")
    legend(axes, loc="upper right", ncols=2)
    below.step(periods, levels[best], where="mid", color=QUIET)
    mark(below, R, S, "")
    plain(below, "The order-up-to level that is best with each review period", "review period R, days", "S, units")
    below.set_ylim(0, levels[best].max() * 1.15)
    axes.set_xlim(0.5, periods[-1] + 0.5)
    return drawn
