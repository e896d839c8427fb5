"""A wave's rows to the executors and back: one call of Python for each bucket of partitions."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame, GroupedData
from pyspark.sql import functions as F

from invopt import policies, solving


def solved(
    rows: DataFrame, request: solving.SolveRequest, wave: int, *, n_tasks: int, n_buckets: int, audit_every: int
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
    placed = rows.drop("run_id", "policy_id", "wave").withColumns({"is_audited": is_audited, "task": number})
    placed = (
        placed.repartitionById(n_tasks, "task")
        if hasattr(placed, "repartitionById")
        else placed.repartition(n_tasks, "task")
    )
    return solve_groups(placed.groupBy("task", "bucket"), request, wave)


def solve_groups(groups: GroupedData, request: solving.SolveRequest, wave: int) -> DataFrame:
    """The wave, the bucket and SOLUTION_COLUMNS of groups of whole partitions, each group by one call of Python.

    The wave comes from there too: as a number in the query it would make Spark compile the same code anew for each
    wave.
    """
    decisions = policies.load(request.row.policy, request.policies_folder).decisions
    flat = {"wave": "int", "bucket": "int", **solving.flat_schema(len(decisions))}
    solutions = groups.applyInPandas(
        _group_solver(request, wave), ", ".join(f"{name} {kind}" for name, kind in flat.items())
    )
    values = (F.coalesce(solving.series_column(k), F.array(solving.one_column(k))) for k in range(len(decisions)))
    named = [part for name, value in zip(decisions, values, strict=True) for part in (F.lit(name), value)]
    is_solved = F.col("status") != "no_solution"
    return solutions.withColumn("decisions", F.when(is_solved, F.create_map(*named))).select(
        "wave", "bucket", *(column.name for column in solving.SOLUTION_COLUMNS)
    )


def _group_solver(request: solving.SolveRequest, wave: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function that Spark calls with one group's rows."""

    def solve_group(items: pd.DataFrame) -> pd.DataFrame:
        context = TaskContext.get()
        bucket = items["bucket"].iloc[0]
        solutions = solving.solve_bucket(
            items, request, is_retry=context is not None and context.attemptNumber() > 0, is_flat=True
        )
        solutions.insert(0, "bucket", bucket)
        solutions.insert(0, "wave", wave)
        return solutions

    return solve_group
