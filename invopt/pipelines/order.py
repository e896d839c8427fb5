"""Step `order`: decisions + stock state -> reviews of all items -> order lines; run twice is run once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.errors import AuditError, InvoptError, OrderRuleError, TableError, raise_together
from invopt.ordering import ACTED_ON, RULE_FAILED
from invopt.pipelines.audit import check_audit
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.due import due, until
from invopt.pipelines.implausible_orders import check_orders, say_warnings
from invopt.pipelines.inputs import fingerprint_of
from invopt.pipelines.ledger import Note
from invopt.pipelines.order_cycles import STEP, closed_by
from invopt.pipelines.order_lines import acted_on, cycle_lines, lines_of, write_lines
from invopt.pipelines.order_reviews import Waiting, ids_of, read_reviews, write_reviews
from invopt.pipelines.settled import settle
from invopt.run import instant
from invopt.tables import ORDERS
from invopt.tables.columns import ITEM

# items that an error names
N_TOLD = 3
# stands for the fingerprint where a policy's order rule failed
FAILED = "failed"


def order(context: Context) -> None:
    """Reviews every item of every policy that is due and writes the lines that are ordered.

    All policies go through one query and one MERGE: their cost is planning, and hardly grows with the policies.

    Raises
    ------
    TableError, AuditError : a policy has no inputs or no solutions, or its audit failed.
    OrderRuleError : a policy's order rule failed on some of its items: they are held, and the next run reviews them
        again.
    In each of these cases the others are ordered all the same.
    """
    planned = due(context)
    waiting: list[Waiting] = []
    refused: list[InvoptError] = []
    for row in context.config.active_policies():
        if row not in planned.ordering:
            context.say(f"order {row.id}: {until(planned.next_ordered[row.id])}")
            continue
        try:
            policy = _waiting(context, row, planned.standing[row.id], planned.cycles[row.id])
        except (TableError, AuditError) as error:
            refused.append(error)
            continue
        if policy is not None:
            waiting.append(policy)
    decided = [row.id for row in planned.ordering if row.id not in ids_of(waiting) and _done(context, row)]
    if decided:
        say_warnings(context, decided)
    if waiting:
        refused += _order(context, waiting)
    settle(context)
    raise_together(refused)


def _waiting(context: Context, row: PolicyRow, solved_by: str, cycle: datetime) -> Waiting | None:
    """What is to be reviewed of a policy; None where there is nothing to do, which is told."""
    waves = context.ledger.done("solve", row.id, solved_by)
    if not waves:
        if row.id in context.unsolved:
            context.say(f"order {row.id}: nothing, because it could not be solved")
            return None
        raise TableError(
            f"run {context.run_id} has no solutions for policy {row.id}: run `invopt solve` with the same --as-of and "
            "configuration first"
        )
    if not fingerprint_of(context, "*"):
        raise TableError(
            f"run {context.run_id} has no state of the items: run `invopt inputs` with the same --as-of and "
            "configuration first"
        )
    check_audit(context, row, solved_by)
    closing = closed_by(context, row, cycle)
    if closing is not None and not context.rewrites:
        context.say(
            f"order {row.id}: its cycle of {cycle:%Y-%m-%d %H:%M} is closed, because run {closing} has decided a later "
            "one, and its orders stay as they are; to decide them anew, which changes what that run has counted on: "
            f"invopt order --as-of {context.as_of:%Y-%m-%dT%H:%M:%S} --rewrite"
        )
        return None
    solved = sorted(one["fingerprint"] + instant(one["done_at"]) for one in waves.values())
    # the state of the items is made anew where a stock count arrives late
    state = fingerprint_of(context, "*")
    fingerprint = context.run.fingerprint(STEP, solved, state, context.config.orders.model_dump_json())
    done = _done(context, row)
    if closing is None and done and done["fingerprint"] == fingerprint:
        context.say(f"order {row.id}: unchanged, {done['rows']:,} items are reviewed already")
        return None
    return Waiting(row, cycle, solved_by, sum(one["rows"] for one in waves.values()), fingerprint)


def _done(context: Context, row: PolicyRow) -> Row | None:
    """The note that this run has ordered for a policy, unless a run of the same moment, with another configuration, has
    ordered since: it may have decided the same lines.
    """
    done = context.ledger.done(STEP, row.id).get(0)
    if done is None:
        return None
    moment = context.run_id.split("-")[0]
    since = any(
        one["step"] == STEP
        and one["run_id"] != context.run_id
        and one["run_id"].split("-")[0] == moment
        and instant(one["done_at"]) > instant(done["done_at"])
        for one in context.ledger.rows()
    )
    return None if since else done


def _order(context: Context, waiting: Sequence[Waiting]) -> list[OrderRuleError]:
    """Gives the errors of the policies whose rule failed."""
    watch = Stopwatch()
    context.store.create(ORDERS)
    write_reviews(context, waiting, acted_on(cycle_lines(context, waiting)))
    if check_orders(context, waiting):
        say_warnings(context, ids_of(waiting))
    lines = lines_of(context, waiting)
    counted = _counted(context, waiting, lines)
    cancelled = write_lines(context, waiting, lines, has_failed=any(row["failed"] for row in counted.values()))
    errors, notes = [], []
    for policy in waiting:
        row = counted.get(policy.row.id, _NOTHING)
        _say(context, policy, row)
        if row["failed"]:
            why = f"{row['failed']:,} items are held, because the order rule failed: {_first_failed(context, policy)}"
            errors.append(OrderRuleError(f"policy {policy.row.id}: {why}"))
        # a mended rule must find its items not yet done
        fingerprint = FAILED if row["failed"] else policy.fingerprint
        # one query served all policies: its time is divided among them
        seconds = watch.seconds / len(waiting)
        notes.append(Note(STEP, fingerprint, row["items"], seconds, policy.row.id, failed=row["failed"]))
    if cancelled:
        context.say(f"  ! {cancelled:,} lines of these cycles, ordered by earlier runs, are not wanted: cancelled")
    context.ledger.record(*notes)
    context.say(f"order: done in {watch.seconds:.1f} s")
    return errors


_NOTHING = Row(items=0, lines=0, order_value=0.0, failed=0, why=None, acted_on=0, more=0.0)


def _say(context: Context, policy: Waiting, row: Row) -> None:
    done = "would be ordered: a shadow" if policy.row.is_shadow else "ordered"
    context.say(
        f"order {policy.row.id}: {row['items']:,} items reviewed, {row['lines']:,} lines {done}, "
        f"worth {row['order_value']:,.2f}"
    )
    if row["failed"]:
        context.say(f"  ! {row['failed']:,} items, such as: held: the order rule failed: {row['why']}")
    if row["acted_on"]:
        context.say(
            f"  ! {row['acted_on']:,} items have an order of this cycle that was acted on and stays as it is, "
            f"{row['more']:,.10g} units more would be ordered: see gold.order_reviews, because = '{ACTED_ON}'"
        )


def _first_failed(context: Context, policy: Waiting) -> str:
    """The first items whose order rule failed, each with its cause."""
    failed = read_reviews(context, [policy]).where(F.col("because") == RULE_FAILED)
    rows = failed.select(F.concat_ws("/", *ITEM).alias("item"), "detail").orderBy("item").limit(N_TOLD).collect()
    return "; ".join(f"{row['item']}: {row['detail']}" for row in rows)


def _counted(context: Context, waiting: Sequence[Waiting], lines: DataFrame) -> dict[str, Row]:
    """Policy -> its items, its lines and their value, the items whose order rule failed, and those whose order was
    acted on.
    """
    has_failed, is_acted_on = F.col("because") == RULE_FAILED, F.col("because") == ACTED_ON
    taken_back = F.aggregate(
        F.filter("ledger", lambda row: row["step"] == ACTED_ON), F.lit(0.0), lambda total, row: total - row["units"]
    )
    values = lines.select("policy_id", *ITEM, "order_value")
    counted = (
        read_reviews(context, waiting)
        .join(values, on=["policy_id", *ITEM], how="left")
        .groupBy("policy_id")
        .agg(
            F.count(F.lit(1)).alias("items"),
            F.count("order_value").alias("lines"),
            F.coalesce(F.sum("order_value"), F.lit(0.0)).alias("order_value"),
            F.count_if(has_failed).alias("failed"),
            F.min(F.when(has_failed, F.col("detail"))).alias("why"),
            F.count_if(is_acted_on).alias("acted_on"),
            F.coalesce(F.sum(F.when(is_acted_on, taken_back)), F.lit(0.0)).alias("more"),
        )
    )
    return {row["policy_id"]: row for row in counted.collect()}
