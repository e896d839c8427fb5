"""(s, Q) with expiring stock by simulation: the cost of a policy day by day, and the best policy near a given one.

Each day, in this order:

1. Deliveries arrive and serve first the demand that is owed.
2. At an inventory position (stock + on order - owed) of s or less, the fewest batches of Q are ordered that lift it
   above s.
3. Demand takes the oldest units; demand that finds none is owed.
4. Units on the last day of their life are thrown away.

    cost per day = h (stock before + after demand)/2 + K per batch + pi per unit short + W per unit thrown away

These are the terms of `theory/perishable/cost.py`, without its approximations, and with a daily review instead of one
without pause. tests/unit/test_perishable_simulation.py simulates 14 items. 12 of them have a shelf life of 3 days or
more: there the formula's best (s, Q) costs up to 38 % more than the best of all in the simulation, and at most 5 % more
where its lead time is a day longer. For the two whose shelf life is two days both are far off, by 14 to 234 %.

A delivery of shelf life m, rounded up to whole days, can be sold on the day it arrives and the m - 1
days after it.

A simulated cost is random. Policies are compared on the same demand (common random numbers), which takes most of the
randomness out of their differences. A search still ends at a policy that its path of demand favours. So its policy is
kept only if it is also cheaper on a second path, which had no part in the search.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from invopt.errors import ParameterError
from invopt.theory.compiled import compiled
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.perishable.cost import PerishableCosts

# share of a path that is simulated before costs count: stock has to forget where it began
WARM_UP = 0.1
# policies that a search tries at most
MOST_TRIED = 400


class Simulated(NamedTuple):
    """Averages per day: money, units that became short, units thrown away, units in stock."""

    cost: float
    short: float
    expired: float
    stock: float


class Path(NamedTuple):
    """(n_days,) arrays: demand of each day, units; lead time of what is ordered on it, days."""

    demand: np.ndarray
    lead_time: np.ndarray


class Polished(NamedTuple):
    """The policy that was kept, and the costs of it and of the given one on the second path, money/day."""

    reorder_point: int
    order_quantity: int
    cost: float
    given_cost: float


@compiled
def _simulate(path, s, quantity, shelf_life, costs):
    """(cost, short, expired, stock) per day after the warm-up; a delivery is known by the day it arrived."""
    demand, lead_time = path.demand, path.lead_time
    n_days = len(demand)
    first_day = int(WARM_UP * n_days)
    arriving = np.zeros(n_days + lead_time.max() + 1)
    left = np.zeros(n_days)
    left[0] = s + quantity
    oldest, stock, on_order, owed = 0, left[0], 0.0, 0.0
    stock_days, n_batches, short, expired = 0.0, 0.0, 0.0, 0.0
    for day in range(n_days):
        position = stock + on_order - owed
        if position <= s:
            batches = math.floor((s - position) / quantity) + 1
            arriving[day + lead_time[day]] += batches * quantity
            on_order += batches * quantity
            if day >= first_day:
                n_batches += batches
        # today's order is among the arrivals if it takes no time
        arrived = arriving[day]
        if arrived > 0:
            on_order -= arrived
            served = min(owed, arrived)
            owed -= served
            left[day] += arrived - served
            stock += arrived - served
        before = stock
        wanted = demand[day]
        while wanted > 0 and stock > 0:
            taken = min(wanted, left[oldest])
            left[oldest] -= taken
            wanted -= taken
            stock -= taken
            if left[oldest] == 0 and oldest < day:
                oldest += 1
            elif left[oldest] == 0:
                break
        owed += wanted
        after = stock
        thrown = 0.0
        if day - shelf_life + 1 >= oldest:
            for arrival in range(oldest, int(day - shelf_life + 1) + 1):
                thrown += left[arrival]
                left[arrival] = 0.0
            stock -= thrown
            oldest = min(int(day - shelf_life + 2), day)
        if day >= first_day:
            stock_days += 0.5 * (before + after)
            short += wanted
            expired += thrown
    h, K, pi, W = costs
    n_counted = n_days - first_day
    return (
        (h * stock_days + K * n_batches + pi * short + W * expired) / n_counted,
        short / n_counted,
        expired / n_counted,
        stock_days / n_counted,
    )


@compiled
def _search(path, s, quantity, smallest, step_s, step_q, shelf_life, costs):
    """(s, Q) that no neighbour at a distance of one unit beats on this path.

    Steps are halved when none of six directions is cheaper.
    """
    best = _simulate(path, s, quantity, shelf_life, costs)[0]
    n_tried = 1
    while n_tried < MOST_TRIED:
        to_s, to_q, least = s, quantity, best
        for direction in range(6):
            other_s = s + (1, -1, 0, 0, 1, -1)[direction] * step_s
            other_q = quantity + (0, 0, 1, -1, -1, 1)[direction] * step_q
            if other_s < smallest or other_q < 1:
                continue
            cost = _simulate(path, other_s, other_q, shelf_life, costs)[0]
            n_tried += 1
            if cost < least:
                to_s, to_q, least = other_s, other_q, cost
        if least < best:
            s, quantity, best = to_s, to_q, least
        elif step_s == 1 and step_q == 1:
            break
        else:
            step_s, step_q = max(1, step_s // 2), max(1, step_q // 2)
    return s, quantity


def demand_path(daily: LeadTimeDemand, first_lead_time: float, n_lead_times: int, n_days: int, seed: int) -> Path:
    """Days of demand and lead times: each day's demand is the quantile of a random number that follows from the seed.

    So two items, or two runs, see the same lucky and unlucky days. A Normal demand is rounded to whole units, and to 0
    when negative. Lead times are rounded up to whole days.

    Parameters
    ----------
    daily : demand of one day (a `LeadTimeDemand` over one day)
    first_lead_time, n_lead_times : days and count of the equally likely lead times

    >>> from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
    >>> path = demand_path(poisson_lead_time_demand(1.5, [1]), 2, 1, 10_000, seed=1)
    >>> round(float(path.demand.mean()), 1), int(path.lead_time.max())
    (1.5, 2)
    """
    rng = np.random.default_rng(seed)
    chance, lead_chance = rng.random(n_days), rng.random(n_days)
    if daily.form == "normal":
        demand = np.maximum(np.rint(daily.mean + daily.std * special.ndtri(chance)), 0.0)
    else:
        levels = np.arange(int(daily.mean + 12 * daily.std) + 60 if daily.form == "poisson" else len(daily.pmf))
        demand = np.searchsorted(daily.cdf(levels)[:-1], chance, side="right").astype(float)
    lead_time = whole_days(first_lead_time + np.floor(lead_chance * n_lead_times)).astype(np.int64)
    return Path(demand, lead_time)


def simulate(path: Path, s: int, order_quantity: int, shelf_life: float, costs: PerishableCosts) -> Simulated:
    """The cost of (s, Q) per day on a path; it begins with s + Q fresh units, and its first tenth does not count.

    Parameters
    ----------
    shelf_life : days, above 0, rounded up; infinity does not expire                                                 [m]
    costs : of one item; fixed_order_cost is money/batch                                             [h, K, pi, W]

    Raises
    ------
    ParameterError : s is below 0, Q below 1, or the shelf life not above 0.

    >>> everyday = Path(np.full(1000, 2.0), np.zeros(1000, np.int64))
    >>> simulate(everyday, 0, 2, 1, PerishableCosts(1, 5, 9, 9)).cost
    6.0
    """
    if not (s >= 0 and order_quantity >= 1 and shelf_life > 0):
        raise ParameterError(
            f"s is {s}, order_quantity {order_quantity}, shelf_life {shelf_life}; must be 0 or more, 1 or more, above 0"
        )
    return Simulated(*_simulate(path, int(s), int(order_quantity), _life(path, shelf_life), _floats(costs)))


def _floats(costs: PerishableCosts) -> PerishableCosts:
    """Compiled loops are compiled anew for another type of number."""
    return PerishableCosts(*map(float, costs))


def _life(path: Path, shelf_life: float) -> int:
    """Whole days; a life longer than the path is the same as no expiry."""
    return int(min(whole_days(shelf_life), 2 * len(path.demand)))


def polish(
    path: Path,
    second_path: Path,
    s: int,
    order_quantity: int,
    smallest: int,
    step: int,
    shelf_life: float,
    costs: PerishableCosts,
) -> Polished:
    """The best (s, Q) near the given one on `path`, if it is also cheaper on `second_path`; else the given one.

    Parameters
    ----------
    smallest : the least s allowed
    step : units that s is moved by at first; Q is moved by a quarter of itself

    The other parameters are those of `simulate`.
    """
    s, order_quantity, life, costs = int(s), int(order_quantity), _life(path, shelf_life), _floats(costs)
    steps = max(1, int(step)), max(1, order_quantity // 4)
    point, quantity = _search(path, s, order_quantity, int(smallest), *steps, life, costs)
    given_cost = _simulate(second_path, s, order_quantity, life, costs)[0]
    cost = _simulate(second_path, point, quantity, life, costs)[0]
    if cost < given_cost:
        return Polished(point, quantity, cost, given_cost)
    return Polished(s, order_quantity, given_cost, given_cost)
