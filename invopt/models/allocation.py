"""The model of a budget divided among items, over the choices that `models/allocation_choices.py` left open.

    x_i whole: the units of item i;    0 <= z_ik <= 1: the k-th unit above its first open quantity
    minimize sum_i f_i(first_i) + sum_ik (f_i(first_i + k) - f_i(first_i + k - 1)) z_ik
    subject to  x_i = first_i + sum_k z_ik
                sum_i w_i x_i <= B

On a convex piece each further unit saves less. So the units are taken in their order, and wholly when x is whole. An
item whose open quantities lie on several pieces chooses one of them: y_p binary, sum_p y_p = 1, z_pk <= y_p.

A binary for each unit, without x, says the same. But a solver that branches on single units takes minutes where this
takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.errors import ParameterError
from invopt.models.allocation_choices import OpenChoices

# steps beyond which building takes many seconds
LARGEST_MODEL = 200_000
# the weight of a unit of middle weight in the budget's row: a solver lets a row be passed by 1e-6
ROW_SCALE = 1e4


class _Steps(NamedTuple):
    """The open quantities: lists over the open pieces, of which piece k has the steps ends[k]..ends[k+1]-1.

    pieces_of : item -> its open pieces
    first, first_cost : the first open quantity of each piece, and its cost
    added : cost of each step: one unit more
    """

    pieces_of: dict[int, list[int]]
    first: list[float]
    first_cost: list[float]
    ends: list[int]
    added: list[float]

    @property
    def between(self) -> dict[int, list[int]]:
        """The items that choose between pieces, with these."""
        return {item: pieces for item, pieces in self.pieces_of.items() if len(pieces) > 1}

    @property
    def open_items(self) -> list[int]:
        """The items with more than one open quantity."""
        return [
            item
            for item, pieces in self.pieces_of.items()
            if len(pieces) > 1 or self.ends[pieces[0]] < self.ends[pieces[0] + 1]
        ]


class _Sum(NamedTuple):
    """constant + coefficients . variables."""

    constant: float
    coefficients: list[float]
    variables: list


def allocation_model(
    n: int,
    decided: np.ndarray,
    choices: OpenChoices,
    piece_item: np.ndarray,
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weight: np.ndarray,
    has_budget: bool,
    decision: str,
) -> pyo.ConcreteModel:
    """The model of n items, of which `decided` (the positions of the items of `choices`) are to be decided.

    The others have 0 and cost 0.

    Parameters
    ----------
    choices, piece_item, cost, weight : of `open_choices`, or as it takes them
    decision : name of x in the model

    Raises
    ------
    ParameterError : the model would be too large.
    """
    steps = _steps(choices, piece_item, cost)
    with PauseGC():
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, n - 1)
        model.STEPS = pyo.RangeSet(0, steps.ends[-1] - 1)
        model.PIECES = pyo.Set(initialize=[k for pieces in steps.between.values() for k in pieces])
        model.OPEN = pyo.Set(initialize=steps.open_items)
        model.units = pyo.Var(model.OPEN, domain=pyo.NonNegativeIntegers)
        model.takes_step = pyo.Var(model.STEPS, bounds=(0, 1))
        model.uses_piece = pyo.Var(model.PIECES, domain=pyo.Binary)
        units_of, cost_of = _sums(model, steps)
        _add_decision(model, decided, units_of, cost_of, decision)
        _add_rows(model, steps, units_of)
        if has_budget and len(model.OPEN):
            _add_budget(model, choices, weight)
    return model


def _steps(
    choices: OpenChoices, piece_item: np.ndarray, cost: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> _Steps:
    live = np.flatnonzero(choices.first <= choices.last)
    lengths = (choices.last - choices.first)[live].astype(np.int64)
    if lengths.sum() > LARGEST_MODEL:
        raise ParameterError(
            f"the model would have over {LARGEST_MODEL} open quantities; solve this partition with method: algorithm"
        )
    ends = np.cumsum(np.concatenate([[0], lengths]))
    piece = np.repeat(live, lengths)
    added = np.zeros(0)
    if len(piece):
        x = choices.first[piece] + np.arange(len(piece)) - np.repeat(ends[:-1], lengths)
        added = cost(piece, x + 1) - cost(piece, x)
    pieces_of: dict[int, list[int]] = {}
    for k, item in enumerate(piece_item[live].tolist()):
        pieces_of.setdefault(item, []).append(k)
    first = choices.first[live]
    return _Steps(pieces_of, first.tolist(), cost(live, first).tolist(), ends.tolist(), added.tolist())


def _sums(model: pyo.ConcreteModel, steps: _Steps) -> tuple[dict[int, _Sum], dict[int, _Sum]]:
    """The units of each item, and their cost, in the steps and pieces that the model takes."""
    takes_step = list(model.takes_step.values())
    units_of, cost_of = {}, {}
    for item, pieces in steps.pieces_of.items():
        indexes = [j for k in pieces for j in range(steps.ends[k], steps.ends[k + 1])]
        variables, added = [takes_step[j] for j in indexes], [steps.added[j] for j in indexes]
        first, first_cost = [steps.first[k] for k in pieces], [steps.first_cost[k] for k in pieces]
        if len(pieces) > 1:
            variables = [model.uses_piece[k] for k in pieces] + variables
            units_of[item] = _Sum(0.0, first + [1.0] * len(indexes), variables)
            cost_of[item] = _Sum(0.0, first_cost + added, variables)
        else:
            units_of[item] = _Sum(first[0], [1.0] * len(indexes), variables)
            cost_of[item] = _Sum(first_cost[0], added, variables)
    return units_of, cost_of


def _add_decision(
    model: pyo.ConcreteModel,
    decided: np.ndarray,
    units_of: dict[int, _Sum],
    cost_of: dict[int, _Sum],
    decision: str,
) -> None:
    item_at = {position: item for item, position in enumerate(decided.tolist())}
    open_units = dict(model.units.items())

    def units(model: pyo.ConcreteModel, i: int) -> object:
        if i not in item_at:
            return 0.0
        item = item_at[i]
        return open_units[item] if item in open_units else units_of[item].constant

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        if i not in item_at:
            return 0.0
        constant, coefficients, variables = cost_of[item_at[i]]
        if not variables:
            return constant
        return LinearExpression(constant=constant, linear_coefs=coefficients, linear_vars=variables)

    model.add_component(decision, pyo.Expression(model.ITEMS, rule=units))
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(
        expr=LinearExpression(
            constant=sum(part.constant for part in cost_of.values()),
            linear_coefs=[coefficient for part in cost_of.values() for coefficient in part.coefficients],
            linear_vars=[variable for part in cost_of.values() for variable in part.variables],
        )
    )


def _add_rows(model: pyo.ConcreteModel, steps: _Steps, units_of: dict[int, _Sum]) -> None:
    between = steps.between

    def units_are_the_steps_taken(model: pyo.ConcreteModel, item: int) -> tuple:
        constant, coefficients, variables = units_of[item]
        difference = LinearExpression(linear_coefs=[*coefficients, -1.0], linear_vars=[*variables, model.units[item]])
        return -constant, difference, -constant

    model.units_are_the_steps_taken = pyo.Constraint(model.OPEN, rule=units_are_the_steps_taken)
    model.one_piece_of_each_item = pyo.Constraint(
        list(between), rule=lambda model, item: pyo.quicksum(model.uses_piece[k] for k in between[item]) == 1
    )
    model.steps_belong_to_a_piece_in_use = pyo.Constraint(
        [(k, j) for k in model.PIECES for j in range(steps.ends[k], steps.ends[k + 1])],
        rule=lambda model, k, j: model.takes_step[j] <= model.uses_piece[k],
    )


def _add_budget(model: pyo.ConcreteModel, choices: OpenChoices, weight: np.ndarray) -> None:
    open_items = list(model.OPEN)
    middle = float(np.median(weight[open_items]))
    scale = ROW_SCALE / middle if middle > 0 else 1.0
    weights = (scale * weight[open_items]).tolist()
    # the plan's open items use this much of the budget, and this much is left
    right = scale * (choices.left + float(weight[open_items] @ choices.plan[open_items]))
    model.budget_is_kept = pyo.Constraint(
        expr=(None, LinearExpression(linear_coefs=weights, linear_vars=list(model.units.values())), right)
    )
