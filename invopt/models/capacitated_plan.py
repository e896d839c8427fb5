"""The model "orders that share a capacity": lot sizes of all items of one source, over the periods of a plan.

Over the periods t of the order, in money per day of a plan of T days:

    minimize    (1/T) sum_i sum_t K_it d_it + c_it Q_it + h_it x_it   +   (1/T) sum_t price o_t
    subject to  x_it = x_i,t-1 + Q_it - r_it,    x_it >= 0          stock balance
                Q_it <= R_it d_it,   d_it in {0, 1}     R_it = r_it + r_i,t+1 + ... is all that is left to order
                v_i Q_it <= (C - s_i) d_it + o_t      an order alone must fit; given where it is the tighter of the two
                sum_i v_i Q_it + s_i d_it <= C + o_t                all orders must fit
                x_i,k-1 + sum_{k<=u<=l} r_i(u..l) d_iu >= r_i(k..l)    what stock does not cover must be ordered in k..l

v_i is an item's volume, s_i the volume that each order of it takes up whatever its size, C the capacity. o_t is
overtime at a price, so that there always is a plan.

The last rows cut off fractional d only. An order in u brings at most r(u..l) of what is needed until l, or stock of
before k has it (Barany, Van Roy & Wolsey). They are given where an order in k would still cover l if there were no
limit: the others seldom bind.

Nothing is ordered after an item's last requirement: its cost and its volume would be for nothing.

Q is integer, unless the other integers imply it. With d fixed, the rest is a flow problem if there is no C, or if all v
are equal and C and all s are multiples of v. A flow of whole requirements and capacities has whole optima at its
vertices.

The overtime's cost is shared equally by the items.

Source: Trigeiro, Thomas & McClain (1989), Management Science 35(3), 353-366; Barany, Van Roy & Wolsey (1984),
Management Science 30(10), 1255-1261.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.models.path import add_order_up_to_levels, largest_totals
from invopt.theory.lot_sizing.net_requirements import NetRequirements


class PlanItem(NamedTuple):
    """One item of the plan.

    need : (t,) array, units by the period of the order, up to the last requirement                                 [r]
    fixed, unit, holding : (t,) arrays by the period of the order                                             [K, c, h]
    unit_volume, setup_volume : volume of a unit, and of an order whatever its size                              [v, s]
    """

    need: np.ndarray
    fixed: np.ndarray
    unit: np.ndarray
    holding: np.ndarray
    unit_volume: float
    setup_volume: float


class Limit(NamedTuple):
    """The capacity of one period, in volume; infinite for none  [C]. Overtime costs `overtime_price`, money/volume."""

    capacity: float
    overtime_price: float


@dataclass(frozen=True)
class _Plan:
    """The model while it is built, with its variables by (item, period).

    horizon : periods over which costs are averaged                                                                 [T]
    """

    model: pyo.ConcreteModel
    items: Sequence[PlanItem]
    limit: Limit
    horizon: float

    @cached_property
    def quantity(self) -> dict:
        return dict(self.model.quantity.items())

    @cached_property
    def is_ordered(self) -> dict:
        return dict(self.model.is_ordered.items())

    @cached_property
    def stock(self) -> dict:
        return dict(self.model.stock.items())

    @cached_property
    def left(self) -> list[list[float]]:
        """R of each item by period, units."""
        return [np.cumsum(item.need[::-1])[::-1].tolist() for item in self.items]

    @property
    def is_limited(self) -> bool:
        return bool(np.isfinite(self.limit.capacity))


def plan_item(need: np.ndarray, costs: Sequence[np.ndarray], unit_volume: float, setup_volume: float) -> PlanItem:
    """The item, cut after its last requirement; `costs` are K, c and h by the period of the order."""
    end = int(np.flatnonzero(need)[-1]) + 1 if need.any() else 0
    return PlanItem(need[:end], *(cost[:end] for cost in costs), unit_volume, setup_volume)


def capacitated_plan(
    items: Sequence[PlanItem], limit: Limit, requirements: NetRequirements, n_periods: np.ndarray
) -> pyo.ConcreteModel:
    """The model of one partition.

    Parameters
    ----------
    requirements, n_periods : of the same items, as `add_order_up_to_levels` takes them; the longest of n_periods is T
    """
    # the collector would look through the thousands of new objects again and again: it took two thirds of the time
    with PauseGC():
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, len(items) - 1)
        model.PERIODS = pyo.RangeSet(0, requirements.requirement.shape[1] - 1)
        model.ORDERS = pyo.Set(
            initialize=[(i, t) for i, item in enumerate(items) for t in range(len(item.need))], dimen=2
        )
        is_whole = _are_flows_whole(items, limit.capacity)
        model.quantity = pyo.Var(model.ORDERS, domain=pyo.NonNegativeReals if is_whole else pyo.NonNegativeIntegers)
        model.is_ordered = pyo.Var(model.ORDERS, domain=pyo.Binary)
        model.stock = pyo.Var(model.ORDERS, domain=pyo.NonNegativeReals)
        plan = _Plan(model, items, limit, float(max(n_periods.max(initial=1), 1)))
        if plan.is_limited:
            model.overtime = pyo.Var(model.PERIODS, domain=pyo.NonNegativeReals)
        _add_orders(plan)
        if plan.is_limited:
            _add_capacity(plan)
        _add_coverage(plan)
        _add_costs(plan)
        _add_order_quantity(plan)
        add_order_up_to_levels(model, requirements, n_periods)
    return model


def _are_flows_whole(items: Sequence[PlanItem], capacity: float) -> bool:
    """Whether the quantities are a flow of whole units once the orders are given: then a vertex is whole by itself."""
    if np.isinf(capacity):
        return True
    volume = items[0].unit_volume
    if volume == 0 or any(item.unit_volume != volume for item in items):
        return False
    in_units = np.array([*(item.setup_volume for item in items), capacity]) / volume
    return bool((in_units == np.rint(in_units)).all())


def _add_orders(plan: _Plan) -> None:
    model, quantity, is_ordered, stock = plan.model, plan.quantity, plan.is_ordered, plan.stock
    left = plan.left

    def stock_balance(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        need = plan.items[i].need[t]
        coefficients, variables = [1, -1], [quantity[i, t], stock[i, t]]
        if t > 0:
            coefficients.append(1)
            variables.append(stock[i, t - 1])
        return need, LinearExpression(linear_coefs=coefficients, linear_vars=variables), need

    def a_quantity_needs_an_order(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        return None, LinearExpression(linear_coefs=(1, -left[i][t]), linear_vars=(quantity[i, t], is_ordered[i, t])), 0

    model.stock_balance = pyo.Constraint(model.ORDERS, rule=stock_balance)
    model.a_quantity_needs_an_order = pyo.Constraint(model.ORDERS, rule=a_quantity_needs_an_order)


def _add_capacity(plan: _Plan) -> None:
    model, quantity, is_ordered, capacity = plan.model, plan.quantity, plan.is_ordered, plan.limit.capacity
    volumes, setups = [item.unit_volume for item in plan.items], [item.setup_volume for item in plan.items]
    ordering: dict[int, list[int]] = {}
    for i, t in quantity:
        ordering.setdefault(t, []).append(i)

    def an_order_alone_fits(model: pyo.ConcreteModel, i: int, t: int) -> tuple:
        coefficients = (volumes[i], setups[i] - capacity, -1)
        variables = (quantity[i, t], is_ordered[i, t], model.overtime[t])
        return None, LinearExpression(linear_coefs=coefficients, linear_vars=variables), 0

    def all_orders_fit(model: pyo.ConcreteModel, t: int) -> tuple:
        items = ordering[t]
        coefficients = [volumes[i] for i in items] + [setups[i] for i in items] + [-1]
        variables = [quantity[i, t] for i in items] + [is_ordered[i, t] for i in items] + [model.overtime[t]]
        return None, LinearExpression(linear_coefs=coefficients, linear_vars=variables), capacity

    tight = [(i, t) for i, t in quantity if volumes[i] * plan.left[i][t] + setups[i] > capacity]
    model.an_order_alone_fits = pyo.Constraint(tight, rule=an_order_alone_fits)
    model.all_orders_fit = pyo.Constraint(sorted(ordering), rule=all_orders_fit)


def _add_coverage(plan: _Plan) -> None:
    model, is_ordered, stock, left = plan.model, plan.is_ordered, plan.stock, plan.left
    spans = []
    for i, item in enumerate(plan.items):
        for k, last_covered in enumerate(_last_covered(item)):
            spans += [(i, k, last) for last in range(k, last_covered + 1) if item.need[last] > 0]

    def what_stock_does_not_cover_is_ordered(model: pyo.ConcreteModel, i: int, k: int, last: int) -> tuple:
        after = left[i][last + 1] if last + 1 < len(left[i]) else 0.0
        coefficients = [amount - after for amount in left[i][k : last + 1]]
        variables = [is_ordered[i, u] for u in range(k, last + 1)]
        least = coefficients[0]
        if k > 0:
            coefficients.append(1.0)
            variables.append(stock[i, k - 1])
        return least, LinearExpression(linear_coefs=coefficients, linear_vars=variables), None

    model.what_stock_does_not_cover_is_ordered = pyo.Constraint(spans, rule=what_stock_does_not_cover_is_ordered)


def _last_covered(item: PlanItem) -> list[int]:
    """For each period k the last l that an order in k covers without a limit: until an order in between is cheaper."""
    total = np.concatenate([[0.0], np.cumsum(item.need)])
    to_the_end = item.unit + np.cumsum(item.holding[::-1])[::-1]
    most = largest_totals(total, item.fixed, np.triu(to_the_end[:, None] - to_the_end[None, :], 1))
    last = np.searchsorted(total, most, side="right") - 2
    return np.minimum(np.maximum(last, np.arange(len(item.need))), len(item.need) - 1).tolist()


def _add_costs(plan: _Plan) -> None:
    model = plan.model
    share = plan.limit.overtime_price / plan.horizon / len(plan.items)
    overtime = list(model.overtime.values()) if plan.is_limited else []

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        item = plan.items[i]
        periods = range(len(item.need))
        coefficients = (np.concatenate([item.fixed, item.unit, item.holding]) / plan.horizon).tolist()
        variables = [variable[i, t] for variable in (plan.is_ordered, plan.quantity, plan.stock) for t in periods]
        coefficients += [share] * len(overtime)
        variables += overtime
        return LinearExpression(linear_coefs=coefficients, linear_vars=variables) if variables else 0.0

    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))


def _add_order_quantity(plan: _Plan) -> None:
    model, quantity = plan.model, plan.quantity

    def order_quantity(model: pyo.ConcreteModel, i: int, t: int) -> object:
        return LinearExpression(linear_coefs=[1], linear_vars=[quantity[i, t]]) if (i, t) in quantity else 0.0

    model.ORDER_QUANTITY = pyo.Expression(model.ITEMS, model.PERIODS, rule=order_quantity)
