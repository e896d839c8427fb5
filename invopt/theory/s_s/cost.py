"""The cost per day of an (s, S) policy.

Every morning an inventory position of s or less is lifted to S by an order that costs K. D is a day's demand, X that
of the lead time + 1 day. A day that begins with position y after ordering costs

    G(y) = h E(y - X)^+ + p E(X - y)^+

m(d) is the mean number of days, from one order to the next, that begin with position S - d, for S - d > s:

    m(0) = 1 / (1 - P(D = 0)),   m(d) = sum_{x=1}^{d} P(D = x) m(d - x) / (1 - P(D = 0))
    C(s, S) = [ K + sum_{d=0}^{S-s-1} m(d) G(S - d) ] / sum_{d=0}^{S-s-1} m(d)                        s >= 0, S > s

Source: Zheng & Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy,
Operations Research 39(4), 654-665.
"""

from __future__ import annotations

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.s_q.cost import cost_arrays
from invopt.theory.s_s.counted_demand import counted_demand, passed_on, table_level_cost


def order_up_to_cost(s: int, S: int, day_pmf: np.ndarray, level_cost: np.ndarray, fixed_order_cost: float) -> float:
    """C(s, S), money/day.

    day_pmf : probabilities of a day's demand of 0, 1, ...
    level_cost : (S - s,) array, G(s+1), ..., G(S), money/day
    fixed_order_cost : money/order

    Source: Snyder & Shen (2019), Example 4.7.

    >>> from invopt.theory.demand.daily import poisson_day_pmf
    >>> from invopt.theory.demand.distributions import poisson_loss
    >>> y = np.arange(5, 11)
    >>> round(order_up_to_cost(4, 10, poisson_day_pmf(6.0), y - 6 + 5 * poisson_loss(y, 6.0), 5.0), 6)
    8.034112
    """
    m = renewal_days(day_pmf, S - s)
    return float((fixed_order_cost + m @ level_cost[::-1]) / m.sum())


def renewal_days(day_pmf: np.ndarray, n: int) -> np.ndarray:
    """m(0), ..., m(n-1): the mean number of days that begin d units below S.

    day_pmf : probabilities of a day's demand of 0, 1, ...

    >>> renewal_days(np.array([0.5, 0.5]), 3)
    array([2., 2., 2.])
    """
    later = np.asarray(day_pmf, float)[1:]
    waiting = 1.0 / (1.0 - day_pmf[0])
    m = np.zeros(n)
    m[0] = waiting
    for d in range(1, n):
        width = min(d, len(later))
        m[d] = waiting * (later[:width] @ m[d - width : d][::-1])
    return m


@compiled
def _fill_costs(demand, costs, reorder_point, order_up_to_level, cost):
    """Fill C(s, S) of each item, NaN where s < 0 or S <= s."""
    for i in range(len(cost)):
        unit, day_low, day, low, table = counted_demand(demand, costs, i)
        h, K, p = costs.holding_cost[i] * unit, costs.fixed_order_cost[i], costs.backorder_cost[i] * unit
        top, n = round(order_up_to_level[i] / unit), round((order_up_to_level[i] - reorder_point[i]) / unit)
        cost[i] = np.nan
        if n < 1 or reorder_point[i] < 0:
            continue
        days = np.zeros(n)
        days[0] = 1.0
        days = passed_on(days, day_low, day)
        total, mean = K, low + table[0]
        for d in range(n):
            total += days[d] * table_level_cost(top - d, h, p, mean, low, table)
        cost[i] = total / days.sum()


def order_up_to_costs(
    reorder_point: np.ndarray,
    order_up_to_level: np.ndarray,
    *,
    form: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    holding_cost: np.ndarray,
    fixed_order_cost: np.ndarray,
    backorder_cost: np.ndarray,
    day_pmfs: list[np.ndarray],
) -> np.ndarray:
    """C(s, S) of n items, (n,) money/day, demand counted as the search counts it; NaN where s < 0 or S <= s.

    Parameters
    ----------
    reorder_point, order_up_to_level : (n,) arrays of whole numbers, units                                       [s, S]
    form, ..., day_pmfs : as in `search.best_order_up_to_levels`

    Source: Snyder & Shen (2019), Example 4.7.

    >>> array = lambda value: np.array([float(value)])
    >>> order_up_to_costs(
    ...     array(4), array(10), form=np.array([0]), demand_mean=array(6), demand_variance=array(6),
    ...     first_lead_time=array(1), n_lead_times=np.array([1]), holding_cost=array(1), fixed_order_cost=array(5),
    ...     backorder_cost=array(4), day_pmfs=[np.zeros(0)]).round(6)
    array([8.034112])
    """
    pmfs = np.concatenate([np.zeros(0), *day_pmfs]), np.cumsum([0, *map(len, day_pmfs)])
    cost = np.zeros(len(form))
    _fill_costs(
        demand_arrays(
            form, demand_mean, demand_variance, first_lead_time, n_lead_times, pmfs, np.ones(len(form), dtype=bool)
        ),
        cost_arrays(holding_cost, fixed_order_cost, backorder_cost),
        np.ascontiguousarray(reorder_point, dtype=np.float64),
        np.ascontiguousarray(order_up_to_level, dtype=np.float64),
        cost,
    )
    return cost
