"""One bucket of partitions: pandas in, pandas out, as many rows as came in, and never an exception for bad data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from invopt.errors import InputError
from invopt.policies.base import Policy
from invopt.solving import highs, input_check, supervised
from invopt.solving.audit import AUDIT_OPTIONS, contradiction
from invopt.solving.by_algorithm import is_proven, solve_alone, solve_by_algorithm
from invopt.solving.by_model import solve_by_model
from invopt.solving.outcome import ALGORITHM, MODEL, SOLUTION_COLUMNS, Outcome, Status, Termination, failure
from invopt.solving.request import SolveRequest, check_request
from invopt.solving.solved_rows import KEYS, SolvedRows

Runner = Callable[[Callable[[int], Outcome], int, float], Iterable]
# beside one partition's deadline: a hundred to a thousand times what the slower algorithms need for an item
SECONDS_PER_ITEM = 0.02


def solve_bucket(
    items: pd.DataFrame,
    request: SolveRequest,
    *,
    is_retry: bool = False,
    is_flat: bool = False,
    is_worker: bool = False,
    views: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Solves every partition of the bucket; one that fails is rows with a status and a message, and the others are
    solved all the same.

    By `method: auto` the algorithm decides all, and the model those that the algorithm has not proved within the row's
    `gap`; the better of the two answers stays.

    Models are solved in a child process, which is killed when a partition takes more than 1.5 time limits + 5 s. The
    algorithm runs in this process. When `is_retry` says that the last attempt killed the process, each partition
    is solved alone in such a child, to find the one that crashes. A system that can't fork (Windows) runs everything
    in this process, with the solver's own time limit only.

    Parameters
    ----------
    items : the three keys, `partition_key`, `is_audited` and the policy's input columns, one row per item
    is_retry : a native crash, or an algorithm that did not end, killed the last attempt
    is_worker : this process may be killed, and the bucket then comes again as a retry
    is_flat : give a column per decision, as in `solved_rows.flat_schema`, instead of the map
    views : name -> frame of what the policy reads beside its items

    Returns
    -------
    DataFrame with SOLUTION_COLUMNS, one row per row of `items`, ordered by partition_key.

    Raises
    ------
    ConfigError, UnknownPolicyError : as `check_request`. InputError : a column is missing.
    """
    rows = _solve(items, request, is_retry, supervised.run, views or {}, is_worker=is_worker)
    return rows.flat() if is_flat else rows.frame()


def solve_partition(items: pd.DataFrame, request: SolveRequest) -> pd.DataFrame:
    """As `solve_bucket`, all in this process, with the solver's own time limit only: for a debugger, or for one
    partition on the command line.
    """
    return _solve(items, request, False, lambda work, n_pieces, seconds: map(work, range(n_pieces)), {}).frame()


@dataclass(frozen=True)
class _Bucket:
    """The partitions of a bucket whose inputs are good, and what is needed to solve one.

    starts, ends : (m,) arrays: partition k fills these rows of the answer; rows of bad partitions may lie between two
    """

    items: pd.DataFrame
    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    request: SolveRequest
    policy: Policy
    params: Any
    runner: Runner
    views: Mapping[str, pd.DataFrame]

    def partition(self, k: int) -> pd.DataFrame:
        return self.items.iloc[self.offsets[k] : self.offsets[k + 1]].reset_index(drop=True)

    @property
    def gap_options(self) -> dict[str, Any]:
        """The row's gap as an option of HiGHS, unless the solver's own options or the policy's set one."""
        known = {**self.policy.solver_options.get("highs", {}), **self.request.solver.options}
        return {} if "mip_rel_gap" in known else {"mip_rel_gap": self.request.row.gap}

    def by_model(self, partitions: np.ndarray, options: dict[str, Any] | None = None) -> Iterable[Outcome]:
        if not len(partitions):
            return ()
        highs.import_all()
        solver = self.request.solver
        if options and solver.kind == "highs":
            solver = solver.model_copy(update={"options": {**solver.options, **options}})
        return self._each(
            partitions, lambda k: solve_by_model(self.partition(k), self.policy, self.params, solver, self.views)
        )

    def alone(self, partitions: np.ndarray) -> Iterable[Outcome]:
        return self._each(partitions, lambda k: self.solve_alone(k))

    def solve_alone(self, k: int) -> Outcome:
        return solve_alone(self.partition(k), self.policy, self.params, self.views)

    @property
    def deadline(self) -> float:
        """Longest time for one partition, s."""
        return self.request.solver.time_limit * 1.5 + 5.0

    @property
    def seconds_of_all(self) -> float:
        """Longest time for all partitions by the algorithm, s; a slower one is tried again, each partition alone."""
        return self.deadline + SECONDS_PER_ITEM * len(self.items)

    def _each(self, partitions: np.ndarray, solve: Callable[[int], Outcome]) -> Iterable[Outcome]:
        deadline = self.deadline
        for result in self.runner(lambda piece: solve(partitions[piece]), len(partitions), deadline):
            if not isinstance(result, supervised.Lost):
                yield result
            elif result.is_timeout:
                yield failure(Termination.TIME_LIMIT, result.reason, deadline)
            else:
                yield failure(Termination.CRASHED, result.reason)


def _solve(
    items: pd.DataFrame,
    request: SolveRequest,
    is_retry: bool,
    runner: Runner,
    views: Mapping[str, pd.DataFrame],
    *,
    is_worker: bool = False,
) -> SolvedRows:
    policy, params = check_request(request)
    needed = [*KEYS, "is_audited", *(column.name for column in policy.needs)]
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
    if not is_good.any():
        return rows
    positions = np.flatnonzero(np.repeat(is_good, np.diff(offsets)))
    bucket = _Bucket(
        items=items if is_good.all() else items.iloc[positions].reset_index(drop=True),
        offsets=np.concatenate([[0], np.cumsum(np.diff(offsets)[is_good])]),
        starts=offsets[:-1][is_good],
        ends=offsets[1:][is_good],
        request=request,
        policy=policy,
        params=params,
        runner=runner,
        views=views,
    )
    if request.uses_model_alone(policy):
        _put_all(bucket, rows, bucket.by_model(np.arange(len(bucket.starts)), bucket.gap_options))
    else:
        with supervised.killed_after(bucket.seconds_of_all if is_worker and not is_retry else None):
            _solve_by_algorithm(bucket, rows, positions, is_retry)
        if request.row.method == "auto" and params.algorithm_alone_because() is None:
            _improve(bucket, rows)
        _audit(bucket, rows)
    return rows


def _ordered(items: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows with those of a partition together, and the partitions' offsets.

    The rows of a partition are in the order of their keys: the order in which a shuffle delivers them must not choose
    among optima.
    """
    items = items.sort_values("partition_key", kind="stable", ignore_index=True)
    if not len(items):
        return items, np.zeros(1, dtype=int)
    codes = pd.factorize(items["partition_key"], use_na_sentinel=False)[0]
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(items)]])
    if len(offsets) - 1 < len(items):
        items = items.sort_values(list(KEYS), kind="stable", ignore_index=True)
    return items, offsets


def _refuse_bad_input(items: pd.DataFrame, offsets: np.ndarray, policy: Policy, rows: SolvedRows) -> np.ndarray:
    """Which partitions can be solved, as (m,) bool; the rows of the others get their status."""
    keys = [column for column in SOLUTION_COLUMNS if column.name in KEYS]
    problems = input_check.problems(items, [*keys, *policy.needs])
    is_good = np.ones(len(offsets) - 1, dtype=bool)
    if problems is not None:
        for row in np.flatnonzero(problems != np.array(None)):
            k = int(np.searchsorted(offsets, row, side="right")) - 1
            if is_good[k]:
                is_good[k] = False
                rows.put(offsets[k], offsets[k + 1], failure(Termination.INVALID_INPUT, problems[row]))
    return is_good


def _put_all(bucket: _Bucket, rows: SolvedRows, outcomes: Iterable[Outcome]) -> None:
    for k, outcome in enumerate(outcomes):
        rows.put(bucket.starts[k], bucket.ends[k], outcome)


def _solve_by_algorithm(bucket: _Bucket, rows: SolvedRows, positions: np.ndarray, is_retry: bool) -> None:
    """All partitions by one call; each alone when the last attempt crashed, or when this call raises."""
    start = time.perf_counter()
    partitions = np.arange(len(bucket.starts))
    if is_retry:
        _put_all(bucket, rows, bucket.alone(partitions))
        return
    try:
        answer = solve_by_algorithm(bucket.items, bucket.offsets, bucket.policy, bucket.params, bucket.views)
    except (Exception, SystemExit):
        # some partition's data: alone it shows its own exception, and the others are solved
        _put_all(bucket, rows, map(bucket.solve_alone, partitions))
        return
    seconds = (time.perf_counter() - start) / len(partitions)
    sizes = bucket.ends - bucket.starts
    status = np.where(is_proven(answer.objective, answer.bound), str(Status.OPTIMAL), str(Status.FEASIBLE))
    values = {
        "cost": answer.cost,
        "objective": np.repeat(answer.objective, sizes),
        "bound": np.repeat(answer.bound, sizes),
        "status": np.repeat(status, sizes),
        "termination": str(Termination.CONVERGED),
        "seconds": seconds,
        "message": answer.remarks,
    }
    for name, amounts in values.items():
        rows.columns[name][positions] = amounts
    rows.put_decisions(positions, answer.values)
    rows.put_prices(positions, answer.prices)
    for k, outcome in answer.failures.items():
        rows.put(bucket.starts[k], bucket.ends[k], outcome._replace(seconds=seconds))


def _improve(bucket: _Bucket, rows: SolvedRows) -> None:
    """Solves by their models the partitions whose algorithm failed or has not proved its plan within the row's gap.

    The cheaper plan stays, with the higher of the two bounds. Where the model gives none, a remark tells why. A model
    that contradicts the algorithm is told like an audit's finding, and proves nothing.
    """
    columns, starts = rows.columns, bucket.starts
    objective, bound = columns["objective"][starts], columns["bound"][starts]
    has_plan = columns["status"][starts] != str(Status.NO_SOLUTION)
    is_refused = columns["termination"][starts] == str(Termination.INVALID_INPUT)
    is_open = ~has_plan | ~is_proven(objective, bound, bucket.request.row.gap)
    partitions = np.flatnonzero(is_open & ~is_refused)
    for k, outcome in zip(partitions, bucket.by_model(partitions, bucket.gap_options), strict=True):
        at = slice(starts[k], bucket.ends[k])
        seconds = columns["seconds"][starts[k]] + (outcome.seconds or 0.0)
        if not has_plan[k]:
            outcome = _after_failure(outcome, columns["message"][starts[k]])
            rows.put(at.start, at.stop, outcome._replace(seconds=seconds))
            rows.say_method(at, MODEL)
            continue
        columns["seconds"][at] = seconds
        gap, message = contradiction(objective[k], bound[k], outcome, bucket.request.audit_tolerance)
        if gap is not None and gap > bucket.request.audit_tolerance:
            columns["audit_gap"][at], columns["audit_message"][at] = gap, message
        elif outcome.status is Status.NO_SOLUTION:
            rows.add_remark(at, f"not proved within the gap, and the model gave no plan: {outcome.message}")
        else:
            _keep_the_better(rows, at, outcome._replace(seconds=seconds))


def _keep_the_better(rows: SolvedRows, at: slice, outcome: Outcome) -> None:
    """Of the rows' plan and the model's the cheaper one, with the higher of the two bounds."""
    columns = rows.columns
    best = np.fmax(columns["bound"][at.start], np.nan if outcome.bound is None else outcome.bound)
    if outcome.objective < columns["objective"][at.start]:
        rows.put(at.start, at.stop, outcome._replace(bound=best))
        rows.say_method(at, MODEL)
    columns["bound"][at] = best
    if is_proven(columns["objective"][at.start], best):
        columns["status"][at] = str(Status.OPTIMAL)


def _after_failure(outcome: Outcome, message: str) -> Outcome:
    """The model's outcome of a partition on which the algorithm failed; its message tells of both."""
    told = f"the algorithm failed: {message}"
    if isinstance(outcome.message, list):
        return outcome._replace(message=[told if each is None else f"{each}; {told}" for each in outcome.message])
    return outcome._replace(message=told if outcome.message is None else f"{outcome.message}; {told}")


def _audit(bucket: _Bucket, rows: SolvedRows) -> None:
    """Solves the sampled partitions by their models too and notes the difference; the algorithm's solution stays."""
    is_audited = np.logical_or.reduceat(bucket.items["is_audited"].to_numpy(dtype=bool), bucket.offsets[:-1])
    is_solved = rows.columns["status"][bucket.starts] != str(Status.NO_SOLUTION)
    audited = np.flatnonzero(is_audited & is_solved & (rows.columns["method"][bucket.starts] == ALGORITHM))
    for k, outcome in zip(audited, bucket.by_model(audited, AUDIT_OPTIONS), strict=True):
        start, at = bucket.starts[k], slice(bucket.starts[k], bucket.ends[k])
        cost, bound = (float(rows.columns[name][start]) for name in ("objective", "bound"))
        gap, message = contradiction(cost, bound, outcome, bucket.request.audit_tolerance)
        rows.columns["audit_gap"][at] = np.nan if gap is None else gap
        rows.columns["audit_message"][at] = message
