"""Lot sizing of several items that share each period's capacity: a plan and a lower bound, in milliseconds.

    minimize    sum_i (orders, units and stock of item i as in `lot_sizing`) + price sum_t o_t
    subject to  sum_i v_i Q_it + s_i [Q_it > 0] <= C + o_t,   o_t >= 0

The bound. With prices 0 <= lambda_t <= price on the capacity rows, what is left is one Wagner-Whitin problem per item,
with lambda_t s_i on each order's cost and lambda_t v_i on each unit's, less C sum_t lambda_t; o_t drops out as lambda_t
<= price. For any lambda that is a lower bound of the optimum, of whole units too. A subgradient method raises it:
lambda_t moves with the load of period t beyond C. At lambda = 0 each item has its own best plan: where these fit
together they are the optimum, and the bound is their cost.

The plan. What the items' problems propose at each lambda mostly does not fit, so it is mended, at true costs with
overtime at its price, by two moves that only ever lower the cost, again and again until neither does:

    shift       q units of an order to another period, earlier or as far later as stock allows: all of it, or what fits, or what is too much
    plan anew   one item's orders, by a Wagner-Whitin recursion that knows what room the other items leave

Then the best plan is disturbed and mended again, as often as there were prices.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366, for the relaxation and the smoothing of
its plans.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.lot_sizing.search import fill_kept_cost, plan_cost, plan_orders, spread_costs

# load beyond the capacity that is rounding, as a part of it
ROUNDING = 1e-9
# a move must save this part of the plan's cost, or rounding could make moves go round in circles
LEAST_SAVING = 1e-10
# bounds without progress after which steps become shorter; while there is progress they become longer
PATIENCE = 5
# the optimum is guessed to be at most this part above the bound: a plan with overtime may be far dearer and would make
# steps too long
TARGET = 0.05
LEAST_GAIN = 1e-5
LONGER, SHORTER = 1.1, 0.7
# how much of the last direction of the prices goes on, against zigzags
KEPT = 0.7
# the search's first price of overtime lies within this logarithm of the dearest lambda, and rises by this factor
PRICE_RANGE, PRICE_RISE = 3.0, 10.0
# the search's chance, the same for every partition, so that its plan does not depend on its bucket; a prime number of
# draws
DRAWS = np.random.default_rng(1).random(9973)
# how much dearer, as a part of the bound, a plan may be and still be the one that is disturbed next
WORSENING = 0.002
# relative gap at which no more is asked for
CLOSED = 1e-9


@compiled
def _beyond(load, capacity):
    over = load - capacity
    return over if over > ROUNDING * (1.0 + capacity) else 0.0


@compiled
def _fill_loads(quantity, n_open, unit_volume, setup_volume, load):
    load[:] = 0.0
    for i in range(len(quantity)):
        for t in range(n_open[i]):
            if quantity[i, t] > 0.0:
                load[t] += unit_volume[i] * quantity[i, t] + setup_volume[i]


@compiled
def _shift_orders(
    i, n, need, fixed, unit, holding, volume, setup, capacity, price, quantity, load, stock, least_saving
):
    """Make the best shift from each order of item i while one saves something; returns what was saved. `stock` is
    working space.
    """
    saved = 0.0
    for s in range(n):
        while quantity[s] > 0.0:
            held = 0.0
            for t in range(n):
                held += quantity[t] - need[t]
                stock[t] = held
            whole = quantity[s]
            too_much = whole
            if volume > 0.0 and load[s] > capacity:
                too_much = math.ceil((load[s] - capacity) / volume - ROUNDING)
            best, best_u, best_q = least_saving, -1, 0.0
            for direction in (-1, 1):
                per_unit = 0.0
                most = whole
                u = s
                while True:
                    if direction < 0:
                        u -= 1
                        if u < 0:
                            break
                        per_unit += holding[u]
                    else:
                        most = min(most, stock[u])
                        per_unit -= holding[u]
                        u += 1
                        if u >= n or most <= 0.0:
                            break
                    is_new = quantity[u] == 0.0
                    room = capacity - load[u] - (setup if is_new else 0.0)
                    fitting = math.floor(room / volume + ROUNDING) if volume > 0.0 and room > 0.0 else 0.0
                    for choice in range(3):
                        q = most if choice == 0 else min(most, fitting) if choice == 1 else min(most, too_much)
                        if q <= 0.0:
                            continue
                        is_gone = q == whole
                        change = q * (per_unit + unit[u] - unit[s])
                        if is_new:
                            change += fixed[u]
                        if is_gone:
                            change -= fixed[s]
                        to = load[u] + volume * q + (setup if is_new else 0.0)
                        since = load[s] - volume * q - (setup if is_gone else 0.0)
                        change += price * (
                            _beyond(to, capacity)
                            - _beyond(load[u], capacity)
                            + _beyond(since, capacity)
                            - _beyond(load[s], capacity)
                        )
                        if -change > best:
                            best, best_u, best_q = -change, u, q
            if best_u < 0:
                break
            saved += best
            load[best_u] += volume * best_q + (setup if quantity[best_u] == 0.0 else 0.0)
            load[s] -= volume * best_q + (setup if best_q == quantity[s] else 0.0)
            quantity[best_u] += best_q
            quantity[s] -= best_q
    return saved


@compiled
def _plan_anew(
    i, n, need, fixed, unit, holding, volume, setup, capacity, price, quantity, load, least_saving, rows, following
):
    """Replace item i's orders by the best that order only when nothing is left, if that is cheaper; returns what was
    saved.
    """
    room, least = rows[0], rows[1]
    cost = plan_cost(n, need, fixed, unit, holding, quantity)
    for t in range(n):
        own = volume * quantity[t] + setup if quantity[t] > 0.0 else 0.0
        cost += price * (_beyond(load[t], capacity) - _beyond(load[t] - own, capacity))
        room[t] = load[t] - own
    least[n] = 0.0
    for t in range(n - 1, -1, -1):
        least[t] = least[t + 1] if need[t] == 0.0 else np.inf
        following[t] = -1
        units = 0.0
        total = fixed[t]
        per_unit = unit[t]
        before = _beyond(room[t], capacity)
        for e in range(t + 1, n + 1):
            units += need[e - 1]
            total += need[e - 1] * per_unit
            per_unit += holding[e - 1]
            if need[e - 1] == 0.0:
                continue
            if total >= least[t]:  # longer orders only cost more
                break
            value = total + price * (_beyond(room[t] + volume * units + setup, capacity) - before) + least[e]
            if value < least[t]:
                least[t] = value
                following[t] = e
    saving = cost - least[0]
    if saving <= least_saving:
        return 0.0
    for t in range(n):
        quantity[t] = 0.0
    t = 0
    while t < n:
        e = following[t]
        if e < 0:
            t += 1
            continue
        for k in range(t, e):
            quantity[t] += need[k]
        t = e
    for t in range(n):
        load[t] = room[t] + (volume * quantity[t] + setup if quantity[t] > 0.0 else 0.0)
    return saving


@compiled
def _mend(
    need,
    n_open,
    fixed,
    unit,
    holding,
    unit_volume,
    setup_volume,
    capacity,
    price,
    quantity,
    load,
    rows,
    following,
    item_cost,
):
    """Lower the plan's cost by both moves until neither lowers it; returns it, with the items' own in item_cost."""
    _fill_loads(quantity, n_open, unit_volume, setup_volume, load)
    n_items = len(quantity)
    least_saving = 0.0
    for i in range(n_items):
        least_saving += LEAST_SAVING * plan_cost(n_open[i], need[i], fixed[i], unit[i], holding[i], quantity[i])
    # the latest periods first: what they can't ship must go ahead into earlier ones
    for _ in range(50):
        saved = 0.0
        for i in range(n_items):
            saved += _shift_orders(
                i,
                n_open[i],
                need[i],
                fixed[i],
                unit[i],
                holding[i],
                unit_volume[i],
                setup_volume[i],
                capacity,
                price,
                quantity[i],
                load,
                rows[0],
                least_saving,
            )
        for i in range(n_items):
            saved += _plan_anew(
                i,
                n_open[i],
                need[i],
                fixed[i],
                unit[i],
                holding[i],
                unit_volume[i],
                setup_volume[i],
                capacity,
                price,
                quantity[i],
                load,
                least_saving,
                rows,
                following,
            )
        if saved <= least_saving:
            break
    _fill_loads(quantity, n_open, unit_volume, setup_volume, load)
    total = 0.0
    for t in range(len(load)):
        total += price * _beyond(load[t], capacity)
    overtime_share = total / n_items
    for i in range(n_items):
        cost = plan_cost(n_open[i], need[i], fixed[i], unit[i], holding[i], quantity[i])
        total += cost
        item_cost[i] = cost + overtime_share
    return total


@compiled
def _search(
    need,
    n_open,
    fixed,
    unit,
    holding,
    unit_volume,
    setup_volume,
    capacity,
    price,
    usual_price,
    n_rounds,
    draws,
    bound,
    lowest,
    best,
    best_cost,
    plan,
    load,
    rows,
    following,
    item_cost,
):
    """Lower the best plan by disturbing it and mending it, at a low price of overtime first and at its own last.

    At its own price nearly every move that needs room first is refused; at a low one orders change places through
    overtime for a while.
    """
    n_items = len(need)
    current, current_cost = best.copy(), lowest
    fixed_row = rows[2]
    k = 0
    for _ in range(n_rounds):
        if lowest - bound <= CLOSED * abs(lowest):
            break
        plan[:] = current
        _fill_loads(plan, n_open, unit_volume, setup_volume, load)
        i = int(draws[k % len(draws)] * n_items)
        low_price = usual_price * math.exp((2 * draws[(k + 1) % len(draws)] - 1) * PRICE_RANGE)
        k += 2
        for t in range(n_open[i]):
            fixed_row[t] = fixed[i, t] * 2 * draws[k % len(draws)]
            k += 1
        _plan_anew(
            i,
            n_open[i],
            need[i],
            fixed_row,
            unit[i],
            holding[i],
            unit_volume[i],
            setup_volume[i],
            capacity,
            price,
            plan[i],
            load,
            -np.inf,
            rows,
            following,
        )
        while 0.0 < low_price < price:
            _mend(
                need,
                n_open,
                fixed,
                unit,
                holding,
                unit_volume,
                setup_volume,
                capacity,
                low_price,
                plan,
                load,
                rows,
                following,
                item_cost,
            )
            low_price *= PRICE_RISE
        total = _mend(
            need,
            n_open,
            fixed,
            unit,
            holding,
            unit_volume,
            setup_volume,
            capacity,
            price,
            plan,
            load,
            rows,
            following,
            item_cost,
        )
        if total <= current_cost + WORSENING * abs(bound):
            current[:] = plan
            current_cost = total
        if total < lowest:
            lowest = total
            best[:] = plan
            best_cost[:] = item_cost


@compiled
def _plan_partition(
    need,
    n_open,
    fixed,
    unit,
    holding,
    unit_volume,
    setup_volume,
    capacity,
    price,
    n_iterations,
    draws,
    best,
    best_cost,
    best_bound,
):
    """Fill best (n, T), best_cost (n,) and best_bound (n,) of one partition."""
    n_items, n_periods = need.shape
    proposed, mended = np.zeros((n_items, n_periods)), np.zeros((n_items, n_periods))
    rows = np.empty((5, n_periods + 1))
    following, hull = np.empty(n_periods + 1, dtype=np.int64), np.empty(n_periods + 1, dtype=np.int64)
    load, lam, direction = np.zeros(n_periods), np.zeros(n_periods), np.zeros(n_periods)
    item_bound, item_cost = np.zeros(n_items), np.zeros(n_items)
    fixed_row, unit_row, kept_row = rows[2], rows[3], rows[4]
    highest, lowest = -np.inf, np.inf
    step = 1.0
    n_waited = 0
    for iteration in range(n_iterations):
        given = 0.0
        if iteration > 0:
            for t in range(n_periods):
                given += capacity * lam[t]
        bound = -given
        for i in range(n_items):
            for t in range(n_open[i]):
                fixed_row[t] = fixed[i, t] + lam[t] * setup_volume[i]
                unit_row[t] = unit[i, t] + lam[t] * unit_volume[i]
            fill_kept_cost(n_open[i], unit_row, holding[i], kept_row)
            plan_orders(n_open[i], need[i], fixed_row, kept_row, proposed[i], rows[0], rows[1], following, hull)
            cost = plan_cost(n_open[i], need[i], fixed_row, unit_row, holding[i], proposed[i])
            item_bound[i] = cost - given / n_items
            bound += cost
        _fill_loads(proposed, n_open, unit_volume, setup_volume, load)
        if iteration == 0:
            is_fitting = True
            for t in range(n_periods):
                if _beyond(load[t], capacity) > 0.0:
                    is_fitting = False
            if is_fitting:
                best[:] = proposed
                best_cost[:] = item_bound
                best_bound[:] = item_bound
                return
        n_waited += 1
        if bound > highest:
            # a gain too small to go on for counts as none
            if bound > highest + LEAST_GAIN * abs(highest):
                n_waited = 0
            highest = bound
            best_bound[:] = item_bound
            step *= LONGER
        if n_waited >= PATIENCE:
            n_waited = 0
            step *= SHORTER
        length = 0.0
        for t in range(n_periods):
            direction[t] = load[t] - capacity + KEPT * direction[t]
            if (lam[t] <= 0.0 and direction[t] < 0.0) or (lam[t] >= price and direction[t] > 0.0):
                direction[t] = 0.0
            length += direction[t] ** 2
        mended[:] = proposed
        total = _mend(
            need,
            n_open,
            fixed,
            unit,
            holding,
            unit_volume,
            setup_volume,
            capacity,
            price,
            mended,
            load,
            rows,
            following,
            item_cost,
        )
        if total < lowest:
            lowest = total
            best[:] = mended
            best_cost[:] = item_cost
        if lowest - highest <= CLOSED * abs(lowest) or length == 0.0:
            break
        size = step * (min(lowest, highest + TARGET * abs(highest)) - highest) / length
        for t in range(n_periods):
            lam[t] = min(max(lam[t] + size * direction[t], 0.0), price)
    if lowest - highest > CLOSED * abs(lowest):
        _search(
            need,
            n_open,
            fixed,
            unit,
            holding,
            unit_volume,
            setup_volume,
            capacity,
            price,
            lam.max(),
            n_iterations,
            draws,
            highest,
            lowest,
            best,
            best_cost,
            mended,
            load,
            rows,
            following,
            item_cost,
        )


@compiled
def _plan_bucket(
    offsets,
    n_periods,
    requirement,
    n_open,
    lead_time,
    fixed_order_cost,
    unit_cost,
    holding_cost,
    unit_volume,
    setup_volume,
    capacity,
    price,
    n_iterations,
    draws,
    quantity,
    cost,
    bound,
):
    for k in range(len(offsets) - 1):
        first, last = offsets[k], offsets[k + 1]
        n, width = last - first, max(1, n_periods[k])
        need = requirement[first:last, :width].copy()
        fixed, unit, holding, best = (
            np.zeros((n, width)),
            np.zeros((n, width)),
            np.zeros((n, width)),
            np.zeros((n, width)),
        )
        for i in range(n):
            j = first + i
            spread_costs(
                n_open[j],
                lead_time[j],
                fixed_order_cost[j],
                unit_cost[j],
                holding_cost[j],
                fixed[i],
                unit[i],
                holding[i],
            )
        _plan_partition(
            need,
            n_open[first:last],
            fixed,
            unit,
            holding,
            unit_volume[first:last],
            setup_volume[first:last],
            capacity[k],
            price[k],
            n_iterations,
            draws,
            best,
            cost[first:last],
            bound[first:last],
        )
        quantity[first:last, :width] = best


def capacitated_orders(
    offsets: np.ndarray,
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
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plan of m partitions of n items in all, with its cost and a lower bound of the least cost, both over the whole
    horizon.

    Parameters
    ----------
    offsets : (m + 1,) array of int: partition k's items are offsets[k]..offsets[k+1]-1
    n_periods : (m,) array of int: periods of the partition's plan
    requirement, n_open, lead_time, fixed_order_cost, unit_cost, holding_cost : as in `lot_sizing.best_orders`
    unit_volume, setup_volume : (n,) arrays, volume/unit and volume/order                          [v, s]
    capacity : (m,) array, volume/period; infinite for no limit                                     [C]
    overtime_price : (m,) array, money/volume
    n_iterations : prices of capacity tried at most

    Returns
    -------
    order_quantity : (n, T) array, units; whole when the requirements are
    cost, bound : (n,) arrays, money over the horizon: shares; a partition's sums hold its optimum between them

    Two items that each would order all 20 units at once, for 25, where a period has room for 25 units:

    >>> cell = lambda value: np.full((2, 1), float(value))
    >>> quantity, cost, bound = capacitated_orders(np.array([0, 2]), np.array([2]), np.full((2, 2), 10.0), np.array([2, 2]), np.zeros(2),
    ...     cell(15), cell(0), cell(1), np.ones(2), np.zeros(2), np.array([25.0]), np.array([100.0]))
    >>> quantity.tolist(), float(cost.sum()), bool(bound.sum() <= cost.sum())
    ([[10.0, 10.0], [10.0, 10.0]], 60.0, True)
    """
    requirement = np.ascontiguousarray(requirement, dtype=np.float64)
    quantity, cost, bound = np.zeros(requirement.shape), np.zeros(len(requirement)), np.zeros(len(requirement))
    offsets, n_periods, n_open, lead_time = (
        np.ascontiguousarray(array, dtype=np.int64) for array in (offsets, n_periods, n_open, lead_time)
    )
    floats = [
        np.ascontiguousarray(array, dtype=np.float64)
        for array in (fixed_order_cost, unit_cost, holding_cost, unit_volume, setup_volume, capacity, overtime_price)
    ]
    _plan_bucket(
        offsets, n_periods, requirement, n_open, lead_time, *floats, int(n_iterations), DRAWS, quantity, cost, bound
    )
    return quantity, cost, bound
