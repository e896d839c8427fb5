"""Service levels as constraints on (s, Q): which reorder points give one, and what can't be asked for.

    cycle       P(X <= s) >= alpha                    the stock there lasts through the lead time with probability alpha
    fill_rate   [n(s) - n(s+Q)] / Q <= 1 - beta           of the units asked for at most 1 - beta find no stock

X is the demand over the lead time (+ the days between reviews), n(s) = E(X - s)^+. [n(s) - n(s+Q)] / Q is the average
of P(X >= y) over the positions y = s+1..s+Q, each equally likely. Where demand comes unit by unit and stock is watched
without pause, P(X >= y) is the probability that a unit asked for finds no stock. With a daily review it is the
probability that the last unit of the day finds none, so the fill rate is met or passed.

Both left sides fall when s rises, so for each Q the reorder points that give the service are those from a smallest one
on; it falls when Q rises, because the average of a falling function falls when its window grows to the right.

Source: Snyder & Shen (2019), sections 4.3.4 and 5.3 (type-1 and type-2 service); Zipkin (2000), Foundations of
Inventory Management, 6.2.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.policies.inputs.item_demand import ItemDemand, note
from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.loss import NORMAL_BAND, loss_at, losses_of, poisson_losses

# relative: what is missed by less than this counts as reached, so that rounding never moves s by a unit
REACHED = 1 + 1e-9


def service_shares(service: str, level: np.ndarray, message: np.ndarray) -> np.ndarray:
    """The share that may be missed, 1 - level, (n,); 1 where nothing is asked for. What can't be asked for is added to
    `message`.

    Parameters
    ----------
    service : none, cycle or fill_rate
    level : (n,) array, fraction; NaN asks for nothing                                                     [alpha, beta]
    message : (n,) object array of str and None

    >>> message = np.array([None, None, None], dtype=object)
    >>> service_shares("cycle", np.array([0.75, np.nan, 95]), message), message[2]
    (array([0.25, 1.  , 1.  ]), 'service_level is 95.0, must be a fraction: 0.95 for 95 percent')
    """
    asked = np.zeros(len(level)) if service == "none" else np.where(np.isnan(level), 0.0, level)
    is_percent = (asked > 1) & (asked <= 100)
    for i in np.flatnonzero(is_percent):
        one = np.arange(len(level)) == i
        note(
            message,
            one,
            f"service_level is {asked[i]}, must be a fraction: {asked[i] / 100:g} for {asked[i]:g} percent",
        )
    note(
        message,
        asked == 1,
        "service_level is 1, which no finite stock gives when demand has no upper limit; ask for less, such as 0.999",
    )
    note(message, (asked < 0) | (asked > 100), "service_level is {value}, must be 0 or more and below 1", asked)
    return np.where((asked >= 0) & (asked < 1), 1.0 - asked, 1.0)


@compiled
def smallest_cycle_point(share, low, high, table, a, v, first, n_lead_times):
    """The smallest whole s >= 0 with P(X > s) <= share."""
    if share >= 1:
        return 0
    left, right = -1, max(high, 0)
    while right - left > 1:
        s = (left + right) // 2
        if len(table) > 0:
            more = loss_at(s, low, table, a, v, first, n_lead_times) - loss_at(
                s + 1, low, table, a, v, first, n_lead_times
            )
        else:
            more = 0.0
            for j in range(n_lead_times):
                distance = s - a * (first + j)
                std = math.sqrt(v * (first + j))
                if std > 0:
                    more += 0.5 * math.erfc(distance / (std * math.sqrt(2.0)))
                elif distance < 0:
                    more += 1.0
            more /= n_lead_times
        if more <= share * REACHED:
            right = s
        else:
            left = s
    return right


@compiled
def lead_time_losses(form, a, v, first, number, pmf):
    """(low, high, table) of n(s) for `loss_at`: all demand lies between low and high; a Normal has no table."""
    if form == POISSON:
        low, table = poisson_losses(a, first, number)
    elif form == NORMAL:
        last = first + number - 1
        spread = NORMAL_BAND * math.sqrt(v * last)
        return int(math.floor(a * first - spread)), int(math.ceil(a * last + spread)), np.zeros(0)
    else:
        low, table = 0, losses_of(pmf)
    return low, low + len(table) - 1, table


@compiled
def _fill_cycle_points(
    share, form, demand_mean, demand_variance, first_lead_time, n_lead_times, pmfs, pmf_offsets, point
):
    k_pmf = 0
    for i in range(len(form)):
        pmf = pmfs[:0]
        if form[i] == PMF:
            pmf = pmfs[pmf_offsets[k_pmf] : pmf_offsets[k_pmf + 1]]
            k_pmf += 1
        if share[i] < 1:
            a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
            low, high, table = lead_time_losses(form[i], a, v, first, number, pmf)
            point[i] = smallest_cycle_point(share[i], low, high, table, a, v, first, number)


def cycle_points(share: np.ndarray, demand: ItemDemand, chosen: np.ndarray) -> np.ndarray:
    """The smallest s with P(X <= s) >= 1 - share of each chosen item: (number chosen,) int array, 0 where the share is
    1.

    Parameters
    ----------
    share : (n,) array, the share of `service_shares`
    demand : of n items over their lead times
    chosen : (n,) bool array; these items have no message

    >>> from invopt.policies.inputs.item_demand import item_demand
    >>> column = lambda value: np.array([value, None], dtype=object)[:1]
    >>> demand = item_demand(column("poisson"), column([1.5]), column(None), column(None), np.array([2.0]), np.zeros(1), 0)
    >>> cycle_points(np.array([0.05]), demand, np.array([True]))
    array([6])
    """
    point = np.zeros(int(chosen.sum()), dtype=np.int64)
    pmfs, offsets = demand.pmfs_of(chosen)
    _fill_cycle_points(
        share[chosen],
        demand.form[chosen],
        demand.mean[chosen],
        demand.variance[chosen],
        demand.first_lead_time[chosen],
        demand.n_lead_times[chosen],
        pmfs,
        offsets,
        point,
    )
    return point
