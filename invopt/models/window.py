"""The model "one window of consecutive levels": an item's inventory position takes the levels s+1..s+Q equally often.

A window costs [A(s) + sum_{y=s+1}^{s+Q} G(y)] / Q per day. An item lists its levels first..last, of which a window may
start at first..m:

    theta >= 0   probability of each level of the window, 1/Q
    st_y  >= 0   theta where the window starts (y = s+1), 0 elsewhere;    y = first..m
    en_y  >= 0   theta where it ends (y = s+Q), 0 elsewhere;              y = m..last
    u_y   >= 0   probability that the position is y;                      y = first..m-1

    minimize    sum_y A(y-1) st_y + sum_y G(y) u_y + sum_y [G(m) + .. + G(y)] en_y
    subject to  sum_y u_y + sum_y (y - m + 1) en_y = 1        the probabilities add up to one
                u_y - u_{y-1} <= st_y                         the probability rises only where a window starts
                sum_y st_y = theta

and Q = 1 / theta, s = sum_y (y-1) st_y / theta. The probability of y >= m is en_y + .. + en_last, which is also u_m. A
window that ends below m has no en_y.

Where the best window is known to hold m, as in a convex G with its cheapest level for m, none ends below it. Then
sum_y en_y = theta and u_y = st_first + .. + st_y, and this is left:

    minimize    sum_y [A(y-1) + G(y) + .. + G(m-1)] st_y + sum_y [G(m) + .. + G(y)] en_y
    subject to  sum_y (m - y) st_y + sum_y (y - m + 1) en_y = 1,    sum_y st_y = theta,    sum_y en_y = theta

These are linear programs without integers. A point is an average of windows, weighted by their areas: any probabilities
are a sum of windows of constant height that start where they rise, and any start goes with any end. So no point is
cheaper than the best window, and a vertex is one window. A simplex method ends at a vertex. An interior-point method
without crossover may end between two windows of equal cost: then the objective is right, and s and Q are averages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression


class Levels(NamedTuple):
    """The levels of one item's model.

    first : the lowest
    start_cost : A(y-1) of the levels first..m, where a window may start, money per day
    cost : G(y) of all levels, money per day
    """

    first: int
    start_cost: np.ndarray
    cost: np.ndarray


# the levels of an item without demand: one that costs nothing, so that a model is never empty
NO_DEMAND = Levels(1, np.zeros(1), np.zeros(1))


def window_model(levels: Sequence[Levels], *, all_hold_m: bool) -> pyo.ConcreteModel:
    """The window of each item, side by side: item i has the levels after those of i-1 in one flat set.

    NO_DEMAND has s = Q = 0.

    Parameters
    ----------
    all_hold_m : each item has a best window that holds m
    """
    n_levels = [len(item.cost) for item in levels]
    n_below = [len(item.start_cost) - 1 for item in levels]
    first = np.cumsum([0, *n_levels[:-1]]).tolist()
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, len(levels) - 1)
        model.LEVELS = pyo.RangeSet(0, sum(n_levels) - 1)
        model.STARTS = pyo.Set(initialize=_flat(range(k, k + n + 1) for k, n in zip(first, n_below, strict=True)))
        model.ENDS = pyo.Set(
            initialize=_flat(range(k + n, k + n_all) for k, n, n_all in zip(first, n_below, n_levels, strict=True))
        )
        model.probability_of_each_level = pyo.Var(model.ITEMS, domain=pyo.NonNegativeReals)
        model.window_start = pyo.Var(model.STARTS, domain=pyo.NonNegativeReals)
        model.window_end = pyo.Var(model.ENDS, domain=pyo.NonNegativeReals)
        theta = model.probability_of_each_level
        starts_of = _by_item(model.window_start, [n + 1 for n in n_below])
        ends_of = _by_item(model.window_end, [n_all - n for n, n_all in zip(n_below, n_levels, strict=True)])

        def order_quantity(model: pyo.ConcreteModel, i: int) -> object:
            return 0 if levels[i] is NO_DEMAND else 1 / theta[i]

        def reorder_point(model: pyo.ConcreteModel, i: int) -> object:
            if levels[i] is NO_DEMAND:
                return 0
            before = range(levels[i].first - 1, levels[i].first + n_below[i])
            return LinearExpression(linear_coefs=before, linear_vars=starts_of[i]) / theta[i]

        model.one_window_starts = pyo.Constraint(
            model.ITEMS, rule=lambda model, i: (0, LinearExpression([*starts_of[i], -theta[i]]), 0)
        )
        (_all_hold_m if all_hold_m else _some_end_below_m)(model, levels, starts_of, ends_of)
        model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
        model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, rule=order_quantity)
        model.REORDER_POINT = pyo.Expression(model.ITEMS, rule=reorder_point)
    return model


def _all_hold_m(model: pyo.ConcreteModel, levels: Sequence[Levels], starts_of: list[list], ends_of: list[list]) -> None:
    """The rows and costs of windows of which none ends below m."""
    theta = model.probability_of_each_level

    def probabilities_add_up_to_one(model: pyo.ConcreteModel, i: int) -> tuple:
        n_levels = [*range(len(starts_of[i]) - 1, -1, -1), *range(1, len(ends_of[i]) + 1)]
        return 1, LinearExpression(linear_coefs=n_levels, linear_vars=starts_of[i] + ends_of[i]), 1

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        below, above = np.split(levels[i].cost, [len(starts_of[i]) - 1])
        to_m = np.append(np.cumsum(below[::-1])[::-1], 0.0)
        costs = (levels[i].start_cost + to_m).tolist() + np.cumsum(above).tolist()
        return LinearExpression(linear_coefs=costs, linear_vars=starts_of[i] + ends_of[i])

    model.one_window_ends = pyo.Constraint(
        model.ITEMS, rule=lambda model, i: (0, LinearExpression([*ends_of[i], -theta[i]]), 0)
    )
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=probabilities_add_up_to_one)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)


def _some_end_below_m(
    model: pyo.ConcreteModel, levels: Sequence[Levels], starts_of: list[list], ends_of: list[list]
) -> None:
    """The probabilities of the levels below m, with the rows and costs."""
    model.BELOW = model.STARTS - model.ENDS
    model.position_probability = pyo.Var(model.BELOW, domain=pyo.NonNegativeReals)
    below_of = _by_item(model.position_probability, [len(starts) - 1 for starts in starts_of])
    rises = []
    for starts, below, ends in zip(starts_of, below_of, ends_of, strict=True):
        here = [*([variable] for variable in below), ends]  # u_y is the sum of these, for y = first..m
        before = [[], *here[:-1]]
        rises += [
            LinearExpression([*up, *(-variable for variable in down), -start])
            for up, down, start in zip(here, before, starts, strict=True)
        ]
    rise = dict(zip(model.STARTS, rises, strict=True))

    def probabilities_add_up_to_one(model: pyo.ConcreteModel, i: int) -> tuple:
        n_levels = [1] * len(below_of[i]) + list(range(1, len(ends_of[i]) + 1))
        return 1, LinearExpression(linear_coefs=n_levels, linear_vars=below_of[i] + ends_of[i]), 1

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        below, above = np.split(levels[i].cost, [len(below_of[i])])
        costs = levels[i].start_cost.tolist() + below.tolist() + np.cumsum(above).tolist()
        return LinearExpression(linear_coefs=costs, linear_vars=starts_of[i] + below_of[i] + ends_of[i])

    model.probability_rises_only_where_a_window_starts = pyo.Constraint(
        model.STARTS, rule=lambda model, k: (None, rise[k], 0)
    )
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=probabilities_add_up_to_one)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)


def _flat(ranges: Iterable[range]) -> list[int]:
    return list(chain.from_iterable(ranges))


def _by_item(component: pyo.Var, counts: Sequence[int]) -> list[list]:
    """The component's variables, `counts[i]` of them for item i."""
    variables = iter(component.values())
    return [list(islice(variables, count)) for count in counts]
