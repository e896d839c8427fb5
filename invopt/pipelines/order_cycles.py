"""The order cycle of a policy: the newest firing of its order schedule at or before a moment, or the moment's day.

An item has one order in a cycle, whichever runs and policies decide it. A cycle is closed once a run of a later cycle
has decided the items: that run has counted the cycle's orders as they were. The moment that a run looks at tells which
cycle is later, never the clock, so the first run of a day long past orders as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.config.schedules import Schedule
from invopt.pipelines.context import Context
from invopt.pipelines.scopes import in_scope
from invopt.run import as_of_of
from invopt.tables import ITEM_STATE, ORDER_REVIEWS

STEP = "order"


def cycle_at(schedule: Schedule | None, moment: datetime) -> datetime | None:
    """The order cycle at a moment in UTC; None where the schedule has not fired yet.

    >>> cycle_at(None, datetime(2026, 6, 3, 14, tzinfo=UTC)).isoformat()
    '2026-06-03T00:00:00+00:00'
    >>> cycle_at(Schedule(id="weekly", cron="0 5 * * 1"), datetime(2026, 6, 3, 14, tzinfo=UTC)).isoformat()
    '2026-06-01T05:00:00+00:00'
    """
    if schedule is None:
        return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    return schedule.fired_by(moment)


def closed_by(context: Context, row: PolicyRow, cycle: datetime) -> str | None:
    """The newest run of a later cycle that has decided the policy's items; None while the cycle is open.

    A run of another configuration closes it too, where its policies, whatever they are called, have the same items.
    """
    later = _later(context, row, cycle)
    ours = [run_id for run_id, policy_id in later if policy_id == row.id]
    if ours or row.is_shadow:
        return max(ours, default=None)
    others = [run_id for run_id, _ in later]
    return _that_reviewed(context, row, others) if others else None


def _later(context: Context, row: PolicyRow, cycle: datetime) -> list[tuple[str, str]]:
    """The runs, with their policies, that have ordered in a later cycle of this policy."""
    # a run's id begins with its moment, and text is compared faster than moments are read from it
    now = f"{context.as_of:%Y%m%dT%H%M%S}~"
    schedule = context.config.schedule(row.order_schedule)
    found = []
    for one in context.ledger.rows():
        if one["step"] == STEP and one["run_id"] > now:
            later = cycle_at(schedule, as_of_of(one["run_id"]))
            if later is not None and later > cycle:
                found.append((one["run_id"], one["policy_id"]))
    return found


def _that_reviewed(context: Context, row: PolicyRow, run_ids: Sequence[str]) -> str | None:
    """The newest of these runs in which another policy, no shadow, has decided one of this policy's items."""
    scoped = (
        context.store.read(ITEM_STATE)
        .where(F.col("run_id") == context.run_id)
        .where(in_scope(row.scope))
        .select("location_id", "product_id")
        .distinct()
    )
    reviews = (
        context.store.read(ORDER_REVIEWS)
        .where(F.col("run_id").isin(*set(run_ids)))
        .where(~F.coalesce("is_shadow", F.lit(False)))
    )
    found = reviews.join(scoped, on=["location_id", "product_id"], how="left_semi").agg(F.max("run_id"))
    return found.first()[0]
