"""The best (s, Q) of many items that expire, exactly: a compiled search over C(s, Q) of `theory/perishable/cost.py`.

    C(s, Q) = [N(s) + w Q] / D(s, Q) - w + hQ/2 + h (s - E X)
    N(s) = a (K + pi n_X(s)),     w = a W,     D(s, Q) = n_Y(s) - n_Y(s + Q)

1. For one s the cost falls and then rises with Q, so the best Q is the first whose next one is no cheaper.
   Proof: D rises with Q and is concave, since its next unit is sold with probability P(Y > s + Q), which falls.
   C(s, Q) <= c says N + wQ - (k - hQ/2) D <= 0, with k = c + w - h (s - E X). Where k - hQ/2 >= 0 the left side is
   convex in Q: the product of a falling straight line and a rising concave function, both >= 0, is concave. Where
   k - hQ/2 < 0 it is above 0. So the Q of cost <= c follow each other, for every c.
2. N falls with s, and so does D. So for all t with s <= t <= e the cost of (t, Q) is at least
       [N(e) + wQ] / D(s, Q) - w + hQ/2 + h (s - E X)
   This is a function of Q of the same kind, whose least value over Q bounds the block s..e. A block above the best is
   passed at once.
3. With e without end, N(e) >= aK, the same bound holds for all t >= s. It rises with s, as D falls and h s rises: where
   it is above the best, the scan ends.
4. D <= Q, so no cost is below that of the item that does not expire. Where all of s + Q of its best (s, Q) is sold in
   time, that pair is the best.

A fill rate, n_X(s) / D(s, Q) <= 1 - beta, asks for a D of at least n_X(s) / (1 - beta). D rises with Q, so Q is at
least a smallest one, and by 1 the best Q is the larger of the two. A block must sell at least n_X(e) / (1 - beta) by
the D of s, which is the larger D and the smaller need. A cycle service level is a smallest s.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import NO_PMF, NORMAL, PMF, POISSON
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.loss import LeadTimeBand, band_and_losses, loss_at, normal_band, poisson_band
from invopt.theory.perishable.cost import PerishableCosts
from invopt.theory.perishable.search_quantity import NEVER, Batch, best_quantity
from invopt.theory.s_q.search import scan_points
from invopt.theory.s_q.search_cycle_service import smallest_cycle_point

# a batch counts as saleable when it sells this many units, or this share of E Y where that is below one; less is
# rounding of a tail, and a cost of billions
LEAST_SOLD = 1e-9


class PerishableReorderPoints(NamedTuple):
    """(n,) arrays: units, units, money per day.

    cost is NaN where the best order quantity passes LARGEST_QUANTITY, infinite where no batch that gives the service
    sells LEAST_SOLD.
    """

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray


class _Item(NamedTuple):
    """One item: N(s) = order_cost + short_cost n_X(s), w = unit_cost; beside it go the tables of X and Y.

    needed_per_short, least_sold : a batch must sell needed_per_short n_X(s) units, and least_sold
    smallest : the least s allowed
    """

    order_cost: float
    short_cost: float
    unit_cost: float
    holding_cost: float
    needed_per_short: float
    least_sold: float
    smallest: int
    X: LeadTimeBand
    Y: LeadTimeBand


@compiled
def _batch(end, item, x_table):
    """N, w and the need of a batch at `end`; a block of s that ends there costs no less and needs no less."""
    short = loss_at(end, item.X, x_table)
    needed = max(item.needed_per_short * short, item.least_sold)
    return Batch(item.order_cost + item.short_cost * short, item.unit_cost, needed, item.holding_cost)


@compiled
def _bound_from(s, guess, item, y_table):
    """The bound of the cost of all that follows s, by 3; NaN where a best Q passes LARGEST_QUANTITY."""
    h = item.holding_cost
    batch = Batch(item.order_cost, item.unit_cost, 0.0, h)
    return best_quantity(s, guess, batch, item.Y, y_table)[1] + h * (s - item.X.mean)


@compiled
def _descend(near, guess, item, x_table, y_table):
    """(s, Q, cost) down the steps around `near`, for a best cost that makes the blocks large; the cost may be NaN."""
    point, quantity, best = near, guess, math.inf
    step = max(1, near // 4)
    turn = 0
    while step > 0:
        # `near` itself, then the two neighbours of the best at this step, then half the step
        tried = point + (0, -step, step)[turn]
        if tried >= item.smallest:
            n, cost = best_quantity(tried, quantity, _batch(tried, item, x_table), item.Y, y_table)
            cost += item.holding_cost * (tried - item.X.mean)
            if math.isnan(cost):
                return 0, 0, math.nan
            if cost < best:
                point, quantity, best = tried, n, cost
                # twice as far after a success: `near` may be hundreds of thousands of units away
                step *= 2
                turn = 0
        turn += 1
        if turn == 3:
            turn = 1
            step //= 2
    return point, quantity, best


@compiled
def _scan_end(point, quantity, best, item, y_table):
    """The first s, after `point`, whose bound for all that follows it is above the best; -1 where a bound is NaN."""
    if best == math.inf:
        # nothing is sold at a position of Y's `high`
        return max(item.Y.high, item.smallest + 1)
    last, end, step = point, point + 1, 1
    while True:
        bound = _bound_from(end, quantity, item, y_table)
        if math.isnan(bound):
            return -1
        if bound > best:
            break
        last = end
        step *= 2
        end += step
    while end - last > 1:
        middle = (last + end) // 2
        if _bound_from(middle, quantity, item, y_table) > best:
            end = middle
        else:
            last = middle
    return end


@compiled
def _scan_expiring(near, guess, item, x_table, y_table):
    """(s, Q, cost) of least cost over s >= smallest; `near` and `guess` are an s and a Q to begin with."""
    point, quantity, best = _descend(near, guess, item, x_table, y_table)
    if math.isnan(best):
        return 0, 0, math.nan
    end = _scan_end(point, quantity, best, item, y_table)
    if end < 0:
        return 0, 0, math.nan
    s = item.smallest
    stride = 1
    guess = quantity
    while s < end:
        if s + stride > end:
            stride = end - s
        n, cost = best_quantity(s, guess, _batch(s + stride - 1, item, x_table), item.Y, y_table)
        cost += item.holding_cost * (s - item.X.mean)
        if math.isnan(cost):
            return 0, 0, math.nan
        guess = n
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
def _first_level(form, a, v, first, number):
    """A level that all of a demand lies above: `low` of its `LeadTimeBand`, without its table."""
    if form == POISSON:
        return poisson_band(a * first, a * (first + number - 1))[0]
    if form == NORMAL:
        return normal_band(a, v, first, number)[0]
    return 0


@compiled
def _decide_bucket(lead_demand, expiry_demand, costs, cycle_share, fill_share, best):
    """Fill the `PerishableReorderPoints` best, one item after the other."""
    for i in range(len(lead_demand.form)):
        a, v, first_expiry = lead_demand.mean[i], lead_demand.variance[i], expiry_demand.first_lead_time[i]
        h, order_cost = costs.holding_cost[i], costs.fixed_order_cost[i] * a
        short_cost, unit_cost = costs.backorder_cost[i] * a, costs.expiry_cost[i] * a
        X, x_table = band_and_losses(lead_demand, i)
        number = X.n_lead_times
        smallest = smallest_cycle_point(cycle_share[i], X, x_table)
        decided = scan_points(order_cost, short_cost, h, smallest, X, x_table)
        needed_per_short = 0.0
        if fill_share[i] < 1:
            needed_per_short = 1.0 / fill_share[i]
            if decided[1] > 0:
                lasting = LeadTimeBand(NEVER, NEVER, 0.0, a, v, X.first_lead_time, number)
                item = _Item(order_cost, short_cost, 0.0, h, needed_per_short, 0.0, smallest, X, lasting)
                decided = _scan_expiring(decided[0], decided[1], item, x_table, np.zeros(0))
        if first_expiry < math.inf:
            low = _first_level(lead_demand.form[i], a, v, first_expiry, number)
            # without a best Q so far, holding costs too little to end the search, but expiry ends this one
            if decided[1] == 0 or decided[0] + decided[1] > low:
                Y, y_table = band_and_losses(expiry_demand, i)
                least_sold = LEAST_SOLD * min(1.0, a * (first_expiry + (number - 1) / 2))
                item = _Item(order_cost, short_cost, unit_cost, h, needed_per_short, least_sold, smallest, X, Y)
                # of a small Y no more than its highest level can be sold
                near, guess = max(smallest, min(decided[0], Y.high - 1)), max(1, min(decided[1], Y.high))
                decided = _scan_expiring(near, guess, item, x_table, y_table)
        best.reorder_point[i], best.order_quantity[i], best.cost[i] = decided


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

    The items must be in order: positive finite demand_mean, holding_cost and shelf_life, no negative cost or variance.

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

    >>> array = lambda value: np.array([float(value)])
    >>> s, q, cost = best_perishable_reorder_points(
    ...     form=np.array([POISSON]), demand_mean=array(1.5), demand_variance=array(1.5),
    ...     first_lead_time=array(2), n_lead_times=np.array([1]), shelf_life=array(3),
    ...     holding_cost=array(0.1), fixed_order_cost=array(20), backorder_cost=array(8), expiry_cost=array(5))
    >>> float(s[0]), float(q[0]), round(float(cost[0]), 6)
    (0.0, 8.0, 11.578613)
    """
    n = len(form)
    best = PerishableReorderPoints(np.zeros(n), np.zeros(n), np.zeros(n))
    first_expiry = np.asarray(first_lead_time, np.float64) + shelf_life
    expires = (np.asarray(form) == PMF) & np.isfinite(first_expiry)
    costs = (holding_cost, fixed_order_cost, backorder_cost, expiry_cost)
    shares = (np.ones(n) if share is None else share for share in (cycle_share, fill_share))
    _decide_bucket(
        demand_arrays(form, demand_mean, demand_variance, first_lead_time, n_lead_times, lead_time_pmfs),
        demand_arrays(form, demand_mean, demand_variance, first_expiry, n_lead_times, shelf_life_pmfs, expires),
        PerishableCosts(*(np.ascontiguousarray(cost, dtype=np.float64) for cost in costs)),
        *(np.ascontiguousarray(share, dtype=np.float64) for share in shares),
        best,
    )
    return best
