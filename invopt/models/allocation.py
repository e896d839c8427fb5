"""The model of a budget divided among items, over the choices that `models/allocation_choices.py` left open.

    x_i whole: what item i gets;    0 <= z_ik <= 1: the k-th unit above its first open quantity
    minimize sum_i f_i(first_i) + sum_ik (f_i(first_i + k) - f_i(first_i + k - 1)) z_ik
    subject to  x_i = first_i + sum_k z_ik
                sum_i w_i x_i <= B

On a convex piece each further unit saves less, so the units are taken in their order, and wholly when x is whole. An
item whose open quantities lie on several pieces chooses one of them: y_p binary, sum_p y_p = 1, z_pk <= y_p. A binary
for each unit, without x, says the same, but a solver that branches on single units takes minutes where this takes
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.errors import ParameterError
from invopt.models.allocation_choices import Window

# steps beyond which building takes many seconds
LARGEST_MODEL = 200_000
# what a unit of middle weight counts in the budget's row: a solver lets a row be passed by 1e-6
ROW_SCALE = 1e4


def allocation_model(
    n: int,
    decided: np.ndarray,
    window: Window,
    piece_item: np.ndarray,
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weight: np.ndarray,
    has_budget: bool,
    decision: str,
) -> pyo.ConcreteModel:
    """The model of n items, of which `decided` (the positions of the window's items) are to be decided; the others have
    0 and cost 0.

    decision : name of x in the model

    Raises
    ------
    ParameterError : the model would be too large.
    """
    live = np.flatnonzero(window.first <= window.last)
    lengths = (window.last - window.first)[live].astype(np.int64)
    if lengths.sum() > LARGEST_MODEL:
        raise ParameterError(
            f"the model would have over {LARGEST_MODEL} open quantities; solve this partition with method: exact"
        )
    ends = np.cumsum(np.concatenate([[0], lengths])).tolist()
    of_step = np.repeat(live, lengths)
    level = (
        window.first[of_step] + np.arange(len(of_step)) - np.repeat(ends[:-1], lengths) if len(live) else np.zeros(0)
    )
    added = (cost(of_step, level + 1) - cost(of_step, level)).tolist() if len(of_step) else []
    first, first_cost = window.first[live].tolist(), cost(live, window.first[live]).tolist()
    pieces_of: dict[int, list[int]] = {}
    for k, item in enumerate(piece_item[live].tolist()):
        pieces_of.setdefault(item, []).append(k)
    with PauseGC():
        return _build(
            n, decided.tolist(), pieces_of, first, first_cost, ends, added, window, weight, has_budget, decision
        )


def _build(
    n: int,
    decided: list[int],
    pieces_of: dict[int, list[int]],
    first: list[float],
    first_cost: list[float],
    ends: list[int],
    added: list[float],
    window: Window,
    weight: np.ndarray,
    has_budget: bool,
    decision: str,
) -> pyo.ConcreteModel:
    """Piece k has steps ends[k]..ends[k+1]-1; `pieces_of` gives the open pieces of each decided item."""
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, n - 1)
    model.STEPS = pyo.RangeSet(0, ends[-1] - 1)
    chosen_between = [k for pieces in pieces_of.values() if len(pieces) > 1 for k in pieces]
    model.PIECES = pyo.Set(initialize=chosen_between)
    is_open = {item: len(pieces) > 1 or ends[pieces[0]] < ends[pieces[0] + 1] for item, pieces in pieces_of.items()}
    open_items = [item for item in pieces_of if is_open[item]]
    model.OPEN = pyo.Set(initialize=open_items)
    model.units = pyo.Var(model.OPEN, domain=pyo.NonNegativeIntegers)
    model.takes_step = pyo.Var(model.STEPS, bounds=(0, 1))
    model.uses_piece = pyo.Var(model.PIECES, domain=pyo.Binary)
    step = list(model.takes_step.values())
    share, rows = {}, {}
    for item, pieces in pieces_of.items():
        taken = [step[j] for k in pieces for j in range(ends[k], ends[k + 1])]
        costs = [added[j] for k in pieces for j in range(ends[k], ends[k + 1])]
        used = [model.uses_piece[k] for k in pieces] if len(pieces) > 1 else []
        if used:
            share[item] = (0.0, [first_cost[k] for k in pieces] + costs, used + taken)
            rows[item] = (0.0, [first[k] for k in pieces] + [1.0] * len(taken), used + taken)
        else:
            share[item] = (first_cost[pieces[0]], costs, taken)
            rows[item] = (first[pieces[0]], [1.0] * len(taken), taken)
    position = {place: item for item, place in enumerate(decided)}

    def units(model: pyo.ConcreteModel, i: int) -> object:
        if i not in position:
            return 0.0
        item = position[i]
        return model.units[item] if is_open[item] else first[pieces_of[item][0]]

    def item_cost(model: pyo.ConcreteModel, i: int) -> object:
        if i not in position:
            return 0.0
        constant, coefficients, variables = share[position[i]]
        return (
            LinearExpression(constant=constant, linear_coefs=coefficients, linear_vars=variables)
            if variables
            else constant
        )

    def units_are_the_steps_taken(model: pyo.ConcreteModel, item: int) -> tuple:
        constant, coefficients, variables = rows[item]
        return (
            -constant,
            LinearExpression(linear_coefs=[*coefficients, -1.0], linear_vars=[*variables, model.units[item]]),
            -constant,
        )

    model.add_component(decision, pyo.Expression(model.ITEMS, rule=units))
    model.item_cost = pyo.Expression(model.ITEMS, rule=item_cost)
    model.total_cost = pyo.Objective(
        expr=LinearExpression(
            constant=sum(part[0] for part in share.values()),
            linear_coefs=[c for part in share.values() for c in part[1]],
            linear_vars=[v for part in share.values() for v in part[2]],
        )
    )
    model.units_are_the_steps_taken = pyo.Constraint(model.OPEN, rule=units_are_the_steps_taken)
    model.one_piece_of_each_item = pyo.Constraint(
        [item for item, pieces in pieces_of.items() if len(pieces) > 1],
        rule=lambda model, item: pyo.quicksum(model.uses_piece[k] for k in pieces_of[item]) == 1,
    )
    model.steps_belong_to_a_piece_in_use = pyo.Constraint(
        [(k, j) for k in chosen_between for j in range(ends[k], ends[k + 1])],
        rule=lambda model, k, j: step[j] <= model.uses_piece[k],
    )
    if has_budget and open_items:
        middle = float(np.median(weight[open_items]))
        scale = ROW_SCALE / middle if middle > 0 else 1.0
        weights = (scale * weight[open_items]).tolist()
        # what is left, and what the open items use of the budget in the plan
        right = scale * (window.left + float(weight[open_items] @ window.base[open_items]))
        model.budget_is_kept = pyo.Constraint(
            expr=(None, LinearExpression(linear_coefs=weights, linear_vars=list(model.units.values())), right)
        )
    return model
