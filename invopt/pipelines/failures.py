"""The items that a run could not decide for: told with the first of them, and an error where there is no other item."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.errors import NothingDecidedError
from invopt.pipelines.audit import solutions_of
from invopt.pipelines.context import Context
from invopt.pipelines.scopes import in_scope, is_blocked
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM

EXAMPLES = 3


def say_failures(context: Context, row: PolicyRow) -> None:
    """Tells why items of a policy have no solution: how many of each kind, and the first of them."""
    failed = _failed(context, row).withColumn("part", F.pmod(F.xxhash64("item"), F.lit(EXAMPLES)))
    # no list holds more than a few of what may be millions
    parts = failed.groupBy("termination", "part").agg(F.count(F.lit(1)).alias("n"), F.min(_told()).alias("told"))
    kinds = parts.groupBy("termination").agg(F.sum("n").alias("n"), F.array_sort(F.collect_list("told")).alias("told"))
    for one in kinds.orderBy("termination").collect():
        context.say(f"  ! {one['n']:,} items {one['termination']}, such as: {'; '.join(one['told'])}")


def nothing_decided(context: Context, rows: Sequence[PolicyRow]) -> list[NothingDecidedError]:
    """The error of a run that had items to decide for and decided for none; none where it did, or had no item."""
    notes = [note for row in rows for note in context.ledger.done("solve", row.id).values()]
    if not rows or any(note["rows"] > note["failed"] for note in notes):
        return []
    undecided = _blocked(context, rows)
    for row in rows:
        if any(note["rows"] for note in context.ledger.done("solve", row.id).values()):
            undecided = undecided.unionByName(_failed(context, row).select("item", "why"))
    counted = undecided.agg(F.count_distinct("item").alias("n"), F.min(_told()).alias("first")).first()
    if not counted["n"]:
        return []
    told = undecided.select(_told().alias("told")).distinct().orderBy("told").limit(EXAMPLES).collect()
    text = f"none of {counted['n']:,} items could be decided, so nothing is ordered: "
    return [NothingDecidedError(text + "; ".join(row["told"] for row in told))]


def _told() -> Column:
    """An item and why, where the reason does not name it by itself."""
    return F.when(F.col("why").contains(F.col("item")), F.col("why")).otherwise(F.concat_ws(": ", "item", "why"))


def _failed(context: Context, row: PolicyRow) -> DataFrame:
    """item, termination, why: what gold.item_state says is missing, where that made a column NULL."""
    state = context.store.read(ITEM_STATE, where={"run_id": context.run_id}).select(*ITEM, "problem", "is_stock_stale")
    failed = solutions_of(context, row).where("status = 'no_solution'").join(state, on=list(ITEM), how="left")
    is_explained = (F.col("termination") == "invalid_input") & F.col("problem").isNotNull() & ~F.col("is_stock_stale")
    why = F.when(is_explained, F.col("problem")).otherwise(F.col("message"))
    return failed.select(_item(), "termination", why.alias("why"))


def _blocked(context: Context, rows: Sequence[PolicyRow]) -> DataFrame:
    in_scopes = reduce(or_, [in_scope(row.scope) for row in rows])
    state = context.store.read(ITEM_STATE, where={"run_id": context.run_id})
    return state.where(is_blocked() & in_scopes).select(_item(), F.col("problem").alias("why"))


def _item() -> Column:
    return F.concat_ws("/", *ITEM).alias("item")
