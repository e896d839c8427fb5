"""From reviews to the lines of gold.orders, by MERGE on a hash of what an order is: item and cycle.

An item has one line in a cycle, whichever runs and policies decide it. A line of the cycle that the run does not write
again is cancelled: its policy has another name, its items have another policy, or another source is chosen. Left as
they are: lines that somebody has acted on, and lines of items whose order rule failed, because nobody knows what it
would want.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.errors import ConcurrentRunError
from invopt.ordering import RULE_FAILED
from invopt.pipelines.context import Context
from invopt.pipelines.item_views import terms_of_run
from invopt.pipelines.order_reviews import Waiting, of_policy, read_reviews
from invopt.pipelines.own_orders import PLACE, decided_places, may_be_of, own_orders
from invopt.pipelines.scopes import as_first_source, in_scope
from invopt.tables import ITEM_STATE, ORDERS, silver
from invopt.tables.columns import ITEM
from invopt.tables.datasets import BY_NAME

ATTEMPTS = 10
# an order keeps the moment at which the cycle first ordered it, by which other systems report it back
_ORDERED_AT = "least(old.ordered_at, new.ordered_at)"
_ETA = f"{_ORDERED_AT} + (new.eta - new.ordered_at)"
# a change of these is one for the supplier, and counts as a revision
_IS_REVISED = " OR ".join(
    [
        *(f"NOT (old.{name} <=> new.{name})" for name in ("quantity", "unit_cost", "eta_confidence", "status")),
        f"NOT (old.eta <=> {_ETA})",
    ]
)
_UPDATE = {
    **{name: f"new.{name}" for name in ORDERS.column_names if name != "order_id"},
    "ordered_at": _ORDERED_AT,
    "eta": _ETA,
    "revision": f"coalesce(old.revision, 1) + CASE WHEN {_IS_REVISED} THEN 1 ELSE 0 END",
}
_DIFFERS = " OR ".join(f"NOT (old.{name} <=> {value})" for name, value in _UPDATE.items())


def lines_of(context: Context, waiting: Sequence[Waiting]) -> DataFrame:
    """The lines that the reviews of these policies order."""
    reviews = read_reviews(context, waiting).where(F.col("quantity") > 0)
    terms = terms_of_run(context).select(*ITEM, "unit_cost", "lead_time", "lead_time_confidence")
    identity = F.struct(
        *ITEM,
        F.date_format("cycle", "yyyy-MM-dd'T'HH:mm:ss").alias("cycle"),
        # NULL is left out of the text
        F.when(F.col("is_shadow"), F.col("policy_id")).alias("shadow"),
    )
    lead_time = F.make_dt_interval(F.lit(0), F.lit(0), F.lit(0), F.col("lead_time") * 86400)
    return (
        reviews.join(terms, on=list(ITEM), how="inner")
        .withColumns(
            {
                "order_id": F.sha2(F.to_json(identity), 256),
                "order_value": F.col("quantity") * F.col("unit_cost"),
                "eta": F.col("ordered_at") + lead_time,
                "eta_confidence": F.col("lead_time_confidence"),
                "status": F.when(F.col("is_shadow"), "shadow").otherwise("open"),
                "revision": F.lit(1),
            }
        )
        .select(*ORDERS.column_names)
    )


def cycle_lines(context: Context, waiting: Sequence[Waiting]) -> DataFrame | None:
    """The lines that the cycles of these policies have already, whoever wrote them; None where there is none.

    Beside the columns of gold.orders: `is_acted_on`, and `is_nobodys` where no policy decides for the item any more.
    """
    cycles = {one.row.id: one.cycle for one in waiting}
    there = context.store.read(ORDERS).where("status <> 'cancelled'")
    if there.where(may_be_of(set(cycles.values()))).isEmpty():
        return None
    shadows = there.where("status = 'shadow'").where(
        F.col("cycle") == of_policy({name: F.lit(cycle) for name, cycle in cycles.items()})
    )
    lines = shadows.withColumns({"is_acted_on": F.lit(False), "is_nobodys": F.lit(False)})
    rows = [one.row for one in waiting if not one.row.is_shadow]
    if not rows:
        return lines
    state = as_first_source(_state(context))
    flagged = own_orders(context, decided_places(rows, cycles, state), context.store.read(silver(BY_NAME["orders"])))
    active = [row for row in context.config.active_policies() if not row.is_shadow]
    places = state.where(reduce(or_, (in_scope(row.scope) for row in active))).select(*PLACE).distinct()
    own = (
        flagged.where(may_be_of({cycles[row.id] for row in rows}))
        .join(places.withColumn("has_policy", F.lit(True)), on=list(PLACE), how="left")
        .withColumn("is_nobodys", F.col("has_policy").isNull())
        .where("is_of_cycle OR is_nobodys")
    )
    return lines.unionByName(own.select(*lines.columns))


def acted_on(lines: DataFrame | None) -> DataFrame | None:
    """location_id, product_id, acted_on_order and acted_on_units of the places whose line stays as it is."""
    if lines is None:
        return None
    stays = lines.where("is_acted_on").groupBy(*PLACE)
    return stays.agg(
        F.left(F.min("order_id"), F.lit(8)).alias("acted_on_order"), F.sum("quantity").alias("acted_on_units")
    )


def write_lines(context: Context, waiting: Sequence[Waiting], lines: DataFrame, *, has_failed: bool) -> int:
    """Adds new lines, updates changed ones and cancels those of the cycle that are not wanted; gives how many it
    cancelled.

    Raises
    ------
    ConcurrentRunError : other runs kept writing; what they wrote and this run's lines may both be there.
    """
    cancelled = 0
    for _ in range(ATTEMPTS):
        with context.store.turn(ORDERS):
            version = context.store.version(ORDERS)
            rows, there = lines, cycle_lines(context, waiting)
            if there is not None:
                dropped = _not_wanted(context, waiting, there, lines, has_failed=has_failed)
                cancelled += dropped.count()
                rows = lines.unionByName(dropped)
            context.store.merge(ORDERS, rows, update=_UPDATE, update_where=_DIFFERS)
            # another run may have added a line of the cycle since this one looked, where no lock keeps it out
            if context.store.version(ORDERS) <= version + 1:
                return cancelled
    raise ConcurrentRunError(
        f"{ORDERS.name} is being written by other runs: looked {ATTEMPTS} times for lines of the cycle that they "
        "wrote. Wait until they have ended, then run again"
    )


def _not_wanted(
    context: Context, waiting: Sequence[Waiting], there: DataFrame, lines: DataFrame, *, has_failed: bool
) -> DataFrame:
    """The lines of the cycle that are given up, with their new status."""
    reviews = read_reviews(context, waiting)
    reviewed = reviews.where("NOT is_shadow").select(*PLACE).distinct().withColumn("is_reviewed", F.lit(True))
    dropped = (
        there.where("NOT is_acted_on")
        .join(lines.select("order_id"), on="order_id", how="left_anti")
        # an item that its new policy has not solved yet keeps its line
        .join(reviewed, on=list(PLACE), how="left")
        .where("is_reviewed OR is_nobodys OR status = 'shadow'")
    )
    if has_failed:
        status = F.when(F.col("is_shadow"), "shadow").otherwise("open").alias("status")
        failed = reviews.where(F.col("because") == RULE_FAILED).select(*PLACE, status)
        dropped = dropped.join(failed, on=[*PLACE, "status"], how="left_anti")
    return dropped.withColumns({"status": F.lit("cancelled"), "run_id": F.lit(context.run_id)}).select(
        *ORDERS.column_names
    )


def _state(context: Context) -> DataFrame:
    return context.store.read(ITEM_STATE).where(F.col("run_id") == context.run_id)
