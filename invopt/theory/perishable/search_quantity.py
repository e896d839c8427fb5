"""The best order quantity of one reorder point when units expire: compiled searches that `search.py` calls.

Of one s the cost is [N + w Q] / D(s, Q) - w + hQ/2, up to h (s - E X), with N a (K + pi n_X(s)) or a bound of it.
`search.py` proves that it falls and then rises with Q.

Y is a `LeadTimeLoss`. Without expiry its levels are NEVER and its table is empty: all of a batch is sold.
"""

from __future__ import annotations

import math

from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import NORMAL_BAND, loss_at, normal_loss_at
from invopt.theory.s_q.search import LARGEST_QUANTITY
from invopt.theory.s_q.search_cycle_service import REACHED

# a level that no position reaches: below it all of a batch is sold
NEVER = 2**62


@compiled
def _sold(s, quantity, Y):
    """D(s, Q): below Y's `low` all is sold.

    A table is read from `low` on, so that small differences of large losses never arise.
    """
    low, table, end = Y.low, Y.table, s + quantity
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
    a, v, first = Y.demand_mean, Y.demand_variance, Y.first_lead_time
    sold = 0.0
    for j in range(Y.n_lead_times):
        if end <= a * (first + j) - NORMAL_BAND * math.sqrt(v * (first + j)):
            sold += quantity
        else:
            sold += normal_loss_at(s, a, v, first + j, 1) - normal_loss_at(end, a, v, first + j, 1)
    return max(sold, 0.0) / Y.n_lead_times


@compiled
def _is_last(quantity, s, start_cost, unit_cost, h, Y):
    """Whether Q + 1 is no cheaper than Q, without a division: D may be 0."""
    sold = _sold(s, quantity, Y)
    more = _sold(s + quantity, 1, Y)
    return unit_cost * sold - (start_cost + unit_cost * quantity) * more + 0.5 * h * sold * (sold + more) >= 0


@compiled
def _cheapest_quantity(s, start_cost, unit_cost, h, guess, Y):
    """The first Q whose next one is no cheaper, 0 beyond LARGEST_QUANTITY; steps away from the guess double."""
    step = 1
    if _is_last(guess, s, start_cost, unit_cost, h, Y):
        right = guess
        left = guess - 1
        while left >= 1 and _is_last(left, s, start_cost, unit_cost, h, Y):
            right = left
            step *= 2
            left = right - step
        left = max(left, 0)
    else:
        left = guess
        right = guess + 1
        while not _is_last(right, s, start_cost, unit_cost, h, Y):
            left = right
            step *= 2
            right = left + step
            if right > LARGEST_QUANTITY:
                return 0
    while right - left > 1:
        middle = (left + right) // 2
        if _is_last(middle, s, start_cost, unit_cost, h, Y):
            right = middle
        else:
            left = middle
    return right


@compiled
def _quantity_that_sells(s, needed, left, Y):
    """The first Q > left that sells what is needed, 0 beyond LARGEST_QUANTITY; `left` sells too little."""
    right = left + 1
    step = 1
    while _sold(s, right, Y) * REACHED < needed:
        left = right
        step *= 2
        right = left + step
        if right > LARGEST_QUANTITY:
            return 0
    while right - left > 1:
        middle = (left + right) // 2
        if _sold(s, middle, Y) * REACHED < needed:
            left = middle
        else:
            right = middle
    return right


@compiled
def best_quantity(s, start_cost, unit_cost, needed, h, guess, Y):
    """(Q, [N + wQ]/D - w + hQ/2) at the best Q that sells what is needed.

    The cost is infinite where no Q does, NaN where Q passes LARGEST_QUANTITY.
    """
    quantity = _cheapest_quantity(s, start_cost, unit_cost, h, guess, Y)
    if quantity == 0:
        return 0, math.nan
    sold = _sold(s, quantity, Y)
    if sold * REACHED < needed:
        # no number of units sells more than all demand above s
        if Y.low < NEVER and loss_at(s, Y) * REACHED < needed:
            return quantity, math.inf
        quantity = _quantity_that_sells(s, needed, quantity, Y)
        if quantity == 0:
            return 0, math.nan
        sold = _sold(s, quantity, Y)
    if not sold > 0:
        return quantity, math.inf
    return quantity, (start_cost + unit_cost * quantity) / sold - unit_cost + 0.5 * h * quantity
