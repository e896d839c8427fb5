"""The best order quantity of one reorder point when units expire: compiled searches that `search.py` calls.

For one s the cost is [N + w Q] / D(s, Q) - w + hQ/2, up to h (s - E X), with N a (K + pi n_X(s)) or a bound of it.
`search.py` proves that it falls and then rises with Q.

`band` and `table` are Y's. Without expiry the band's levels are NEVER and the table is empty: all of a batch is sold.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import NORMAL_BAND, loss_at, normal_loss_at
from invopt.theory.s_q.search import LARGEST_QUANTITY
from invopt.theory.s_q.search_cycle_service import REACHED

# a level that no position reaches: below it all of a batch is sold
NEVER = 2**62


class Batch(NamedTuple):
    """Numbers of a batch at s: N, w, the units that it must sell, and h."""

    start_cost: float
    unit_cost: float
    needed: float
    holding_cost: float


@compiled
def _sold(s, quantity, band, table):
    """D(s, Q): below the band's `low` all is sold.

    A table is read from `low` on, so that small differences of large losses never arise.
    """
    low, end = band.low, s + quantity
    if end <= low:
        return float(quantity)
    if len(table) > 0:
        sold = float(low - s) if s < low else 0.0
        at = max(s - low, 0)
        if at < len(table):
            sold += table[at]
            if end - low < len(table):
                sold -= table[end - low]
        return sold
    a, v, first, number = band.demand_mean, band.demand_variance, band.first_lead_time, band.n_lead_times
    sold = 0.0
    for j in range(number):
        if end <= a * (first + j) - NORMAL_BAND * math.sqrt(v * (first + j)):
            sold += quantity
        else:
            sold += normal_loss_at(s, a, v, first + j, 1) - normal_loss_at(end, a, v, first + j, 1)
    return max(sold, 0.0) / number


@compiled
def _is_last(quantity, s, batch, band, table):
    """Whether Q + 1 is no cheaper than Q, without a division: D may be 0."""
    sold = _sold(s, quantity, band, table)
    more = _sold(s + quantity, 1, band, table)
    w, h = batch.unit_cost, batch.holding_cost
    return w * sold - (batch.start_cost + w * quantity) * more + 0.5 * h * sold * (sold + more) >= 0


@compiled
def best_quantity(s, guess, batch, band, table):
    """(Q, [N + wQ]/D - w + hQ/2) at the best Q that sells batch.needed units; `guess` is a Q to begin with.

    The cost is infinite where no Q sells enough, NaN where Q passes LARGEST_QUANTITY.
    """
    # steps away from the guess double, so a near one is quick and a far one costs a logarithm
    step = 1
    if _is_last(guess, s, batch, band, table):
        right = guess
        left = guess - 1
        while left >= 1 and _is_last(left, s, batch, band, table):
            right = left
            step *= 2
            left = right - step
        left = max(left, 0)
    else:
        left = guess
        right = guess + 1
        while not _is_last(right, s, batch, band, table):
            left = right
            step *= 2
            right = left + step
            if right > LARGEST_QUANTITY:
                return 0, math.nan
    while right - left > 1:
        middle = (left + right) // 2
        if _is_last(middle, s, batch, band, table):
            right = middle
        else:
            left = middle
    quantity = right
    sold = _sold(s, quantity, band, table)
    if sold * REACHED < batch.needed:
        # no number of units sells more than all demand above s
        if band.low < NEVER and loss_at(s, band, table) * REACHED < batch.needed:
            return quantity, math.inf
        left = quantity
        right = left + 1
        step = 1
        while _sold(s, right, band, table) * REACHED < batch.needed:
            left = right
            step *= 2
            right = left + step
            if right > LARGEST_QUANTITY:
                return 0, math.nan
        while right - left > 1:
            middle = (left + right) // 2
            if _sold(s, middle, band, table) * REACHED < batch.needed:
                left = middle
            else:
                right = middle
        quantity = right
        sold = _sold(s, quantity, band, table)
    if not sold > 0:
        return quantity, math.inf
    w, h = batch.unit_cost, batch.holding_cost
    return quantity, (batch.start_cost + w * quantity) / sold - w + 0.5 * h * quantity
