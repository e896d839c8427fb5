"""The best (s, S) of many items at once, exactly.

`theory/s_s/cost.py` defines C(s, S), G, m and D. The search asks, for a cost g, whether any policy is cheaper
(Dinkelbach's method on the ratio). Let f(y) be the least expected sum of G - g from position y until an order is
placed. As G is convex, the positions with G(y) <= g are an interval y1..y2 of y >= 1.

1. Below y1 each day adds G - g > 0, so ordering at once is best: f = 0. In y1..y2 a day adds nothing above 0, and
   neither do the days that follow:
       f(y) = [G(y) - g + sum_{x>=1} P(D = x) f(y - x)] / (1 - P(D = 0)) <= 0
   So waiting is best there. Hence s = y1 - 1.
2. The smallest minimizer S of f is at most y2. Above y2,
       f(y) (1 - P(D = 0)) > sum_{x>=1} P(D = x) f(y - x) >= (1 - P(D = 0)) min f
3. If K + f(S) >= 0 no policy costs less than g. Else (s, S) costs g + [K + f(S)] / M, less than g, with M its days
   from order to order. Repeated from there, the cost falls faster than geometrically. It ends at the optimum, after
   three to five rounds in all.

One pass takes (y2 - y1) times the width of D's band steps, several to the nanosecond.

Source: Zheng & Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy,
Operations Research 39(4), 654-665 (structure); Dinkelbach (1967), On nonlinear fractional programming, Management
Science 13(7).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.s_q.cost import cost_arrays
from invopt.theory.s_s.counted_demand import counted_demand, passed_on, table_level_cost


class OrderUpToLevels(NamedTuple):
    """(n,) arrays: units, units, money per day, and the units of one step in which demand was counted (1: exact)."""

    reorder_point: np.ndarray
    order_up_to_level: np.ndarray
    cost: np.ndarray
    step: np.ndarray


@compiled
def _last_within(g, inside, outside, h, p, mean, low, table):
    """The last level with G <= g on the way from `inside`, where G <= g, to `outside`, where it isn't."""
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if table_level_cost(middle, h, p, mean, low, table) <= g:
            inside = middle
        else:
            outside = middle
    return inside


@compiled
def _cheapest_level(h, p, mean, low, table):
    """The cheapest level y >= 1: the first whose next one is no cheaper."""
    left, right = 0, max(low + len(table), 0) + 1
    while right - left > 1:
        y = (left + right) // 2
        if table_level_cost(y, h, p, mean, low, table) <= table_level_cost(y + 1, h, p, mean, low, table):
            right = y
        else:
            left = y
    return right


@compiled
def _best_levels(h, K, p, demand_mean, day_low, day, low, table):
    """(s, S, cost) for a day's demand in the band `day` and losses of X in `table`."""
    mean = low + table[0]
    cheapest = _cheapest_level(h, p, mean, low, table)
    least = table_level_cost(cheapest, h, p, mean, low, table)
    # any start will do: this one is right when demand is constant, and when orders cost nothing
    g = (
        math.sqrt(2 * demand_mean * K * h * p / (h + p) + least * least)
        if p > 0
        else least + math.sqrt(2 * demand_mean * K * h)
    )
    g = max(g, least)
    days = np.zeros(0)
    best_s, best_S, best = 0, 0, math.inf
    while True:
        first = 1
        if table_level_cost(1, h, p, mean, low, table) > g:
            first = _last_within(g, cheapest, 1, h, p, mean, low, table)
        last = _last_within(g, cheapest, max(cheapest, int(mean + g / h)) + 2, h, p, mean, low, table)
        n = last - first + 1
        total = np.empty(n)
        for i in range(n):
            total[i] = table_level_cost(first + i, h, p, mean, low, table) - g
        total = passed_on(total, day_low, day)
        place = 0
        for i in range(n):
            if total[i] < total[place]:
                place = i
        if len(days) <= place:
            days = np.zeros(max(n, place + 1))
            days[0] = 1.0
            days = passed_on(days, day_low, day)
        cost = g + (K + total[place]) / days[: place + 1].sum()
        if not cost < best * (1 - 1e-14):
            return best_s, best_S, best
        best_s, best_S, best = first - 1, first + place, cost
        g = cost


@compiled
def _decide_bucket(demand, costs, best):
    """Fill the `OrderUpToLevels` best, one item after the other."""
    for i in range(len(demand.form)):
        unit, day_low, day, low, table = counted_demand(demand, costs, i)
        h, K, p = costs.holding_cost[i], costs.fixed_order_cost[i], costs.backorder_cost[i]
        s, S, best.cost[i] = _best_levels(h * unit, K, p * unit, demand.mean[i] / unit, day_low, day, low, table)
        best.reorder_point[i], best.order_up_to_level[i], best.step[i] = unit * s, unit * S, unit


def best_order_up_to_levels(
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
) -> OrderUpToLevels:
    """Reorder point and order-up-to level of least cost of n items, and that cost.

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative.

    Where one pass would take over LARGEST_WORK products, demand is counted in steps of more than one unit. A day's
    demand between two steps becomes one or the other, with its mean kept. Levels are then multiples of the step, and
    the cost is that of demand in steps.

    Parameters
    ----------
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; the variance matters for NORMAL only   [a, v]
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times + 1 day, one day apart; whole
        but for POISSON
    holding_cost : (n,) array, money/unit/day                                                                        [h]
    fixed_order_cost : (n,) array, money/order                                                                       [K]
    backorder_cost : (n,) array, money/unit/day                                                                      [p]
    day_pmfs : n arrays: the probabilities of a day's demand of 0, 1, ... of a PMF item, empty for the others

    Source: Zheng & Federgruen (1991); Snyder & Shen (2019), Example 4.7.

    >>> from invopt.theory.demand.codes import POISSON
    >>> array = lambda value: np.array([float(value)])
    >>> best = best_order_up_to_levels(
    ...     form=np.array([POISSON]), demand_mean=array(6), demand_variance=array(6), first_lead_time=array(1),
    ...     n_lead_times=np.array([1]), holding_cost=array(1), fixed_order_cost=array(5), backorder_cost=array(4),
    ...     day_pmfs=[np.zeros(0)])
    >>> float(best.reorder_point[0]), float(best.order_up_to_level[0]), round(float(best.cost[0]), 6)
    (4.0, 10.0, 8.034112)
    """
    n = len(form)
    best = OrderUpToLevels(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))
    pmfs = np.concatenate([np.zeros(0), *day_pmfs]), np.cumsum([0, *map(len, day_pmfs)])
    _decide_bucket(
        demand_arrays(form, demand_mean, demand_variance, first_lead_time, n_lead_times, pmfs, np.ones(n, dtype=bool)),
        cost_arrays(holding_cost, fixed_order_cost, backorder_cost),
        best,
    )
    return best
