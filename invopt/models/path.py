"""The model "a path through the periods": one item's orders over time, as the arcs of a shortest path.

An arc (s, e) is an order in period s for the requirements of s..e-1, and it costs what these cost. A period without a
requirement is also passed free.

    minimize    sum over arcs of cost_a y_a,    y_a >= 0
    subject to  one arc leaves period 0;  of each later period, as many arcs leave as arrive

A path problem's matrix is totally unimodular, so a vertex is one path, and no integers are needed. Some optimum is a
path, because some optimum orders only when nothing is left of earlier orders (Wagner & Whitin).

Arcs that no optimum uses are left out. Let p_s - p_k be what a unit costs more when it is ordered in s than when it is
ordered in k > s: its holding until k and the difference of the unit costs.

- If (p_s - p_k) x (requirements of k..e-1) > K_k for a k between s and e, the arcs (s, k) and (k, e) cost less than
  (s, e).
- If (s, e) with every arc (k, f) that can come next costs more than (s, f), then (s, e) is in no optimum.
- An arc that ends with a period without a requirement costs as much as the one that ends before it and the free step.

The order-up-to levels are variables that any plan of orders can be given: the capacitated model has them too.

Source: Wagner & Whitin (1958), Management Science 5(1), 89-96.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.theory.lot_sizing.net_requirements import NetRequirements


class Arcs(NamedTuple):
    """(m,) arrays, the arcs of one item: an order in `start` for the requirements of start..end-1.

    units, cost : what is ordered, and what the arc costs over the whole plan; both are 0 for a free step
    """

    start: np.ndarray
    end: np.ndarray
    units: np.ndarray
    cost: np.ndarray


def largest_totals(total: np.ndarray, fixed: np.ndarray, saving: np.ndarray) -> np.ndarray:
    """(T,) by s: the total requirements up to which an order in s saves no order in a later period.

    Parameters
    ----------
    total : (T + 1,) array, units: requirements of the periods before each
    fixed : (T,) array, money/order
    saving : (T, T) array, money/unit, by s and k: what a unit costs more when it is ordered in s; 0 for k <= s

    If the requirements of k..e-1 are more than fixed[k] / saving[s, k], an order in k costs less than it saves.

    >>> largest_totals(np.array([0.0, 3, 5]), np.array([4.0, 4]), np.array([[0.0, 1], [0, 0]])).tolist()
    [7.0, inf]
    """
    with np.errstate(divide="ignore"):
        most = np.where(saving > 0, total[None, :-1] + fixed[None, :] / np.where(saving > 0, saving, 1.0), np.inf)
    return most.min(axis=1, initial=np.inf)


def order_arcs(need: np.ndarray, fixed: np.ndarray, unit: np.ndarray, holding: np.ndarray) -> Arcs:
    """The arcs of one item that an optimum can use, the free steps last; the path ends after the last requirement.

    Parameters
    ----------
    need : (T,) array, units by the period of the order                     [r]
    fixed, unit, holding : (T,) arrays, K, c and h by the period of the order

    >>> arcs = order_arcs(np.array([3.0, 0.0, 5.0]), np.full(3, 4.0), np.zeros(3), np.ones(3))
    >>> [array.tolist() for array in arcs]
    [[0, 2, 1], [1, 3, 2], [3.0, 5.0, 0.0], [4.0, 4.0, 0.0]]
    """
    end = int(np.flatnonzero(need)[-1]) + 1 if need.any() else 0
    need, fixed, unit, holding = need[:end], fixed[:end], unit[:end], holding[:end]
    held_until = np.concatenate([[0.0], np.cumsum(holding)])[:end]
    total = np.concatenate([[0.0], np.cumsum(need)])
    # by s and u: what a unit for period u costs when it is ordered in s; with it, by s and e - 1, the arcs' costs
    per_unit = unit[:, None] + held_until[None, :] - held_until[:, None]
    cost = fixed[:, None] + np.cumsum(np.triu(per_unit * need[None, :]), axis=1)
    # a little more, so that rounding never leaves out an optimal arc
    most = largest_totals(total, fixed, np.triu(per_unit - unit[None, :], 1)) * (1 + 1e-9)
    is_kept = np.triu((total[None, 1:] <= most[:, None]) & (need[None, :] > 0))
    start, last = np.nonzero(is_kept & ~_are_better_longer(cost, need, is_kept))
    free = np.flatnonzero(need == 0)
    nothing = np.zeros(len(free))
    return Arcs(
        np.concatenate([start, free]),
        np.concatenate([last, free]) + 1,
        np.concatenate([total[last + 1] - total[start], nothing]),
        np.concatenate([cost[start, last], nothing]),
    )


def _are_better_longer(cost: np.ndarray, need: np.ndarray, is_kept: np.ndarray) -> np.ndarray:
    """Which arcs cost more with any next one than one arc from their start to its end; by s and e - 1, as `cost`."""
    end = len(need)
    # beyond, by s: the most that an arc (s, f) costs beyond (k, f). k is any period that can come after e: the first
    # one with a requirement and those before it. So it is filled from the last e backwards
    beyond, is_better = np.full(end, -np.inf), np.zeros_like(is_kept)
    rounding = 1e-9 * np.abs(cost).max(initial=0.0)
    for e in range(end - 1, 0, -1):
        beyond_next = (cost[:, is_kept[e]] - cost[e, is_kept[e]]).max(axis=1, initial=-np.inf)
        beyond = beyond_next if need[e] > 0 else np.maximum(beyond, beyond_next)
        is_better[:e, e - 1] = cost[:e, e - 1] > beyond[:e] + rounding
    return is_better


def path_model(arcs: Sequence[Arcs], requirements: NetRequirements, n_periods: np.ndarray) -> pyo.ConcreteModel:
    """The path of each item, side by side: one flat set of arcs for all items; costs are money per day of the plan.

    Parameters
    ----------
    arcs : of each item
    requirements : of the n items over T periods
    n_periods : (n,) array of int: the item's own plan, over which its cost is averaged
    """
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        model = pyo.ConcreteModel()
        n, longest = requirements.requirement.shape
        model.ITEMS = pyo.RangeSet(0, n - 1)
        model.PERIODS = pyo.RangeSet(0, longest - 1)
        model.ARCS = pyo.RangeSet(0, sum(len(item.start) for item in arcs) - 1)
        model.is_used = pyo.Var(model.ARCS, domain=pyo.NonNegativeReals)
        _add_paths(model, arcs, n_periods)
        add_order_up_to_levels(model, requirements, n_periods)
    return model


def _add_paths(model: pyo.ConcreteModel, arcs: Sequence[Arcs], n_periods: np.ndarray) -> None:
    """The flow rows, the costs and the decision ORDER_QUANTITY of the arcs that `model.is_used` chooses."""
    waiting = list(model.is_used.values())
    used_of, leaving, arriving, ordering = [], {}, {}, {}
    for i, item in enumerate(arcs):
        variables = waiting[: len(item.start)]
        del waiting[: len(item.start)]
        used_of.append(variables)
        columns = (item.start.tolist(), item.end.tolist(), item.units.tolist())
        for arc, s, e, units in zip(variables, *columns, strict=True):
            leaving.setdefault((i, s), []).append(arc)
            arriving.setdefault((i, e), []).append(arc)
            if units:
                ordering.setdefault((i, s), []).append((units, arc))

    def as_many_leave_as_arrive(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        out, into = leaving[i, t], arriving.get((i, t), [])
        start = 1 if t == 0 else 0
        return start, LinearExpression(linear_coefs=[1] * len(out) + [-1] * len(into), linear_vars=out + into), start

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        cost = arcs[i].cost / n_periods[i]
        return LinearExpression(linear_coefs=cost.tolist(), linear_vars=used_of[i]) if len(cost) else 0.0

    def order_quantity(model: pyo.ConcreteModel, i: int, t: int) -> object:
        orders = ordering.get((i, t))
        if not orders:
            return 0.0
        return LinearExpression(linear_coefs=[units for units, _ in orders], linear_vars=[arc for _, arc in orders])

    model.as_many_leave_as_arrive = pyo.Constraint(list(leaving), rule=as_many_leave_as_arrive)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
    model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, model.PERIODS, rule=order_quantity)


def add_order_up_to_levels(model: pyo.ConcreteModel, requirements: NetRequirements, n_periods: np.ndarray) -> None:
    """The decision ORDER_UP_TO_LEVEL from the model's ORDER_QUANTITY, as variables with a row for each.

    As an Expression, a period's level would be evaluated through the levels of all periods before it. Periods after an
    item's own n_periods keep its last level.
    """
    position, whole_demand = requirements.position.tolist(), requirements.whole_demand.tolist()
    n_periods = n_periods.tolist()
    model.ORDER_UP_TO_LEVEL = pyo.Var(model.ITEMS, model.PERIODS)
    level = model.ORDER_UP_TO_LEVEL

    def position_less_demand_plus_order_is_the_next_position(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        # an Expression's own terms: a sum of a variable and a linear expression takes Pyomo longer to look through
        ordered = model.ORDER_QUANTITY[i, t].expr
        coefficients, variables = [1.0], [level[i, t]]
        before = position[i]
        if t > 0:
            coefficients.append(-1.0)
            variables.append(level[i, t - 1])
            before = -whole_demand[i][t - 1] if t < n_periods[i] else 0.0
        if isinstance(ordered, LinearExpression):
            coefficients += [-coefficient for coefficient in ordered.linear_coefs]
            variables += ordered.linear_vars
        return before, LinearExpression(linear_coefs=coefficients, linear_vars=variables), before

    model.position_less_demand_plus_order_is_the_next_position = pyo.Constraint(
        model.ITEMS, model.PERIODS, rule=position_less_demand_plus_order_is_the_next_position
    )
