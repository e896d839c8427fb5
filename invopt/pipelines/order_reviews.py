"""From solutions and stock to reviews: every item of the policies that order, in buckets that hold the passes' groups
whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.ordering import REVIEW_TYPES, WARNINGS_TYPE, OrderRule, bucket_decider, bucket_keys
from invopt.pipelines.context import Context
from invopt.pipelines.own_orders import PLACE
from invopt.pipelines.placement import tasks_of
from invopt.pipelines.scopes import SOURCE_ORDER, as_first_source, in_scope, is_blocked, policies_of
from invopt.run import as_of_of
from invopt.tables import ITEM_STATE, ORDER_REVIEWS, SOLUTIONS
from invopt.tables.columns import ITEM

_STATE = (
    "inventory_position",
    "on_hand",
    "expiring",
    "on_order",
    "on_order_late",
    "min_order_quantity",
    "max_order_quantity",
    "quantity_multiple",
    "unit_cost",
    "lead_time",
    "lead_time_confidence",
)


@dataclass(frozen=True)
class Waiting:
    """A policy whose items are to be reviewed.

    row, cycle : its row of conf/policies.yaml, and the order cycle that is decided
    solved_by, n_items : the run whose solutions hold, and for how many items it has one
    fingerprint : hash of all that the result depends on
    """

    row: PolicyRow
    cycle: datetime
    solved_by: str
    n_items: int
    fingerprint: str


def ids_of(waiting: Sequence[Waiting]) -> list[str]:
    return [one.row.id for one in waiting]


def write_reviews(context: Context, waiting: Sequence[Waiting], acted_on: DataFrame | None) -> None:
    """Writes the reviews of these policies' items in the place of those that this run wrote before.

    acted_on : location_id, product_id, acted_on_order and acted_on_units of the places whose order of the cycle stays
        as it is; None where there is none
    """
    state = _with_state(context, waiting)
    if acted_on is None:
        state = state.withColumns(
            {"acted_on_order": F.lit(None).cast("string"), "acted_on_units": F.lit(None).cast("double")}
        )
    else:
        # a shadow's lines do not wait for anybody
        is_real = ~F.col("policy_id").isin(*(one.row.id for one in waiting if one.row.is_shadow))
        state = state.join(acted_on, on=list(PLACE), how="left").withColumns(
            {name: F.when(is_real, F.col(name)) for name in ("acted_on_order", "acted_on_units")}
        )
    reviews = _decided(context, waiting, state).withColumns(
        {
            "run_id": F.lit(context.run_id),
            "ordered_at": F.lit(context.as_of),
            "cycle": of_policy({one.row.id: F.lit(one.cycle) for one in waiting}),
            "is_shadow": of_policy({one.row.id: F.lit(one.row.is_shadow) for one in waiting}),
            # what is ordered is looked at when it is known: implausible_orders.py
            "warnings": F.lit(None).cast(WARNINGS_TYPE),
        }
    )
    context.store.replace(ORDER_REVIEWS, reviews, {"run_id": context.run_id, "policy_id": ids_of(waiting)})


def read_reviews(context: Context, waiting: Sequence[Waiting]) -> DataFrame:
    """The reviews that this run has written of these policies' items."""
    return context.store.read(ORDER_REVIEWS, where={"run_id": context.run_id, "policy_id": ids_of(waiting)})


def of_policy(values: dict[str, Column]) -> Column:
    """The value of each row's policy; NULL for a policy without one."""
    return F.coalesce(*(F.when(F.col("policy_id") == policy_id, value) for policy_id, value in values.items()))


def _with_state(context: Context, waiting: Sequence[Waiting]) -> DataFrame:
    hold = F.lit(context.config.orders.stale_stock == "hold")
    # the two moments are given as whole days, as order rules count: see `Policy.order`
    today = F.lit(context.as_of.date())
    state = (
        context.store.read(ITEM_STATE)
        .where(F.col("run_id") == context.run_id)
        .select(
            *ITEM,
            *_STATE,
            F.unix_date(today).cast("double").alias("day"),
            F.date_diff(today, F.to_date("last_ordered_at")).cast("double").alias("days_since_order"),
            (F.col("is_stock_stale") & hold).alias("is_stale"),
            is_blocked().alias("is_blocked"),
            "problem",
            "department_id",
            "shelf_life",
            *SOURCE_ORDER,
        )
    )
    # in a lakehouse in which every item was blocked so far nothing was ever solved
    context.store.create(SOLUTIONS)
    solutions = context.store.read(SOLUTIONS).where(_solved(waiting))
    # what is missing says more than the column that is NULL because of it; the column may be wrong for another reason
    is_explained = (F.col("termination") == "invalid_input") & F.col("problem").isNotNull() & ~F.col("is_stale")
    joined = (
        solutions.select("policy_id", *ITEM, "decisions", "status", "termination", "message")
        .join(state.drop(*SOURCE_ORDER), on=list(ITEM), how="inner")
        .withColumn(
            "message", F.when(is_explained, F.concat_ws("; ", "problem", "message")).otherwise(F.col("message"))
        )
        .drop("termination")
    )
    # an item that has left the policy's scope since it was solved is another policy's; that its source is no longer
    # the cheapest changes nothing before it is solved again
    mine = [(F.col("policy_id") == one.row.id) & in_scope(one.row.scope) for one in waiting]
    decided = as_first_source(joined).where(reduce(or_, mine))
    return decided.unionByName(_blocked(waiting, state, solutions), allowMissingColumns=True)


def _blocked(waiting: Sequence[Waiting], state: DataFrame, solutions: DataFrame) -> DataFrame:
    """The blocked items that no solution is there of: no policy decides for them, and each still has its review."""
    policy_id = F.explode(policies_of([one.row for one in waiting])).alias("policy_id")
    blocked = state.where(F.col("is_blocked")).select("*", policy_id)
    return blocked.join(solutions.select("policy_id", *ITEM), on=["policy_id", *ITEM], how="left_anti")


def _solved(waiting: Sequence[Waiting]) -> Column:
    """Each policy's solutions, of the run that holds for it."""
    policies_of: dict[str, list[str]] = {}
    for one in waiting:
        policies_of.setdefault(one.solved_by, []).append(one.row.id)
    holds = F.lit(False)
    for run_id, ids in policies_of.items():
        holds = holds | ((F.col("run_id") == run_id) & F.col("policy_id").isin(*ids))
    return holds


def _decided(context: Context, waiting: Sequence[Waiting], state: DataFrame) -> DataFrame:
    """The columns of REVIEW_TYPES: one call of Python per bucket, which holds the groups of every pass whole."""
    rules = {
        one.row.id: OrderRule(
            one.row.policy, context.config.policies_folder, (context.as_of.date() - as_of_of(one.solved_by).date()).days
        )
        for one in waiting
    }
    tasks = tasks_of(context)
    n_items = sum(one.n_items for one in waiting)
    n_buckets = max(math.ceil(n_items / context.config.solve.items_per_bucket), min(tasks, n_items), 1)
    n_tasks = min(tasks, n_buckets)
    placed = state.drop("department_id", "shelf_life", *SOURCE_ORDER).withColumn(
        "bucket", F.pmod(F.xxhash64(*bucket_keys()), F.lit(n_buckets))
    )
    # the task is among the groups' keys, so that Spark knows the groups to be together
    placed = placed.withColumn("task", F.pmod("bucket", F.lit(n_tasks)).cast("int"))
    placed = (
        placed.repartitionById(n_tasks, "task")
        if hasattr(placed, "repartitionById")
        else placed.repartition(n_tasks, "task")
    )
    schema = ", ".join(f"{name} {kind}" for name, kind in REVIEW_TYPES.items())
    return placed.groupBy("task", "bucket").applyInPandas(bucket_decider(rules), schema)
