"""Step `order`: decisions + stock state -> order lines, by MERGE on a hash of what the order is; run twice is run
once.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.errors import AuditError, InvoptError, OrderRuleError, TableError, raise_together
from invopt.ordering import ITEM_COLUMNS, RULE_FAILED, OrderRule, line_decider
from invopt.pipelines.audit import check_audit
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.due import due, until
from invopt.pipelines.ledger import Note
from invopt.run import as_of_of, instant
from invopt.tables import ITEM_STATE, ORDER_REVIEWS, ORDERS, SOLUTIONS
from invopt.tables.columns import ITEM

STEP = "order"
# stands for the fingerprint where a policy's order rule failed
FAILED = "failed"
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
class _Waiting:
    """A policy whose items are to be reviewed: its row, the run whose solutions hold, and what the result depends
    on.
    """

    row: PolicyRow
    solved_by: str
    fingerprint: str


def order(context: Context) -> None:
    """Reviews every item of every policy that is due and writes the lines that are ordered.

    All policies go through one query and one MERGE: their cost is planning, and hardly grows with the policies.

    Raises
    ------
    TableError, AuditError : a policy has no solutions, or its audit failed.
    OrderRuleError : a policy's order rule failed on some of its items: they are held, and the next run reviews them
        again.
    In each of these cases the others are ordered all the same.
    """
    planned = due(context)
    waiting: list[_Waiting] = []
    refused: list[InvoptError] = []
    for row in context.config.active_policies():
        if row not in planned.ordering:
            context.say(f"order {row.id}: {until(planned.next_ordered[row.id])}")
            continue
        try:
            fingerprint = _fingerprint(context, row, planned.standing[row.id])
        except (TableError, AuditError) as error:
            refused.append(error)
            continue
        done = context.ledger.done(STEP, row.id)
        if done and done[0]["fingerprint"] == fingerprint:
            context.say(f"order {row.id}: unchanged, {done[0]['rows']:,} items are reviewed already")
        else:
            waiting.append(_Waiting(row, planned.standing[row.id], fingerprint))
    if waiting:
        refused += _order(context, waiting)
    raise_together(refused)


def _fingerprint(context: Context, row: PolicyRow, solved_by: str) -> str:
    """Hash of all that a policy's orders depend on; refuses solutions that are missing or not to be trusted.

    The solutions are those of the run `solved_by`: this one, or an earlier one where the policy is not optimized at
    every run.
    """
    waves = context.ledger.done("solve", row.id, solved_by)
    if not waves:
        raise TableError(
            f"run {context.run_id} has no solutions for policy {row.id}: run `invopt solve` with the same --as-of and "
            "configuration first"
        )
    check_audit(context, row, solved_by)
    solved = sorted(one["fingerprint"] + instant(one["done_at"]) for one in waves.values())
    return context.run.fingerprint(STEP, solved, context.config.orders.model_dump_json())


def _order(context: Context, waiting: list[_Waiting]) -> list[OrderRuleError]:
    """Gives the errors of the policies whose rule failed."""
    watch = Stopwatch()
    ids = [policy.row.id for policy in waiting]
    context.store.replace(ORDER_REVIEWS, _reviews(context, waiting), {"run_id": context.run_id, "policy_id": ids})
    lines = _lines(context, ids)
    counted = _counted(context, ids, lines)
    _merge(context, ids, lines, has_failed=any(row["failed"] for row in counted.values()))
    errors, notes = [], []
    for policy in waiting:
        row = counted.get(policy.row.id, _NOTHING)
        context.say(
            f"order {policy.row.id}: {row['items']:,} items reviewed, {row['lines']:,} lines ordered, "
            f"worth {row['order_value']:,.2f}"
        )
        if row["failed"]:
            context.say(f"  ! {row['failed']:,} items, such as: {row['why']}")
            why = _rule_of(row["why"])
            errors.append(OrderRuleError(f"policy {policy.row.id}: {row['failed']:,} items are held, because {why}"))
        # a mended rule must find its items not yet done
        fingerprint = FAILED if row["failed"] else policy.fingerprint
        # one query served all policies: its time is divided among them
        seconds = watch.seconds / len(waiting)
        notes.append(Note(STEP, fingerprint, row["items"], seconds, policy.row.id, failed=row["failed"]))
    context.ledger.record(*notes)
    context.say(f"order: done in {watch.seconds:.1f} s")
    return errors


_NOTHING = Row(items=0, lines=0, order_value=0.0, failed=0, why=None)


def _counted(context: Context, ids: list[str], lines: DataFrame) -> dict[str, Row]:
    """Policy -> its items, its lines and their value, and the items whose order rule failed."""
    has_failed = F.contains("reason", F.lit(RULE_FAILED))
    values = lines.select("policy_id", *ITEM, "order_value")
    counted = (
        _reviewed(context, ids)
        .join(values, on=["policy_id", *ITEM], how="left")
        .groupBy("policy_id")
        .agg(
            F.count(F.lit(1)).alias("items"),
            F.count("order_value").alias("lines"),
            F.coalesce(F.sum("order_value"), F.lit(0.0)).alias("order_value"),
            F.count_if(has_failed).alias("failed"),
            F.min(F.when(has_failed, F.col("reason"))).alias("why"),
        )
    )
    return {row["policy_id"]: row for row in counted.collect()}


def _rule_of(reason: str) -> str:
    """The part of a reason that tells how the rule failed, without the item's position."""
    return reason[reason.index(RULE_FAILED) :].rsplit("; position ", 1)[0]


def _of_cycle(context: Context, ids: list[str]) -> Column:
    return F.col("policy_id").isin(*ids) & (F.col("ordered_at") == F.lit(context.as_of))


def _with_state(context: Context, waiting: list[_Waiting]) -> DataFrame:
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
            "problem",
        )
    )
    solutions = context.store.read(SOLUTIONS).where(_solved(waiting))
    return solutions.select("policy_id", *ITEM, "decisions", "status", "message").join(
        state, on=list(ITEM), how="inner"
    )


def _solved(waiting: list[_Waiting]) -> Column:
    """Each policy's solutions, of the run that holds for it."""
    policies_of: dict[str, list[str]] = {}
    for one in waiting:
        policies_of.setdefault(one.solved_by, []).append(one.row.id)
    holds = F.lit(False)
    for run_id, ids in policies_of.items():
        holds = holds | ((F.col("run_id") == run_id) & F.col("policy_id").isin(*ids))
    return holds


def _reviews(context: Context, waiting: list[_Waiting]) -> DataFrame:
    reviewed = _with_state(context, waiting)
    types = dict(reviewed.dtypes)
    passed = ["policy_id", *ITEM_COLUMNS, "unit_cost"]
    schema = ", ".join(
        [*(f"{name} {types[name]}" for name in passed), "wanted double", "quantity double", "reason string"]
    )
    rules = {
        one.row.id: OrderRule(
            one.row.policy, context.config.policies_folder, (context.as_of.date() - as_of_of(one.solved_by).date()).days
        )
        for one in waiting
    }
    reviews = reviewed.mapInPandas(line_decider(rules), schema)
    return reviews.withColumns({"run_id": F.lit(context.run_id), "ordered_at": F.lit(context.as_of)})


def _reviewed(context: Context, ids: list[str]) -> DataFrame:
    return context.store.read(ORDER_REVIEWS, where={"run_id": context.run_id, "policy_id": ids})


def _lines(context: Context, ids: list[str]) -> DataFrame:
    reviews = _reviewed(context, ids).where(F.col("quantity") > 0)
    state = (
        context.store.read(ITEM_STATE)
        .where(F.col("run_id") == context.run_id)
        .select(*ITEM, "unit_cost", "lead_time", "lead_time_confidence")
    )
    lines = reviews.join(state, on=list(ITEM), how="inner")
    return lines.select(
        F.sha2(
            F.to_json(
                F.struct("policy_id", *ITEM, F.date_format("ordered_at", "yyyy-MM-dd'T'HH:mm:ss").alias("ordered_at"))
            ),
            256,
        ).alias("order_id"),
        "run_id",
        "policy_id",
        *ITEM,
        "ordered_at",
        "quantity",
        "unit_cost",
        (F.col("quantity") * F.col("unit_cost")).alias("order_value"),
        (F.col("ordered_at") + F.make_dt_interval(F.lit(0), F.lit(0), F.lit(0), F.col("lead_time") * 86400)).alias(
            "eta"
        ),
        F.col("lead_time_confidence").alias("eta_confidence"),
        F.lit("open").alias("status"),
        "reason",
    )


def _merge(context: Context, ids: list[str], lines: DataFrame, *, has_failed: bool) -> None:
    """New lines are added, changed ones updated; a line of this cycle that is no longer wanted is cancelled, not
    deleted.

    Nobody knows what a failed order rule would want, so the lines of its items stay as they are.
    """
    context.store.create(ORDERS)
    before = context.store.read(ORDERS).where(_of_cycle(context, ids))
    if has_failed:
        unknown = _reviewed(context, ids).where(F.contains("reason", F.lit(RULE_FAILED))).select("policy_id", *ITEM)
        before = before.join(unknown, on=["policy_id", *ITEM], how="left_anti")
    dropped = (
        before.join(lines.select("order_id"), on="order_id", how="left_anti")
        .where("status = 'open'")
        .withColumns({"status": F.lit("cancelled"), "run_id": F.lit(context.run_id)})
    )
    differs = " OR ".join(f"NOT (old.{name} <=> new.{name})" for name in ORDERS.column_names if name != "order_id")
    context.store.merge(ORDERS, lines.unionByName(dropped.select(*lines.columns)), update_where=differs)
