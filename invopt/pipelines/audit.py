"""Whether algorithm and model agreed on the partitions that both have solved."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow
from invopt.errors import AuditError
from invopt.pipelines.context import Context
from invopt.tables import SOLUTIONS


def solutions_of(context: Context, row: PolicyRow, solved_by: str | None = None) -> DataFrame:
    """The solutions of a policy by this run, or by the run `solved_by`."""
    return context.store.read(SOLUTIONS, where={"run_id": solved_by or context.run_id, "policy_id": row.id})


def check_audit(context: Context, row: PolicyRow, solved_by: str | None = None) -> None:
    """Refuses solutions whose audit failed; `order` asks too, because a step may be run by itself, or use an earlier
    run's solutions.
    """
    largest = [
        one["audit_gap"]
        for one in context.ledger.done("solve", row.id, solved_by).values()
        if one["audit_gap"] is not None
    ]
    if all(gap <= context.config.solve.audit_tolerance for gap in largest):
        return
    audited = solutions_of(context, row, solved_by).where("audit_gap IS NOT NULL")
    wrong = (
        audited.where(F.col("audit_gap") > context.config.solve.audit_tolerance)
        .orderBy(F.desc("audit_gap"))
        .limit(5)
        .collect()
    )
    if wrong:
        shown = "; ".join(
            f"{one['partition_key']} (relative difference {one['audit_gap']:.2g}: {one['audit_message']})"
            for one in wrong
        )
        raise AuditError(
            f"policy {row.id}: the algorithm and the model disagree on {shown}. The solutions are in "
            f"{SOLUTIONS.name}, no order was "
            f"made from them; re-solve one with `invopt solve-one`, or set `method: model` in conf/policies.yaml"
        )
