"""The frame of a policy that divides a budget among the items of each partition: its algorithm and its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo

from invopt.errors import ParameterError
from invopt.models.allocation import allocation_model
from invopt.models.allocation_choices import open_choices
from invopt.policies.base import Answer
from invopt.policies.inputs.items import Items
from invopt.theory.budget.search import allocate

# a budget passed by less than this share of it is kept
ROUNDING = 1e-12


class SharedBudget(NamedTuple):
    """What is divided, in words.

    column : of the budget, also the name of its price
    decision : the decision that uses it
    too_small : what is wrong with a budget below the least use, with {budget} and {least_use}
    """

    column: str
    decision: str
    too_small: str

    def of_partitions(self, items: Items) -> np.ndarray:
        """The budgets, (m,), once all columns are read; infinite for none."""
        budget = items.limits(self.column)
        items.refuse_partitions()
        return budget


class Curves(NamedTuple):
    """The costs of the decided items for a model, as `open_choices` takes them: k convex pieces.

    best : theta -> (k,) the x of each piece with the least f(x) + theta w x
    cost : (pieces, x) -> f of these pieces at x
    item : (k,) array, the decided item of each piece, rising
    low, high : (k,) arrays, the ranges of the pieces
    """

    best: Callable[[float], np.ndarray]
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray]
    item: np.ndarray
    low: np.ndarray
    high: np.ndarray


def answer_under_budget(
    items: Items,
    shared: SharedBudget,
    decided: np.ndarray,
    pieces: tuple[np.ndarray, np.ndarray, np.ndarray],
    weight: np.ndarray,
    budget: np.ndarray,
) -> Answer:
    """The best plan of each partition: 0 for items without demand, NaN for those refused.

    A partition whose budget is too small is refused. Where the core was too hard, the cost is that of the best known
    plan, and `bound` says how far that may be from the optimum.

    Parameters
    ----------
    decided : (n,) bool
    pieces : pieces, tables and starts of the decided items, as in `allocate`
    weight : (k,) array over the decided items, what a unit uses of the budget
    budget : (m,) array
    """
    positions = np.flatnonzero(decided)
    plan = allocate(*pieces, weight, np.searchsorted(positions, items.offsets), budget)
    is_too_small = np.isnan(plan.gap)
    texts = np.full(len(budget), None, dtype=object)
    for k in np.flatnonzero(is_too_small):
        texts[k] = shared.too_small.format(budget=budget[k], least_use=plan.least_use[k])
    items.refuse(np.repeat(is_too_small, items.sizes), "{value}", np.repeat(texts, items.sizes))
    x, cost = np.zeros(len(items)), np.zeros(len(items))
    x[positions], cost[positions] = plan.x, plan.cost
    x[~items.is_usable] = cost[~items.is_usable] = np.nan
    price = np.where(items.is_usable, np.repeat(plan.price, items.sizes), np.nan)
    bound = None
    if (plan.gap > 0).any():
        total = np.add.reduceat(cost, items.offsets[:-1])
        bound = cost * np.repeat(1 - plan.gap / np.where(total > 0, total, 1.0), items.sizes)
    return Answer({shared.decision: x}, cost, bound, {shared.column: price})


def model_under_budget(
    n: int, shared: SharedBudget, decided: np.ndarray, curves: Curves, weight: np.ndarray, budget: float
) -> pyo.ConcreteModel:
    """The MILP of one partition of n items, over the quantities that are open (`models/allocation.py`).

    Parameters
    ----------
    decided : (n,) bool
    weight : (k,) array over the decided items, what a unit uses of the budget

    Raises
    ------
    ParameterError : the budget is too small, or the model would be too large.
    """
    least_use = weight @ curves.low[np.searchsorted(curves.item, np.arange(len(weight)))]
    if least_use > budget * (1 + ROUNDING):
        raise ParameterError(shared.too_small.format(budget=budget, least_use=least_use))
    choices = open_choices(*curves, weight, budget)
    positions, has_budget = np.flatnonzero(decided), bool(np.isfinite(budget))
    return allocation_model(n, positions, choices, curves.item, curves.cost, weight, has_budget, shared.decision)
