"""Step `order`: decisions + stock state -> order lines, by MERGE on a hash of what the order is; run twice is run
once.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.errors import AuditError, InvoptError, OrderRuleError, TableError, raise_together
from invopt.ordering.order_rules import KEPT, RULE_FAILED, OrderRule, reviewer
from invopt.pipelines.due import as_of_of, due, until
from invopt.pipelines.solve import check_audit
from invopt.pipelines.steps import Run, Stopwatch, instant
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


def order(run: Run) -> None:
    """Reviews every item of every policy that is due and writes the lines that are ordered.

    All policies go through one query and one MERGE: their cost is planning, and hardly grows with the policies.

    Raises
    ------
    TableError, AuditError : a policy has no solutions, or its audit failed.
    OrderRuleError : a policy's order rule failed on some of its items: they are held, and the next run reviews them
        again.
    In each of these cases the others are ordered all the same.
    """
    planned = due(run)
    waiting: list[_Waiting] = []
    refused: list[InvoptError] = []
    for row in run.config.active_policies():
        if row not in planned.ordering:
            run.say(f"order {row.id}: {until(planned.next_ordered[row.id])}")
            continue
        try:
            fingerprint = _fingerprint(run, row, planned.standing[row.id])
        except (TableError, AuditError) as error:
            refused.append(error)
            continue
        done = run.done(STEP, row.id)
        if done and done[0]["fingerprint"] == fingerprint:
            run.say(f"order {row.id}: unchanged, {done[0]['rows']:,} items are reviewed already")
        else:
            waiting.append(_Waiting(row, planned.standing[row.id], fingerprint))
    if waiting:
        refused += _order(run, waiting)
    raise_together(refused)


def _fingerprint(run: Run, row: PolicyRow, solved_by: str) -> str:
    """What a policy's orders depend on; refuses solutions that are not there or not to be trusted.

    The solutions are those of the run `solved_by`: this one, or an earlier one where the policy is not optimized at
    every run.
    """
    waves = run.done("solve", row.id, solved_by)
    if not waves:
        raise TableError(
            f"run {run.run_id} has no solutions for policy {row.id}: run `invopt solve` with the same --as-of and "
            "configuration first"
        )
    check_audit(run, row, solved_by)
    solved = sorted(one["fingerprint"] + instant(one["done_at"]) for one in waves.values())
    return run.fingerprint(STEP, solved, run.config.orders.model_dump_json())


def _order(run: Run, waiting: list[_Waiting]) -> list[OrderRuleError]:
    """Gives the errors of the policies whose rule failed."""
    watch = Stopwatch()
    ids = [one.row.id for one in waiting]
    seen = Observation()
    of_policy = {policy_id: F.col("policy_id") == policy_id for policy_id in ids}
    ordered = [
        measure
        for k, is_its in enumerate(of_policy.values())
        for measure in (
            F.count_if(is_its).alias(f"items_{k}"),
            F.count_if(is_its & (F.col("quantity") > 0)).alias(f"lines_{k}"),
            F.coalesce(F.sum(F.when(is_its, F.col("quantity") * F.col("unit_cost"))), F.lit(0.0)).alias(f"value_{k}"),
            F.count_if(is_its & F.contains("reason", F.lit(RULE_FAILED))).alias(f"failed_{k}"),
            F.min(F.when(is_its & F.contains("reason", F.lit(RULE_FAILED)), F.col("reason"))).alias(f"why_{k}"),
        )
    ]
    reviews = _reviews(run, waiting).observe(seen, *ordered)
    written = run.lakehouse.replace(ORDER_REVIEWS, reviews, {"run_id": run.run_id, "policy_id": ids})
    counted = seen.get if written else {}
    _merge(run, ids, _lines(run, ids), has_failed=any(counted.get(f"failed_{k}", 0) for k in range(len(ids))))
    errors = []
    for k, one in enumerate(waiting):
        items, lines, value, failed = (counted.get(f"{name}_{k}", 0) for name in ("items", "lines", "value", "failed"))
        run.say(f"order {one.row.id}: {items:,} items reviewed, {lines:,} lines ordered, worth {value:,.2f}")
        if failed:
            run.say(f"  ! {failed:,} items, such as: {counted[f'why_{k}']}")
            errors.append(
                OrderRuleError(
                    f"policy {one.row.id}: {failed:,} items are held, because {_rule_of(counted[f'why_{k}'])}"
                )
            )
        # a mended rule must find its items not yet done
        fingerprint = FAILED if failed else one.fingerprint
        # one query served all: its time is divided among them
        run.record(
            STEP, fingerprint, rows=items, failed=failed, seconds=watch.seconds / len(waiting), policy_id=one.row.id
        )
    run.say(f"order: done in {watch.seconds:.1f} s")
    return errors


def _rule_of(reason: str) -> str:
    """What a reason says of the rule that failed, without the item's position."""
    return reason[reason.index(RULE_FAILED) :].rsplit("; position ", 1)[0]


def _of_cycle(run: Run, ids: list[str]) -> Column:
    return F.col("policy_id").isin(*ids) & (F.col("ordered_at") == F.lit(run.as_of))


def _with_state(run: Run, waiting: list[_Waiting]) -> DataFrame:
    hold = F.lit(run.config.orders.stale_stock == "hold")
    # the two moments are given as whole days, as order rules count: see `Policy.order`
    today = F.lit(run.as_of.date())
    state = (
        run.lakehouse.read(ITEM_STATE)
        .where(F.col("run_id") == run.run_id)
        .select(
            *ITEM,
            *_STATE,
            F.unix_date(today).cast("double").alias("day"),
            F.date_diff(today, F.to_date("last_ordered_at")).cast("double").alias("days_since_order"),
            (F.col("is_stock_stale") & hold).alias("is_stale"),
            "problem",
        )
    )
    solutions = run.lakehouse.read(SOLUTIONS).where(_solved(waiting))
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


def _reviews(run: Run, waiting: list[_Waiting]) -> DataFrame:
    reviewed = _with_state(run, waiting)
    types = dict(reviewed.dtypes)
    passed = ["policy_id", *KEPT, "unit_cost"]
    schema = ", ".join(
        [*(f"{name} {types[name]}" for name in passed), "wanted double", "quantity double", "reason string"]
    )
    rules = {
        one.row.id: OrderRule(
            one.row.policy, run.config.policies_folder, (run.as_of.date() - as_of_of(one.solved_by).date()).days
        )
        for one in waiting
    }
    reviews = reviewed.mapInPandas(reviewer(rules), schema)
    return reviews.withColumns({"run_id": F.lit(run.run_id), "ordered_at": F.lit(run.as_of)})


def _reviewed(run: Run, ids: list[str]) -> DataFrame:
    return run.lakehouse.read(ORDER_REVIEWS).where((F.col("run_id") == run.run_id) & F.col("policy_id").isin(*ids))


def _lines(run: Run, ids: list[str]) -> DataFrame:
    reviews = _reviewed(run, ids).where(F.col("quantity") > 0)
    state = (
        run.lakehouse.read(ITEM_STATE)
        .where(F.col("run_id") == run.run_id)
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


def _merge(run: Run, ids: list[str], lines: DataFrame, *, has_failed: bool) -> None:
    """New lines are added, changed ones updated; a line of this cycle that is no longer wanted is cancelled, not
    deleted.

    What an order rule that failed would want is not known: the lines of such items stay as they are.
    """
    run.lakehouse.create(ORDERS)
    before = run.lakehouse.read(ORDERS).where(_of_cycle(run, ids))
    if has_failed:
        unknown = _reviewed(run, ids).where(F.contains("reason", F.lit(RULE_FAILED))).select("policy_id", *ITEM)
        before = before.join(unknown, on=["policy_id", *ITEM], how="left_anti")
    dropped = (
        before.join(lines.select("order_id"), on="order_id", how="left_anti")
        .where("status = 'open'")
        .withColumns({"status": F.lit("cancelled"), "run_id": F.lit(run.run_id)})
    )
    differs = " OR ".join(f"NOT (old.{name} <=> new.{name})" for name in ORDERS.column_names if name != "order_id")
    run.lakehouse.merge(ORDERS, lines.unionByName(dropped.select(*lines.columns)), update_where=differs)
