"""The best choice of one option per item within what is left of a budget: a list dynamic programme over the few items
still open.

    minimize sum_i r_i(o_i) + theta (slack - sum_i d_i(o_i))     subject to  sum_i d_i(o_i) <= slack

Option o of item i uses d more of the budget (d < 0: less) than the multiplier's solution and costs r >= 0 more, at the
price theta per unit of budget; staying (d = r = 0) is always allowed. The items come in the order of how cheaply they
change, the cheapest first.

A state is a choice for the first k items. Two rules keep them few: a state that uses more and costs more than another
is dropped; and with the smallest price per unit at which the items to come can use what is left, or save what is
missing, each state has a bound, and those at or above `cutoff` are dropped. So an answer below the cutoff is the
optimum, and no answer proves that there is none below it.

Source: Pisinger (1995), An expanding-core algorithm for the exact 0-1 knapsack problem, EJOR 87 (the order and the
bounds); Nemhauser & Ullmann (1969), Discrete dynamic programming and capital allocation, Management Science 15(9)
(lists of states).
"""

from __future__ import annotations

import math

import numpy as np

from invopt.theory.compiled import compiled


@compiled
def _bound(used, cost, slack, price_up, price_down):
    """The least that a state can end with."""
    left = slack - used
    if left >= 0:
        return cost + left * price_up
    return cost - left * price_down


@compiled
def _longer(array, length):
    longer = np.empty(length, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def best_choice(starts, delta, reduced_cost, theta, slack, cutoff, best, good_enough, tolerance, max_states):
    """Search for a choice of less than min(best, cutoff); item k has the options starts[k]..starts[k+1]-1, (m,) d and
    r.

    Of more than max_states states the most promising half stays, and what is proved is less.

    Returns
    -------
    best : the least found, or what was given
    chosen : (n_items,) option of each item, -1 for staying; empty when nothing better was found
    proved : no choice costs less than this, except one of cost `best`
    work : states looked at
    """
    n = len(starts) - 1
    # cheapest price per unit of budget at which items k, k+1, ... use more or save
    price_up, price_down = np.full(n + 1, theta), np.full(n + 1, math.inf)
    for k in range(n - 1, -1, -1):
        price_up[k], price_down[k] = price_up[k + 1], price_down[k + 1]
        for o in range(starts[k], starts[k + 1]):
            if delta[o] > 0:
                price_up[k] = min(price_up[k], reduced_cost[o] / delta[o])
            elif delta[o] < 0:
                price_down[k] = min(price_down[k], -reduced_cost[o] / delta[o])
    node_parent, node_option, n_nodes = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64), 1
    node_parent[0], node_option[0] = -1, -1
    used, cost, node, option = np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64), np.full(1, -1, dtype=np.int64)
    new_used, new_cost = np.empty(1), np.empty(1)
    new_node, new_option = np.empty(1, dtype=np.int64), np.empty(1, dtype=np.int64)
    n_states, dropped, work = 1, math.inf, 0
    best_node, best_option = -1, -1
    state_used, state_cost, state_node = np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64)
    for k in range(n):
        up, down = price_up[k + 1], price_down[k + 1]
        n_from = n_states
        if len(state_used) < n_from:
            state_used, state_cost = np.empty(2 * n_from), np.empty(2 * n_from)
            state_node = np.empty(2 * n_from, dtype=np.int64)
        n_states = 0
        for j in range(n_from):  # staying
            state_used[j], state_cost[j], state_node[j] = used[j], cost[j], node[j]
            if _bound(used[j], cost[j], slack, up, down) < min(cutoff, best):
                used[n_states], cost[n_states], node[n_states], option[n_states] = used[j], cost[j], node[j], -1
                n_states += 1
        for o in range(starts[k], starts[k + 1]):
            more, extra = delta[o], reduced_cost[o]
            if len(new_used) < n_states + n_from:
                size = 2 * (n_states + n_from)
                new_used, new_cost = np.empty(size), np.empty(size)
                new_node, new_option = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
            work += n_states + n_from
            a, b, m = 0, 0, 0
            least = math.inf  # of cost - theta used, among those that use less
            while a < n_states or b < n_from:
                # both lists rise in what they use, so their merger does
                if b >= n_from or (a < n_states and used[a] <= state_used[b] + more):
                    u, c, parent, chosen_option = used[a], cost[a], node[a], option[a]
                    a += 1
                else:
                    u, c, parent, chosen_option = state_used[b] + more, state_cost[b] + extra, state_node[b], o
                    b += 1
                    if u <= slack and c + theta * (slack - u) < best:
                        best = c + theta * (slack - u)
                        best_node, best_option = parent, o
                    if _bound(u, c, slack, up, down) >= min(cutoff, best):
                        continue
                if c - theta * u < least - tolerance:
                    least = c - theta * u
                    new_used[m], new_cost[m], new_node[m], new_option[m] = u, c, parent, chosen_option
                    m += 1
            used, new_used = new_used, used
            cost, new_cost = new_cost, cost
            node, new_node = new_node, node
            option, new_option = new_option, option
            n_states = m
        if n_states > max_states:
            bounds = np.empty(n_states)
            for j in range(n_states):
                bounds[j] = _bound(used[j], cost[j], slack, up, down)
            limit = np.sort(bounds)[max_states // 2]
            dropped = min(dropped, limit)
            m = 0
            for j in range(n_states):
                if bounds[j] < limit:
                    used[m], cost[m], node[m], option[m] = used[j], cost[j], node[j], option[j]
                    m += 1
            n_states = m
        while n_nodes + n_states > len(node_parent):
            node_parent, node_option = (
                _longer(node_parent, 2 * len(node_parent)),
                _longer(node_option, 2 * len(node_option)),
            )
        for j in range(n_states):
            if option[j] >= 0:
                node_parent[n_nodes], node_option[n_nodes] = node[j], option[j]
                node[j] = n_nodes
                n_nodes += 1
        if n_states == 0 or best <= good_enough:
            break
    chosen = np.full(n if best_option >= 0 else 0, -1, dtype=np.int64)
    if best_option >= 0:
        at, taken = best_node, best_option
        k = n - 1
        while taken >= 0:
            while starts[k] > taken:
                k -= 1
            chosen[k] = taken
            if at < 0:
                break
            at, taken = node_parent[at], node_option[at]
    return best, chosen, min(cutoff, dropped), work
