"""(s, S): looked at every morning; when an item's inventory position is s or less, order up to S. Decides s and S of
each item.

The cost per day C(s, S) is exact for demand that is independent from day to day, in whole units, and backordered when
short; stock and shortage are charged at the end of each day: `theory/s_s/cost.py` has it. s >= 0: a negative s would
order only when customers already wait, and where lost sales are not recorded as backorders it would never order. A
day's demand is Poisson, given by its probabilities, or Normal put on whole units with its mean kept
(`theory/demand/daily.py`); the demand over the lead time is the sum of such days, for a Normal and a pmf of whole days.
A lead time that is uncertain is a mixture: what is on order counts in the position whenever it arrives.

The model is the linear program of the Markov decision process, over levels y = first..last of the position after
ordering:

    x_y >= 0    probability that a day begins with position y
    z_y >= 0    orders per day that lift the position to y

    minimize    K sum_y z_y + sum_y G(y) x_y
    subject to  sum_y x_y = 1
                x_y - sum_{d>=0} P(D = d) x_{y+d} <= z_y     what demand does not bring to level y an order does

The surplus of row y is what leaves level y by an order; what falls below the first level is ordered too, so that as
many orders arrive at levels as leave them. No integers: the probabilities of any policy are a point of the polytope, a
vertex is a policy that decides one thing at each level (Derman 1970), and of those an (s, S) is the cheapest. S is
where the orders arrive; s + 1 the first level that costs no more than the optimum, which is optimal with that S (fact 1
of `theory/s_s/search.py`).

The levels are those with G(y) <= C for the cost C of an (s, S) found without the algorithm (one s, all S, by the
formula of C(s, S)). No other level is used: with the optimal cost g <= C, fact 1 says that the position after ordering
stays where G <= g.

No `service` is offered: with such a constraint the best policy mixes two (s, S) at random, and the best single one has
no exact algorithm that is quick.

Source: Zheng & Federgruen (1991), Operations Research 39(4), 654-665; Snyder & Shen (2019), section 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.errors import ParameterError
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.policies.s_q import INPUTS
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.daily import normal_day_pmf, poisson_day_pmf
from invopt.theory.demand.distributions import mean_pmf, pmf_loss
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import lead_time_pmf
from invopt.theory.s_s.cost import renewal_days
from invopt.theory.s_s.search import best_order_up_to_levels

# probabilities in the rows of one model, beyond which it takes seconds
LARGEST_MODEL = 400_000
# levels looked at before pruning
LARGEST_RANGE = 1_000_000
# HiGHS leaves out coefficients below 1e-9; rows as large as this keep probabilities down to 1e-12
ROW_SCALE = 1e3
# a share of G by which rounding never decides whether a level is in
SLACK = 1e-9

INPUT_COLUMNS = (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST, LEAD_TIME, LEAD_TIME_CONFIDENCE, *DEMAND)


class SSParams(Params):
    """(s, S) has no parameters: what is short is backordered, the position is looked at once a day, and s is 0 or
    more.
    """


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used; demand is over the lead time + 1
    day.
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    demand: ItemDemand
    day_pmfs: list[np.ndarray]

    @property
    def message(self) -> np.ndarray:
        return self.demand.message


def _read(items: pd.DataFrame) -> _Inputs:
    fixed_order_cost, holding_cost, backorder_cost = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        1,
    )
    for name, values in (("fixed_order_cost", fixed_order_cost), ("backorder_cost", backorder_cost)):
        note(demand.message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        demand.message,
        ~((holding_cost > 0) & np.isfinite(holding_cost)),
        "holding_cost is {value}, must be above 0",
        holding_cost,
    )
    is_normal = demand.form == NORMAL
    # a sum of rounded days needs whole days, as for a pmf
    demand.first_lead_time[is_normal] = whole_days(demand.first_lead_time[is_normal])
    day_pmfs = [np.zeros(0)] * len(items)
    for i in np.flatnonzero((demand.form == PMF) & np.equal(demand.message, None)):
        day_pmfs[i] = mean_pmf(items["demand_pmf"].iloc[i])
    return _Inputs(fixed_order_cost, holding_cost, backorder_cost, demand, day_pmfs)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: SSParams) -> ExactSolution:
    """The best (s, S) of every item in one call; each partition's items are independent, so `offsets` makes no
    difference.

    An item whose mean demand is 0 has s = 0, S = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message. One whose demand is counted in larger steps has a message that says so: its levels and cost are those
    of demand in such steps.
    """
    inputs = _read(items)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    found = best_order_up_to_levels(
        form=demand.form[has_demand],
        demand_mean=demand.mean[has_demand],
        demand_variance=demand.variance[has_demand],
        first_lead_time=demand.first_lead_time[has_demand],
        n_lead_times=demand.n_lead_times[has_demand],
        holding_cost=inputs.holding_cost[has_demand],
        fixed_order_cost=inputs.fixed_order_cost[has_demand],
        backorder_cost=inputs.backorder_cost[has_demand],
        day_pmfs=[inputs.day_pmfs[i] for i in np.flatnonzero(has_demand)],
    )
    for value, result in zip(values, found[:3], strict=True):
        value[has_demand] = result
    step = np.ones(len(items))
    step[has_demand] = found.step
    note(
        message,
        step > 1,
        "demand is counted in steps of {value:g} units, since whole units would take too long: levels and cost are"
        " those of demand in steps",
        step,
    )
    decisions = {"REORDER_POINT": values[0], "ORDER_UP_TO_LEVEL": values[1]}
    return ExactSolution(decisions, values[2], None if np.equal(message, None).all() else message)


class _Levels(NamedTuple):
    """The levels of one item's model: the first, the cost of a day at each, and the probabilities of a day's demand
    of 0, 1, ...
    """

    first: int
    cost: np.ndarray
    day_pmf: np.ndarray


def _check_size(n: float, largest: int) -> None:
    if n > largest:
        raise ParameterError(
            "the model would have too many levels of inventory position; solve this item with method: exact"
        )


def _levels(inputs: _Inputs, i: int) -> _Levels:
    """The levels that the optimal policy of item i can use; the module's docstring says why no other is."""
    h, K, p = inputs.holding_cost[i], inputs.fixed_order_cost[i], inputs.backorder_cost[i]
    demand, a = inputs.demand, inputs.demand.mean[i]
    # with constant demand of a day the order lasts this long; the window of levels is not much longer
    quantity = np.sqrt(2 * a * K / h * (1 + h / p if p > 0 else 1.0)) + 1
    _check_size(quantity, LARGEST_RANGE)
    if demand.form[i] == PMF:
        day_pmf = inputs.day_pmfs[i]
        lead_time_demand = demand.lead_time_demand(i)
    elif demand.form[i] == NORMAL:
        _check_size(np.sqrt(demand.variance[i]) * 18 * demand.first_lead_time[i], LARGEST_RANGE)
        day_pmf = normal_day_pmf(a, demand.variance[i])
        total = lead_time_pmf(day_pmf, int(demand.first_lead_time[i]), int(demand.n_lead_times[i]))
        lead_time_demand = None
    else:
        day_pmf = poisson_day_pmf(a)
        lead_time_demand = demand.lead_time_demand(i)
    day_pmf = day_pmf[: np.flatnonzero(day_pmf > 1e-16)[-1] + 1]

    def level_costs(y: np.ndarray) -> np.ndarray:
        if lead_time_demand is None:
            short, mean = pmf_loss(y, total), total @ np.arange(len(total))
        else:
            short, mean = lead_time_demand.loss(y), lead_time_demand.mean
        return h * np.maximum(y - mean + short, 0.0) + p * short

    mean = a * (demand.first_lead_time[i] + (demand.n_lead_times[i] - 1) / 2)
    std = np.sqrt(
        max(demand.variance[i], a if demand.form[i] != PMF else 0.0) * (mean / a)
        + (a * (demand.n_lead_times[i] - 1)) ** 2 / 12
    )
    y = np.arange(1, int(mean + 2 * quantity + 6 * std) + 3)
    _check_size(len(y), LARGEST_RANGE)
    costs = level_costs(y)
    cheapest = int(costs.argmin())
    # any s will do: this one is right when demand is constant, and when orders cost nothing
    tried = np.sqrt(2 * a * K * h * (p / (p + h) if p > 0 else 1.0) + costs[cheapest] ** 2)
    start = int(np.flatnonzero(costs[: cheapest + 1] <= max(tried, costs[cheapest]))[0])
    window = costs[start:]
    m = renewal_days(day_pmf, min(len(window), int(3 * quantity) + 3))
    # C(s, S) of this s and all S: the sums of m(d) G(S - d) are a convolution
    of_all = (K + np.convolve(m, window[: len(m)])[: len(m)]) / np.cumsum(m)
    known = of_all.min() * (1 + SLACK)
    while costs[-1] <= known:
        _check_size(2 * len(y), LARGEST_RANGE)
        y = np.arange(1, 2 * len(y) + 1)
        costs = level_costs(y)
    kept = np.flatnonzero(costs <= max(known, costs.min()))
    _check_size((kept[-1] - kept[0] + 1) * min(len(day_pmf), kept[-1] - kept[0] + 1), LARGEST_MODEL)
    return _Levels(int(y[kept[0]]), costs[kept[0] : kept[-1] + 1], day_pmf)


def build_model(items: pd.DataFrame, params: SSParams) -> pyo.ConcreteModel:
    """The linear program of each item, side by side in one ConcreteModel; see the module's docstring.

    REORDER_POINT and ORDER_UP_TO_LEVEL are Expressions of the solved variables. An item without demand has one level
    that costs nothing, so that the model is never empty, and s = S = 0.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items)
    refuse(items, inputs.message)
    has_demand = [bool(mean > 0) for mean in inputs.demand.mean]
    levels = [_levels(inputs, i) if has_demand[i] else _Levels(1, np.zeros(1), np.ones(1)) for i in range(len(items))]
    with PauseGC():
        return _decision_process(levels, inputs.fixed_order_cost.tolist(), has_demand)


def _decision_process(
    levels: list[_Levels], fixed_order_cost: list[float], has_demand: list[bool]
) -> pyo.ConcreteModel:
    """One flat set of levels for all items: item i has levels ends[i]..ends[i+1]-1, level k of it is position
    levels[i].first + k.
    """
    ends = np.cumsum([0, *(len(level.cost) for level in levels)]).tolist()
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, len(levels) - 1)
    model.LEVELS = pyo.RangeSet(0, ends[-1] - 1)
    model.position_probability = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
    model.orders_up_to = pyo.Var(model.LEVELS, domain=pyo.NonNegativeReals)
    model.average_cost = pyo.Var(model.ITEMS, domain=pyo.NonNegativeReals)
    probability = list(model.position_probability.values())
    orders = list(model.orders_up_to.values())
    probabilities_of = [probability[ends[i] : ends[i + 1]] for i in range(len(levels))]
    orders_of = [orders[ends[i] : ends[i + 1]] for i in range(len(levels))]
    item_of = np.repeat(np.arange(len(levels)), np.diff(ends)).tolist()
    days = [(level.day_pmf * -ROW_SCALE) for level in levels]
    # of two kinds of rows only the numbers of days differ: they are cut from the same list
    coefficients = []
    for day in days:
        day[0] += ROW_SCALE
        coefficients.append(day.tolist())

    def orders_bring_what_demand_does_not(model: pyo.ConcreteModel, k: int) -> tuple:
        i = item_of[k]
        above = probability[k : min(k + len(coefficients[i]), ends[i + 1])]
        return (
            None,
            LinearExpression(
                linear_coefs=[*coefficients[i][: len(above)], -ROW_SCALE], linear_vars=[*above, orders[k]]
            ),
            0,
        )

    def probabilities_add_up_to_one(model: pyo.ConcreteModel, i: int) -> tuple:
        return 1, LinearExpression(linear_coefs=[1] * len(probabilities_of[i]), linear_vars=probabilities_of[i]), 1

    def item_cost(model: pyo.ConcreteModel, i: int) -> LinearExpression:
        costs = levels[i].cost.tolist() + [fixed_order_cost[i] if has_demand[i] else 0.0] * len(orders_of[i])
        return LinearExpression(linear_coefs=costs, linear_vars=probabilities_of[i] + orders_of[i])

    def average_cost_is_the_cost(model: pyo.ConcreteModel, i: int) -> tuple:
        costs = levels[i].cost.tolist() + [fixed_order_cost[i] if has_demand[i] else 0.0] * len(orders_of[i])
        return (
            0,
            LinearExpression(
                linear_coefs=[*costs, -1.0], linear_vars=[*probabilities_of[i], *orders_of[i], model.average_cost[i]]
            ),
            0,
        )

    def order_up_to_level(model: pyo.ConcreteModel, i: int) -> object:
        if not has_demand[i]:
            return 0
        places = [levels[i].first + k for k in range(len(orders_of[i]))]
        of_all = LinearExpression(linear_coefs=[1] * len(places), linear_vars=orders_of[i])
        return LinearExpression(linear_coefs=places, linear_vars=orders_of[i]) / of_all

    def reorder_point(model: pyo.ConcreteModel, i: int) -> object:
        if not has_demand[i]:
            return 0
        falling = levels[i].cost[: int(levels[i].cost.argmin())] * (1 - SLACK)
        dear = [pyo.Expr_if(IF_=model.average_cost[i] <= cost, THEN_=1, ELSE_=0) for cost in falling.tolist()]
        return levels[i].first - 1 + sum(dear)

    model.orders_bring_what_demand_does_not = pyo.Constraint(model.LEVELS, rule=orders_bring_what_demand_does_not)
    model.probabilities_add_up_to_one = pyo.Constraint(model.ITEMS, rule=probabilities_add_up_to_one)
    model.average_cost_is_the_cost = pyo.Constraint(model.ITEMS, rule=average_cost_is_the_cost)
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
    model.ORDER_UP_TO_LEVEL = pyo.Expression(model.ITEMS, rule=order_up_to_level)
    model.REORDER_POINT = pyo.Expression(model.ITEMS, rule=reorder_point)
    return model


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: at an inventory position of s or less what lifts it to S; else 0.

    S = s (an item without demand) orders nothing. An item without a decision or without a known position gets NaN.

    >>> decisions = {"REORDER_POINT": np.array([4, 4, 0]), "ORDER_UP_TO_LEVEL": np.array([10, 10, 0])}
    >>> order(decisions, pd.DataFrame({"inventory_position": [4, 5, -3]}))
    array([6., 0., 0.])
    """
    s = np.asarray(decisions["REORDER_POINT"], float)
    S = np.asarray(decisions["ORDER_UP_TO_LEVEL"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    wanted = np.where((position <= s) & (S > s), S - position, 0.0)
    return np.where(np.isnan(s) | np.isnan(S) | np.isnan(position), np.nan, wanted)


POLICY = Policy(
    name="s_s",
    title="reorder point and order-up-to level of each item",
    model_class="LP",
    algorithm="Dinkelbach's method on the cost per order cycle, over the renewal equation of the days",
    source="Zheng & Federgruen (1991), Operations Research 39(4)",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=SSParams,
    decisions=("REORDER_POINT", "ORDER_UP_TO_LEVEL"),
    build_model=build_model,
    order=order,
    examples=(
        Example(
            "Example 4.7",
            (
                {
                    "fixed_order_cost": 5.0,
                    "holding_cost": 1.0,
                    "backorder_cost": 4.0,
                    "lead_time": 0.0,
                    "lead_time_confidence": 0.0,
                    "demand_distribution": "poisson",
                    "demand_mean": np.array([6.0]),
                    "demand_variance": None,
                    "demand_pmf": None,
                },
            ),
            {},
            8.034111561471642,
            {"REORDER_POINT": (4,), "ORDER_UP_TO_LEVEL": (10,)},
            "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, Example 4.7; optimum as in stockpyl's "
            "documentation",
        ),
    ),
    solve_exact=solve_exact,
)
