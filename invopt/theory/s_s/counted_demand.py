"""A day's demand and that of the lead time as an item's (s, S) counts them, and sums over the days of an order cycle.

Where one pass over the levels would be too much work, demand is counted in steps of more than one unit. A day's demand
between two steps becomes one or the other, with its mean kept.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL, POISSON
from invopt.theory.demand.convolution import convolved, convolved_power, trimmed
from invopt.theory.demand.daily import BAND, in_steps, normal_day, poisson_day
from invopt.theory.demand.loss import losses_of, poisson_losses, table_loss
from invopt.theory.s_q.search import level_cost

# products of one pass, or of adding up the lead time's days: some tenths of a second. Beyond them demand is counted in
# larger steps
LARGEST_WORK = 5e8


@compiled
def table_level_cost(y, h, p, mean, low, table):
    """G(y), of a table of losses."""
    return level_cost(y, h, p, mean, table_loss(y, low, table))


@compiled
def passed_on(drive, day_low, day):
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
def _step_of(form, h, K, p, a, v, day_width, days):
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
def counted_demand(demand, costs, i):
    """(units of a step, low and probabilities of a day's demand, low and table of losses of the lead time's) of item i.

    demand, costs : `DemandArrays` over the lead time + 1 day, and `ItemCosts`
    """
    a, v, first, number = demand.mean[i], demand.variance[i], demand.first_lead_time[i], demand.n_lead_times[i]
    h, K, p = costs.holding_cost[i], costs.fixed_order_cost[i], costs.backorder_cost[i]
    form = demand.form[i]
    day_pmf = demand.pmfs[demand.pmf_offsets[i] : demand.pmf_offsets[i + 1]]
    unit = _step_of(form, h, K, p, a, v, len(day_pmf), first + number)
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
    return unit, day_low, day, low, table
