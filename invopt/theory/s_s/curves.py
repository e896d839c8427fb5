"""The parts of the cost per day of an (s, S) policy along S, each S with the s that is best for it.

    C(s, S) = ordering + holding + shortage,    D = S - s

    ordering = K / M(D)
    holding  = 1 / M(D) sum_{d=0}^{D-1} m(d) h E(S - d - X)^+
    shortage = 1 / M(D) sum_{d=0}^{D-1} m(d) p E(X - S + d)^+

m(d) is the mean number of days that begin d units below S (`theory/s_s/cost.py`); M(D) is their sum, the days from
order to order. s changes only where the sums end, so one pass gives all s of an S.
"""

from __future__ import annotations

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs
from invopt.theory.s_q.curves import CostParts
from invopt.theory.s_s.cost import renewal_days


def order_up_to_parts(
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
    >>> demand = poisson_lead_time_demand(6.0, [1])
    >>> s, parts = order_up_to_parts(np.array([9, 10]), poisson_day_pmf(6.0), demand, 1, 5, 4)
    >>> s.tolist(), parts.total.round(6).tolist()
    ([4, 4], [8.043961, 8.034112])
    """
    levels = np.asarray(order_up_to_level, np.int64)
    if levels.min() < 1:
        raise ParameterError(f"order_up_to_level must be 1 or more; the smallest is {levels.min()}")
    y = np.arange(1, int(levels.max()) + 1)
    holding = level_costs("daily_review", y, demand, holding_cost, 0.0)
    shortage = level_costs("daily_review", y, demand, 0.0, backorder_cost)
    m = renewal_days(day_pmf, len(y))
    days = np.cumsum(m)
    best, parts = np.zeros(len(levels), dtype=np.int64), np.zeros((3, len(levels)))
    for k, S in enumerate(levels.tolist()):
        # from S downwards; entry D - 1 is the sum over the D levels S, S - 1, ..., s + 1
        holding_sum, shortage_sum = np.cumsum(m[:S] * holding[S - 1 :: -1]), np.cumsum(m[:S] * shortage[S - 1 :: -1])
        costs = (fixed_order_cost + holding_sum + shortage_sum) / days[:S]
        last = int(costs.argmin())
        best[k] = S - 1 - last
        parts[:, k] = np.array([fixed_order_cost, holding_sum[last], shortage_sum[last]]) / days[last]
    return best, CostParts(*parts)
