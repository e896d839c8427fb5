"""The model "one of several": each item takes one of the pairs of decisions that are listed for it, at the cost listed.

    x_k >= 0, sum over the item's k of x_k = 1,    minimize  sum_k cost_k x_k

It is a linear program whose vertices are the choices themselves. Any cost can be listed. The list must hold an optimum:
the file that makes it, such as `models/review_choices.py`, proves that it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import LinearExpression

from invopt.errors import ParameterError

# choices of one item beyond which building its model takes seconds and hundreds of megabytes
LARGEST_MODEL = 200_000
# pairs of an item that are always listed, if there are so many: with a single one the model would choose nothing
FEWEST = 200
# pairs looked at before pruning
LARGEST_RANGE = 5_000_000


class Choices(NamedTuple):
    """(m,) arrays of one item: units, units, money per day."""

    reorder_point: np.ndarray
    order_quantity: np.ndarray
    cost: np.ndarray


# decision -> field of a choice
S_Q = {"REORDER_POINT": "reorder_point", "ORDER_QUANTITY": "order_quantity"}
NOTHING = Choices(np.zeros(1), np.zeros(1), np.zeros(1))


def check_size(n: float, largest: int) -> None:
    """Refuse what would take too long.

    Raises
    ------
    ParameterError : n is above the largest; says which method to take.
    """
    if not n <= largest:
        raise ParameterError(
            f"the model would have over {largest} pairs of reorder point and order quantity; "
            "solve this item with method: algorithm"
        )


def flat_ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All whole numbers from first[k] to last[k], one range after the other, and the k of each.

    A range is empty where last < first.

    Raises
    ------
    ParameterError : there are over LARGEST_RANGE.

    >>> flat_ranges(np.array([3, 5, 1]), np.array([4, 4, 2]))
    (array([3, 4, 1, 2]), array([0, 0, 2, 2]))
    """
    count = np.maximum(last - first + 1, 0)
    check_size(count.sum(), LARGEST_RANGE)
    k = np.repeat(np.arange(len(count)), count)
    starts = np.cumsum(count) - count
    return np.arange(len(k)) - starts[k] + first[k], k


def cheapest(limit: float, s: np.ndarray, quantity: np.ndarray, cost: np.ndarray) -> Choices:
    """The pairs that cost at most `limit`, filled up to FEWEST with the next ones.

    limit : the cost of a known pair, and a little more

    Raises
    ------
    ParameterError : over LARGEST_MODEL of them are left.
    """
    n_kept = max(int((cost <= limit).sum()), min(FEWEST, int(np.isfinite(cost).sum())))
    check_size(n_kept, LARGEST_MODEL)
    least = np.sort(np.argpartition(cost, n_kept - 1)[:n_kept])
    return Choices(s[least], quantity[least], cost[least])


def selection_model(choices: Sequence[NamedTuple], decisions: Mapping[str, str] = S_Q) -> pyo.ConcreteModel:
    """One flat set of choices for all items; the decisions and item_cost of an item are sums over its choices.

    Parameters
    ----------
    choices : for each item arrays of one length, `cost` and the fields that decisions name
    decisions : decision -> field
    """
    ends = np.cumsum([0, *(len(item.cost) for item in choices)]).tolist()
    # the collector would look through the thousands of new objects again and again
    with PauseGC():
        model = pyo.ConcreteModel()
        model.ITEMS = pyo.RangeSet(0, len(choices) - 1)
        model.CHOICES = pyo.RangeSet(0, ends[-1] - 1)
        model.is_chosen = pyo.Var(model.CHOICES, domain=pyo.NonNegativeReals)
        chosen = list(model.is_chosen.values())
        chosen_of = [chosen[ends[i] : ends[i + 1]] for i in range(len(choices))]

        def weighted(field: str) -> dict[int, LinearExpression]:
            """For each item the sum of its choices' values.

            Pyomo reads a dict in half the time of a rule, which it inspects first.
            """
            return {
                i: LinearExpression(linear_coefs=getattr(item, field).tolist(), linear_vars=chosen_of[i])
                for i, item in enumerate(choices)
            }

        takes_one = {i: (1, LinearExpression(variables), 1) for i, variables in enumerate(chosen_of)}
        model.each_item_takes_one = pyo.Constraint(model.ITEMS, rule=takes_one)
        model.item_cost = pyo.Expression(model.ITEMS, initialize=weighted("cost"))
        model.total_cost = pyo.Objective(expr=pyo.quicksum(model.item_cost.values()))
        for decision, field in decisions.items():
            model.add_component(decision, pyo.Expression(model.ITEMS, initialize=weighted(field)))
    return model
