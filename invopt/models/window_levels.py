"""Levels of the inventory position that an optimal (s, Q) can reach: the levels that a window model holds.

The window s+1..s+Q costs C(s, Q) = [A(s) + sum_{y=s+1}^{s+Q} G(y)] / Q a day; `theory/s_q/cost.py` defines A and G for
each cost. The bounds hold for every optimum with s >= the smallest s, and use no exact algorithm. C is the cost of some
known policy, so C* <= C for the optimal cost C*.

A convex G with a constant A (daily_review, time_weighted)

1. Some optimal window holds a cheapest level: moved towards it by one, a window gives up a level for one that costs no
   more. So a window need only start at a cheapest level or below it.
2. No level of an optimal window costs more than C*. G is convex, so the window's dearest level is at one of its ends.
   If G were above C* there, the window without that level would have a smaller average, with the same s or one more. So
   levels with G > C are left out.
3. Before G is known: h (y - mu) <= G(y) and p (mu - y) <= G(y) (Jensen), so mu - C/p <= y <= mu + C/h.

A straight G with an A(s) that falls with s (guide): C(s, Q) = A(s)/Q + hQ/2 + h (s - mu)

4. A/Q + hQ/2 >= sqrt(2hA), so C(s, Q) >= sqrt(2hA(s)) + h (s - mu) =: B(s). An s with B(s) > C is left out. Because
   A(s) >= aK, all s > mu + (C - sqrt(2haK))/h are left out too.
5. The smallest of the best Q of an s has Q (Q - 1) < 2A(s)/h, or one unit less would be as cheap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.models.window import Levels
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import level_costs, start_costs

# levels of one model beyond which building it takes seconds and hundreds of megabytes
LARGEST_MODEL = 200_000
# levels looked at before pruning
LARGEST_RANGE = 5_000_000


class SQItem(NamedTuple):
    """The numbers of one item that C(s, Q) depends on.

    cost : daily_review, time_weighted or guide
    demand : X, over the lead time and the days between reviews
    demand_mean : units/day                                                                                         [a]
    holding_cost, fixed_order_cost, backorder_cost : money/unit/day, money/order, money/unit[/day]            [h, K, p]
    """

    cost: str
    demand: LeadTimeDemand
    demand_mean: float
    holding_cost: float
    fixed_order_cost: float
    backorder_cost: float

    def level_costs(self, y: np.ndarray) -> np.ndarray:
        """G(y), money/day."""
        return level_costs(self.cost, y, self.demand, self.holding_cost, self.backorder_cost)

    def start_costs(self, s: np.ndarray) -> np.ndarray:
        """A(s), money/day."""
        return start_costs(self.cost, s, self.demand, self.demand_mean, self.fixed_order_cost, self.backorder_cost)


def window_levels(item: SQItem, smallest: int) -> Levels:
    """The levels of the windows that can be optimal among those with s >= smallest.

    Raises
    ------
    ParameterError : there are too many.
    """
    if item.cost == "guide":
        low, n_starts, high = _guide_range(item, smallest)
        costs = item.level_costs(np.arange(low, high + 1))
    else:
        low, costs = _convex_levels(item, smallest)
        n_starts = int(costs.argmin()) + 1
    return Levels(low, item.start_costs(np.arange(low - 1, low - 1 + n_starts)), costs)


def check_size(n: float, largest: int) -> None:
    """Refuses a model that would take too long.

    Raises
    ------
    ParameterError : n is above the largest; says which method to take.
    """
    if n > largest:
        raise ParameterError(
            f"the model would have over {largest} levels of inventory position; solve this item with method: algorithm"
        )


def _convex_levels(item: SQItem, smallest: int) -> tuple[int, np.ndarray]:
    """The first level above the smallest s, and G of it and of those after it; 1-3 of the module's docstring."""
    mu, h, p = item.demand.mean, item.holding_cost, item.backorder_cost
    batch_cost = item.demand_mean * item.fixed_order_cost
    # any policy gives a C; this one is near the optimum: the best one for constant demand with backorders, raised for
    # the deviations of X
    balance = p / (p + h)
    quantity = max(1, round(np.sqrt(2 * batch_cost / (h * balance if balance > 0 else h))))
    check_size(quantity, LARGEST_RANGE)
    centre = mu + item.demand.std * np.clip(np.log((p + h) / h) - 0.7, -1.0, 4.0)
    s = max(smallest, round(centre - (1 - balance) * quantity))
    known = (batch_cost + item.level_costs(np.arange(s + 1, s + quantity + 1)).sum()) / quantity
    low = max(smallest + 1, int(np.ceil(mu - known / p))) if p > 0 else smallest + 1
    high = max(int(mu + known / h) + 1, low, s + quantity)
    check_size(high - low, LARGEST_RANGE)
    costs = item.level_costs(np.arange(low, high + 1))
    if len(costs) >= quantity:
        # the same quantity at the best place
        total = np.concatenate([[0.0], np.cumsum(costs)])
        known = min(known, (batch_cost + (total[quantity:] - total[:-quantity]).min()) / quantity)
    # a little more than C, so that rounding never leaves out an optimal level; the cheapest level is always in
    open_levels = np.flatnonzero(costs <= max(known * (1 + 1e-9), costs.min()))
    first, last = int(open_levels[0]), int(open_levels[-1])
    check_size(last - first, LARGEST_MODEL)
    return low + first, costs[first : last + 1]


def _guide_range(item: SQItem, smallest: int) -> tuple[int, int, int]:
    """The first level above the smallest s, how many levels a window can start at, and the last level; 4 and 5 of the
    module's docstring.
    """
    mu, h = item.demand.mean, item.holding_cost
    tried = np.unique(np.maximum(smallest, np.rint(mu + item.demand.std * np.arange(-2, 4.5, 0.5)))).astype(np.int64)
    starts = item.start_costs(tried)
    quantity = np.maximum(1, np.rint(np.sqrt(2 * starts / h)))
    known = (starts / quantity + h * quantity / 2 + h * (tried - mu)).min()
    last = int(max(0.0, mu + (known - np.sqrt(2 * h * item.demand_mean * item.fixed_order_cost)) / h)) + 1
    check_size(last - smallest, LARGEST_RANGE)
    s = np.arange(smallest, max(last, smallest) + 1)
    starts = item.start_costs(s)
    # a little more than C, so that rounding never leaves out an optimal s
    slack = 1e-9 * (abs(known) + h * mu)
    is_open = np.sqrt(2 * h * starts) + h * (s - mu) <= known + slack
    s, starts = s[is_open], starts[is_open]
    high = int((s + np.maximum(1.0, np.floor(0.5 + np.sqrt(0.25 + 2 * starts / h)))).max())
    check_size(high - s[0], LARGEST_MODEL)
    return int(s[0]) + 1, int(s[-1] - s[0]) + 1, high
