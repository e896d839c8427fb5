"""Step `report`: what a run did, in the words of who reads it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.pipelines.due import due
from invopt.spark import sql
from invopt.spark.frames import frame
from invopt.tables import ORDERS, SOLUTIONS

_HEADINGS = {
    "policy_id": "policy",
    "items": "items",
    "solved": "solved",
    "failed": "failed",
    "lines": "lines ordered",
    "units": "units",
    "order_value": "order value",
    "expected_cost_per_day": "expected cost/day",
}


def summary(context: Context) -> DataFrame:
    """One row per policy of the run."""
    standing = due(context).standing
    # the runs by name, not only by the join, let Delta skip the files of all others
    solutions = context.store.read(SOLUTIONS).where(F.col("run_id").isin(*set(standing.values())))
    shadows = {row.id for row in context.config.active_policies() if row.is_shadow}
    named = frame(
        context.spark,
        [(policy_id, run_id, policy_id in shadows) for policy_id, run_id in standing.items()],
        "policy_id string, run_id string, is_shadow boolean",
    )
    views = {"solutions": solutions, "standing": named, "orders": context.store.read(ORDERS)}
    return sql.query(context.spark, sql.text("reports/run_summary"), views, {"run_id": context.run_id})


DECISIONS_VIEW = "solution_decisions"


def unfold_decisions(context: Context) -> str:
    """Makes the view with one row per item, decision and period of gold.solutions; gives its name.

    In a catalog it stays, beside the tables; below a folder there is no catalog to keep it, so it lives as long as the
    session.
    """
    statement = sql.text("reports/solution_decisions")
    if context.config.lakehouse.catalog is None:
        sql.query(context.spark, statement, {"solutions": context.store.read(SOLUTIONS)}).createOrReplaceTempView(
            DECISIONS_VIEW
        )
        return DECISIONS_VIEW
    solutions = context.store.places.sql_name(SOLUTIONS)
    # beside the table: catalog.gold.solution_decisions, or catalog.schema.gold_solution_decisions
    name = solutions[: -len("solutions")] + DECISIONS_VIEW
    # the names are identifiers that the configuration has checked
    context.spark.sql(
        f"CREATE OR REPLACE VIEW {name} AS WITH solutions AS (SELECT * FROM {solutions}) SELECT * FROM ({statement})"
    )
    return name


def report(context: Context) -> None:
    """Prints the summary of the run and where its tables are."""
    if not context.store.exists(SOLUTIONS):
        context.say("report: there is no solution yet")
        return
    rows = [row.asDict() for row in summary(context).collect()]
    for row in rows:
        row["policy_id"] += " (shadow)" if row["is_shadow"] else ""
    context.say("")
    context.say(f"Run {context.run_id}, as of {context.as_of:%Y-%m-%d %H:%M}")
    for line in table_lines(
        list(_HEADINGS.values()), [[_shown(name, row[name]) for name in _HEADINGS] for row in rows]
    ):
        context.say(line)
    if any(row["is_shadow"] for row in rows):
        context.say("What a shadow would order is kept for comparison, and nobody orders it.")
    context.say("")
    context.say(
        f"Orders: {context.store.places.shown(ORDERS)}   Why each quantity: {ORDERS.name}.reason   All tables: "
        "invopt tables"
    )


def table_lines(headings: list[str], rows: list[list[str]]) -> list[str]:
    """A plain table: the first column to the left, the numbers to the right.

    >>> table_lines(["policy", "items"], [["s_q", "12"]])
    ['policy  items', '------  -----', 's_q        12']
    """
    widths = [
        max(len(heading), *(len(row[i]) for row in rows)) if rows else len(heading)
        for i, heading in enumerate(headings)
    ]

    def line(cells: list[str]) -> str:
        return "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return [line(headings), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def _shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if name in ("order_value", "expected_cost_per_day"):
        return f"{value:,.2f}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)
