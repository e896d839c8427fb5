"""What has become of our orders, as other systems report it: received, declined, overdue, or still open.

The status is for people and reports. What is on order at a moment follows from the landed lines that were known then
(gold/landed_versions.sql), so that a run that looks at a past day sees that day.
"""

from __future__ import annotations

from invopt.pipelines import item_views
from invopt.pipelines.context import Context
from invopt.pipelines.own_orders import own_policies
from invopt.run import as_of_of
from invopt.spark import sql
from invopt.tables import ORDERS, silver
from invopt.tables.datasets import BY_NAME

LANDED_ORDERS = silver(BY_NAME["orders"])


def settle(context: Context) -> None:
    """Gives the lines of gold.orders the status that they have at the run's moment; a run of the past leaves them."""
    if any(one["step"] == "order" and as_of_of(one["run_id"]) > context.as_of for one in context.ledger.rows()):
        return
    store, tables = context.store, ("landed_versions", "landed_lines")
    if not (store.exists(ORDERS) and store.exists(LANDED_ORDERS)):
        return
    values = item_views.values_of(context.run_id, context.as_of, context.config.inputs, own_policies(context))
    with store.turn(ORDERS):
        read = {"orders": store.read(ORDERS), "landed_orders": store.read(LANDED_ORDERS)}
        landed = item_views.make_views(context.spark, read, values, tables)["landed_lines"]
        views = {"orders": read["orders"], "landed_lines": landed}
        changed = sql.query(context.spark, sql.text("gold/settled_orders"), views, values)
        changed = changed.select(*ORDERS.column_names).persist()
        try:
            counted = {row["status"]: row["count"] for row in changed.groupBy("status").count().collect()}
            if counted:
                store.merge(ORDERS, changed, update={"status": "new.status"})
        finally:
            changed.unpersist()
    if counted:
        shown = ", ".join(f"{n:,} {status}" for status, n in sorted(counted.items()))
        context.say(f"order: lines that have another status by what other systems report: {shown}")
