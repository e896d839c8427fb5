"""The frame of an algorithm that decides item by item: who is decided, and where the results go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from invopt.policies.base import Answer, Decision
from invopt.policies.inputs.items import Items

# a solver's value this close to a whole number, relative to it, is that number
WHOLE = 1e-6
LARGEST_ROUNDING = 0.01


def answer_each(
    items: Items,
    decides: Sequence[Decision],
    has_demand: np.ndarray,
    search: Callable[[np.ndarray], Sequence[np.ndarray]],
) -> Answer:
    """The answer for independent items: 0 for those without demand, NaN for those refused, else what the search gives.

    Parameters
    ----------
    decides : in the order of the search's results
    has_demand : (n,) bool
    search : (n,) bool, the items to decide -> an array for each decision, and the cost, money/period, of those items
    """
    is_usable = items.is_usable
    chosen = is_usable & has_demand
    values = [np.where(is_usable, 0.0, np.nan) for _ in range(len(decides) + 1)]
    for value, result in zip(values, search(chosen), strict=True):
        value[chosen] = result
    names = [decision.name for decision in decides]
    return Answer(dict(zip(names, values[:-1], strict=True)), values[-1])


def whole_decisions(decides: Sequence[Decision], decisions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The decisions as whole numbers; NaN where one is farther from them than a solver's rounding.

    >>> whole_decisions([Decision("Q", "units", "an order")], {"Q": [2.9999999, 2.5]})["Q"]
    array([ 3., nan])
    """
    given = {decision.name: np.asarray(decisions[decision.name], dtype=float) for decision in decides}
    rounding = {name: np.clip(WHOLE * np.abs(values), WHOLE, LARGEST_ROUNDING) for name, values in given.items()}
    return {
        name: np.where(np.abs(values - values.round()) <= rounding[name], values.round(), np.nan)
        for name, values in given.items()
    }


def cost_each(
    items: Items,
    decides: Sequence[Decision],
    decisions: Mapping[str, np.ndarray],
    has_demand: np.ndarray,
    cost: Callable[..., float],
) -> np.ndarray:
    """The cost of given decisions of independent items, (n,) money/period.

    An item without demand for which nothing is decided costs 0. A refused item, and one with an unknown decision, has
    NaN.

    Parameters
    ----------
    decisions : decision name -> (n,) array
    has_demand : (n,) bool
    cost : (i, each decision of item i) -> money/period
    """
    given = np.column_stack([np.asarray(decisions[decision.name], dtype=float) for decision in decides])
    costs = np.full(len(items), np.nan)
    is_known = items.is_usable & np.isfinite(given).all(axis=1)
    is_idle = is_known & ~has_demand & (given == 0).all(axis=1)
    costs[is_idle] = 0.0
    for i in np.flatnonzero(is_known & ~is_idle):
        costs[i] = cost(i, *given[i])
    return costs
