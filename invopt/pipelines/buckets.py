"""A wave's rows to the executors and back: one call of Python for each bucket of partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from invopt import policies, solving


def solved(
    rows: DataFrame,
    request: solving.SolveRequest,
    wave: int,
    *,
    n_tasks: int,
    n_buckets: int,
    audit_every: int,
    views: Mapping[str, pd.DataFrame] | None = None,
) -> DataFrame:
    """The solutions of a wave's rows: one call per bucket, and as many tasks as asked for, whatever AQE thinks of
    the sizes.

    views : what the policy reads beside its items
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
    return solve_groups(placed.groupBy("task", "bucket"), request, wave, views)


def solve_groups(
    groups: GroupedData, request: solving.SolveRequest, wave: int, views: Mapping[str, pd.DataFrame] | None = None
) -> DataFrame:
    """The wave, the bucket and SOLUTION_COLUMNS of groups of whole partitions, each group by one call of Python.

    The wave comes from there too: as a number in the query it would make Spark compile the same code anew for each
    wave.
    """
    policy = policies.load(request.row.policy, request.policies_folder)
    decisions = policy.decision_names
    flat = {"wave": "int", "bucket": "int", **solving.flat_schema(policy)}
    solutions = groups.applyInPandas(
        _group_solver(request, wave, views), ", ".join(f"{name} {kind}" for name, kind in flat.items())
    )
    values = (F.coalesce(solving.series_column(k), F.array(solving.one_column(k))) for k in range(len(decisions)))
    named = [part for name, value in zip(decisions, values, strict=True) for part in (F.lit(name), value)]
    is_solved = F.col("status") != "no_solution"
    solutions = solutions.withColumns({"decisions": F.when(is_solved, F.create_map(*named)), "prices": _prices(policy)})
    return solutions.select("wave", "bucket", *(column.name for column in solving.SOLUTION_COLUMNS))


def _prices(policy: policies.Policy) -> Column:
    """The map of the prices there are; NULL where there is none."""
    priced = F.lit(None).cast("map<string,double>")
    if policy.prices:
        columns = {name: F.col(solving.price_column(k)) for k, name in enumerate(policy.prices)}
        every = F.create_map(*(part for name, price in columns.items() for part in (F.lit(name), price)))
        priced = F.when(
            F.coalesce(*columns.values()).isNotNull(), F.map_filter(every, lambda _, price: price.isNotNull())
        )
    return priced


def _group_solver(
    request: solving.SolveRequest, wave: int, views: Mapping[str, pd.DataFrame] | None
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function that Spark calls with one group's rows."""

    def solve_group(items: pd.DataFrame) -> pd.DataFrame:
        context = TaskContext.get()
        bucket = items["bucket"].iloc[0]
        solutions = solving.solve_bucket(
            items,
            request,
            is_retry=context is not None and context.attemptNumber() > 0,
            is_flat=True,
            is_worker=context is not None,
            views=views,
        )
        solutions.insert(0, "bucket", bucket)
        solutions.insert(0, "wave", wave)
        return solutions

    return solve_group
