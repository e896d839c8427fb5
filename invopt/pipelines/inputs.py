"""Step `inputs`: silver -> gold.demand_forecasts -> gold.item_state -> the inputs of each policy, in buckets and waves.

The run's manifest pins the version of every silver table that is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt import __version__, policies
from invopt.config import PolicyRow, Scope, default_partition
from invopt.errors import InputError, TableError
from invopt.pipelines.due import due
from invopt.pipelines.steps import Run, Stopwatch, now
from invopt.policies.base import Policy
from invopt.spark import sql
from invopt.spark.session import default_parallelism
from invopt.tables import DEMAND_FORECASTS, ITEM_STATE, ORDERS, RUNS, Table, policy_inputs, silver
from invopt.tables.columns import ITEM
from invopt.tables.datasets import DATASETS

STEP = "inputs"
UNFINISHED = "unfinished"
THREADS = 4
# rows of a policy's inputs per file: a wave should read its own files and few others
ROWS_PER_FILE = 250_000
_SILVER = {silver(dataset).name.split(".")[1]: silver(dataset) for dataset in DATASETS}
# views of item_state.sql that are silver tables
_VIEWS = (
    "stock_lots",
    "landed_orders",
    "product_suppliers",
    "suppliers",
    "assortment",
    "products",
    "product_storage",
    "storages",
)


@dataclass(frozen=True)
class Spread:
    """How a policy's partitions are spread: buckets are what one call solves, waves what is committed together."""

    n_items: int
    n_buckets: int
    n_waves: int

    @staticmethod
    def of(n_items: int, per_bucket: int, per_wave: int, waves: int | None, n_tasks: int) -> Spread:
        """At least one bucket per task of a wave, so that no core is idle; never more buckets than items.

        >>> Spread.of(1_000_000, 15_000, 250_000, None, 4)
        Spread(n_items=1000000, n_buckets=68, n_waves=4)
        """
        n_waves = max(1, min(waves or math.ceil(n_items / per_wave), n_items))
        per_wave_buckets = max(math.ceil(n_items / n_waves / per_bucket), min(n_tasks, math.ceil(n_items / n_waves)), 1)
        return Spread(n_items, per_wave_buckets * n_waves, n_waves)


def make_inputs(run: Run) -> dict[str, Spread]:
    """Makes the state of all items and the inputs of every active policy, unless they are there already."""
    missing = [table.name for table in _SILVER.values() if not run.lakehouse.exists(table)]
    if missing:
        raise TableError(f"{', '.join(missing)} not found: run `invopt ingest` and `invopt conform` first")
    versions = {table.name: run.lakehouse.version(table) for table in _SILVER.values()}
    rows_due = due(run).optimized
    fingerprint = run.fingerprint(STEP, sorted(versions.items()), _open_orders_hash(run), [row.id for row in rows_due])
    if _is_done(run, fingerprint):
        run.say(f"inputs: unchanged since run {run.run_id} made them")
        return {}
    watch = Stopwatch()
    policy_ids = [row.id for row in rows_due]
    # from here until the end the tables hold something of both runs, and a step that is stopped in between must not
    # look done
    run.record_all(STEP, UNFINISHED, dict.fromkeys(["*", *policy_ids], 0), 0.0)
    _write_manifest(run, versions)
    silver_views = {
        name: run.lakehouse.read(_SILVER[name], versions[_SILVER[name].name]) for name in (*_VIEWS, "forecast_points")
    }
    rows = _write_item_state(run, silver_views)
    if rows == 0:
        raise InputError(
            "there is no item to decide for",
            [
                "silver.product_suppliers is empty: "
                "publicparameters/store_product_supplier.csv must say who supplies which product to which store"
            ],
        )
    item_state = run.lakehouse.read(ITEM_STATE).where(F.col("run_id") == run.run_id)
    in_scopes = _counts(run, item_state)
    spreads = _write_all_inputs(run, rows_due, item_state, in_scopes)
    of_which = (
        ", of which " + ", ".join(f"{spread.n_items:,} for {name}" for name, spread in spreads.items())
        if spreads
        else ""
    )
    run.say(f"inputs: {rows:,} items{of_which}, {watch.seconds:.1f} s")
    for name, spread in spreads.items():
        if spread.n_items == 0:
            run.say(f"  ! no item is in the scope of policy {name}; see `scope` in conf/policies.yaml")
    _say_problems(run, item_state)
    _say_overlaps(run, in_scopes)
    run.record_all(
        STEP, fingerprint, {"*": rows, **{name: spread.n_items for name, spread in spreads.items()}}, watch.seconds
    )
    return spreads


def fingerprint_of(run: Run, policy_id: str) -> str:
    """The fingerprint under which a policy's inputs were made, "" when they were not."""
    done = run.done(STEP, policy_id)
    return done[0]["fingerprint"] if done and done[0]["fingerprint"] != UNFINISHED else ""


def _is_done(run: Run, fingerprint: str) -> bool:
    done = run.done(STEP)
    return bool(done) and done[0]["fingerprint"] == fingerprint


def _open_orders_hash(run: Run) -> int:
    """What our own earlier orders contribute; later runs, and this run's own orders, must not change it."""
    if not run.lakehouse.exists(ORDERS):
        return 0
    earlier = run.lakehouse.read(ORDERS).where(F.col("ordered_at") < F.lit(run.as_of))
    return earlier.agg(F.expr("bit_xor(xxhash64(order_id, quantity, status))")).first()[0] or 0


def _write_manifest(run: Run, versions: dict[str, int]) -> None:
    row = (
        run.run_id,
        run.as_of,
        run.config.results_hash(),
        json.dumps(run.config.model_dump(mode="json"), sort_keys=True),
        __version__,
        versions,
        now(),
    )
    run.lakehouse.replace_few(RUNS, [row], {"run_id": run.run_id})


def _write_item_state(run: Run, silver_views: dict[str, DataFrame]) -> int:
    values = {"run_id": run.run_id, "as_of": run.as_of}
    oldest = run.as_of - timedelta(days=run.config.inputs.forecast_max_age)
    forecasts = sql.query(
        run.spark,
        sql.text("gold/demand_forecasts"),
        {"forecast_points": silver_views["forecast_points"]},
        {**values, "oldest": oldest},
    )
    run.lakehouse.replace(DEMAND_FORECASTS, forecasts, {"run_id": run.run_id}, check_keys=False)  # grouped by its key
    run.lakehouse.create(ORDERS)
    views = {name: silver_views[name] for name in _VIEWS}
    views["orders"] = run.lakehouse.read(ORDERS)
    views["demand_forecasts"] = run.lakehouse.read(DEMAND_FORECASTS).where(F.col("run_id") == run.run_id)
    state = sql.query(
        run.spark,
        sql.text("gold/item_state"),
        views,
        {
            **values,
            "horizon": run.config.inputs.horizon,
            "forecast_max_age": run.config.inputs.forecast_max_age,
            "baselines": list(run.config.inputs.baselines),
        },
    )
    return run.lakehouse.replace(ITEM_STATE, state, {"run_id": run.run_id})


def in_scope(scope: Scope) -> Column:
    """Whether a policy decides for an item: all that is given must hold, and only the cheapest source is ordered
    from.
    """
    holds = F.lit(True) if scope.source_id is not None else F.col("source_rank") == 1
    for name in ("location_id", "product_id", "source_id", "department_id"):
        ids = getattr(scope, name)
        if ids is not None:
            holds = holds & F.coalesce(F.col(name).isin(*ids), F.lit(False))
    if scope.is_perishable is not None:
        holds = holds & (F.col("shelf_life").isNotNull() if scope.is_perishable else F.col("shelf_life").isNull())
    return holds


def _write_all_inputs(
    run: Run, rows: Sequence[PolicyRow], item_state: DataFrame, counts: dict[tuple[str, ...], int]
) -> dict[str, Spread]:
    """The inputs of each policy, several at a time: planning a write keeps one core busy. Rows of one policy share a
    table and wait.
    """
    of_policy: dict[str, list[PolicyRow]] = {}
    for row in rows:
        of_policy.setdefault(row.policy, []).append(row)

    def write(alike: list[PolicyRow]) -> dict[str, Spread]:
        return {row.id: _write_policy_inputs(run, row, item_state, _items_of(row, counts)) for row in alike}

    with ThreadPoolExecutor(THREADS) as pool:
        spreads = {name: spread for done in pool.map(write, of_policy.values()) for name, spread in done.items()}
    return {row.id: spreads[row.id] for row in rows}


def _write_policy_inputs(run: Run, row: PolicyRow, item_state: DataFrame, n_items: int) -> Spread:
    """The policy's own SELECT over its scope, with the bucket and wave of each partition."""
    policy = policies.load(row.policy, run.config.policies_folder)
    partition_by = default_partition(row, policy.partition_by)
    scoped = item_state.where(in_scope(row.scope))
    # each policy has a view of its own scope; the id is an identifier that the configuration has checked
    view = f"item_state_of_{row.id}"
    statement = f"WITH item_state AS (SELECT * FROM {view}) SELECT * FROM ({policy.inputs}\n)"
    selected = sql.query(run.spark, statement, {view: scoped}, _values_of(run, policy.inputs))
    # what partitions are made of may not be among the policy's columns
    of_partition = [name for name in partition_by if name not in selected.columns]
    if of_partition:
        selected = selected.join(scoped.select(*ITEM, *of_partition), on=list(ITEM), how="inner")
    keyed = selected.withColumn(
        "partition_key", F.concat_ws("|", *(F.coalesce(F.col(name), F.lit("?")) for name in partition_by))
    )
    n_partitions = n_items if tuple(partition_by) == ITEM else scoped.select(*partition_by).distinct().count()
    return write_placed(run, row, policy, keyed, n_items, n_partitions)


def write_placed(run: Run, row: PolicyRow, policy: Policy, keyed: DataFrame, n_items: int, n_partitions: int) -> Spread:
    """Writes a policy's inputs, given with their partition keys, with the bucket and wave of each partition.

    The numbers are of the policy's scope; what its SELECT leaves out of it makes the buckets smaller.
    """
    spread = spread_of(run, row, n_items, n_partitions)
    table: Table = policy_inputs(policy.name, policy.input_columns)
    bucket = F.pmod(F.xxhash64("partition_key"), F.lit(max(1, spread.n_buckets)))
    placed = keyed.withColumns(
        {"run_id": F.lit(run.run_id), "policy_id": F.lit(row.id), "bucket": bucket.cast("int")}
    ).withColumn("wave", (F.col("bucket") * spread.n_waves / F.lit(max(1, spread.n_buckets))).cast("int"))
    n_files = max(spread.n_waves, math.ceil(spread.n_items / ROWS_PER_FILE), 1)
    # a file holds few buckets and a bucket lies in one file: a wave then skips the other waves' files
    placed = placed.repartitionByRange(n_files, "bucket").sortWithinPartitions("bucket")
    return replace(spread, n_items=run.lakehouse.replace(table, placed, {"run_id": run.run_id, "policy_id": row.id}))


def _values_of(run: Run, statement: str) -> dict:
    """The parameters that the policy's SELECT uses; Spark refuses those that it does not."""
    values = {"as_of": run.as_of, "horizon": run.config.inputs.horizon}
    return {name: value for name, value in values.items() if f":{name}" in statement}


def spread_of(run: Run, row: PolicyRow, n_items: int, n_partitions: int) -> Spread:
    """The spread of a policy's partitions over buckets, tasks and waves."""
    solve = run.config.solve
    by_model = row.method == "model"
    spread = Spread.of(
        n_partitions,
        solve.models_per_bucket if by_model else solve.items_per_bucket,
        solve.models_per_wave if by_model else solve.items_per_wave,
        solve.waves,
        tasks_of(run),
    )
    return replace(spread, n_items=n_items)


def tasks_of(run: Run) -> int:
    """Tasks of a wave: what the configuration says, else one per core."""
    return run.config.solve.tasks or default_parallelism(run.spark)


def _say_problems(run: Run, item_state: DataFrame) -> None:
    for row in (
        item_state.where("problem IS NOT NULL").groupBy("problem").count().orderBy(F.desc("count")).limit(5).collect()
    ):
        run.say(f"  ! {row['count']:,} items: {row['problem']}")


def _counts(run: Run, item_state: DataFrame) -> dict[tuple[str, ...], int]:
    """How many items are in the scopes of which active policies: (policy ids) -> items; one query for all policies."""
    named = [F.when(in_scope(row.scope), F.lit(row.id)) for row in run.config.active_policies()]
    found = item_state.groupBy(
        F.array_compact(F.array(*named)).alias("policies"), (F.col("source_rank") == 1).alias("is_first")
    ).count()
    counts: dict[tuple[str, ...], int] = {}
    for one in found.collect():
        # another source of an item that is ordered from the cheapest one alone is no item without a policy
        if one["policies"] or one["is_first"]:
            ids = tuple(one["policies"])
            counts[ids] = counts.get(ids, 0) + one["count"]
    return counts


def _items_of(row: PolicyRow, counts: dict[tuple[str, ...], int]) -> int:
    return sum(n for ids, n in counts.items() if row.id in ids)


def _say_overlaps(run: Run, counts: dict[tuple[str, ...], int]) -> None:
    """Two policies that decide for one item would order for it twice, and an item in no scope is ordered by none:
    both are told.
    """
    for ids, n in sorted(counts.items(), key=lambda one: -one[1]):
        if not ids:
            run.say(f"  ! {n:,} items are in the scope of no active policy: nothing is ordered for them")
        elif len(ids) > 1:
            run.say(
                f"  ! {n:,} items are decided by {' and '.join(ids)}: each orders for them; see `scope` in "
                "conf/policies.yaml"
            )
