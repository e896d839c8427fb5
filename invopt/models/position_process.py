"""The model "where a day begins": the Markov decision process of an inventory position that is looked at every day.

G(y) is the cost of a day at position y after ordering, K that of an order, D a day's demand. An item lists its levels
y = first..last:

    x_y >= 0    probability that a day begins with position y
    z_y >= 0    orders per day that lift the position to y

    minimize    K sum_y z_y + sum_y G(y) x_y
    subject to  sum_y x_y = 1
                x_y - sum_{d>=0} P(D = d) x_{y+d} <= z_y     an order brings what demand does not bring to level y

The surplus of row y leaves level y by an order. A position that falls below the first level is ordered from too, so as
many orders arrive at levels as leave them. No integers: the probabilities of any policy are a point of the polytope, a
vertex is a policy that decides one thing at each level (Derman 1970), and the cheapest of those is an (s, S). S is the
level at which the orders arrive. s + 1 is the first level that costs no more than the optimum; it is optimal with that
S (fact 1 of `theory/s_s/search.py`).

The listed levels are those with G(y) <= C for the cost C of an (s, S) found without the algorithm: one s and all S, by
the formula of C(s, S). No other level is used: with the optimal cost g <= C, fact 1 says that the position after
ordering stays where G <= g.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.errors import ParameterError
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.daily import normal_day_pmf, poisson_day_pmf
from invopt.theory.demand.distributions import pmf_loss
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time_demand import lead_time_pmf
from invopt.theory.s_s.cost import renewal_days

# probabilities in the rows of one model, beyond which it takes seconds
LARGEST_MODEL = 400_000
# levels looked at before pruning
LARGEST_RANGE = 1_000_000
# HiGHS leaves out coefficients below 1e-9; rows as large as this keep probabilities down to 1e-12
ROW_SCALE = 1e3
# a share of G by which rounding never decides whether a level is in
SLACK = 1e-9


class SSCosts(NamedTuple):
    """One item's costs: money/unit/day, money/order, money/unit/day   [h, K, p]."""

    holding_cost: float
    fixed_order_cost: float
    backorder_cost: float


class PositionLevels(NamedTuple):
    """The levels of one item's model.

    first : the lowest
    cost : G(y) of all levels, money/day
    day_pmf : probabilities of a day's demand of 0, 1, ...
    fixed_order_cost : money/order
    """

    first: int
    cost: np.ndarray
    day_pmf: np.ndarray
    fixed_order_cost: float


# the levels of an item without demand: one level that costs nothing, so that a model is never empty
IDLE = PositionLevels(1, np.zeros(1), np.ones(1), 0.0)


def _check_size(n: float, largest: int) -> None:
    if n > largest:
        raise ParameterError(
            "the model would have too many levels of inventory position; solve this item with method: algorithm"
        )


def position_levels(demand: ItemDemand, i: int, day_pmf: np.ndarray, costs: SSCosts) -> PositionLevels:
    """The levels that the optimal policy of item i can use.

    Parameters
    ----------
    demand : over the lead time and one day more
    day_pmf : the probabilities of a day's demand, where the item's form is PMF

    Raises
    ------
    ParameterError : there are too many.
    """
    h, K, p = costs
    a, form = demand.mean[i], demand.form[i]
    # with a constant demand an order lasts as long as this quantity; the range of levels is not much longer
    quantity = np.sqrt(2 * a * K / h * (1 + h / p if p > 0 else 1.0)) + 1
    _check_size(quantity, LARGEST_RANGE)
    if form == NORMAL:
        _check_size(np.sqrt(demand.variance[i]) * 18 * demand.first_lead_time[i], LARGEST_RANGE)
        day_pmf = normal_day_pmf(a, demand.variance[i])
    elif form != PMF:
        day_pmf = poisson_day_pmf(a)
    level_costs = _level_costs(demand, i, day_pmf, costs)
    day_pmf = day_pmf[: np.flatnonzero(day_pmf > 1e-16)[-1] + 1]
    mean = a * (demand.first_lead_time[i] + (demand.n_lead_times[i] - 1) / 2)
    day_variance = max(demand.variance[i], a if form != PMF else 0.0)
    std = np.sqrt(day_variance * (mean / a) + (a * (demand.n_lead_times[i] - 1)) ** 2 / 12)
    y = np.arange(1, int(mean + 2 * quantity + 6 * std) + 3)
    _check_size(len(y), LARGEST_RANGE)
    cost = level_costs(y)
    cheapest = int(cost.argmin())
    # any s will do: this one is right when demand is constant, and when orders cost nothing
    tried = np.sqrt(2 * a * K * h * (p / (p + h) if p > 0 else 1.0) + cost[cheapest] ** 2)
    start = int(np.flatnonzero(cost[: cheapest + 1] <= max(tried, cost[cheapest]))[0])
    m = renewal_days(day_pmf, min(len(cost) - start, int(3 * quantity) + 3))
    # C(s, S) of this s and all S: the sums of m(d) G(S - d) are a convolution
    known = ((K + np.convolve(m, cost[start : start + len(m)])[: len(m)]) / np.cumsum(m)).min() * (1 + SLACK)
    while cost[-1] <= known:
        _check_size(2 * len(y), LARGEST_RANGE)
        y = np.arange(1, 2 * len(y) + 1)
        cost = level_costs(y)
    used = np.flatnonzero(cost <= max(known, cost.min()))
    first, n_levels = int(used[0]), int(used[-1] - used[0] + 1)
    _check_size(n_levels * min(len(day_pmf), n_levels), LARGEST_MODEL)
    return PositionLevels(int(y[first]), cost[first : first + n_levels], day_pmf, K)


def _level_costs(demand: ItemDemand, i: int, day_pmf: np.ndarray, costs: SSCosts) -> Callable[[np.ndarray], np.ndarray]:
    """G of item i: y -> money/day. A Normal's demand over the lead time is the sum of days in whole units."""
    if demand.form[i] == NORMAL:
        total = lead_time_pmf(day_pmf, int(demand.first_lead_time[i]), int(demand.n_lead_times[i]))
        mean, loss = total @ np.arange(len(total)), lambda y: pmf_loss(y, total)
    else:
        lead_time_demand = demand.lead_time_demand(i)
        mean, loss = lead_time_demand.mean, lead_time_demand.loss

    def level_costs(y: np.ndarray) -> np.ndarray:
        short = loss(y)
        return costs.holding_cost * np.maximum(y - mean + short, 0.0) + costs.backorder_cost * short

    return level_costs


def position_process(levels: Sequence[PositionLevels]) -> pyo.ConcreteModel:
    """The process of each item, side by side in one flat set of levels; IDLE has s = S = 0.

    REORDER_POINT and ORDER_UP_TO_LEVEL are Expressions of the solved variables.
    """
    # the collector would look through the thousands of new objects again and again
    with PauseGC():
        sizes = [len(level.cost) for level in levels]
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, len(levels) - 1)
        model.LEVELS = pyo.RangeSet(0, sum(sizes) - 1)
        model.position_probability = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
        model.orders_up_to = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
        model.average_cost = pyo.Var(model.ITEMS, domain=pyo.NonNegativeReals)
        probabilities_of = _by_item(model.position_probability, sizes)
        orders_of = _by_item(model.orders_up_to, sizes)
        _add_balance(model, levels, probabilities_of, orders_of)
        _add_costs(model, levels, probabilities_of, orders_of)
        _add_decisions(model, levels, orders_of)
    return model


def _by_item(component: pyo.Var, sizes: Sequence[int]) -> list[list]:
    """The component's variables, so many for each item after the other."""
    variables = iter(component.values())
    return [list(islice(variables, size)) for size in sizes]


def _add_balance(
    model: pyo.ConcreteModel, levels: Sequence[PositionLevels], probabilities_of: list[list], orders_of: list[list]
) -> None:
    rows = []
    for level, probabilities, orders in zip(levels, probabilities_of, orders_of, strict=True):
        coefficients = level.day_pmf * -ROW_SCALE
        coefficients[0] += ROW_SCALE
        coefficients = coefficients.tolist()
        for k, arriving in enumerate(orders):
            above = probabilities[k : k + len(coefficients)]
            rows.append(
                LinearExpression(linear_coefs=[*coefficients[: len(above)], -ROW_SCALE], linear_vars=[*above, arriving])
            )

    def orders_bring_what_demand_does_not(model: pyo.ConcreteModel, k: int) -> tuple:
        return None, rows[k], 0

    def probabilities_add_up_to_one(model: pyo.ConcreteModel, i: int) -> tuple:
        return 1, LinearExpression(linear_coefs=[1] * len(probabilities_of[i]), linear_vars=probabilities_of[i]), 1

    model.orders_bring_what_demand_does_not = pyo.Constraint(model.LEVELS, rule=orders_bring_what_demand_does_not)
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=probabilities_add_up_to_one)


def _add_costs(
    model: pyo.ConcreteModel, levels: Sequence[PositionLevels], probabilities_of: list[list], orders_of: list[list]
) -> None:
    costs_of = [level.cost.tolist() + [level.fixed_order_cost] * len(level.cost) for level in levels]

    def average_cost_is_the_cost(model: pyo.ConcreteModel, i: int) -> tuple:
        variables = [*probabilities_of[i], *orders_of[i], model.average_cost[i]]
        return 0, LinearExpression(linear_coefs=[*costs_of[i], -1.0], linear_vars=variables), 0

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        return LinearExpression(linear_coefs=costs_of[i], linear_vars=probabilities_of[i] + orders_of[i])

    model.average_cost_is_the_cost = pyo.Constraint(model.ITEMS, rule=average_cost_is_the_cost)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))


def _add_decisions(model: pyo.ConcreteModel, levels: Sequence[PositionLevels], orders_of: list[list]) -> None:
    def order_up_to_level(model: pyo.ConcreteModel, i: int) -> object:
        if levels[i] is IDLE:
            return 0
        positions = [levels[i].first + k for k in range(len(orders_of[i]))]
        n_orders = LinearExpression(linear_coefs=[1] * len(positions), linear_vars=orders_of[i])
        return LinearExpression(linear_coefs=positions, linear_vars=orders_of[i]) / n_orders

    def reorder_point(model: pyo.ConcreteModel, i: int) -> object:
        if levels[i] is IDLE:
            return 0
        falling = levels[i].cost[: int(levels[i].cost.argmin())] * (1 - SLACK)
        is_dear = [pyo.Expr_if(IF_=model.average_cost[i] <= cost, THEN_=1, ELSE_=0) for cost in falling.tolist()]
        return levels[i].first - 1 + sum(is_dear)

    model.ORDER_UP_TO_LEVEL = pyo.Expression(model.ITEMS, rule=order_up_to_level)
    model.REORDER_POINT = pyo.Expression(model.ITEMS, rule=reorder_point)
