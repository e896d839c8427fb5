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
from invopt.theory.demand.codes import NORMAL, POISSON
from invopt.theory.demand.convolution import convolved, convolved_power, trimmed
from invopt.theory.demand.daily import BAND, in_steps, normal_day, poisson_day
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.loss import losses_of, poisson_losses, table_loss
from invopt.theory.s_q.cost import cost_arrays
from invopt.theory.s_q.search import level_cost

# products of one pass, or of adding up the lead time's days: some tenths of a second. Beyond them demand is counted in
# larger steps
LARGEST_WORK = 5e8


class OrderUpToLevels(NamedTuple):
    """(n,) arrays: units, units, money per day, and the units of one step in which demand was counted (1: exact)."""

    reorder_point: np.ndarray
    order_up_to_level: np.ndarray
    cost: np.ndarray
    step: np.ndarray


@compiled
def _level_cost(y, h, p, mean, low, table):
    """G(y), of a table of losses."""
    return level_cost(y, h, p, mean, table_loss(y, low, table))


@compiled
def _last_within(g, inside, outside, h, p, mean, low, table):
    """The last level with G <= g on the way from `inside`, where G <= g, to `outside`, where it isn't."""
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if _level_cost(middle, h, p, mean, low, table) <= g:
            inside = middle
        else:
            outside = middle
    return inside


@compiled
def _passed_on(drive, day_low, day):
    """f with f(i) = [drive(i) + sum_{x>=1} P(D = x) f(i - x)] / (1 - P(D = 0)), 0 below i = 0; overwrites `drive`."""
    n = len(drive)
    skip = 1 if day_low == 0 else 0
    waiting = 1.0 / (1.0 - day[0]) if skip else 1.0
    later = day[skip:]
    for i in range(n):
        value = drive[i] * waiting
        drive[i] = value
        start = i + day_low + skip
        # a slice frees the inner loop of index checks, so that it runs several levels at a time
        row = drive[start : min(start + len(later), n)]
        for j in range(len(row)):
            row[j] += value * later[j]
    return drive


@compiled
def _cheapest_level(h, p, mean, low, table):
    """The cheapest level y >= 1: the first whose next one is no cheaper."""
    left, right = 0, max(low + len(table), 0) + 1
    while right - left > 1:
        y = (left + right) // 2
        if _level_cost(y, h, p, mean, low, table) <= _level_cost(y + 1, h, p, mean, low, table):
            right = y
        else:
            left = y
    return right


@compiled
def _best_levels(h, K, p, demand_mean, day_low, day, low, table):
    """(s, S, cost) for a day's demand in the band `day` and losses of X in `table`."""
    mean = low + table[0]
    cheapest = _cheapest_level(h, p, mean, low, table)
    least = _level_cost(cheapest, h, p, mean, low, table)
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
        if _level_cost(1, h, p, mean, low, table) > g:
            first = _last_within(g, cheapest, 1, h, p, mean, low, table)
        last = _last_within(g, cheapest, max(cheapest, int(mean + g / h)) + 2, h, p, mean, low, table)
        n = last - first + 1
        total = np.empty(n)
        for i in range(n):
            total[i] = _level_cost(first + i, h, p, mean, low, table) - g
        total = _passed_on(total, day_low, day)
        place = 0
        for i in range(n):
            if total[i] < total[place]:
                place = i
        if len(days) <= place:
            days = np.zeros(max(n, place + 1))
            days[0] = 1.0
            days = _passed_on(days, day_low, day)
        cost = g + (K + total[place]) / days[: place + 1].sum()
        if not cost < best * (1 - 1e-14):
            return best_s, best_S, best
        best_s, best_S, best = first - 1, first + place, cost
        g = cost


@compiled
def _step_for(form, h, K, p, a, v, day_width, days):
    """Units of one step such that neither a pass nor adding up the lead time's days is too much work."""
    if form == POISSON:
        day_width = 2 * BAND * math.sqrt(a) + 50
        v = a
    elif form == NORMAL:
        day_width = min(a, BAND * math.sqrt(v)) + BAND * math.sqrt(v) + 3
    # levels where G is below about the cost with constant demand and that of the deviations
    cost = math.sqrt(2 * a * K * h) + (h + p) * 0.4 * math.sqrt(v * days)
    n_levels = cost / h + min(cost / p if p > 0 else math.inf, a * days + cost / h)
    work = max(n_levels * day_width, 0.0 if form == POISSON else day_width * day_width * days)
    # arrays hold 1e7 levels at most
    return max(1, math.ceil(math.sqrt(work / LARGEST_WORK)), math.ceil(n_levels / 1e7))


@compiled
def _lead_time_table(low, day, first, number):
    """(low, table of losses) of the equal mixture of sums of first, first + 1, ... days, `number` of them."""
    sum_low, days_sum = convolved_power(low, day, int(math.ceil(first)))
    mixed_low, mixed = sum_low, days_sum / number
    for _ in range(1, number):
        sum_low, days_sum = trimmed(sum_low + low, convolved(days_sum, day))
        start = min(mixed_low, sum_low)
        longer = np.zeros(max(mixed_low + len(mixed), sum_low + len(days_sum)) - start)
        longer[mixed_low - start : mixed_low - start + len(mixed)] += mixed
        longer[sum_low - start : sum_low - start + len(days_sum)] += days_sum / number
        mixed_low, mixed = start, longer
    return mixed_low, losses_of(mixed)


@compiled
def _decide_bucket(demand, costs, best):
    """Fill the `OrderUpToLevels` best, one item after the other."""
    for i in range(len(demand.form)):
        a, v, first, number = demand.mean[i], demand.variance[i], demand.first_lead_time[i], demand.n_lead_times[i]
        h, K, p = costs.holding_cost[i], costs.fixed_order_cost[i], costs.backorder_cost[i]
        form = demand.form[i]
        day_pmf = demand.pmfs[demand.pmf_offsets[i] : demand.pmf_offsets[i + 1]]
        unit = _step_for(form, h, K, p, a, v, len(day_pmf), first + number)
        if form == POISSON:
            day_low, day = poisson_day(a)
        elif form == NORMAL:
            day_low, day = normal_day(a, v, float(unit))
        else:
            day_low, day = trimmed(0, day_pmf)
        if unit > 1 and form != NORMAL:
            day_low, day = in_steps(day_low, day, unit)
        if form == POISSON and unit == 1:
            low, table = poisson_losses(a, first, number)
        else:
            low, table = _lead_time_table(day_low, day, first, number)
        s, S, best.cost[i] = _best_levels(h * unit, K, p * unit, a / unit, day_low, day, low, table)
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
