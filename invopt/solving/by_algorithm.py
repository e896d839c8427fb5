"""Many partitions at once by a policy's exact algorithm, with its answer checked."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from invopt.policies.base import Policy
from invopt.solving.by_model import failed
from invopt.solving.outcome import Outcome, Status, Termination, failure

# relative gap up to which an objective counts as the optimum
PROVEN = 1e-6


class ExactAnswer(NamedTuple):
    """Checked answer for m partitions of n items in all.

    values : decision name -> (n,) array, or (n, T) where it has periods; in the order in which the policy declares them
    cost : (n,) array, money/period
    objective : (m,) array, money/period
    bound : (m,) array, money/period; the objective where the algorithm gives none
    message : (n,) object array, or None when nothing was said
    failures : partition -> why it has no solution
    """

    values: dict[str, np.ndarray]
    cost: np.ndarray
    objective: np.ndarray
    bound: np.ndarray
    message: np.ndarray | None
    failures: dict[int, Outcome]


def solve_by_algorithm(items: pd.DataFrame, offsets: np.ndarray, policy: Policy, params: Any) -> ExactAnswer:
    """Calls the algorithm once for all partitions; partition k is rows offsets[k]:offsets[k+1].

    Raises
    ------
    ValueError : the answer doesn't have the shapes or the decisions that the policy declares. The algorithm's own
        exceptions pass through.
    """
    solution = policy.solve_exact(items, offsets, params)
    n = len(items)
    cost = np.asarray(solution.cost, dtype=float)
    values = {name: np.asarray(amount, dtype=float) for name, amount in solution.decisions.items()}
    message = None if solution.message is None else np.asarray(solution.message, dtype=object)
    if set(values) != set(policy.decisions):
        raise ValueError(
            f"solve_exact returned the decisions {sorted(values)}, the policy declares {sorted(policy.decisions)}"
        )
    wrong = [f"{name} {array.shape}" for name, array in values.items() if array.ndim not in (1, 2) or len(array) != n]
    if cost.shape != (n,):
        wrong.append(f"cost {cost.shape}")
    if message is not None and message.shape != (n,):
        wrong.append(f"message {message.shape}")
    bound = cost if solution.bound is None else np.asarray(solution.bound, dtype=float)
    if bound.shape != (n,):
        wrong.append(f"bound {bound.shape}")
    if wrong:
        raise ValueError(f"solve_exact returned wrong shapes for {n} items: {', '.join(wrong)}")
    starts = offsets[:-1]
    failures = _failures(cost, values, message, offsets)
    return ExactAnswer(
        {name: values[name] for name in policy.decisions},
        cost,
        np.add.reduceat(cost, starts),
        np.add.reduceat(bound, starts),
        message,
        failures,
    )


def is_proven(objective: np.ndarray | float, bound: np.ndarray | float) -> np.ndarray | bool:
    """Whether the bound reaches the objective, as nearly as a solver's own optimum is proved; a bound that is NaN
    proves nothing.
    """
    return objective - bound <= PROVEN * np.maximum(1.0, np.abs(objective))


def solve_alone(items: pd.DataFrame, policy: Policy, params: Any) -> Outcome:
    """One partition by the algorithm; an exception becomes the outcome's message and is never raised."""
    start = time.perf_counter()
    try:
        answer = solve_by_algorithm(items, np.array([0, len(items)]), policy, params)
    except (Exception, SystemExit) as error:  # whatever a policy's code may do, its neighbours get solved
        return failed(error)._replace(seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if answer.failures:
        return answer.failures[0]._replace(seconds=seconds)
    objective, bound = float(answer.objective[0]), float(answer.bound[0])
    status = Status.OPTIMAL if is_proven(objective, bound) else Status.FEASIBLE
    by_name = {name: amounts.reshape(len(items), -1).tolist() for name, amounts in answer.values.items()}
    decisions = [{name: amounts[i] for name, amounts in by_name.items()} for i in range(len(items))]
    return Outcome(
        Termination.CONVERGED,
        status,
        objective,
        bound,
        seconds,
        decisions,
        answer.cost.tolist(),
        None if answer.message is None else answer.message.tolist(),
    )


def _failures(
    cost: np.ndarray, values: dict[str, np.ndarray], message: np.ndarray | None, offsets: np.ndarray
) -> dict[int, Outcome]:
    """A partition is decided as a whole: one item without a cost, or with a decision that is no number, leaves it
    without a solution.
    """
    is_bad = ~np.isfinite(cost)
    for amounts in values.values():
        is_bad |= ~np.isfinite(amounts.reshape(len(cost), -1)).all(axis=1)
    failures: dict[int, Outcome] = {}
    for item in np.flatnonzero(is_bad):
        partition = int(np.searchsorted(offsets, item, side="right")) - 1
        if partition in failures:
            continue
        reason = None if message is None else message[item]
        if reason and np.isnan(cost[item]):
            failures[partition] = failure(Termination.INVALID_INPUT, str(reason))
        else:
            answer = {"cost": float(cost[item]), **{name: amounts[item].tolist() for name, amounts in values.items()}}
            failures[partition] = failure(
                Termination.ERROR, f"solve_exact gave values that are no numbers and no message: {answer}"
            )
    return failures
