"""The best (s, Q) of many items that expire, exactly: a compiled search over the cost C(s, Q) of `theory/perishable/cost.py`.

    C(s, Q) = [N(s) + w Q] / D(s, Q) - w + hQ/2 + h (s - E X)        N(s) = a (K + pi n_X(s)),  w = a W,  D(s, Q) = n_Y(s) - n_Y(s + Q)

1. For one s the cost falls and then rises with Q, so the best Q is the first whose next one is no cheaper. Proof: D
    rises with Q and is
   concave, since its next unit is sold with probability P(Y > s + Q), which falls. C(s, Q) <= c says N + wQ - (k -
   hQ/2) D <= 0, with k = c + w - h (s - E X). Where k - hQ/2 >= 0 that is convex in Q, as the product of a falling
   straight line and a rising concave function, both >= 0, is concave; where k - hQ/2 < 0 it is above 0. So the Q of
   cost <= c follow each other, for every c.
2. N falls with s, and so does D. So for all t with s <= t <= e the cost of (t, Q) is at least [N(e) + wQ] / D(s, Q) - w
    + hQ/2 +
   h (s - E X): a function of Q of the same kind, whose least value over Q bounds the block s..e. A block above the best
   is passed at once.
3. With e without end, N(e) >= aK, the same bound holds for all t >= s. It rises with s, as D falls and h s rises: where
    it is above the
   best, the scan ends.
4. D <= Q, so no cost is below that of the item that does not expire; where its best (s, Q) has all of s + Q sold in
    time, that is it.

With a fill rate, n_X(s) / D(s, Q) <= 1 - beta, the D of a batch must be at least n_X(s) / (1 - beta): Q is at least a
smallest one, as D rises with Q, and by 1 the best Q is the larger of the two. A block must sell at least n_X(e) / (1 -
beta) by the D of s, which is the larger D and the smaller need. A cycle service level is a smallest s.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, NORMAL, PMF, POISSON
from invopt.theory.demand.loss import NORMAL_BAND, loss_at, normal_loss_at, poisson_band
from invopt.theory.s_q.search import LARGEST_QUANTITY, scan_points
from invopt.theory.s_q.service_level import REACHED, lead_time_losses, smallest_cycle_point

# a batch counts as saleable when it sells this many units, or this share of E Y where that is below one; less is
# rounding of a tail, and a cost of billions
LEAST_SOLD = 1e-9
# a level that no position reaches: below it all of a batch is sold
NEVER = 2**62


class PerishableReorderPoints(NamedTuple):
    """(n,) arrays: units, units, money per day.

    cost is NaN where the best order quantity passes LARGEST_QUANTITY, infinite where no batch that gives the service
    sells LEAST_SOLD.
    """

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray


@compiled
def _sold(s, quantity, low, table, a, v, first, n_lead_times):
    """D(s, Q): below `low` all is sold; a table is read from there, so that small differences of large losses never
    arise.
    """
    end = s + quantity
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
    sold = 0.0
    for j in range(n_lead_times):
        if end <= a * (first + j) - NORMAL_BAND * math.sqrt(v * (first + j)):
            sold += quantity
        else:
            sold += normal_loss_at(s, a, v, first + j, 1) - normal_loss_at(end, a, v, first + j, 1)
    return max(sold, 0.0) / n_lead_times


@compiled
def _is_last(quantity, s, start_cost, unit_cost, h, low, table, a, v, first, n_lead_times):
    """Whether Q + 1 is no cheaper than Q, without a division: D may be 0."""
    sold = _sold(s, quantity, low, table, a, v, first, n_lead_times)
    more = _sold(s + quantity, 1, low, table, a, v, first, n_lead_times)
    return unit_cost * sold - (start_cost + unit_cost * quantity) * more + 0.5 * h * sold * (sold + more) >= 0


@compiled
def _least(s, start_cost, unit_cost, needed, h, guess, low, table, a, v, first, n_lead_times):
    """(Q, [N + wQ]/D - w + hQ/2) at the best Q that sells what is needed; the search doubles its steps away from the
    guess.
    """
    step = 1
    if _is_last(guess, s, start_cost, unit_cost, h, low, table, a, v, first, n_lead_times):
        right = guess
        left = guess - 1
        while left >= 1 and _is_last(left, s, start_cost, unit_cost, h, low, table, a, v, first, n_lead_times):
            right = left
            step *= 2
            left = right - step
        left = max(left, 0)
    else:
        left = guess
        right = guess + 1
        while not _is_last(right, s, start_cost, unit_cost, h, low, table, a, v, first, n_lead_times):
            left = right
            step *= 2
            right = left + step
            if right > LARGEST_QUANTITY:
                return 0, math.nan
    while right - left > 1:
        middle = (left + right) // 2
        if _is_last(middle, s, start_cost, unit_cost, h, low, table, a, v, first, n_lead_times):
            right = middle
        else:
            left = middle
    quantity = right
    sold = _sold(s, quantity, low, table, a, v, first, n_lead_times)
    if sold * REACHED < needed:
        # what is not sold of any number of units: all demand above s
        if low < NEVER and loss_at(s, low, table, a, v, first, n_lead_times) * REACHED < needed:
            return quantity, math.inf
        left = quantity
        right = left + 1
        step = 1
        while _sold(s, right, low, table, a, v, first, n_lead_times) * REACHED < needed:
            left = right
            step *= 2
            right = left + step
            if right > LARGEST_QUANTITY:
                return 0, math.nan
        while right - left > 1:
            middle = (left + right) // 2
            if _sold(s, middle, low, table, a, v, first, n_lead_times) * REACHED < needed:
                left = middle
            else:
                right = middle
        quantity = right
        sold = _sold(s, quantity, low, table, a, v, first, n_lead_times)
    if not sold > 0:
        return quantity, math.inf
    return quantity, (start_cost + unit_cost * quantity) / sold - unit_cost + 0.5 * h * quantity


@compiled
def _scan_expiring(
    order_cost,
    short_cost,
    unit_cost,
    needed_per_short,
    least_sold,
    h,
    mean,
    smallest,
    near,
    guess,
    low_x,
    table_x,
    first_x,
    low,
    high,
    table,
    first,
    a,
    v,
    n_lead_times,
):
    """(s, Q, cost) of least cost over s >= smallest; `near` and `guess` are an s and a Q to begin with."""
    point, quantity, best = near, guess, math.inf
    # down the steps around `near`, for a best cost that makes the blocks below large
    step = max(1, near // 4)
    turn = 0
    while step > 0:
        # `near` itself, then the two neighbours of the best at this step, then half the step
        tried = point + (0, -step, step)[turn]
        if tried >= smallest:
            short = loss_at(tried, low_x, table_x, a, v, first_x, n_lead_times)
            n, cost = _least(
                tried,
                order_cost + short_cost * short,
                unit_cost,
                max(needed_per_short * short, least_sold),
                h,
                quantity,
                low,
                table,
                a,
                v,
                first,
                n_lead_times,
            )
            if math.isnan(cost):
                return 0, 0, math.nan
            cost += h * (tried - mean)
            if cost < best:
                point, quantity, best = tried, n, cost
                # twice as far after a success: `near` may be hundreds of thousands of units away
                step *= 2
                turn = 0
        turn += 1
        if turn == 3:
            turn = 1
            step //= 2
    # the first s whose bound for all s after it is above the best; nothing is sold at a position of `high`
    last, end, step = point, point + 1, 1
    if best == math.inf:
        end = max(high, smallest + 1)
        last = end - 1
    while best < math.inf:
        guess, cost = _least(end, order_cost, unit_cost, 0.0, h, quantity, low, table, a, v, first, n_lead_times)
        if math.isnan(cost):
            return 0, 0, math.nan
        if cost + h * (end - mean) > best:
            break
        last = end
        step *= 2
        end += step
    while end - last > 1:
        middle = (last + end) // 2
        if (
            _least(middle, order_cost, unit_cost, 0.0, h, quantity, low, table, a, v, first, n_lead_times)[1]
            + h * (middle - mean)
            > best
        ):
            end = middle
        else:
            last = middle
    s = smallest
    stride = 1
    guess = quantity
    while s < end:
        if s + stride > end:
            stride = end - s
        short = loss_at(s + stride - 1, low_x, table_x, a, v, first_x, n_lead_times)
        n, cost = _least(
            s,
            order_cost + short_cost * short,
            unit_cost,
            max(needed_per_short * short, least_sold),
            h,
            guess,
            low,
            table,
            a,
            v,
            first,
            n_lead_times,
        )
        if math.isnan(cost):
            return 0, 0, math.nan
        guess = n
        cost += h * (s - mean)
        if stride > 1:
            if cost > best or cost == math.inf:
                s += stride
                stride *= 2
            else:
                stride //= 2
            continue
        if cost < best or (cost == best and (n < quantity or (n == quantity and s < point))):
            point, quantity, best = s, n, cost
        elif cost > best or cost == math.inf:
            stride = 2
        s += 1
    return point, quantity, best


@compiled
def _decide_bucket(
    form,
    demand_mean,
    demand_variance,
    first_lead_time,
    first_expiry,
    n_lead_times,
    pmfs,
    pmf_offsets,
    expiry_pmfs,
    expiry_offsets,
    holding_cost,
    fixed_order_cost,
    backorder_cost,
    expiry_cost,
    cycle_share,
    fill_share,
    reorder_point,
    order_quantity,
    cost,
):
    """Fill the last three arrays, one item after the other."""
    k_pmf = 0
    k_expiry = 0
    nothing = np.zeros(0)
    for i in range(len(form)):
        a, v, first, number = demand_mean[i], demand_variance[i], first_lead_time[i], n_lead_times[i]
        expires = first_expiry[i] < math.inf
        pmf, expiry_pmf = nothing, nothing
        if form[i] == PMF:
            pmf = pmfs[pmf_offsets[k_pmf] : pmf_offsets[k_pmf + 1]]
            k_pmf += 1
            if expires:
                expiry_pmf = expiry_pmfs[expiry_offsets[k_expiry] : expiry_offsets[k_expiry + 1]]
                k_expiry += 1
        low_x, high_x, table_x = lead_time_losses(form[i], a, v, first, number, pmf)
        mean = low_x + table_x[0] if len(table_x) > 0 else a * (2 * first + number - 1) / 2
        h, order_cost, short_cost, unit_cost = (
            holding_cost[i],
            fixed_order_cost[i] * a,
            backorder_cost[i] * a,
            expiry_cost[i] * a,
        )
        smallest = smallest_cycle_point(cycle_share[i], low_x, high_x, table_x, a, v, first, number)
        decided = scan_points(order_cost, short_cost, h, smallest, mean, low_x, high_x, table_x, a, v, first, number)
        needed_per_short = 0.0
        if fill_share[i] < 1:
            needed_per_short = 1.0 / fill_share[i]
            if decided[1] > 0:
                decided = _scan_expiring(
                    order_cost,
                    short_cost,
                    0.0,
                    needed_per_short,
                    0.0,
                    h,
                    mean,
                    smallest,
                    decided[0],
                    decided[1],
                    low_x,
                    table_x,
                    first,
                    NEVER,
                    NEVER,
                    nothing,
                    first,
                    a,
                    v,
                    number,
                )
        if expires:
            if form[i] == POISSON:
                low = poisson_band(a * first_expiry[i], a * (first_expiry[i] + number - 1))[0]
            elif form[i] == NORMAL:
                low = int(math.floor(a * first_expiry[i] - NORMAL_BAND * math.sqrt(v * (first_expiry[i] + number - 1))))
            else:
                low = 0
            # without a best Q before, holding costs too little to end the search, but expiry ends this one
            if decided[1] == 0 or decided[0] + decided[1] > low:
                low, high, table = lead_time_losses(form[i], a, v, first_expiry[i], number, expiry_pmf)
                # of a small Y no more than its highest level can be sold
                near = max(smallest, min(decided[0], high - 1))
                least_sold = LEAST_SOLD * min(1.0, a * (first_expiry[i] + (number - 1) / 2))
                decided = _scan_expiring(
                    order_cost,
                    short_cost,
                    unit_cost,
                    needed_per_short,
                    least_sold,
                    h,
                    mean,
                    smallest,
                    near,
                    max(1, min(decided[1], high)),
                    low_x,
                    table_x,
                    first,
                    low,
                    high,
                    table,
                    first_expiry[i],
                    a,
                    v,
                    number,
                )
        reorder_point[i], order_quantity[i], cost[i] = decided


def best_perishable_reorder_points(
    *,
    form: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    shelf_life: np.ndarray,
    holding_cost: np.ndarray,
    fixed_order_cost: np.ndarray,
    backorder_cost: np.ndarray,
    expiry_cost: np.ndarray,
    cycle_share: np.ndarray | None = None,
    fill_share: np.ndarray | None = None,
    lead_time_pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
    shelf_life_pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
) -> PerishableReorderPoints:
    """Reorder point and order quantity of least cost C(s, Q) of n items, and that cost.

    The items must be in order: positive finite demand_mean, holding_cost and shelf_life, costs and variances not
    negative.

    Parameters
    ----------
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; the variance matters for NORMAL only   [a, v]
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times, one day apart          [tau]
    shelf_life : (n,) array, days; infinity does not expire                                                          [m]
    holding_cost : (n,) array, money/unit/day                                                                        [h]
    fixed_order_cost : (n,) array, money/order                                                                       [K]
    backorder_cost, expiry_cost : (n,) arrays, money/unit                                                        [pi, W]
    cycle_share : (n,) array, P(X > s) is at most this; None: 1, no constraint                               [1 - alpha]
    fill_share : (n,) array, n_X(s) / D(s, Q) is at most this; None: 1, no constraint                         [1 - beta]
    lead_time_pmfs : for the PMF items in their order, the probabilities of X, one after the other, and the offsets
        where each starts, with the end
    shelf_life_pmfs : the same of Y, for the PMF items that expire

    Source: Chiu (1999), RAIRO Operations Research 33(1), for the cost.

    >>> one = lambda value: np.array([float(value)])
    >>> s, q, cost = best_perishable_reorder_points(form=np.array([POISSON]), demand_mean=one(1.5), demand_variance=one(1.5),
    ...     first_lead_time=one(2), n_lead_times=np.array([1]), shelf_life=one(3), holding_cost=one(0.1), fixed_order_cost=one(20),
    ...     backorder_cost=one(8), expiry_cost=one(5))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (0.0, 8.0, 11.578613)
    """
    n = len(form)
    found = PerishableReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    no_limit = np.ones(n)

    def contiguous(array: np.ndarray | None, dtype: type = np.float64) -> np.ndarray:
        return np.ascontiguousarray(no_limit if array is None else array, dtype=dtype)

    _decide_bucket(
        contiguous(form, np.int64),
        contiguous(demand_mean),
        contiguous(demand_variance),
        contiguous(first_lead_time),
        contiguous(np.asarray(first_lead_time, np.float64) + shelf_life),
        contiguous(n_lead_times, np.int64),
        contiguous(lead_time_pmfs[0]),
        contiguous(lead_time_pmfs[1], np.int64),
        contiguous(shelf_life_pmfs[0]),
        contiguous(shelf_life_pmfs[1], np.int64),
        contiguous(holding_cost),
        contiguous(fixed_order_cost),
        contiguous(backorder_cost),
        contiguous(expiry_cost),
        contiguous(cycle_share),
        contiguous(fill_share),
        *found,
    )
    return found
