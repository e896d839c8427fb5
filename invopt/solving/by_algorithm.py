"""Many partitions at once by a policy's algorithm, with its answer checked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from invopt.policies.base import Answer, Policy
from invopt.policies.inputs.items import Items
from invopt.solving.by_model import failed
from invopt.solving.outcome import Outcome, Status, Termination, failure

# relative gap up to which an objective counts as the optimum
PROVEN = 1e-6


class CheckedAnswer(NamedTuple):
    """Checked answer for m partitions of n items in all.

    values : decision name -> (n,) array, or (n, T) where it has periods; in the order in which the policy declares them
    cost : (n,) array, money/period
    objective : (m,) array, money/period
    bound : (m,) array, money/period; the objective where the algorithm gives none
    prices : price name -> (n,) array
    remarks : (n,) object array of texts and None
    failures : partition -> why it has no solution
    """

    values: dict[str, np.ndarray]
    cost: np.ndarray
    objective: np.ndarray
    bound: np.ndarray
    prices: dict[str, np.ndarray]
    remarks: np.ndarray
    failures: dict[int, Outcome]


def solve_by_algorithm(
    frame: pd.DataFrame,
    offsets: np.ndarray,
    policy: Policy,
    params: Any,
    views: Mapping[str, pd.DataFrame] | None = None,
) -> CheckedAnswer:
    """Calls the algorithm once for all partitions; partition k is rows offsets[k]:offsets[k+1].

    views : as in `Items`

    Raises
    ------
    ValueError : the answer doesn't have the shapes or the decisions that the policy declares. The algorithm's own
        exceptions pass through.
    """
    items = Items(frame, policy.needs, offsets, views)
    answer = policy.algorithm(items, params)
    values = {name: np.asarray(amount, dtype=float) for name, amount in answer.decisions.items()}
    prices = {name: np.asarray(price, dtype=float) for name, price in (answer.prices or {}).items()}
    cost = np.asarray(answer.cost, dtype=float)
    bound = cost if answer.bound is None else np.asarray(answer.bound, dtype=float)
    _check_names(policy, answer)
    _check_shapes(len(frame), values, {"cost": cost, "bound": bound, **prices})
    starts = items.offsets[:-1]
    return CheckedAnswer(
        {name: values[name] for name in policy.decision_names},
        cost,
        np.add.reduceat(cost, starts),
        np.add.reduceat(bound, starts),
        {name: prices.get(name, np.full(len(frame), np.nan)) for name in policy.prices},
        items.remarks,
        _failures(items, cost, values),
    )


def _check_names(policy: Policy, answer: Answer) -> None:
    if set(answer.decisions) != set(policy.decision_names):
        raise ValueError(
            f"the algorithm returned the decisions {sorted(answer.decisions)}, the policy declares "
            f"{sorted(policy.decision_names)}"
        )
    if not set(answer.prices or ()) <= set(policy.prices):
        raise ValueError(
            f"the algorithm returned the prices {sorted(answer.prices)}, the policy declares {sorted(policy.prices)}"
        )


def _check_shapes(n: int, values: dict[str, np.ndarray], amounts: dict[str, np.ndarray]) -> None:
    wrong = [f"{name} {array.shape}" for name, array in values.items() if array.ndim not in (1, 2) or len(array) != n]
    wrong += [f"{name} {array.shape}" for name, array in amounts.items() if array.shape != (n,)]
    if wrong:
        raise ValueError(f"the algorithm returned wrong shapes for {n} items: {', '.join(wrong)}")


def is_proven(objective: np.ndarray | float, bound: np.ndarray | float, gap: float = PROVEN) -> np.ndarray | bool:
    """Whether the bound reaches the objective but for a relative `gap`; a bound that is NaN proves nothing."""
    return objective - bound <= gap * np.maximum(1.0, np.abs(objective))


def solve_alone(
    items: pd.DataFrame, policy: Policy, params: Any, views: Mapping[str, pd.DataFrame] | None = None
) -> Outcome:
    """One partition by the algorithm; an exception becomes the outcome's message and is never raised."""
    start = time.perf_counter()
    try:
        answer = solve_by_algorithm(items, np.array([0, len(items)]), policy, params, views)
    except (Exception, SystemExit) as error:  # whatever a policy's code may do, its neighbours get solved
        return failed(error)._replace(seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if answer.failures:
        return answer.failures[0]._replace(seconds=seconds)
    objective, bound = float(answer.objective[0]), float(answer.bound[0])
    by_name = {name: amounts.reshape(len(items), -1).tolist() for name, amounts in answer.values.items()}
    return Outcome(
        Termination.CONVERGED,
        Status.OPTIMAL if is_proven(objective, bound) else Status.FEASIBLE,
        objective,
        bound,
        seconds,
        decisions=[{name: amounts[i] for name, amounts in by_name.items()} for i in range(len(items))],
        cost=answer.cost.tolist(),
        message=answer.remarks.tolist(),
        prices={name: price.tolist() for name, price in answer.prices.items()} or None,
    )


def _failures(items: Items, cost: np.ndarray, values: dict[str, np.ndarray]) -> dict[int, Outcome]:
    """A partition is decided as a whole: one item that is refused, or whose cost or decision is no number, leaves it
    without a solution.
    """
    is_bad = ~items.is_usable | ~np.isfinite(cost)
    for amounts in values.values():
        is_bad |= ~np.isfinite(amounts.reshape(len(cost), -1)).all(axis=1)
    failures: dict[int, Outcome] = {}
    for row in np.flatnonzero(is_bad):
        partition = int(np.searchsorted(items.offsets, row, side="right")) - 1
        if partition in failures:
            continue
        if items.problems[row] is not None:
            failures[partition] = failure(Termination.INVALID_INPUT, f"{items.name(row)}: {items.problems[row]}")
        else:
            answer = {"cost": float(cost[row]), **{name: amounts[row].tolist() for name, amounts in values.items()}}
            failures[partition] = failure(
                Termination.ERROR,
                f"the algorithm gave values of {items.name(row)} that are no numbers and no message: {answer}",
            )
    return failures
