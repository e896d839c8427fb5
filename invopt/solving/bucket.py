"""One bucket of partitions: pandas in, pandas out, as many rows as came in, and never an exception for bad data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from invopt.errors import ConfigError, InputError
from invopt.policies import load
from invopt.policies.base import Policy
from invopt.solving import highs, input_check, supervised
from invopt.solving.by_algorithm import is_proven, solve_alone, solve_by_algorithm
from invopt.solving.by_model import solve_by_model
from invopt.solving.outcome import (
    SOLUTION_COLUMNS,
    Outcome,
    SolveRequest,
    Status,
    Termination,
    failure,
    relative_difference,
)
from invopt.solving.solved_rows import KEYS, SolvedRows

# exact and model may differ by the solver's own tolerances, not by more
AUDIT_TOLERANCE = 1e-6
# HiGHS stops a MIP at a gap of 1e-4 unless told; an audit to 1e-6 needs the optimum
AUDIT_OPTIONS = {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-9}


def check_request(request: SolveRequest) -> tuple[Policy, Any]:
    """The policy and its validated parameters; to be called once before a run, so that a wrong configuration costs no
    cluster time.

    Raises
    ------
    UnknownPolicyError : there is no such policy.
    ConfigError : parameters, method, time limit or solver options can't be used; all problems at once.
    """
    policy = load(request.policy, request.policies_folder)
    problems, params = [], None
    try:
        params = policy.params(**request.params)
    except ValidationError as error:
        problems += [
            f"params.{'.'.join(map(str, each['loc']))}: {each['msg']}, found {each['input']!r}"
            for each in error.errors()
        ]
    if request.method not in ("model", "exact"):
        problems.append(f"method {request.method!r}: must be model or exact")
    if request.method == "exact" and policy.solve_exact is None:
        problems.append("method 'exact': this policy has no exact algorithm, use method: model")
    if request.solver.kind not in ("highs", "pyomo"):
        problems.append(f"solver {request.solver.name!r}: kind {request.solver.kind!r} must be highs or pyomo")
    if not request.solver.time_limit > 0:
        problems.append(
            f"solver {request.solver.name!r}: time_limit {request.solver.time_limit} must be more than 0 seconds"
        )
    if problems:
        raise ConfigError(f"policy {request.policy!r} can't be solved as configured", problems)
    if request.solver.kind == "highs":
        highs.check_options(request.solver.options)
    return policy, params


def solve_bucket(
    items: pd.DataFrame, request: SolveRequest, *, is_retry: bool = False, is_flat: bool = False
) -> pd.DataFrame:
    """Solve every partition of the bucket; a partition that fails is rows with a status and a message, and its
    neighbours don't notice.

    Models are solved in a child process that is killed when a partition takes more than 1.5 time limits + 5 s. The
    exact algorithm runs in this process, unless `is_retry` says that the last attempt killed it: then each partition is
    solved alone in such a child, to find the one that does it. Where a system can't fork (Windows) all of it runs in
    this process, with the solver's own time limit only.

    Parameters
    ----------
    items : the three keys, `partition_key`, `is_audited` and the policy's input columns, one row per item
    is_retry : a native crash killed the last attempt
    is_flat : a column per decision, as `solved_rows.flat_schema` has it, in the place of the map

    Returns
    -------
    DataFrame with SOLUTION_COLUMNS, one row per row of `items`, ordered by partition_key.

    Raises
    ------
    ConfigError, UnknownPolicyError : as `check_request`. InputError : a column is missing.
    """
    rows = _solve(items, request, is_retry, supervised.run)
    return rows.flat() if is_flat else rows.frame()


def solve_partition(items: pd.DataFrame, request: SolveRequest) -> pd.DataFrame:
    """As `solve_bucket`, all in this process: for a debugger, or one partition on the command line. Only the
    solver's limit stops it.
    """
    return _solve(items, request, False, lambda work, n_pieces, seconds: map(work, range(n_pieces))).frame()


Runner = Callable[[Callable[[int], Outcome], int, float], Iterable]


class _Bucket:
    """The good partitions of a bucket and what is needed to solve one."""

    def __init__(
        self,
        items: pd.DataFrame,
        offsets: np.ndarray,
        request: SolveRequest,
        policy: Policy,
        params: Any,
        runner: Runner,
    ):
        self.items, self.offsets, self.request, self.policy, self.params = items, offsets, request, policy, params
        self._runner = runner

    def partition(self, k: int) -> pd.DataFrame:
        return self.items.iloc[self.offsets[k] : self.offsets[k + 1]].reset_index(drop=True)

    def by_model(self, partitions: np.ndarray, options: dict[str, Any] | None = None) -> Iterable[Outcome]:
        highs.import_all()
        solver = self.request.solver
        if options and solver.kind == "highs":
            solver = replace(solver, options={**solver.options, **options})
        return self._each(partitions, lambda k: solve_by_model(self.partition(k), self.policy, self.params, solver))

    def alone(self, partitions: np.ndarray) -> Iterable[Outcome]:
        return self._each(partitions, lambda k: solve_alone(self.partition(k), self.policy, self.params))

    def _each(self, partitions: np.ndarray, solve: Callable[[int], Outcome]) -> Iterable[Outcome]:
        deadline = self.request.solver.time_limit * 1.5 + 5.0
        for result in self._runner(lambda piece: solve(partitions[piece]), len(partitions), deadline):
            if isinstance(result, supervised.Lost):
                termination, seconds = (
                    (Termination.TIME_LIMIT, deadline) if result.is_timeout else (Termination.CRASHED, None)
                )
                yield failure(termination, result.reason, seconds)
            else:
                yield result


def _solve(items: pd.DataFrame, request: SolveRequest, is_retry: bool, runner: Runner) -> SolvedRows:
    policy, params = check_request(request)
    needed = [*KEYS, "is_audited", *(column.name for column in policy.input_columns)]
    missing = [f"column {name} is missing" for name in needed if name not in items.columns]
    if missing:
        raise InputError(
            f"the inputs of policy {policy.name!r} can't be used; there are: {', '.join(map(str, items.columns))}",
            missing,
        )
    items, offsets = _ordered(items)
    rows = SolvedRows(items, request, policy)
    if not len(items):
        return rows
    is_good = _refuse_bad_input(items, offsets, policy, rows)
    good = np.flatnonzero(is_good)
    if len(good):
        positions = np.flatnonzero(np.repeat(is_good, np.diff(offsets)))
        sizes = np.diff(offsets)[good]
        bucket = _Bucket(
            items if is_good.all() else items.iloc[positions].reset_index(drop=True),
            np.concatenate([[0], np.cumsum(sizes)]),
            request,
            policy,
            params,
            runner,
        )
        starts = offsets[:-1][good]
        if request.method == "model":
            for k, outcome in enumerate(bucket.by_model(np.arange(len(good)))):
                rows.put(starts[k], starts[k] + sizes[k], outcome)
        else:
            _solve_exact(bucket, rows, positions, starts, sizes, is_retry)
            _audit(bucket, rows, starts, sizes)
    return rows


def _ordered(items: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of a partition together, in the order of their keys: the order in which a shuffle delivers them must not
    choose among optima.
    """
    items = items.sort_values("partition_key", kind="stable", ignore_index=True)
    codes = pd.factorize(items["partition_key"], use_na_sentinel=False)[0]
    offsets = (
        np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(items)]])
        if len(items)
        else np.zeros(1, dtype=int)
    )
    if len(offsets) - 1 < len(items):
        items = items.sort_values(list(KEYS), kind="stable", ignore_index=True)
    return items, offsets


def _refuse_bad_input(items: pd.DataFrame, offsets: np.ndarray, policy: Policy, rows: SolvedRows) -> np.ndarray:
    """Which partitions can be solved, as (m,) bool; the others get their rows."""
    keys = [column for column in SOLUTION_COLUMNS if column.name in KEYS]
    found = input_check.problems(items, [*keys, *policy.input_columns])
    is_good = np.ones(len(offsets) - 1, dtype=bool)
    if found is not None:
        for row in np.flatnonzero(found != np.array(None)):
            k = int(np.searchsorted(offsets, row, side="right")) - 1
            if is_good[k]:
                is_good[k] = False
                rows.put(offsets[k], offsets[k + 1], failure(Termination.INVALID_INPUT, found[row]))
    return is_good


def _solve_exact(
    bucket: _Bucket, rows: SolvedRows, positions: np.ndarray, starts: np.ndarray, sizes: np.ndarray, is_retry: bool
) -> None:
    """All partitions by one call; each alone when the last attempt crashed, or when this call raises."""
    start = time.perf_counter()
    if is_retry:
        outcomes = bucket.alone(np.arange(len(starts)))
    else:
        try:
            answer = solve_by_algorithm(bucket.items, bucket.offsets, bucket.policy, bucket.params)
        except (
            Exception,
            SystemExit,
        ):  # some partition's data: alone each shows its own exception, and the others are solved
            outcomes = (solve_alone(bucket.partition(k), bucket.policy, bucket.params) for k in range(len(starts)))
        else:
            seconds = (time.perf_counter() - start) / len(starts)
            columns = rows.columns
            objective = np.repeat(answer.objective, sizes)
            values = {
                "cost": answer.cost,
                "objective": objective,
                "bound": np.repeat(answer.bound, sizes),
                "status": np.repeat(
                    np.where(is_proven(answer.objective, answer.bound), str(Status.OPTIMAL), str(Status.FEASIBLE)),
                    sizes,
                ),
                "termination": str(Termination.CONVERGED),
                "seconds": seconds,
                "message": answer.message,
            }
            for name, amounts in values.items():
                columns[name][positions] = amounts
            rows.put_decisions(positions, answer.values)
            outcomes = ()
            for k, outcome in answer.failures.items():
                rows.put(starts[k], starts[k] + sizes[k], outcome._replace(seconds=seconds))
    for k, outcome in enumerate(outcomes):
        rows.put(starts[k], starts[k] + sizes[k], outcome)


def _audit(bucket: _Bucket, rows: SolvedRows, starts: np.ndarray, sizes: np.ndarray) -> None:
    """Solve the sampled partitions by their models too and note the difference; the exact solution stays."""
    is_audited = np.logical_or.reduceat(bucket.items["is_audited"].to_numpy(dtype=bool), bucket.offsets[:-1])
    is_solved = rows.columns["status"][starts] != str(Status.NO_SOLUTION)
    audited = np.flatnonzero(is_audited & is_solved)
    for k, outcome in zip(audited, bucket.by_model(audited, AUDIT_OPTIONS), strict=True):
        gap, message = _difference(
            float(rows.columns["objective"][starts[k]]), float(rows.columns["bound"][starts[k]]), outcome
        )
        at = slice(starts[k], starts[k] + sizes[k])
        rows.columns["audit_gap"][at] = np.nan if gap is None else gap
        if message:
            own = rows.columns["message"][at]
            rows.columns["message"][at] = [message if said is None else f"{said}; {message}" for said in own]


def _difference(exact: float, bound: float, model: Outcome) -> tuple[float | None, str | None]:
    """Relative difference and what to say of it; no difference is claimed where neither method's answer contradicts the
    other's.

    The algorithm says that the optimum lies between its bound and its cost, the model the same of its own two: they
    must have a point in common. Where both prove an optimum, these are one point each.
    """
    if model.termination in (Termination.INFEASIBLE, Termination.UNBOUNDED):
        return np.inf, f"audit: exact {exact:.9g}, but the model is {model.termination}: they disagree"
    if model.status is Status.NO_SOLUTION:
        return None, f"audit: no optimum of the model to compare with ({model.termination}: {model.message})"
    is_optimal = model.status is Status.OPTIMAL
    # the model's plan may cost a little more than its bound, and another plan may lie between
    lowest = model.bound if model.bound is not None else model.objective if is_optimal else -np.inf
    if is_optimal:
        lowest = min(lowest, model.objective)
    low = exact if is_proven(exact, bound) else bound
    gap = 0.0
    if exact < lowest:
        gap = relative_difference(exact, lowest)
    elif low > model.objective:
        gap = relative_difference(low, model.objective)
    if gap > AUDIT_TOLERANCE:
        between = f"{model.objective:.9g}" if is_optimal else f"between {model.bound} and {model.objective:.9g}"
        ours = f"{exact:.9g}" if low == exact else f"between {bound:.9g} and {exact:.9g}"
        return gap, f"audit: exact {ours}, model {between}: they disagree"
    if is_optimal:
        return gap, None
    return None, f"audit: no optimum of the model to compare with ({model.termination}: {model.message})"
