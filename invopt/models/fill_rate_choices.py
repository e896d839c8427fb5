"""Pairs (s, Q) that can be optimal under a fill rate: the choices that a selection model holds.

    fill rate    [n(s) - n(s+Q)] / Q <= 1 - service_level       of the units asked for at most this share finds no stock

Under a fill rate a window model would mix two windows, one that gives too little and one that gives too much. So an
item chooses among pairs: for each Q the best s that gives the fill rate, which `theory/s_q/search_service_points.py`
proves. C is the cost of one of these pairs, from a grid. Since C(s, Q) >= aK/Q + hQ/2 + h (s - E X) and s >= 0, only
the Q with aK/Q + hQ/2 <= C + h E X can be optimal. Their pairs that cost at most C are listed, and the 200
cheapest.
"""

from __future__ import annotations

import numpy as np

from invopt.models.selection import Choices, cheapest
from invopt.models.window_levels import LARGEST_RANGE, SQItem, check_size
from invopt.theory.s_q.search_service_points import QuantityChoices, best_points_with_fill_rate


def fill_rate_choices(item: SQItem, share: float) -> Choices:
    """The pairs of one item; `share` of its demand may find no stock.

    Raises
    ------
    ParameterError : there are too many.
    """
    mu, h, order_cost = item.demand.mean, item.holding_cost, item.demand_mean * item.fixed_order_cost
    largest = 4 * np.sqrt(2 * order_cost / h) + mu + 6 * item.demand.std + 10
    check_size(largest, LARGEST_RANGE)
    grid, known = np.geomspace(1, largest, 60), np.inf
    for _ in range(2):
        tried = np.unique(np.rint(grid).astype(np.int64))
        costs = _best_points(item, tried, share).cost
        known = min(known, costs.min())
        k = costs.argmin()
        grid = np.linspace(tried[max(k - 1, 0)], tried[min(k + 1, len(tried) - 1)], 60)
    # a little more than C, so that rounding never leaves out an optimum
    limit = known + 1e-9 * (abs(known) + h * mu)
    middle = mu + limit / h
    root = np.sqrt(max(middle**2 - 2 * order_cost / h, 0.0))
    check_size(middle + root, LARGEST_RANGE)
    quantity = np.arange(max(1, int(np.ceil(middle - root - 1e-6))), int(middle + root + 1e-6) + 2)
    points = _best_points(item, quantity, share)
    return cheapest(limit, points.reorder_point, quantity, points.cost)


def _best_points(item: SQItem, quantity: np.ndarray, share: float) -> QuantityChoices:
    cost, *numbers = item
    return best_points_with_fill_rate(cost, quantity, share, *numbers)
