"""Pairs (s, Q) of an item that expires which can be optimal: the choices that a selection model holds.

    C(s, Q) = a [K + pi n(s) + W ER(s, Q)] / (Q - ER) + h (Q/2 + s - E X)        as in `theory/perishable/cost.py`

C is the cost of some pair, the best one of a grid and nothing more. The list leaves out the pairs that
C(s, Q) <= C rules out. Since Q - ER <= Q and W ER >= 0,

    C(s, Q) >= A(s)/Q + hQ/2 + h (s - E X),        A(s) = a (K + pi n(s))

1. A/Q + hQ/2 >= sqrt(2hA), so s is left out when sqrt(2h A(s)) + h (s - E X) > C.
2. Let D = Q - ER = sum_{y=s}^{s+Q-1} P(Y > y). D <= n_Y(s) and D <= Q P(Y > s), so
   C(s, Q) >= A(s)/n_Y(s) + aW (1/P(Y > s) - 1) + h (s + 1/2 - E X).
   With aK for A(s) this rises with s: where it is above C for the first time, the s end.
3. For an s that is left, Q must lie between the roots of hQ^2/2 - (C - h (s - E X)) Q + A(s) = 0.
4. Once A(s) P(Y > s+Q) <= h D^2/2, the next Q adds h/2 and takes away at most that of A(s)/D, for this Q and, because
   D is concave, for all larger Q, while Q/D rises. So the Q that give the service are left out above the first of
   1, 2, 4, 8, ... where this holds.
5. Of the pairs that are left, those that cost more than C themselves are not listed, unless they are among the 200
   cheapest. Pairs that don't give the service are not listed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.models.selection import LARGEST_RANGE, Choices, cheapest, check_size, flat_ranges
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.perishable.cost import PerishableCosts, losses_at, perishable_cost, units_sold
from invopt.theory.perishable.search import LEAST_SOLD
from invopt.theory.s_q.search_cycle_service import REACHED
from invopt.theory.s_q.search_service_points import cycle_point

NO_SALE = (
    "no batch that gives the service level would be sold before it expires; ask for less, or for a longer shelf_life"
)


class PerishableItem(NamedTuple):
    """One item's numbers.

    service : none, cycle or fill_rate
    missed_share : 1 - service_level; 1 where nothing is asked for
    demand_mean : units/day                                                                                         [a]
    x : demand over the lead time                                                                                   [X]
    y : demand over lead time and shelf life; None for an item that does not expire                                 [Y]
    """

    service: str
    missed_share: float
    demand_mean: float
    costs: PerishableCosts
    x: LeadTimeDemand
    y: LeadTimeDemand | None

    @property
    def order_cost(self) -> float:
        """aK, money/day at one unit per order."""
        return self.demand_mean * self.costs.fixed_order_cost

    def cost(self, s: np.ndarray, quantity: np.ndarray) -> np.ndarray:
        """C(s, Q), infinite where the fill rate or a sale is missed; s and Q broadcast."""
        s, quantity = np.broadcast_arrays(s, quantity)
        sold = units_sold(s, quantity, self.y)
        cost = perishable_cost(s, quantity, self.x, self.y, self.demand_mean, self.costs)
        is_missed = np.zeros(s.shape, dtype=bool)
        if self.y is not None:
            is_missed = sold * REACHED < LEAST_SOLD * min(1.0, self.y.mean)
        if self.service == "fill_rate" and self.missed_share < 1:
            is_missed = is_missed | (losses_at(self.x, s) > self.missed_share * sold * REACHED)
        return np.where(is_missed, np.inf, cost)


def perishable_choices(item: PerishableItem) -> Choices:
    """All pairs of one item that can be optimal.

    Raises
    ------
    ParameterError : no pair gives the service, or there are too many pairs.
    """
    smallest = cycle_point(item.x, item.missed_share) if item.service == "cycle" else 0
    known = _known_cost(item, smallest)
    if not np.isfinite(known):
        raise ParameterError(NO_SALE)
    mean, h, pi = item.x.mean, item.costs.holding_cost, item.costs.backorder_cost
    # a little more than C, so that rounding never leaves out an optimum
    limit = known + 1e-9 * (abs(known) + h * mean)
    s = np.arange(smallest, _last_point(item, smallest, limit) + 1)
    start = item.order_cost + item.demand_mean * pi * item.x.loss(s)
    left = limit - h * (s - mean)
    is_open = np.sqrt(2 * h * start) <= left
    s, start, left = s[is_open], start[is_open], left[is_open]
    root = np.sqrt(np.maximum(left**2 - 2 * h * start, 0.0))
    lowest = np.maximum(np.ceil(np.minimum((left - root) / h, LARGEST_RANGE + 2) - 1e-6), 1).astype(np.int64)
    highest = np.floor(np.minimum((left + root) / h, LARGEST_RANGE + 1) + 1e-6).astype(np.int64)
    if item.y is not None:
        highest = np.minimum(highest, _largest_quantities(item, s, start))
    quantity, k = flat_ranges(lowest, highest)
    return cheapest(limit, s[k], quantity, item.cost(s[k], quantity))


def _known_cost(item: PerishableItem, smallest: int) -> float:
    """C: the cost of the best pair of a coarse grid, made finer around its best; a good C makes a short list."""
    mean, std, (h, K, pi, W) = item.x.mean, item.x.std, item.costs
    s = np.linspace(smallest, max(mean + 9 * std, smallest) + 10, 48)
    largest = 4 * np.sqrt(2 * item.demand_mean * (K + pi * std + W) / h) + 6 * std + 10
    if item.service == "fill_rate":
        largest += item.x.loss(np.array([smallest]))[0] / item.missed_share
    if item.y is not None:
        largest = min(largest, item.y.mean + 9 * item.y.std + 10)
    quantity = np.geomspace(1, largest, 40)
    known = np.inf
    for _ in range(4):
        points, quantities = (np.unique(np.rint(values).astype(np.int64)) for values in (s, quantity))
        costs = item.cost(points[:, None], quantities[None, :])
        known = min(known, float(costs.min()))
        i, j = np.unravel_index(costs.argmin(), costs.shape)
        near_points, near_quantities = points[max(i - 1, 0) : i + 2], quantities[max(j - 1, 0) : j + 2]
        if np.ptp(near_points) <= 2 and np.ptp(near_quantities) <= 2:
            break
        s = np.linspace(near_points[0], near_points[-1], 9)
        quantity = np.linspace(near_quantities[0], near_quantities[-1], 9)
    return known


def _last_point(item: PerishableItem, smallest: int, limit: float) -> int:
    """The last s that bound 2 leaves, by doubling and halving; without expiry the last that bound 1 leaves with aK."""
    order_cost, mean, h = item.order_cost, item.x.mean, item.costs.holding_cost
    if item.y is None:
        last = max(mean + (limit - np.sqrt(2 * h * order_cost)) / h, smallest) + 1
        check_size(last - smallest, LARGEST_RANGE)
        return int(last)

    def is_beyond(s: int) -> bool:
        sold, probability = float(item.y.loss(np.array([s]))[0]), float(units_sold([s], [1], item.y)[0])
        if sold < LEAST_SOLD**2 or probability < LEAST_SOLD**2:
            return True
        expiry = item.demand_mean * item.costs.expiry_cost * (1 / probability - 1)
        return order_cost / sold + expiry + h * (s + 0.5 - mean) > limit

    last, end = smallest, smallest + 1
    while not is_beyond(end):
        last, end = end, smallest + 2 * (end - smallest)
    while end - last > 1:
        middle = (last + end) // 2
        last, end = (last, middle) if is_beyond(middle) else (middle, end)
    check_size(last - smallest, LARGEST_RANGE)
    return last


def _largest_quantities(item: PerishableItem, s: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The last Q that bound 4 leaves for each s; `start` is A(s).

    It is 0 where no Q gives the service, and LARGEST_RANGE + 1 where only a huge one might.
    """
    # more than Y ever takes sells no more
    enough = 4 * (item.y.mean + 10 * item.y.std + 10)
    quantity = 2 ** np.arange(int(np.log2(min(enough, LARGEST_RANGE))) + 1)[None, :]
    sold = units_sold(s[:, None], quantity, item.y)
    more = units_sold(s[:, None] + quantity, 1, item.y)
    does_no_more = start[:, None] * more <= item.costs.holding_cost * sold**2 / 2
    is_last = does_no_more & np.isfinite(item.cost(s[:, None], quantity))
    none = 0 if enough <= LARGEST_RANGE else LARGEST_RANGE + 1
    return np.where(is_last.any(axis=1), quantity[0, is_last.argmax(axis=1)], none)
