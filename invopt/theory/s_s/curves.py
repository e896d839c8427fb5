"""What the cost per day of an (s, S) policy is made of, along S: each S with the s that is best for it.

    C(s, S) = ordering + holding + shortage,    D = S - s
    ordering = K / M(D),   the others = 1 / M(D) sum_{d=0}^{D-1} m(d) h E(S - d - X)^+  and the same with p E(X - S + d)^+

m(d) is the mean number of days that begin d units below S, M(D) their sum, the days from order to order: `theory/s_s/search.py`
derives them. For one S all s come from one pass, since what changes with s is only where the sums end.
"""

from __future__ import annotations

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs
from invopt.theory.s_q.curves import CostParts
from invopt.theory.s_s.search import renewal_days


def min_max_parts(
    order_up_to_level: np.ndarray,
    day_pmf: np.ndarray,
    demand: LeadTimeDemand,
    holding_cost: float,
    fixed_order_cost: float,
    backorder_cost: float,
) -> tuple[np.ndarray, CostParts]:
    """The best whole s >= 0 for each S, (m,) units, and the parts of C(s, S).

    Parameters
    ----------
    order_up_to_level : (m,) array of whole numbers >= 1, units          [S]
    day_pmf : probabilities of a day's demand of 0, 1, ...               [D]
    demand : over the lead time + 1 day                                  [X]
    holding_cost, backorder_cost : money/unit/day                        [h, p]
    fixed_order_cost : money/order                                       [K]

    Raises
    ------
    ParameterError : an S is below 1.

    Source: Zheng & Federgruen (1991), Operations Research 39(4); Snyder & Shen (2019), Example 4.7.

    >>> from invopt.theory.demand.daily import poisson_day_pmf
    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> s, parts = min_max_parts(np.array([9, 10]), poisson_day_pmf(6.0), poisson_lead_time_demand(6.0, [1]), 1, 5, 4)
    >>> s.tolist(), parts.total.round(6).tolist()
    ([4, 4], [8.043961, 8.034112])
    """
    levels = np.asarray(order_up_to_level, np.int64)
    if levels.min() < 1:
        raise ParameterError(f"order_up_to_level must be 1 or more; the smallest is {levels.min()}")
    y = np.arange(1, int(levels.max()) + 1)
    held = level_costs("daily_review", y, demand, holding_cost, 0.0)
    late = level_costs("daily_review", y, demand, 0.0, backorder_cost)
    m = renewal_days(day_pmf, len(y))
    days = np.cumsum(m)
    best, parts = np.zeros(len(levels), dtype=np.int64), np.zeros((3, len(levels)))
    for k, S in enumerate(levels.tolist()):
        # from S downwards; entry D - 1 is the sum over the D levels S, S - 1, ..., s + 1
        sums = np.cumsum(m[:S] * held[S - 1 :: -1]), np.cumsum(m[:S] * late[S - 1 :: -1])
        of_all = (fixed_order_cost + sums[0] + sums[1]) / days[:S]
        last = int(of_all.argmin())
        best[k] = S - 1 - last
        parts[:, k] = np.array([fixed_order_cost, sums[0][last], sums[1][last]]) / days[last]
    return best, CostParts(*parts)
