"""The best choice of one option per item within what is left of a budget: a list dynamic programme over a few items.

    minimize sum_i r_i(o_i) + theta (slack - sum_i d_i(o_i))     subject to  sum_i d_i(o_i) <= slack

Option o of item i uses d more of the budget (d < 0: less) than the multiplier's solution and costs r >= 0 more, at the
price theta per unit of budget; staying (d = r = 0) is always allowed. The items are those still open, in the order of
how cheaply they change, the cheapest first.

A state is a choice for the first k items. Two rules keep them few:

1. A state that uses more and costs more than another is dropped.
2. The smallest price per unit at which the items to come can use what is left, or save what is missing, gives each
   state a bound. States whose bound is at or above `cutoff` are dropped.

So an answer below the cutoff is the optimum, and no answer proves that there is none below it.

Source: Pisinger (1995), An expanding-core algorithm for the exact 0-1 knapsack problem, EJOR 87 (the order and the
bounds); Nemhauser & Ullmann (1969), Discrete dynamic programming and capital allocation, Management Science 15(9)
(lists of states).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled


class Options(NamedTuple):
    """Item k has the options starts[k]..starts[k+1]-1, each with what it uses and costs more: (m,) d and r."""

    starts: np.ndarray
    delta: np.ndarray
    reduced_cost: np.ndarray


class Limits(NamedTuple):
    """Numbers at which the search drops states or ends.

    slack : what is left of the budget
    cutoff : nothing of this cost or more is looked for
    good_enough : a choice that costs no more ends the search
    tolerance : differences of costs that are rounding
    max_states : of more of them the most promising half stays, and what is proved is less
    """

    slack: float
    cutoff: float
    good_enough: float
    tolerance: float
    max_states: int


class _States(NamedTuple):
    """A list of states that rises in what they use: use, cost, and their history.

    node : where the choices before stand among the nodes
    option : the option of the newest item, -1 for staying; it has no node yet
    """

    used: np.ndarray
    cost: np.ndarray
    node: np.ndarray
    option: np.ndarray


class _Bounds(NamedTuple):
    """What bounds a state.

    theta : the price of the budget
    up, down : the least price per unit at which the items to come use what is left, and save what is missing
    slack, cutoff, tolerance : as in Limits
    """

    theta: float
    up: float
    down: float
    slack: float
    cutoff: float
    tolerance: float


@compiled
def _new_states(size):
    return _States(np.empty(size), np.empty(size), np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64))


@compiled
def _bound(used, cost, bounds):
    """The least that a state can end with."""
    left = bounds.slack - used
    if left >= 0:
        return cost + left * bounds.up
    return cost - left * bounds.down


@compiled
def _prices_from(options, theta):
    """(n + 1,) arrays: least prices per unit of budget at which items k, k+1, ... use more, and at which they save."""
    starts, delta, reduced_cost = options
    n = len(starts) - 1
    up, down = np.full(n + 1, theta), np.full(n + 1, math.inf)
    for k in range(n - 1, -1, -1):
        up[k], down[k] = up[k + 1], down[k + 1]
        for o in range(starts[k], starts[k + 1]):
            if delta[o] > 0:
                up[k] = min(up[k], reduced_cost[o] / delta[o])
            elif delta[o] < 0:
                down[k] = min(down[k], -reduced_cost[o] / delta[o])
    return up, down


@compiled
def _stay(states, n_states, before, bounds, cutoff):
    """Copy the states to `before`, and keep of them those whose bound is below the cutoff; returns their number."""
    used, cost, node, option = states
    m = 0
    for j in range(n_states):
        before.used[j], before.cost[j], before.node[j] = used[j], cost[j], node[j]
        if _bound(used[j], cost[j], bounds) < cutoff:
            used[m], cost[m], node[m], option[m] = used[j], cost[j], node[j], -1
            m += 1
    return m


@compiled
def _merge(states, n_states, before, n_before, merged, option, bounds, best):
    """Merge the states with those before plus one option, all that can be good, into `merged`.

    option : (o, d, r)
    best : (cost, node, option) of the best choice so far

    Returns (number of states, best).
    """
    used, cost, node, chosen = states
    before_used, before_cost, before_node, _ = before
    new_used, new_cost, new_node, new_option = merged
    o, more, extra = option
    theta, slack, cutoff, tolerance = bounds.theta, bounds.slack, bounds.cutoff, bounds.tolerance
    best_cost, best_node, best_option = best
    a, b, m = 0, 0, 0
    least = math.inf  # of cost - theta used, among those that use less
    while a < n_states or b < n_before:
        # both lists rise in what they use, so their merger does
        if b >= n_before or (a < n_states and used[a] <= before_used[b] + more):
            u, c, parent, at = used[a], cost[a], node[a], chosen[a]
            a += 1
        else:
            u, c, parent, at = before_used[b] + more, before_cost[b] + extra, before_node[b], o
            b += 1
            if u <= slack and c + theta * (slack - u) < best_cost:
                best_cost = c + theta * (slack - u)
                best_node, best_option = parent, o
            if _bound(u, c, bounds) >= min(cutoff, best_cost):
                continue
        if c - theta * u < least - tolerance:
            least = c - theta * u
            new_used[m], new_cost[m], new_node[m], new_option[m] = u, c, parent, at
            m += 1
    return m, (best_cost, best_node, best_option)


@compiled
def _keep_half(states, n_states, bounds, max_states):
    """Keep the most promising states, half of max_states; returns (number of states, least bound of the dropped)."""
    used, cost, node, option = states
    least = np.empty(n_states)
    for j in range(n_states):
        least[j] = _bound(used[j], cost[j], bounds)
    limit = np.sort(least)[max_states // 2]
    m = 0
    for j in range(n_states):
        if least[j] < limit:
            used[m], cost[m], node[m], option[m] = used[j], cost[j], node[j], option[j]
            m += 1
    return m, limit


@compiled
def _add_nodes(nodes, n_nodes, states, n_states):
    """Give each state that took an option a node (parent, option); returns (nodes, their number)."""
    if n_nodes + n_states > nodes.shape[1]:
        longer = np.empty((2, 2 * (n_nodes + n_states)), dtype=np.int64)
        longer[:, :n_nodes] = nodes[:, :n_nodes]
        nodes = longer
    for j in range(n_states):
        if states.option[j] >= 0:
            nodes[0, n_nodes], nodes[1, n_nodes] = states.node[j], states.option[j]
            states.node[j] = n_nodes
            n_nodes += 1
    return nodes, n_nodes


@compiled
def _choices(starts, nodes, node, option):
    """(n,) option of each item in the history of a choice; -1 for staying."""
    chosen = np.full(len(starts) - 1, -1, dtype=np.int64)
    k = len(starts) - 2
    while option >= 0:
        while starts[k] > option:
            k -= 1
        chosen[k] = option
        if node < 0:
            break
        node, option = nodes[0, node], nodes[1, node]
    return chosen


@compiled
def best_choice(options, theta, limits, best_cost):
    """Search for a choice of less than min(best_cost, cutoff).

    Returns
    -------
    best_cost : the least found, or what was given
    chosen : (n_items,) option of each item, -1 for staying; empty when nothing better was found
    proved : no choice costs less than this, except one of cost `best_cost`
    work : states looked at
    """
    starts, delta, reduced_cost = options
    slack, cutoff, max_states = limits.slack, limits.cutoff, limits.max_states
    price_up, price_down = _prices_from(options, theta)
    nodes, n_nodes = np.full((2, 1024), -1, dtype=np.int64), 1
    states, merged, before = _new_states(1), _new_states(1), _new_states(1)
    states.used[0], states.cost[0], states.node[0], states.option[0] = 0.0, 0.0, 0, -1
    n_states, dropped, work = 1, math.inf, 0
    best = (best_cost, -1, -1)
    for k in range(len(starts) - 1):
        bounds = _Bounds(theta, price_up[k + 1], price_down[k + 1], slack, cutoff, limits.tolerance)
        n_before = n_states
        if len(before.used) < n_before:
            before = _new_states(2 * n_before)
        n_states = _stay(states, n_before, before, bounds, min(cutoff, best[0]))
        for o in range(starts[k], starts[k + 1]):
            if len(merged.used) < n_states + n_before:
                merged = _new_states(2 * (n_states + n_before))
            work += n_states + n_before
            option = (o, delta[o], reduced_cost[o])
            n_states, best = _merge(states, n_states, before, n_before, merged, option, bounds, best)
            states, merged = merged, states
        if n_states > max_states:
            n_states, limit = _keep_half(states, n_states, bounds, max_states)
            dropped = min(dropped, limit)
        nodes, n_nodes = _add_nodes(nodes, n_nodes, states, n_states)
        if n_states == 0 or best[0] <= limits.good_enough:
            break
    chosen = np.empty(0, dtype=np.int64)
    if best[2] >= 0:
        chosen = _choices(starts, nodes, best[1], best[2])
    return best[0], chosen, min(cutoff, dropped), work
