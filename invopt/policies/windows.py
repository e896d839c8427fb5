"""The model "one window of consecutive levels": the inventory position of each item takes the values s+1..s+Q equally often.

A window costs [A(s) + sum_{y=s+1}^{s+Q} G(y)] / Q per day. Both models have theta = 1/Q, the probability of each level of the window, and

    st_y >= 0    theta where the window starts (y = s+1), 0 elsewhere;    sum_y st_y = theta

so Q = 1 / theta and s = sum_y (y-1) st_y / theta. They are linear programs without integers.

By its ends: A is the same everywhere and G convex. Let m be a cheapest level. A window that doesn't hold m may be moved towards it, each
step gives up a level for one that costs no more, so the best window that holds m is the best of all: it starts at m or below, ends at m or
above, and any such start goes with any such end.

    en_y >= 0    theta where the window ends (y = s+Q), 0 elsewhere

    minimize    A theta + sum_{y<=m} [G(y) + .. + G(m-1)] st_y + sum_{y>=m} [G(m) + .. + G(y)] en_y
    subject to  sum_y st_y = theta,  sum_y en_y = theta
                sum_{y<=m} (m - y) st_y + sum_{y>=m} (y - m + 1) en_y = 1         the levels' probabilities add up to one

A point is an average of windows, weighted by their areas theta Q: share out the starts among the ends in any way.

By its levels: any A and G.

    u_y >= 0     probability that the position is y: theta on the window, 0 elsewhere

    minimize    sum_y A(y-1) st_y + sum_y G(y) u_y
    subject to  sum_y u_y = 1                        the probabilities add up to one
                u_y - u_{y-1} <= st_y                the probability rises only where a window starts

A point is an average of windows here too: any u >= 0 is a sum of windows of constant height, each starting at one of u's rises.

So no point is cheaper than the best window, and a vertex is one window. A simplex method ends at a vertex. (An interior-point method
without crossover may end between two windows of equal cost: the objective is right, s and Q are averages.)
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
    """The levels of one item's model: the first, and (m,) arrays of what starting a window there and being there costs per day."""

    first: int
    start_cost: np.ndarray
    cost: np.ndarray


# of an item without demand: one level that costs nothing, so that a model is never empty
NO_DEMAND = Levels(1, np.zeros(1), np.zeros(1))


def window_model(levels: Sequence[Levels], *, is_convex: bool) -> pyo.ConcreteModel:
    """The window of each item, side by side; item i has the levels after those of i-1 in one flat set, NO_DEMAND has s = Q = 0.

    Parameters
    ----------
    is_convex : start_cost is the same at all levels and cost convex, for every item: the model by the ends, which is far smaller
    """
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, len(levels) - 1)
        model.LEVELS = pyo.RangeSet(0, sum(len(one.cost) for one in levels) - 1)
        model.probability_of_each_level = pyo.Var(model.ITEMS, domain=pyo.NonNegativeReals)
        starts_of = (_choose_ends if is_convex else _choose_levels)(model, levels)
        theta = model.probability_of_each_level

        def order_quantity(model: pyo.ConcreteModel, i: int) -> object:
            return 0 if levels[i] is NO_DEMAND else 1 / theta[i]

        def reorder_point(model: pyo.ConcreteModel, i: int) -> object:
            before = range(levels[i].first - 1, levels[i].first - 1 + len(starts_of[i]))
            return 0 if levels[i] is NO_DEMAND else LinearExpression(linear_coefs=before, linear_vars=starts_of[i]) / theta[i]

        model.one_window_starts = pyo.Constraint(
            model.ITEMS, rule=lambda model, i: (0, LinearExpression([*starts_of[i], -theta[i]]), 0))
        model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
        model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, rule=order_quantity)
        model.REORDER_POINT = pyo.Expression(model.ITEMS, rule=reorder_point)
    return model


def _choose_ends(model: pyo.ConcreteModel, levels: Sequence[Levels]) -> list[list]:
    """Window ends with their rows and costs; returns each item's starts."""
    cheapest = [int(one.cost.argmin()) for one in levels]
    first = _first_of(levels)
    model.STARTS = pyo.Set(initialize=_flat(range(k, k + m + 1) for k, m in zip(first, cheapest, strict=True)))
    model.ENDS = pyo.Set(initialize=_flat(range(k + m, k + len(one.cost)) for k, m, one in zip(first, cheapest, levels, strict=True)))
    model.window_start = pyo.Var(model.STARTS, domain=pyo.NonNegativeReals)
    model.window_end = pyo.Var(model.ENDS, domain=pyo.NonNegativeReals)
    theta = model.probability_of_each_level
    starts_of = _by_item(model.window_start, [m + 1 for m in cheapest])
    ends_of = _by_item(model.window_end, [len(one.cost) - m for m, one in zip(cheapest, levels, strict=True)])

    def probabilities_add_up_to_one(model: pyo.ConcreteModel, i: int) -> tuple:
        n_levels = [*range(len(starts_of[i]) - 1, -1, -1), *range(1, len(ends_of[i]) + 1)]
        return 1, LinearExpression(linear_coefs=n_levels, linear_vars=starts_of[i] + ends_of[i]), 1

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        below, above = np.split(levels[i].cost, [cheapest[i]])
        costs = [levels[i].start_cost[0], *np.cumsum(below[::-1])[::-1], 0.0, *np.cumsum(above)]
        return LinearExpression(linear_coefs=list(map(float, costs)), linear_vars=[theta[i], *starts_of[i], *ends_of[i]])

    model.one_window_ends = pyo.Constraint(model.ITEMS, rule=lambda model, i: (0, LinearExpression([*ends_of[i], -theta[i]]), 0))
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=probabilities_add_up_to_one)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    return starts_of


def _choose_levels(model: pyo.ConcreteModel, levels: Sequence[Levels]) -> list[list]:
    """Each level's probability with its rows and costs; returns each item's starts."""
    model.window_start = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
    model.position_probability = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
    n_levels = [len(one.cost) for one in levels]
    starts_of, probabilities_of = _by_item(model.window_start, n_levels), _by_item(model.position_probability, n_levels)
    start, probability = list(model.window_start.values()), list(model.position_probability.values())
    lowest = set(_first_of(levels))

    def probability_rises_only_where_a_window_starts(model: pyo.ConcreteModel, k: int) -> tuple:
        below = [] if k in lowest else [probability[k - 1]]
        return 0, LinearExpression([start[k], *below, -probability[k]]), None

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        coefficients = levels[i].start_cost.tolist() + levels[i].cost.tolist()
        return LinearExpression(linear_coefs=coefficients, linear_vars=starts_of[i] + probabilities_of[i])

    model.probability_rises_only_where_a_window_starts = pyo.Constraint(model.LEVELS, rule=probability_rises_only_where_a_window_starts)
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=lambda model, i: (1, LinearExpression(probabilities_of[i]), 1))
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    return starts_of


def _first_of(levels: Sequence[Levels]) -> list[int]:
    """Place of each item's first level among all."""
    return np.cumsum([0, *(len(one.cost) for one in levels[:-1])]).tolist()


def _flat(ranges: Iterable[range]) -> list[int]:
    return list(chain.from_iterable(ranges))


def _by_item(component: pyo.Var, counts: Sequence[int]) -> list[list]:
    """The component's variables, so many for each item after the other."""
    variables = iter(component.values())
    return [list(islice(variables, count)) for count in counts]
