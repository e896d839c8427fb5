"""The best (s, S) of many items at once, exactly, and what an (s, S) costs.

Every morning: an inventory position of s or less is lifted to S by an order that costs K. D is a day's demand, X that
of the lead time + 1 day, G(y) = h E(y - X)^+ + p E(X - y)^+ the cost of a day that begins with position y after
ordering. From S, the days that begin at position S - d number m(d) on average until the next order, if S - d > s:

    m(0) = 1 / (1 - P(D = 0)),   m(d) = sum_{x=1}^{d} P(D = x) m(d - x) / (1 - P(D = 0))
    C(s, S) = [ K + sum_{d=0}^{S-s-1} m(d) G(S - d) ] / sum_{d=0}^{S-s-1} m(d)                        s >= 0, S > s

The search asks, for a cost g, whether any policy is cheaper (Dinkelbach's method on the ratio). Let f(y) be the least
expected sum of G - g from position y until an order is placed. As G is convex, the positions with G(y) <= g are an
interval y1..y2 of y >= 1.

1. Below y1 each day adds G - g > 0, so ordering at once is best: f = 0. In y1..y2 a day adds nothing above 0, nor does
    what follows:
   f(y) = [G(y) - g + sum_{x>=1} P(D = x) f(y - x)] / (1 - P(D = 0)) <= 0, so waiting is best. Hence s = y1 - 1.
2. The smallest minimizer S of f is at most y2: above y2, f(y) (1 - P(D = 0)) > sum_{x>=1} P(D = x) f(y - x) >= (1 - P(D
    = 0)) min f.
3. If K + f(S) >= 0 no policy costs less than g; else (s, S) costs g + [K + f(S)] / M with M its days from order to
    order, less than g.
   Repeated from there the cost falls faster than geometrically; it ends at the optimum, three to five times in all.

One pass takes (y2 - y1) times the width of D's band steps, several to the nanosecond.

Source: Zheng & Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy,
Operations Research 39(4), 654-665 (cost and structure); Dinkelbach (1967), On nonlinear fractional programming,
Management Science 13(7).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL, POISSON
from invopt.theory.demand.convolution import convolved, convolved_power, trimmed
from invopt.theory.demand.daily import BAND, in_steps, normal_day, poisson_day
from invopt.theory.demand.loss import losses_of, poisson_losses

# products of one pass, or of adding up the lead time's days, beyond which demand is counted in larger steps: some
# tenths of a second
LARGEST_WORK = 5e8


class MinMaxLevels(NamedTuple):
    """(n,) arrays: units, units, money per day, and the units of one step in which demand was counted (1: exact)."""

    reorder_point: np.ndarray
    order_up_to_level: np.ndarray
    cost: np.ndarray
    step: np.ndarray


def min_max_cost(s: int, S: int, day_pmf: np.ndarray, level_cost: np.ndarray, fixed_order_cost: float) -> float:
    """C(s, S), money/day: of levels s+1..S with daily costs `level_cost` G(s+1), ..., G(S), (S - s,) array; a day's
    demand has day_pmf.

    Source: Snyder & Shen (2019), Example 4.7.

    >>> from invopt.theory.demand.daily import poisson_day_pmf
    >>> from invopt.theory.demand.distributions import poisson_loss
    >>> y = np.arange(5, 11)
    >>> round(min_max_cost(4, 10, poisson_day_pmf(6.0), y - 6 + 5 * poisson_loss(y, 6.0), 5.0), 6)
    8.034112
    """
    m = renewal_days(day_pmf, S - s)
    return float((fixed_order_cost + m @ level_cost[::-1]) / m.sum())


def renewal_days(day_pmf: np.ndarray, n: int) -> np.ndarray:
    """m(0), ..., m(n-1): the mean number of days that begin d units below S; day_pmf holds the probabilities of 0, 1,
    ... of a day.

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
def _level_cost(y, h, p, mean, low, table):
    """G(y), of a table of losses."""
    if y <= low:
        loss = table[0] + (low - y)
    elif y - low >= len(table):
        loss = 0.0
    else:
        loss = table[y - low]
    return h * max(y - mean + loss, 0.0) + p * loss


@compiled
def _last_within(g, inside, outside, h, p, mean, low, table):
    """The level next to `outside` with G <= g, between `inside`, where it is, and `outside`, where it isn't."""
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
        # a slice, so that the inner loop is free of index checks and runs several levels at a time
        row = drive[start : min(start + len(later), n)]
        for j in range(len(row)):
            row[j] += value * later[j]
    return drive


@compiled
def _best_levels(h, K, p, demand_mean, day_low, day, low, table):
    """(s, S, cost) for a day's demand in the band `day` and losses of X in `table`."""
    mean = low + table[0]
    # the cheapest level y >= 1 is the first whose next one is no cheaper
    left, right = 0, max(low + len(table), 0) + 1
    while right - left > 1:
        y = (left + right) // 2
        if _level_cost(y, h, p, mean, low, table) <= _level_cost(y + 1, h, p, mean, low, table):
            right = y
        else:
            left = y
    cheapest = right
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
        found = g + (K + total[place]) / days[: place + 1].sum()
        if not found < best * (1 - 1e-14):
            return best_s, best_S, best
        best_s, best_S, best = first - 1, first + place, found
        g = found


@compiled
def _step_for(form, h, K, p, a, v, day_width, days):
    """Units of one step such that neither a pass nor adding up the lead time's days is too much work."""
    if form == POISSON:
        day_width = 2 * BAND * math.sqrt(a) + 50
        v = a
    elif form == NORMAL:
        day_width = min(a, BAND * math.sqrt(v)) + BAND * math.sqrt(v) + 3
    # the window of levels: where G is below about the cost with constant demand and that of the deviations
    cost = math.sqrt(2 * a * K * h) + (h + p) * 0.4 * math.sqrt(v * days)
    window = cost / h + min(cost / p if p > 0 else math.inf, a * days + cost / h)
    work = max(window * day_width, 0.0 if form == POISSON else day_width * day_width * days)
    # 1e7 levels are the most that are kept
    return max(1, math.ceil(math.sqrt(work / LARGEST_WORK)), math.ceil(window / 1e7))


@compiled
def _decide_bucket(
    form,
    demand_mean,
    demand_variance,
    first_lead_time,
    n_lead_times,
    given,
    given_offsets,
    holding_cost,
    fixed_order_cost,
    backorder_cost,
    reorder_point,
    order_up_to_level,
    cost,
    step,
):
    """Fill the last four arrays, one item after the other."""
    for i in range(len(form)):
        a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
        h, K, p = holding_cost[i], fixed_order_cost[i], backorder_cost[i]
        day_pmf = given[given_offsets[i] : given_offsets[i + 1]]
        unit = _step_for(form[i], h, K, p, a, v, len(day_pmf), first + number)
        if form[i] == POISSON:
            low, day = poisson_day(a)
        elif form[i] == NORMAL:
            low, day = normal_day(a, v, float(unit))
        else:
            low, day = trimmed(0, day_pmf)
        if unit > 1 and form[i] != NORMAL:
            low, day = in_steps(low, day, unit)
        if form[i] == POISSON and unit == 1:
            total_low, table = poisson_losses(a, first, number)
        else:
            one_low, one = convolved_power(low, day, int(math.ceil(first)))
            total_low, total = one_low, one / number
            for _ in range(1, number):
                one_low, one = trimmed(one_low + low, convolved(one, day))
                end = max(total_low + len(total), one_low + len(one))
                mixed = np.zeros(end - min(total_low, one_low))
                start = total_low - min(total_low, one_low)
                mixed[start : start + len(total)] += total
                start = one_low - min(total_low, one_low)
                mixed[start : start + len(one)] += one / number
                total_low, total = min(total_low, one_low), mixed
            table = losses_of(total)
        s, S, cost[i] = _best_levels(h * unit, K, p * unit, a / unit, low, day, total_low, table)
        reorder_point[i], order_up_to_level[i], step[i] = unit * s, unit * S, unit


def best_min_max_levels(
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
) -> MinMaxLevels:
    """Reorder point and order-up-to level of least cost of n items, and that cost.

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative. Where
    one pass would take over LARGEST_WORK products, demand is counted in steps of more than one unit, each day's demand
    between two steps being one or the other with its mean kept; levels are then multiples of the step, and the cost is
    that of demand in steps.

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

    >>> one = lambda value: np.array([float(value)])
    >>> found = best_min_max_levels(form=np.array([POISSON]), demand_mean=one(6), demand_variance=one(6), first_lead_time=one(1),
    ...     n_lead_times=np.array([1]), holding_cost=one(1), fixed_order_cost=one(5), backorder_cost=one(4), day_pmfs=[np.zeros(0)])
    >>> float(found.reorder_point[0]), float(found.order_up_to_level[0]), round(float(found.cost[0]), 6)
    (4.0, 10.0, 8.034112)
    """
    n = len(form)
    found = MinMaxLevels(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))
    floats = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (demand_mean, demand_variance, first_lead_time)
    ]
    costs = [
        np.ascontiguousarray(array, dtype=np.float64) for array in (holding_cost, fixed_order_cost, backorder_cost)
    ]
    _decide_bucket(
        np.ascontiguousarray(form, dtype=np.int64),
        *floats,
        np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.concatenate([np.zeros(0), *day_pmfs]),
        np.cumsum([0, *map(len, day_pmfs)]),
        *costs,
        *found,
    )
    return found
