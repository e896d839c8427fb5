"""A linear or mixed-integer Pyomo model as sparse arrays.

    min c'x + c0,   lower <= Ax <= upper

Pyomo's `LinearRepnVisitor` walks each expression, which takes most of the time for a large model. Pyomo's
`LinearStandardFormCompiler` walks them too, but takes three times as long on a model of a few rows: for its options,
for turning matrices from rows to columns, for other forms. Here the rows go to HiGHS as they are read, and a row with
two limits stays one row.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.core.base.block import SortComponents
from pyomo.core.base.component import ActiveComponent
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.objective import ObjectiveData
from pyomo.core.base.var import VarData
from pyomo.repn.linear import LinearRepn, LinearRepnVisitor

# kinds of components that are rows or costs, or say nothing about them; any other active kind would be left out
KNOWN = (pyo.Block, pyo.Constraint, pyo.Expression, pyo.ExternalFunction, pyo.Objective, pyo.Suffix, pyo.Var)


class LinearForm(NamedTuple):
    """n columns, m rows, z coefficients; fixed variables are in the constants.

    columns : all variables; one that no row and no cost mentions gets a value too, within its bounds
    cost, offset : (n,) array c, and c0
    lower, upper : (m,) arrays, infinite where there is no limit
    start, index, value : A by rows: row r has value[k] in column index[k] for k = start[r] .. start[r+1] - 1
    rows : the m constraints
    """

    columns: list[VarData]
    cost: np.ndarray
    offset: float
    lower: np.ndarray
    upper: np.ndarray
    start: np.ndarray
    index: np.ndarray
    value: np.ndarray
    rows: list[ConstraintData]


def linear_form(model: pyo.ConcreteModel, objective: ObjectiveData) -> LinearForm:
    """The model's arrays.

    Raises
    ------
    InfeasibleConstraintException : a constraint holds no variable and is false.
    ValueError : something is not linear, or of a kind that has no place in rows and columns; says which.
    """
    for kind in model.collect_ctypes().difference(KNOWN):
        first = next(model.component_data_objects(kind, active=True), None)
        if first is not None and issubclass(kind, ActiveComponent):
            raise ValueError(f"{first.name} is a {kind.__name__}: HiGHS takes rows and costs")
    visitor = LinearRepnVisitor({})
    costs = _linear(visitor, objective, objective.expr)
    rows, lower, upper, coefficients = [], [], [], []
    for row in model.component_data_objects(pyo.Constraint, active=True, sort=SortComponents.ORDERED_INDICES):
        low, body, high = row.to_bounded_expression()
        low, high = (None if end is None else pyo.value(end) for end in (low, high))
        if low is None and high is None:
            continue
        terms = _linear(visitor, row, body)
        low = -np.inf if low is None else low - terms.constant
        high = np.inf if high is None else high - terms.constant
        if not terms.linear:
            if low <= 0 <= high:
                continue
            raise InfeasibleConstraintException(f"model contains a trivially infeasible constraint, {row.name!r}")
        rows.append(row)
        lower.append(low)
        upper.append(high)
        coefficients.append(terms.linear)
    columns = visitor.var_map
    _add_unmentioned(model, columns)
    # the visitor names variables by their ids
    place = {key: k for k, key in enumerate(columns)}
    start = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(of_row) for of_row in coefficients], out=start[1:])
    index = np.fromiter(map(place.__getitem__, chain.from_iterable(coefficients)), np.int32, start[-1])
    value = np.fromiter(chain.from_iterable(of_row.values() for of_row in coefficients), float, start[-1])
    cost = np.zeros(len(columns))
    for key, coefficient in costs.linear.items():
        cost[place[key]] = coefficient
    return LinearForm(
        list(columns.values()),
        cost,
        float(costs.constant),
        np.array(lower, float),
        np.array(upper, float),
        start,
        index,
        value,
        rows,
    )


def _linear(visitor: LinearRepnVisitor, component: ConstraintData | ObjectiveData, expression: object) -> LinearRepn:
    terms = visitor.walk_expression(expression)
    if terms.nonlinear is not None:
        raise ValueError(f"{component.name} is nonlinear: HiGHS takes linear costs and rows")
    return terms


def _add_unmentioned(model: pyo.ConcreteModel, columns: dict[int, VarData]) -> None:
    """Adds the variables of components that no row and no cost mentions; the visitor sees whole components only."""
    n_variables = sum(len(component) for component in model.component_objects(pyo.Var, active=True))
    if n_variables != len(columns):
        columns.update(
            {
                id(variable): variable
                for variable in model.component_data_objects(pyo.Var, active=True)
                if not variable.fixed
            }
        )
