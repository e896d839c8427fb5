"""The best solution near the multiplier's, among the choices whose reduced cost is small.

The solution x(theta) fits and leaves `room` of the budget. A solution costs the bound + sum_i r_i(x_i) + theta x what
it leaves, with the reduced cost r_i(x) = f_i(x) + theta w_i x - the least of it. So a solution of less than the bound +
T takes no x with r_i(x) >= T. The choices below a limit T, small at first and then larger, are the options of
`search_core.py`.
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.budget.cost import HIGH, LOW, SLOPE, cost_at
from invopt.theory.budget.search_core import Limits, Options, best_choice
from invopt.theory.budget.search_piece import least_at
from invopt.theory.compiled import compiled

# sums of many weights are right to this
ROUNDING = 1e-12
# states that one partition's core may look at: about a second
MAX_WORK = 40_000_000
# states kept from one item of the core to the next: few at first, as a large core holds many good plans, then all that
# can be kept
FEW_STATES, MAX_STATES = 800, 60_000
# choices of one core
MAX_OPTIONS = 1_000_000
# items whose nearest choices are below the first limit
FIRST_CORE = 12
# rows of the choices of a core
X, DELTA, COST = 0, 1, 2


@compiled
def _reduced(piece, table, price, least, x):
    return max(cost_at(piece, table, x) + price * x - least, 0.0)


@compiled
def _nearest(items, theta, base, least):
    """(n,) array: the smallest reduced cost of another choice than the base, of each item."""
    pieces, table, first, end, weight = items
    nearest = np.empty(len(base))
    for i in range(len(base)):
        nearest[i] = math.inf
        price = theta * weight[i]
        if price == 0:
            continue  # it uses nothing, so nothing else is better
        for p in range(first[i], end[i]):
            piece = pieces[p]
            if end[i] == first[i] + 1 or piece[LOW] <= base[i] <= piece[HIGH]:
                x = base[i]
            else:
                x = least_at(piece, table, piece[SLOPE] + price, piece[LOW], piece[HIGH])
                nearest[i] = min(nearest[i], _reduced(piece, table, price, least[i], x))
            if x + 1 <= piece[HIGH]:
                nearest[i] = min(nearest[i], _reduced(piece, table, price, least[i], x + 1))
            if x - 1 >= piece[LOW]:
                nearest[i] = min(nearest[i], _reduced(piece, table, price, least[i], x - 1))
    return nearest


@compiled
def _add_choices(items, theta, base, least, i, limit, choices, m):
    """Add item i's other choices of reduced cost below `limit` to the m there are.

    Room to grow is no limit: what all others could save is not known, so only `limit` and the pieces' ends bound a
    choice. Returns how many there are then, or -1 when they are too many for the array.
    """
    pieces, table, first, end, weight = items
    price = theta * weight[i]
    for p in range(first[i], end[i]):
        piece = pieces[p]
        middle = least_at(piece, table, piece[SLOPE] + price, piece[LOW], piece[HIGH])
        for direction in (1.0, -1.0):
            x = middle if direction > 0 else middle - 1
            while piece[LOW] <= x <= piece[HIGH]:
                r = _reduced(piece, table, price, least[i], x)
                if r >= limit:
                    break
                if x != base[i]:
                    if m >= choices.shape[1]:
                        return -1
                    choices[X, m], choices[DELTA, m], choices[COST, m] = x, weight[i] * (x - base[i]), r
                    m += 1
                x += direction
    return m


@compiled
def _choices_of(items, theta, base, least, core, limit):
    """(starts, choices): item core[k] has the choices starts[k]..starts[k+1]-1.

    There are no starts when the choices are more than MAX_OPTIONS.
    """
    starts = np.zeros(len(core) + 1, dtype=np.int64)
    size = 4 * len(core) + 64
    while size <= MAX_OPTIONS:
        choices = np.empty((3, size))
        m = 0
        for k in range(len(core)):
            m = _add_choices(items, theta, base, least, core[k], limit, choices, m)
            if m < 0:
                break
            starts[k + 1] = m
        if m >= 0:
            return starts, choices
        size *= 2
    return np.zeros(0, dtype=np.int64), np.empty((3, 0))


@compiled
def _core(items, theta, base, least, nearest, limit):
    """(items, Options, their x): the core, the items that change most cheaply first; no items when it is too large."""
    core = np.flatnonzero(nearest < limit)
    starts, choices = _choices_of(items, theta, base, least, core, limit)
    if len(starts) == 0:
        return core[:0], Options(starts, choices[DELTA], choices[COST]), choices[X]
    ease = np.full(len(core), math.inf)
    for k in range(len(core)):
        for o in range(starts[k], starts[k + 1]):
            ease[k] = min(ease[k], choices[COST, o] / abs(choices[DELTA, o]))
    order = np.argsort(ease)
    sorted_starts = np.zeros(len(core) + 1, dtype=np.int64)
    delta, cost, x = np.empty(starts[-1]), np.empty(starts[-1]), np.empty(starts[-1])
    at = 0
    for k in range(len(core)):
        for o in range(starts[order[k]], starts[order[k] + 1]):
            delta[at], cost[at], x[at] = choices[DELTA, o], choices[COST, o], choices[X, o]
            at += 1
        sorted_starts[k + 1] = at
    return core[order], Options(sorted_starts, delta, cost), x


@compiled
def improve(items, budget, theta, base, least, room, gap, good):
    """Improve `base`, the x(theta) that fit and leave `room`, to the best that costs less than the bound + gap.

    A solution within `good` of what is proved is enough.

    Returns
    -------
    gap : of the best found, or what was given when there is none; base then holds it
    proved : nothing is below the bound + this, except what was found
    work : states looked at
    """
    n = len(base)
    scale = 0.0
    for i in range(n):
        scale += abs(least[i])
    tolerance = 1e-16 * scale
    nearest = _nearest(items, theta, base, least)
    limit = max(2 * np.sort(nearest)[min(n - 1, FIRST_CORE)], good)
    proved, work = 0.0, 0
    slack = room + ROUNDING * abs(budget)
    best_x = base.copy()
    if theta * room < gap:
        gap = theta * room
    while gap > proved + good and work < MAX_WORK:
        limit = min(limit, gap)
        core, options, x = _core(items, theta, base, least, nearest, limit)
        if len(options.starts) == 0:
            break
        reached = 0.0
        for max_states in (FEW_STATES, MAX_STATES):
            limits = Limits(slack, limit, proved + good, tolerance, max_states)
            gap, chosen, reached, looked = best_choice(options, theta, limits, gap)
            work += looked + len(x) + n
            if len(chosen) > 0:
                best_x[:] = base
                for k in range(len(core)):
                    if chosen[k] >= 0:
                        best_x[core[k]] = x[chosen[k]]
            if gap <= proved + good or min(limit, gap) <= reached:
                break
        proved = max(proved, min(reached, gap))
        if reached < limit:
            break
        limit *= 4
    base[:] = best_x
    return gap, (gap if gap <= proved + good else proved), work
