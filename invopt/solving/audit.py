"""Whether the model contradicts the algorithm, on a partition that both have solved."""

from __future__ import annotations

import numpy as np

from invopt.solving.by_algorithm import is_proven
from invopt.solving.outcome import Outcome, Status, Termination, relative_difference

# HiGHS stops a MIP at a gap of 1e-4 by itself; an audit to 1e-6 needs the optimum
AUDIT_OPTIONS = {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-9}


def contradiction(cost: float, bound: float, model: Outcome, tolerance: float) -> tuple[float | None, str | None]:
    """The relative difference between the two answers, and the message about it.

    The algorithm says that the optimum lies between its bound and its cost. The model says the same of its own two
    numbers. The two ranges must have a point in common; a range whose optimum is proved is one point.

    Parameters
    ----------
    cost, bound : the algorithm's cost and lower bound of the partition, money/period
    tolerance : relative difference above which the message says that they disagree

    Returns
    -------
    gap : 0 where the ranges meet; None where the model proves no optimum and nothing is contradicted
    message : None where the model confirms the algorithm
    """
    if model.termination in (Termination.INFEASIBLE, Termination.UNBOUNDED):
        return np.inf, f"algorithm {cost:.9g}, but the model is {model.termination}: they disagree"
    if model.status is Status.NO_SOLUTION:
        return None, f"no optimum of the model to compare with ({model.termination}: {model.message})"
    is_optimal = model.status is Status.OPTIMAL
    # the model's plan may cost a little more than its bound, and another plan may lie between
    lowest = model.bound if model.bound is not None else model.objective if is_optimal else -np.inf
    if is_optimal:
        lowest = min(lowest, model.objective)
    low = cost if is_proven(cost, bound) else bound
    gap = 0.0
    if cost < lowest:
        gap = relative_difference(cost, lowest)
    elif low > model.objective:
        gap = relative_difference(low, model.objective)
    if gap > tolerance:
        of_model = f"{model.objective:.9g}" if is_optimal else f"between {model.bound} and {model.objective:.9g}"
        of_algorithm = f"{cost:.9g}" if low == cost else f"between {bound:.9g} and {cost:.9g}"
        return gap, f"algorithm {of_algorithm}, model {of_model}: they disagree"
    if is_optimal:
        return gap, None
    return None, f"no optimum of the model to compare with ({model.termination}: {model.message})"
