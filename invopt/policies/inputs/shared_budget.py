"""The frame of an algorithm that divides a budget among the items of each partition."""

from __future__ import annotations

import numpy as np

from invopt.policies.base import Answer
from invopt.policies.inputs.items import Items
from invopt.theory.budget.search import Allocation


def answer_under_budget(
    items: Items, decided: np.ndarray, allocation: Allocation, decision: str, budget: tuple[str, np.ndarray], text: str
) -> Answer:
    """The answer of an allocation: 0 for items without demand, NaN for those refused.

    A partition whose budget is too small is refused. Where the core was too hard, the cost is that of the best known
    plan, and `bound` says how far that may be from the optimum.

    Parameters
    ----------
    decided : (n,) bool, the items of the allocation
    decision : the name of x
    budget : its column, which is also the price's name, and the (m,) budgets
    text : what is wrong with a budget that is too small, with {budget} and {least_use}
    """
    name, amount = budget
    is_too_small = np.isnan(allocation.gap)
    texts = np.full(len(amount), None, dtype=object)
    for k in np.flatnonzero(is_too_small):
        texts[k] = text.format(budget=amount[k], least_use=allocation.least_use[k])
    items.refuse(np.repeat(is_too_small, items.sizes), "{value}", np.repeat(texts, items.sizes))
    x, cost = np.zeros(len(items)), np.zeros(len(items))
    x[decided], cost[decided] = allocation.x, allocation.cost
    x[~items.is_usable] = cost[~items.is_usable] = np.nan
    price = np.where(items.is_usable, np.repeat(allocation.price, items.sizes), np.nan)
    bound = None
    if (allocation.gap > 0).any():
        total = np.add.reduceat(cost, items.offsets[:-1])
        bound = cost * np.repeat(1 - allocation.gap / np.where(total > 0, total, 1.0), items.sizes)
    return Answer({decision: x}, cost, bound, {name: price})
