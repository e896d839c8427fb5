"""Step `inputs`: silver -> gold.demand_forecasts -> gold.item_state -> the inputs of each policy, in buckets and waves.

The run's manifest pins the version of every silver table that is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt import __version__, policies
from invopt.config import PolicyRow, default_partition
from invopt.errors import InputError, TableError
from invopt.pipelines import findings, item_views
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.due import due
from invopt.pipelines.held import held
from invopt.pipelines.own_orders import own_policies, placed
from invopt.pipelines.placement import Placement, write_placed
from invopt.pipelines.policy_views import policy_views
from invopt.pipelines.scopes import check_scopes, in_scope, is_blocked, items_in_scopes
from invopt.pipelines.unread import unread, unread_files
from invopt.pipelines.unseen import seen, unseen_files
from invopt.policies.inputs.select import select_of
from invopt.run import now
from invopt.spark import sql
from invopt.tables import DEMAND_FORECASTS, ITEM_STATE, ORDERS, REJECTED, RUNS
from invopt.tables.columns import ITEM

STEP = "inputs"
UNFINISHED = "unfinished"
THREADS = 4


def make_inputs(context: Context) -> dict[str, Placement]:
    """Makes the state of all items and the inputs of every active policy, unless they are there already."""
    missing = [table.name for table in item_views.SILVER.values() if not context.store.exists(table)]
    if missing:
        raise TableError(f"{', '.join(missing)} not found: run `invopt ingest` and `invopt conform` first")
    versions = {table.name: context.store.version(table) for table in (*item_views.SILVER.values(), REJECTED)}
    planned = due(context)
    rows_due = planned.optimized
    silver_views = {
        name: item_views.as_known(context, name, versions[item_views.SILVER[name].name])
        for name in (*item_views.TABLES, "forecast_points")
    }
    unseen = unseen_files(context)
    for name, dataset in (("sales", "sales"), ("spoilage", "sales"), ("stock_lots", "inventory")):
        silver_views[name] = seen(context, silver_views[name], unseen.get(dataset, ()))
    on_order = placed(context, planned.cycles, silver_views)
    files = unread_files(context)
    fingerprint = context.run.fingerprint(
        STEP,
        sorted(versions.items()),
        on_order.fingerprint,
        [row.id for row in rows_due],
        [(one.file, one.problem) for one in files],
        [tuple(row) for row in held(context)],
        sorted(unseen.items()),
    )
    if _is_done(context, fingerprint):
        context.say(f"inputs: unchanged since run {context.run_id} made them")
        findings.say(context)
        return {}
    watch = Stopwatch()
    policy_ids = [row.id for row in rows_due]
    # from here until the end the tables hold something of both runs, and a step that is stopped in between must not
    # look done
    context.ledger.record_all(STEP, UNFINISHED, dict.fromkeys(["*", *policy_ids], 0), 0.0)
    _write_manifest(context, versions)
    rejected = None
    if not context.store.is_empty(REJECTED):
        rejected = context.store.read(REJECTED, versions[REJECTED.name])
    rows, landed_lines = _write_item_state(context, silver_views, on_order.lines, rejected)
    if rows == 0:
        raise InputError(
            "there is no item to decide for",
            [
                "silver.product_suppliers is empty: "
                "publicparameters/store_product_supplier.csv must say who supplies which product to which store"
            ],
        )
    item_state = context.store.read(ITEM_STATE).where(F.col("run_id") == context.run_id)
    active = context.config.active_policies()
    in_scopes, blocked = items_in_scopes(item_state, active)
    check_scopes(context, item_state, active, in_scopes)
    decided = {ids: n - blocked.get(ids, 0) for ids, n in in_scopes.items()}
    placements = _write_all_inputs(context, rows_due, item_state.where(~is_blocked()), decided)
    of_which = (
        ", of which " + ", ".join(f"{placement.n_items:,} for {name}" for name, placement in placements.items())
        if placements
        else ""
    )
    context.say(f"inputs: {rows:,} items{of_which}, {watch.seconds:.1f} s")
    for row in rows_due:
        if _items_of(row, in_scopes) == 0:
            context.say(f"  ! no item is in the scope of policy {row.id}; see `scope` in conf/policies.yaml")
        if n_blocked := _items_of(row, blocked):
            are = "item is" if n_blocked == 1 else "items are"
            context.say(f"  ! policy {row.id}: {n_blocked:,} {are} blocked, and not ordered; why is told below")
    views = {**silver_views, "landed_lines": landed_lines, "orders": context.store.read(ORDERS)}
    views["demand_forecasts"] = context.store.read(DEMAND_FORECASTS, where={"run_id": context.run_id})
    found = findings.find(context, item_state, views, files, rejected)
    findings.keep(context, found)
    findings.say(context)
    context.ledger.record_all(
        STEP,
        fingerprint,
        {"*": rows, **{name: placement.n_items for name, placement in placements.items()}},
        watch.seconds,
    )
    return placements


def fingerprint_of(context: Context, policy_id: str) -> str:
    """The fingerprint under which a policy's inputs were made, "" when they were not."""
    done = context.ledger.done(STEP, policy_id)
    return done[0]["fingerprint"] if done and done[0]["fingerprint"] != UNFINISHED else ""


def _is_done(context: Context, fingerprint: str) -> bool:
    done = context.ledger.done(STEP)
    return bool(done) and done[0]["fingerprint"] == fingerprint


def _write_manifest(context: Context, versions: dict[str, int]) -> None:
    row = (
        context.run_id,
        context.as_of,
        context.config.results_hash(),
        context.config.as_json(),
        __version__,
        versions,
        now(),
    )
    context.store.replace(RUNS, [row], {"run_id": context.run_id}, check_keys=False)


def _write_item_state(
    context: Context, silver_views: dict[str, DataFrame], on_order: DataFrame, rejected: DataFrame | None
) -> tuple[int, DataFrame]:
    """The number of items, and the view of what other systems have ordered."""
    values = item_views.values_of(context.run_id, context.as_of, context.config.inputs, own_policies(context))
    values |= item_views.values_of_stock(context.config, context.as_of)
    oldest = context.as_of - timedelta(days=context.config.inputs.forecast_max_age)
    forecasts = sql.query(
        context.spark,
        sql.text("gold/demand_forecasts"),
        {"forecast_points": silver_views["forecast_points"]},
        {"run_id": context.run_id, "as_of": context.as_of, "oldest": oldest},
    )
    watch = Stopwatch()
    # grouped by its key
    n_forecasts = context.store.replace(DEMAND_FORECASTS, forecasts, {"run_id": context.run_id}, check_keys=False)
    context.say_of_many(n_forecasts, f"{n_forecasts:,} forecasts are put together, {watch.seconds:.1f} s")
    tables = {name: silver_views[name] for name in item_views.TABLES}
    tables |= {"own_on_order": on_order, "orders": context.store.read(ORDERS)}
    tables["unread"] = unread(context, tables, rejected)
    tables["demand_forecasts"] = context.store.read(DEMAND_FORECASTS).where(F.col("run_id") == context.run_id)
    made = item_views.make_views(context.spark, tables, values)
    watch = Stopwatch()
    n_items = context.store.replace(ITEM_STATE, made["item_state"], {"run_id": context.run_id})
    context.say_of_many(n_items, f"the state of {n_items:,} items is written, {watch.seconds:.1f} s")
    return n_items, made["landed_lines"]


def _write_all_inputs(
    context: Context, rows: Sequence[PolicyRow], item_state: DataFrame, counts: dict[tuple[str, ...], int]
) -> dict[str, Placement]:
    """The inputs of each policy, several at a time: planning a write keeps one core busy. Rows of one policy share a
    table and wait.
    """
    of_policy: dict[str, list[PolicyRow]] = {}
    for row in rows:
        of_policy.setdefault(row.policy, []).append(row)

    def write(alike: list[PolicyRow]) -> dict[str, Placement]:
        return {row.id: _write_policy_inputs(context, row, item_state, _items_of(row, counts)) for row in alike}

    with ThreadPoolExecutor(THREADS) as pool:
        placements = {
            name: placement for done in pool.map(write, of_policy.values()) for name, placement in done.items()
        }
    return {row.id: placements[row.id] for row in rows}


def _write_policy_inputs(context: Context, row: PolicyRow, item_state: DataFrame, n_items: int) -> Placement:
    """The policy's own SELECT over its scope, with the bucket and wave of each partition."""
    policy = policies.load(row.policy, context.config.policies_folder)
    partition_by = default_partition(row, policy.partition_by)
    scoped = item_state.where(in_scope(row.scope))
    # each policy has a view of its own scope; the id is an identifier that the configuration has checked
    view = f"item_state_of_{row.id}"
    select = select_of(policy)
    statement = f"WITH item_state AS (SELECT * FROM {view}) SELECT * FROM ({select}\n)"
    views = {view: scoped, **policy_views(context, policy)}
    selected = sql.query(context.spark, statement, views, _values_of(context, select))
    # the columns that make a partition may be missing among the policy's own
    of_partition = [name for name in partition_by if name not in selected.columns]
    if of_partition:
        selected = selected.join(scoped.select(*ITEM, *of_partition), on=list(ITEM), how="inner")
    keyed = selected.withColumn(
        "partition_key", F.concat_ws("|", *(F.coalesce(F.col(name), F.lit("?")) for name in partition_by))
    )
    n_partitions = n_items if tuple(partition_by) == ITEM else scoped.select(*partition_by).distinct().count()
    return write_placed(context, row, policy, keyed, n_items, n_partitions)


def _values_of(context: Context, statement: str) -> dict:
    """The parameters that the policy's SELECT uses; Spark refuses those that it does not."""
    values = {"as_of": context.as_of, "horizon": context.config.inputs.horizon}
    return {name: value for name, value in values.items() if f":{name}" in statement}


def _items_of(row: PolicyRow, counts: dict[tuple[str, ...], int]) -> int:
    return sum(n for ids, n in counts.items() if row.id in ids)
