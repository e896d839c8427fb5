"""Two moves that lower what a capacitated plan costs, repeated until neither does.

    shift       some units of an order go to another period, earlier or as far later as stock allows:
                all of the order, or what fits there, or what is too much here
    plan anew   one item's orders are chosen again, by a Wagner-Whitin recursion that knows the room that the other
                items leave

Costs are the true ones; volume beyond the capacity is overtime at a price.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366 (smoothing of plans).
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.lot_sizing.cost import ROUNDING, fill_loads, item_of, overtime, plan_cost

# a move must save this part of the plan's cost, or rounding could make moves go round in circles
LEAST_SAVING = 1e-10
# rounds of moves over all items
MOST_ROUNDS = 50


@compiled
def _fill_stock(n, need, quantity, stock):
    """stock[t] = what orders have brought and nobody has taken at the end of t."""
    on_hand = 0.0
    for t in range(n):
        on_hand += quantity[t] - need[t]
        stock[t] = on_hand


@compiled
def _shift_orders(item, price, quantity, load, stock, least_saving):
    """Make the best shift from each order of one item while one saves something; returns what was saved.

    `stock` is working space.
    """
    need, n, fixed, unit, holding, volume, setup, capacity = item
    saved = 0.0
    for s in range(n):
        while quantity[s] > 0.0:
            _fill_stock(n, need, quantity, stock)
            whole = quantity[s]
            too_much = whole
            if volume > 0.0 and load[s] > capacity:
                too_much = math.ceil((load[s] - capacity) / volume - ROUNDING)
            best, best_u, best_q = least_saving, -1, 0.0
            for direction in (-1, 1):
                per_unit, most, u = 0.0, whole, s
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
                        there = load[u] + volume * q + (setup if is_new else 0.0)
                        here = load[s] - volume * q - (setup if is_gone else 0.0)
                        change += price * (
                            overtime(there, capacity)
                            - overtime(load[u], capacity)
                            + overtime(here, capacity)
                            - overtime(load[s], capacity)
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
def _fill_plans(item, price, room, least, following):
    """Wagner and Whitin's recursion with overtime: the least cost from each period on, and the period after its order.

    room : load of the other items by period
    """
    need, n, fixed, unit, holding, volume, setup, capacity = item
    least[n] = 0.0
    for t in range(n - 1, -1, -1):
        least[t] = least[t + 1] if need[t] == 0.0 else np.inf
        following[t] = -1
        units = 0.0
        total = fixed[t]
        per_unit = unit[t]
        before = overtime(room[t], capacity)
        for e in range(t + 1, n + 1):
            units += need[e - 1]
            total += need[e - 1] * per_unit
            per_unit += holding[e - 1]
            if need[e - 1] == 0.0:
                continue
            if total >= least[t]:  # longer orders only cost more
                break
            load = room[t] + volume * units + setup
            value = total + price * (overtime(load, capacity) - before) + least[e]
            if value < least[t]:
                least[t] = value
                following[t] = e


@compiled
def plan_anew(item, price, quantity, load, least_saving, space):
    """Replace one item's orders by the best that order only when nothing is left; returns what was saved.

    The orders stay, and 0 is returned, where the saving is no more than the least.
    """
    need, n, fixed, unit, holding, volume, setup, capacity = item
    room, least, following = space.remaining, space.least, space.following
    cost = plan_cost(n, need, fixed, unit, holding, quantity)
    for t in range(n):
        item_load = volume * quantity[t] + setup if quantity[t] > 0.0 else 0.0
        cost += price * (overtime(load[t], capacity) - overtime(load[t] - item_load, capacity))
        room[t] = load[t] - item_load
    _fill_plans(item, price, room, least, following)
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
def mend(partition, price, quantity, load, space, item_cost):
    """Lower the plan's cost by both moves until neither lowers it; returns it.

    item_cost becomes the items' own costs, each with an equal share of the overtime.
    """
    fill_loads(partition, quantity, load)
    n_items = len(quantity)
    least_saving = 0.0
    for i in range(n_items):
        item = item_of(partition, i)
        least_saving += LEAST_SAVING * plan_cost(
            item.n_open, item.need, item.fixed, item.unit, item.holding, quantity[i]
        )
    for _ in range(MOST_ROUNDS):
        saved = 0.0
        for i in range(n_items):
            saved += _shift_orders(item_of(partition, i), price, quantity[i], load, space.remaining, least_saving)
        for i in range(n_items):
            saved += plan_anew(item_of(partition, i), price, quantity[i], load, least_saving, space)
        if saved <= least_saving:
            break
    fill_loads(partition, quantity, load)
    total = 0.0
    for t in range(len(load)):
        total += price * overtime(load[t], partition.capacity)
    overtime_share = total / n_items
    for i in range(n_items):
        item = item_of(partition, i)
        cost = plan_cost(item.n_open, item.need, item.fixed, item.unit, item.holding, quantity[i])
        total += cost
        item_cost[i] = cost + overtime_share
    return total
