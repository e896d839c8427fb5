"""Step `solve`: each partition's model is solved on the executors, a bucket of partitions per call; gold.solutions.

A wave is a range of buckets that is solved and committed together, so that a lost driver costs one wave; what is done
is in gold.steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame, GroupedData, Observation, Row
from pyspark.sql import functions as F

from invopt import policies, solving
from invopt.config import PolicyRow, default_partition
from invopt.errors import AuditError, TableError, raise_together
from invopt.pipelines.due import due, until
from invopt.pipelines.inputs import fingerprint_of, tasks_of
from invopt.pipelines.report import unfold_decisions
from invopt.pipelines.steps import Run, Stopwatch
from invopt.tables import SOLUTIONS, Table, policy_inputs
from invopt.tables.columns import ITEM

STEP = "solve"


def solve(run: Run) -> None:
    """Solves the partitions of every policy that is due, wave by wave; a wave that is done with the same inputs is not
    done again.

    Raises
    ------
    TableError, AuditError : as `solve_policy`, once all the others are solved.
    """
    planned = due(run)
    refused: list[TableError | AuditError] = []
    for row in run.config.active_policies():
        if row in planned.optimized:
            try:
                solve_policy(run, row)
            except (TableError, AuditError) as error:
                run.say(f"  ! policy {row.id} is refused: see the error at the end")
                refused.append(error)
        else:
            run.say(
                f"solve {row.id}: the solutions of run {planned.standing[row.id]} hold, "
                f"{until(planned.next_optimized[row.id])}"
            )
    if run.config.lakehouse.catalog is not None and run.lakehouse.exists(
        SOLUTIONS
    ):  # elsewhere the view would end with the session
        unfold_decisions(run)
    raise_together(refused)


def task_of(run: Run, row: PolicyRow) -> solving.Task:
    """What the executors need to know of a policy."""
    solver = run.config.solver(row.solver)
    return solving.Task(
        policy=row.policy,
        policies_folder=run.config.policies_folder,
        params=row.params,
        method=row.method,
        solver=solving.Solver(
            name=solver.name,
            kind=solver.kind,
            plugin=solver.plugin,
            time_limit=solver.time_limit,
            options=solver.options,
        ),
    )


def solve_policy(run: Run, row: PolicyRow) -> None:
    """One policy's waves.

    Raises
    ------
    TableError : the inputs were not made.
    AuditError : exact algorithm and model disagree on a sampled partition; the solutions are written all the same, to
        be looked at.
    """
    policy = policies.load(row.policy, run.config.policies_folder)
    inputs_fingerprint = fingerprint_of(run, row.id)
    if not inputs_fingerprint:
        raise TableError(
            f"run {run.run_id} has no inputs for policy {row.id}: run `invopt inputs` with the same --as-of and "
            "configuration first"
        )
    table = policy_inputs(policy.name, policy.input_columns)
    waves = _waves(run, row, policy, table)
    fingerprint = run.fingerprint(
        STEP, inputs_fingerprint, row.model_dump_json(), run.config.solver(row.solver).model_dump_json()
    )
    done = {wave: one for wave, one in run.done(STEP, row.id).items() if one["fingerprint"] == fingerprint}
    total = sum(one.partitions for one in waves.values())
    if waves and set(waves) <= set(done):
        run.say(f"solve {row.id}: unchanged, {total:,} partitions are solved already")
        check_audit(run, row)
        return
    audit_every = max(1, total // run.config.solve.audit_partitions) if run.config.solve.audit_partitions else 0
    is_first = not run.lakehouse.exists(SOLUTIONS)
    if not waves and not done:
        # solved, for the steps that come after: there was nothing to do
        run.record(STEP, fingerprint, rows=0, seconds=0.0, policy_id=row.id)
    task, watch, n_done, n_failed = task_of(run, row), Stopwatch(), 0, 0
    for wave, one in sorted(waves.items()):
        if wave in done:
            n_done, n_failed = n_done + one.partitions, n_failed + done[wave]["failed"]
            continue
        wave_watch = Stopwatch()
        rows = run.lakehouse.slice(table, {"run_id": run.run_id, "policy_id": row.id, "wave": wave})
        solutions = solved(rows, task, wave, n_tasks=tasks_of(run), n_buckets=one.buckets, audit_every=audit_every)
        solutions = solutions.withColumns({"run_id": F.lit(run.run_id), "policy_id": F.lit(row.id)})
        # counted while they are written: reading them again would cost each wave another query
        seen = Observation()
        solutions = solutions.observe(
            seen, F.count_if(F.col("status") == "no_solution").alias("failed"), F.max("audit_gap").alias("largest_gap")
        )
        written = run.lakehouse.replace(
            SOLUTIONS, solutions, {"run_id": run.run_id, "policy_id": row.id, "wave": wave}, check_keys=False
        )
        if written != one.items:
            raise TableError(
                f"policy {row.id}, wave {wave}: {one.items:,} items went in and "
                f"{written:,} solutions came out; this is a defect of invopt"
            )
        failed = seen.get["failed"]
        run.record(
            STEP,
            fingerprint,
            rows=written,
            failed=failed,
            seconds=wave_watch.seconds,
            policy_id=row.id,
            wave=wave,
            audit_gap=seen.get["largest_gap"],
        )
        n_done, n_failed = n_done + one.partitions, n_failed + failed
        run.say(
            f"solve {row.id}: wave {wave + 1}/{len(waves)}, {n_done:,} of {total:,} partitions, {n_failed:,} "
            "items without a solution, "
            f"{one.partitions / max(wave_watch.seconds, 1e-9):,.0f} partitions/s"
        )
    if not is_first:
        _forget_old_waves(run, row, sorted(waves))
    run.say(f"solve {row.id}: done in {watch.seconds:.1f} s")
    if n_failed:
        _say_failures(run, row)
    check_audit(run, row)


@dataclass(frozen=True)
class _Wave:
    """What is solved and committed together: a range of buckets."""

    buckets: int
    items: int
    partitions: int


def _waves(run: Run, row: PolicyRow, policy: policies.Policy, table: Table) -> dict[int, _Wave]:
    slice_ = {"run_id": run.run_id, "policy_id": row.id}
    buckets: dict[int, list[Row]] = {}
    for one in run.lakehouse.counts(table, ["wave", "bucket"], slice_):
        buckets.setdefault(one["wave"], []).append(one)
    items = {wave: sum(one["n"] for one in of_wave) for wave, of_wave in buckets.items()}
    partitions = items
    if tuple(default_partition(row, policy.partition_by)) != ITEM:  # else every item is a partition of its own
        counted = (
            run.lakehouse.slice(table, slice_)
            .groupBy("wave")
            .agg(F.count_distinct("partition_key").alias("partitions"))
            .collect()
        )
        partitions = {one["wave"]: one["partitions"] for one in counted}
    return {wave: _Wave(len(of_wave), items[wave], partitions[wave]) for wave, of_wave in buckets.items()}


def solved(
    rows: DataFrame, task: solving.Task, wave: int, *, n_tasks: int, n_buckets: int, audit_every: int
) -> DataFrame:
    """The solutions of a wave's rows: one call per bucket, and as many tasks as asked for, whatever AQE thinks of
    the sizes.
    """
    is_audited = (
        F.pmod(F.xxhash64("partition_key", F.lit("audit")), F.lit(audit_every)) == 0 if audit_every else F.lit(False)
    )
    n_tasks = max(1, min(n_tasks, n_buckets))
    # among the groups' keys, so that Spark knows the groups to be together and doesn't shuffle once more
    number = F.pmod("bucket", F.lit(n_tasks)).cast("int")
    spread = rows.drop("run_id", "policy_id", "wave").withColumns({"is_audited": is_audited, "task": number})
    spread = (
        spread.repartitionById(n_tasks, "task")
        if hasattr(spread, "repartitionById")
        else spread.repartition(n_tasks, "task")
    )
    return solve_groups(spread.groupBy("task", "bucket"), task, wave)


def solve_groups(groups: GroupedData, task: solving.Task, wave: int) -> DataFrame:
    """The wave, the bucket and SOLUTION_COLUMNS of groups of whole partitions, each group by one call of Python.

    The wave comes from there too: as a number in the query it would make Spark compile the same code anew for each
    wave.
    """
    decisions = policies.load(task.policy, task.policies_folder).decisions
    flat = {"wave": "int", "bucket": "int", **solving.flat_schema(len(decisions))}
    solutions = groups.applyInPandas(
        _group_solver(task, wave), ", ".join(f"{name} {kind}" for name, kind in flat.items())
    )
    values = (F.coalesce(solving.series_column(k), F.array(solving.one_column(k))) for k in range(len(decisions)))
    named = [part for name, value in zip(decisions, values, strict=True) for part in (F.lit(name), value)]
    is_solved = F.col("status") != "no_solution"
    return solutions.withColumn("decisions", F.when(is_solved, F.create_map(*named))).select(
        "wave", "bucket", *(column.name for column in solving.SOLUTION_COLUMNS)
    )


def _group_solver(task: solving.Task, wave: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function that Spark calls with one group's rows."""

    def solve_group(items: pd.DataFrame) -> pd.DataFrame:
        context = TaskContext.get()
        bucket = items["bucket"].iloc[0]
        solutions = solving.solve_bucket(
            items, task, is_retry=context is not None and context.attemptNumber() > 0, is_flat=True
        )
        solutions.insert(0, "bucket", bucket)
        solutions.insert(0, "wave", wave)
        return solutions

    return solve_group


def _of_policy(run: Run, row: PolicyRow, solved_by: str | None = None) -> DataFrame:
    return run.lakehouse.read(SOLUTIONS).where(
        (F.col("run_id") == (solved_by or run.run_id)) & (F.col("policy_id") == row.id)
    )


def _forget_old_waves(run: Run, row: PolicyRow, waves: list[int]) -> None:
    """An earlier attempt of the same run may have had other waves (one can be empty); their rows must not stay
    beside the new ones.
    """
    there = run.lakehouse.counts(SOLUTIONS, ["wave"], {"run_id": run.run_id, "policy_id": row.id})
    for wave in sorted({one["wave"] for one in there} - set(waves)):
        nothing = run.lakehouse.read(SOLUTIONS).limit(0)
        run.lakehouse.replace(
            SOLUTIONS, nothing, {"run_id": run.run_id, "policy_id": row.id, "wave": wave}, check_keys=False
        )


def _say_failures(run: Run, row: PolicyRow) -> None:
    failures = (
        _of_policy(run, row)
        .where("status = 'no_solution'")
        .groupBy("termination")
        .agg(F.count(F.lit(1)).alias("n"), F.min("message").alias("message"))
        .orderBy("termination")
        .collect()
    )
    for one in failures:
        run.say(f"  ! {one['n']:,} items {one['termination']}, such as: {one['message']}")


def check_audit(run: Run, row: PolicyRow, solved_by: str | None = None) -> None:
    """Refuses solutions whose audit failed; `order` asks too, because a step may be run by itself, or use an earlier
    run's solutions.
    """
    largest = [one["audit_gap"] for one in run.done(STEP, row.id, solved_by).values() if one["audit_gap"] is not None]
    if all(gap <= run.config.solve.audit_tolerance for gap in largest):
        return
    audited = _of_policy(run, row, solved_by).where("audit_gap IS NOT NULL")
    wrong = (
        audited.where(F.col("audit_gap") > run.config.solve.audit_tolerance)
        .orderBy(F.desc("audit_gap"))
        .limit(5)
        .collect()
    )
    if wrong:
        shown = "; ".join(
            f"{one['partition_key']} (relative difference {one['audit_gap']:.2g}: {one['message']})" for one in wrong
        )
        raise AuditError(
            f"policy {row.id}: the exact algorithm and the model disagree on {shown}. The solutions are in "
            f"{SOLUTIONS.name}, no order was "
            f"made from them; re-solve one with `invopt solve-one`, or set `method: model` in conf/policies.yaml"
        )
