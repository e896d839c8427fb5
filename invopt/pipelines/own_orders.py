"""The lines of gold.orders as a run sees them: which are on order, and which it decides anew.

A run leaves the lines of the cycle that it decides out of the position, whoever wrote them, and decides them anew; all
other lines ordered before its moment are on order. A line that somebody has acted on stays as it is, and is on order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.pipelines.context import Context
from invopt.pipelines.item_views import make_views
from invopt.pipelines.scopes import as_first_source, in_scope
from invopt.spark import sql
from invopt.tables import ORDERS

PLACE = ("location_id", "product_id")
# whoever acts on an order after the moment that a run looks at, has acted on it
NEVER = datetime(2200, 1, 1, tzinfo=UTC)
# what the silver tables say of items, as far as scopes ask for it
SCOPE_TABLES = ("product_suppliers", "assortment", "products")


class Placed(NamedTuple):
    """The lines of gold.orders that are on order for a run, and a hash of them."""

    lines: DataFrame
    fingerprint: int


def placed(context: Context, cycles: Mapping[str, datetime], silver: Mapping[str, DataFrame]) -> Placed:
    """The lines on order.

    cycles : policy that the run orders for -> its cycle
    silver : the tables SCOPE_TABLES and landed_orders, by name
    """
    context.store.create(ORDERS)
    rows = [row for row in context.config.active_policies() if row.id in cycles and not row.is_shadow]
    lines = context.store.read(ORDERS).where("status NOT IN ('cancelled', 'shadow')")
    is_earlier = F.col("ordered_at") < F.lit(context.as_of)
    counted = lines.agg(
        _hash(is_earlier).alias("fingerprint"),
        F.count_if(may_be_of({cycles[row.id] for row in rows})).alias("n_of_cycles"),
    ).first()
    if counted["n_of_cycles"] == 0:
        return Placed(lines.where(is_earlier), counted["fingerprint"] or 0)
    decided = decided_places(rows, cycles, _items_of(lines, silver))
    flagged = own_orders(context, decided, silver["landed_orders"])
    counts = flagged.where(
        F.when(F.col("is_of_cycle"), F.col("is_acted_on")).otherwise(F.col("ordered_at") < F.lit(context.as_of))
    ).select(*ORDERS.column_names)
    return Placed(counts, counts.agg(_hash(F.lit(True))).first()[0] or 0)


def own_orders(context: Context, decided: DataFrame, landed_orders: DataFrame) -> DataFrame:
    """The lines that were not given up, with `is_of_cycle` and `is_acted_on`.

    What counts as acted on is said in gold/own_orders.sql alone: today an order that other systems report back.
    """
    orders = context.store.read(ORDERS)
    values = {
        "baselines": list(context.config.inputs.baselines),
        "policies": own_policies(context),
        "landed_until": context.as_of if context.is_replay else NEVER,
    }
    tables = {"orders": orders, "landed_orders": landed_orders}
    landed = make_views(context.spark, tables, values, ("landed_versions",))["landed_versions"]
    return sql.query(
        context.spark,
        sql.text("gold/own_orders"),
        {"orders": orders, "landed_versions": landed, "decided": decided},
        {},
    )


def own_policies(context: Context) -> list[str]:
    """The ids of the policies that order, or have ordered, in this lakehouse."""
    ordered = {row["policy_id"] for row in context.store.counts(ORDERS, ["policy_id"])}
    return sorted(ordered | {row.id for row in context.config.policies})


def decided_places(rows: Sequence[PolicyRow], cycles: Mapping[str, datetime], items: DataFrame) -> DataFrame:
    """location_id, product_id and cycle of the items in the scopes of these policies."""
    cycle = F.coalesce(*(F.when(in_scope(row.scope), F.lit(cycles[row.id])) for row in rows))
    return items.select(*PLACE, cycle.alias("cycle")).where("cycle IS NOT NULL").distinct()


def may_be_of(cycles: Collection[datetime]) -> Column:
    """Whether a line is of one of these cycles; its moment is no earlier than its cycle, and lets Delta skip files."""
    if not cycles:
        return F.lit(False)
    cycle = F.coalesce("cycle", F.date_trunc("DAY", "ordered_at"))
    return (F.col("ordered_at") >= F.lit(min(cycles))) & cycle.isin(*(F.lit(one) for one in cycles))


def _items_of(lines: DataFrame, silver: Mapping[str, DataFrame]) -> DataFrame:
    """The items at the lines' places, with what scopes ask for.

    A scope without a source holds for a place if it holds for one of its items, and the first source is among them.
    """
    places = lines.select(*PLACE).distinct()
    return as_first_source(
        silver["product_suppliers"]
        .select(*PLACE, "source_id")
        .join(places, on=list(PLACE), how="left_semi")
        .join(silver["assortment"].select(*PLACE, "department_id"), on=list(PLACE), how="left")
        .join(silver["products"].select("product_id", "shelf_life"), on="product_id", how="left")
    )


def _hash(condition: Column) -> Column:
    hashed = F.xxhash64("order_id", "quantity", "eta", "ordered_at")
    return F.bit_xor(F.when(condition, hashed))
