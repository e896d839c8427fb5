"""A policy's partitions go into buckets, which one call solves, and waves, which are committed together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.pipelines.context import Context
from invopt.policies.base import Policy
from invopt.spark.session import default_parallelism
from invopt.tables import Table, policy_inputs

# rows of a policy's inputs per file: a wave should read its own files and few others
ROWS_PER_FILE = 250_000


@dataclass(frozen=True)
class Placement:
    """How many buckets and waves the partitions of `n_items` items are divided into."""

    n_items: int
    n_buckets: int
    n_waves: int

    @staticmethod
    def of(n_items: int, per_bucket: int, per_wave: int, waves: int | None, n_tasks: int) -> Placement:
        """At least one bucket per task of a wave, so that no core is idle; never more buckets than items.

        >>> Placement.of(1_000_000, 15_000, 250_000, None, 4)
        Placement(n_items=1000000, n_buckets=68, n_waves=4)
        """
        n_waves = max(1, min(waves or math.ceil(n_items / per_wave), n_items))
        per_wave_buckets = max(math.ceil(n_items / n_waves / per_bucket), min(n_tasks, math.ceil(n_items / n_waves)), 1)
        return Placement(n_items, per_wave_buckets * n_waves, n_waves)


def placement_of(context: Context, row: PolicyRow, n_items: int, n_partitions: int) -> Placement:
    """The placement of a policy's partitions, as the configuration's sizes give it."""
    solve = context.config.solve
    by_model = row.method == "model"
    placement = Placement.of(
        n_partitions,
        solve.models_per_bucket if by_model else solve.items_per_bucket,
        solve.models_per_wave if by_model else solve.items_per_wave,
        solve.waves,
        tasks_of(context),
    )
    return replace(placement, n_items=n_items)


def tasks_of(context: Context) -> int:
    """Tasks of a wave: what the configuration says, else one per core."""
    return context.config.solve.tasks or default_parallelism(context.spark)


def write_placed(
    context: Context, row: PolicyRow, policy: Policy, keyed: DataFrame, n_items: int, n_partitions: int
) -> Placement:
    """Writes a policy's inputs, given with their partition keys, with the bucket and wave of each partition.

    The numbers are of the policy's scope; what its SELECT leaves out of it makes the buckets smaller.
    """
    placement = placement_of(context, row, n_items, n_partitions)
    table: Table = policy_inputs(policy.name, policy.needs)
    bucket = F.pmod(F.xxhash64("partition_key"), F.lit(max(1, placement.n_buckets)))
    placed = keyed.withColumns(
        {"run_id": F.lit(context.run_id), "policy_id": F.lit(row.id), "bucket": bucket.cast("int")}
    ).withColumn("wave", (F.col("bucket") * placement.n_waves / F.lit(max(1, placement.n_buckets))).cast("int"))
    n_files = max(placement.n_waves, math.ceil(placement.n_items / ROWS_PER_FILE), 1)
    # a file holds few buckets and a bucket lies in one file: a wave then skips the other waves' files
    placed = placed.repartitionByRange(n_files, "bucket").sortWithinPartitions("bucket")
    return replace(
        placement, n_items=context.store.replace(table, placed, {"run_id": context.run_id, "policy_id": row.id})
    )
