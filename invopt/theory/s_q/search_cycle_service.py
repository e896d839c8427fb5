"""Service levels as constraints on (s, Q), and the smallest reorder points that give a cycle service level.

    cycle       P(X <= s) >= alpha                    the stock at s lasts through the lead time with probability alpha
    fill_rate   [n(s) - n(s+Q)] / Q <= 1 - beta       of the units asked for at most 1 - beta find no stock

X is the demand over the lead time (+ the days between reviews), n(s) = E(X - s)^+. [n(s) - n(s+Q)] / Q is the average
of P(X >= y) over the positions y = s+1..s+Q, each equally likely. Where demand comes unit by unit and stock is watched
without pause, P(X >= y) is the probability that a unit asked for finds no stock. With a daily review it is the
probability that the last unit of the day finds none, so the fill rate is met or passed.

Both left sides fall when s rises, so for each Q the reorder points that give the service are those from a smallest one
on. The fill rate's falls when Q rises: the average of a falling function falls when its range grows to the right.

`search_fill_rate.py` searches under a fill rate.

Source: Snyder & Shen (2019), sections 4.3.4 and 5.3 (type-1 and type-2 service); Zipkin (2000), Foundations of
Inventory Management, 6.2.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.item_demand import ItemDemand, demand_arrays
from invopt.theory.demand.loss import band_and_losses, loss_at

# relative: a service that misses by less than this counts as reached, so that rounding never moves s by a unit
REACHED = 1 + 1e-9


@compiled
def _survival(s, band, table):
    """P(X > s) of a `LeadTimeBand` and its table; of Normals to full accuracy in the tail."""
    if len(table) > 0:
        return loss_at(s, band, table) - loss_at(s + 1, band, table)
    more = 0.0
    for j in range(band.n_lead_times):
        distance = s - band.demand_mean * (band.first_lead_time + j)
        std = math.sqrt(band.demand_variance * (band.first_lead_time + j))
        if std > 0:
            more += 0.5 * math.erfc(distance / (std * math.sqrt(2.0)))
        elif distance < 0:
            more += 1.0
    return more / band.n_lead_times


@compiled
def smallest_cycle_point(share, band, table):
    """The smallest whole s >= 0 with P(X > s) <= share, for a `LeadTimeBand` and its table."""
    if share >= 1:
        return 0
    left, right = -1, max(band.high, 0)
    while right - left > 1:
        s = (left + right) // 2
        if _survival(s, band, table) <= share * REACHED:
            right = s
        else:
            left = s
    return right


@compiled
def _fill_cycle_points(share, demand, point):
    for i in range(len(demand.form)):
        if share[i] < 1:
            band, table = band_and_losses(demand, i)
            point[i] = smallest_cycle_point(share[i], band, table)


def cycle_points(share: np.ndarray, demand: ItemDemand, chosen: np.ndarray) -> np.ndarray:
    """The smallest s with P(X <= s) >= 1 - share of each chosen item, (number chosen,) int; 0 where the share is 1.

    Parameters
    ----------
    share : (n,) array, the share of cycles in which the stock may not last
    demand : of n items over their lead times
    chosen : (n,) bool array; these items have no message

    >>> one_item = [np.array([value]) for value in (0, 1.5, 1.5, 2.0, 1)]
    >>> cycle_points(np.array([0.05]), ItemDemand(*one_item, [], np.array([-1])), np.array([True]))
    array([6])
    """
    point = np.zeros(int(chosen.sum()), dtype=np.int64)
    columns = (demand.form, demand.mean, demand.variance, demand.first_lead_time, demand.n_lead_times)
    arrays = demand_arrays(*(column[chosen] for column in columns), demand.pmfs_of(chosen))
    _fill_cycle_points(np.ascontiguousarray(share[chosen], dtype=np.float64), arrays, point)
    return point
