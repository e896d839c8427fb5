"""Lot sizing of several items that share each period's capacity: a plan and a lower bound, in milliseconds.

    minimize    sum_i (orders, units and stock of item i as in `lot_sizing/search.py`) + price sum_t o_t
    subject to  sum_i v_i Q_it + s_i [Q_it > 0] <= C + o_t,   o_t >= 0

The bound. Prices 0 <= lambda_t <= price on the capacity rows leave one Wagner-Whitin problem per item. Each of its
orders costs lambda_t s_i more and each unit lambda_t v_i more; o_t drops out, because lambda_t <= price. Their least
costs, less C sum_t lambda_t, are a lower bound of the optimum for any lambda, of whole units too. A subgradient method
raises it: lambda_t moves with the load of period t beyond C. At lambda = 0 each item has its own best plan. If these
plans fit together, they are the optimum, and the bound is their cost. One more unit of C is worth the sum of lambda_t
at the best bound: by that much the bound falls.

The plan. The plans that the items' problems propose at each lambda mostly do not fit together. So they are mended at
true costs, with overtime at its price, by the moves of `search_moves.py`, which only ever lower the cost.

Then the best plan is disturbed and mended again, as often as there were prices.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366, for the relaxation and the smoothing of
its plans.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.lot_sizing.cost import (
    Item,
    Partition,
    fill_costs_by_order,
    fill_kept_cost,
    fill_loads,
    item_of,
    overtime,
    plan_cost,
)
from invopt.theory.lot_sizing.search import WorkingSpace, plan_orders, working_space
from invopt.theory.lot_sizing.search_moves import mend, plan_anew

# bounds without progress after which steps become shorter; while there is progress they become longer
PATIENCE = 5
# the optimum is guessed to be at most this part above the bound: a plan with overtime may be far dearer and would make
# steps too long
TARGET = 0.05
LEAST_GAIN = 1e-5
LONGER, SHORTER = 1.1, 0.7
# the part of the last direction of the prices that goes on, against zigzags
MOMENTUM = 0.7
# the search's first price of overtime lies within this logarithm of the dearest lambda, and rises by this factor
PRICE_RANGE, PRICE_RISE = 3.0, 10.0
# the search's chance, the same for every partition, so that its plan does not depend on its bucket; a prime number of
# draws
DRAWS = np.random.default_rng(1).random(9973)
# how much dearer, as a part of the bound, a plan may be and still be the one that is disturbed next
WORSENING = 0.002
# relative gap at which no more is asked for
CLOSED = 1e-9


class CapacitatedOrders(NamedTuple):
    """Plans of n items over T periods, and the costs that they have and can have at least.

    quantity : (n, T) array, units; whole when the requirements are
    cost, bound : (n,) arrays, money over the horizon: shares; the least cost of a partition lies between its sums
    price : (n,) array, the sum of lambda_t at the bound: money over the horizon that the bound falls by when the
        partition's C grows by one; 0 where no capacity binds
    """

    quantity: np.ndarray
    cost: np.ndarray
    bound: np.ndarray
    price: np.ndarray


class Scratch(NamedTuple):
    """Working space of one partition.

    quantity : (n, T), the plan that is proposed and mended
    item_cost : (n,)
    load : (T,)
    rows : (3, T + 1), one item's fixed, unit and kept costs
    space : of the search of one item
    """

    quantity: np.ndarray
    item_cost: np.ndarray
    load: np.ndarray
    rows: np.ndarray
    space: WorkingSpace


@compiled
def _propose(partition, lam, is_priced, item_bound, scratch):
    """Each item's best plan at the prices lambda, in scratch.quantity with its loads; returns the bound.

    item_bound becomes the items' shares of it. Without prices an infinite capacity costs nothing.
    """
    quantity, rows = scratch.quantity, scratch.rows
    fixed_row, unit_row, kept_row = rows[0], rows[1], rows[2]
    n_items, n_periods = quantity.shape
    capacity_value = 0.0
    if is_priced:
        for t in range(n_periods):
            capacity_value += partition.capacity * lam[t]
    bound = -capacity_value
    for i in range(n_items):
        need, n, fixed, unit, holding, volume, setup, _ = item_of(partition, i)
        for t in range(n):
            fixed_row[t] = fixed[t] + lam[t] * setup
            unit_row[t] = unit[t] + lam[t] * volume
        fill_kept_cost(n, unit_row, holding, kept_row)
        plan_orders(n, need, fixed_row, kept_row, quantity[i], scratch.space)
        cost = plan_cost(n, need, fixed_row, unit_row, holding, quantity[i])
        item_bound[i] = cost - capacity_value / n_items
        bound += cost
    fill_loads(partition, quantity, scratch.load)
    return bound


@compiled
def _has_overtime(load, capacity):
    for t in range(len(load)):
        if overtime(load[t], capacity) > 0.0:
            return True
    return False


@compiled
def _turn(direction, load, capacity, lam, price):
    """Turn the direction of the prices towards the loads beyond the capacity; returns its squared length.

    A price at one of its ends does not go further out.
    """
    length = 0.0
    for t in range(len(load)):
        direction[t] = load[t] - capacity + MOMENTUM * direction[t]
        if (lam[t] <= 0.0 and direction[t] < 0.0) or (lam[t] >= price and direction[t] > 0.0):
            direction[t] = 0.0
        length += direction[t] ** 2
    return length


@compiled
def _raise_bound(partition, price, n_iterations, best, lam, scratch):
    """Raise the bound by prices of the capacity, and mend what is proposed at each; returns (bound, cost of the best).

    Fills `best`, and leaves the last prices in lam.
    """
    n_items, n_periods = partition.need.shape
    direction, item_bound = np.zeros(n_periods), np.zeros(n_items)
    highest, lowest = -np.inf, np.inf
    step = 1.0
    n_waited = 0
    for iteration in range(n_iterations):
        bound = _propose(partition, lam, iteration > 0, item_bound, scratch)
        if iteration == 0 and not _has_overtime(scratch.load, partition.capacity):
            best.quantity[:] = scratch.quantity
            best.cost[:] = item_bound
            best.bound[:] = item_bound
            return bound, bound
        n_waited += 1
        if bound > highest:
            # a gain too small to go on for counts as none
            if bound > highest + LEAST_GAIN * abs(highest):
                n_waited = 0
            highest = bound
            best.bound[:] = item_bound
            best.price[:] = lam.sum()
            step *= LONGER
        if n_waited >= PATIENCE:
            n_waited = 0
            step *= SHORTER
        length = _turn(direction, scratch.load, partition.capacity, lam, price)
        total = mend(partition, price, scratch.quantity, scratch.load, scratch.space, scratch.item_cost)
        if total < lowest:
            lowest = total
            best.quantity[:] = scratch.quantity
            best.cost[:] = scratch.item_cost
        if lowest - highest <= CLOSED * abs(lowest) or length == 0.0:
            break
        size = step * (min(lowest, highest + TARGET * abs(highest)) - highest) / length
        for t in range(n_periods):
            lam[t] = min(max(lam[t] + size * direction[t], 0.0), price)
    return highest, lowest


@compiled
def _disturb(partition, price, scratch, draws, k):
    """Plan one item anew as if its orders cost up to twice as much, by the draws from k on; returns the next k.

    The plan and its loads are those of scratch.
    """
    quantity = scratch.quantity
    i = int(draws[k % len(draws)] * len(quantity))
    need, n, fixed, unit, holding, volume, setup, capacity = item_of(partition, i)
    k += 2  # the second draw is that of the price
    fixed_row = scratch.rows[0]
    for t in range(n):
        fixed_row[t] = fixed[t] * 2 * draws[k % len(draws)]
        k += 1
    dearer = Item(need, n, fixed_row, unit, holding, volume, setup, capacity)
    plan_anew(dearer, price, quantity[i], scratch.load, -np.inf, scratch.space)
    return k


@compiled
def _improve(partition, price, usual_price, n_rounds, draws, limits, best, scratch):
    """Lower the best plan by disturbing it and mending it, at a low price of overtime first and at its own last.

    At its own price nearly every move that needs room first is refused. At a low one, orders change places through
    overtime for a while. `limits` is what no plan and what the best plan costs: (bound, cost).
    """
    bound, lowest = limits
    quantity, load, space, item_cost = scratch.quantity, scratch.load, scratch.space, scratch.item_cost
    current, current_cost = best.quantity.copy(), lowest
    k = 0
    for _ in range(n_rounds):
        if lowest - bound <= CLOSED * abs(lowest):
            break
        quantity[:] = current
        fill_loads(partition, quantity, load)
        low_price = usual_price * math.exp((2 * draws[(k + 1) % len(draws)] - 1) * PRICE_RANGE)
        k = _disturb(partition, price, scratch, draws, k)
        while 0.0 < low_price < price:
            mend(partition, low_price, quantity, load, space, item_cost)
            low_price *= PRICE_RISE
        total = mend(partition, price, quantity, load, space, item_cost)
        if total <= current_cost + WORSENING * abs(bound):
            current[:] = quantity
            current_cost = total
        if total < lowest:
            lowest = total
            best.quantity[:] = quantity
            best.cost[:] = item_cost


@compiled
def _plan_partition(partition, price, n_iterations, draws, best):
    """Fill the answer of one partition."""
    n_items, n_periods = partition.need.shape
    scratch = Scratch(
        np.zeros((n_items, n_periods)),
        np.zeros(n_items),
        np.zeros(n_periods),
        np.empty((3, n_periods + 1)),
        working_space(n_periods),
    )
    lam = np.zeros(n_periods)
    bound, lowest = _raise_bound(partition, price, n_iterations, best, lam, scratch)
    if lowest - bound > CLOSED * abs(lowest):
        _improve(partition, price, lam.max(), n_iterations, draws, (bound, lowest), best, scratch)


class _Bucket(NamedTuple):
    """The arrays that `capacitated_orders` is given; starts is its offsets."""

    starts: np.ndarray
    n_periods: np.ndarray
    requirement: np.ndarray
    n_open: np.ndarray
    lead_time: np.ndarray
    fixed_order_cost: np.ndarray
    unit_cost: np.ndarray
    holding_cost: np.ndarray
    unit_volume: np.ndarray
    setup_volume: np.ndarray
    capacity: np.ndarray
    overtime_price: np.ndarray


@compiled
def _partition_of(bucket, k):
    """Partition k of the bucket, its costs by the period of the order."""
    first, last = bucket.starts[k], bucket.starts[k + 1]
    n, width = last - first, max(1, bucket.n_periods[k])
    costs = np.zeros((n, 3, width))
    for i in range(n):
        j = first + i
        fill_costs_by_order(
            bucket.n_open[j],
            bucket.lead_time[j],
            bucket.fixed_order_cost[j],
            bucket.unit_cost[j],
            bucket.holding_cost[j],
            costs[i],
        )
    return Partition(
        bucket.requirement[first:last, :width].copy(),
        bucket.n_open[first:last],
        costs[:, 0].copy(),
        costs[:, 1].copy(),
        costs[:, 2].copy(),
        bucket.unit_volume[first:last],
        bucket.setup_volume[first:last],
        bucket.capacity[k],
    )


@compiled
def _plan_bucket(bucket, n_iterations, draws, orders):
    """Fill `orders` with the plans of all partitions, one after the other."""
    for k in range(len(bucket.starts) - 1):
        first, last = bucket.starts[k], bucket.starts[k + 1]
        partition = _partition_of(bucket, k)
        best = CapacitatedOrders(
            np.zeros(partition.need.shape),
            orders.cost[first:last],
            orders.bound[first:last],
            orders.price[first:last],
        )
        _plan_partition(partition, bucket.overtime_price[k], n_iterations, draws, best)
        orders.quantity[first:last, : best.quantity.shape[1]] = best.quantity


def capacitated_orders(
    offsets: np.ndarray,
    *,
    n_periods: np.ndarray,
    requirement: np.ndarray,
    n_open: np.ndarray,
    lead_time: np.ndarray,
    fixed_order_cost: np.ndarray,
    unit_cost: np.ndarray,
    holding_cost: np.ndarray,
    unit_volume: np.ndarray,
    setup_volume: np.ndarray,
    capacity: np.ndarray,
    overtime_price: np.ndarray,
    n_iterations: int = 40,
) -> CapacitatedOrders:
    """Plans of m partitions of n items in all, with their costs and lower bounds of the least costs.

    Parameters
    ----------
    offsets : (m + 1,) array of int: partition k's items are offsets[k]..offsets[k+1]-1
    n_periods : (m,) array of int: periods of the partition's plan
    requirement, n_open, lead_time, fixed_order_cost, unit_cost, holding_cost : as in `lot_sizing.search.best_orders`
    unit_volume, setup_volume : (n,) arrays, volume/unit and volume/order                          [v, s]
    capacity : (m,) array, volume/period; infinite for no limit                                     [C]
    overtime_price : (m,) array, money/volume
    n_iterations : prices of capacity tried at most

    Two items that each would order all 20 units at once, for 25, where a period has room for 25 units:

    >>> cell = lambda value: np.full((2, 1), float(value))
    >>> quantity, cost, bound, price = capacitated_orders(
    ...     np.array([0, 2]), n_periods=np.array([2]), requirement=np.full((2, 2), 10.0), n_open=np.array([2, 2]),
    ...     lead_time=np.zeros(2), fixed_order_cost=cell(15), unit_cost=cell(0), holding_cost=cell(1),
    ...     unit_volume=np.ones(2), setup_volume=np.zeros(2), capacity=np.array([25.0]),
    ...     overtime_price=np.array([100.0]))
    >>> quantity.tolist(), float(cost.sum()), bool(bound.sum() <= cost.sum())
    ([[10.0, 10.0], [10.0, 10.0]], 60.0, True)
    """
    requirement = np.ascontiguousarray(requirement, dtype=np.float64)
    orders = CapacitatedOrders(np.zeros(requirement.shape), *np.zeros((3, len(requirement))))
    starts, n_periods, n_open, lead_time = (
        np.ascontiguousarray(array, dtype=np.int64) for array in (offsets, n_periods, n_open, lead_time)
    )
    floats = (
        np.ascontiguousarray(array, dtype=np.float64)
        for array in (fixed_order_cost, unit_cost, holding_cost, unit_volume, setup_volume, capacity, overtime_price)
    )
    bucket = _Bucket(starts, n_periods, requirement, n_open, lead_time, *floats)
    _plan_bucket(bucket, int(n_iterations), DRAWS, orders)
    return orders
