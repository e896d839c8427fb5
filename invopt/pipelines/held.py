"""Deliveries that lack so many rows that they wait until somebody has said that these are gone."""

from __future__ import annotations

from pyspark.sql import Row

from invopt.pipelines.context import Context
from invopt.pipelines.deliveries import HELD
from invopt.tables import DELIVERIES


def held(context: Context) -> list[Row]:
    """The rows of silver.deliveries that wait."""
    if not context.store.exists(DELIVERIES):
        return []
    rows = context.store.rows(DELIVERIES, {"status": HELD})
    return sorted(rows, key=lambda row: (row["dataset"], row["batch_id"], row["delivery"]))


def held_sentence(dataset: str, title: str, n_absent: int, n_before: int) -> str:
    """What is told of a delivery that is held, at every run until somebody has decided.

    >>> print(held_sentence("suppliers", "2026-03-02", 30, 100).replace(". ", ".\\n").replace("; ", ";\\n"))
    suppliers of 2026-03-02 does not hold 30 of the 100 rows before it, so it waits, and these rows go on.
    If its files hold only what has changed, set `mapping: {suppliers: {delivery: delta}}` in conf/base.yaml;
    if the 30 rows are gone, set `ingest: {max_absent_share: 0.3}` there for one run;
    else land it whole
    """
    share = -(-1000 * n_absent // max(1, n_before)) / 1000
    return (
        f"{dataset} of {title} does not hold {n_absent:,} of the {n_before:,} rows before it, so it waits, and these "
        f"rows go on. If its files hold only what has changed, set `mapping: {{{dataset}: {{delivery: delta}}}}` in "
        f"conf/base.yaml; if the {n_absent:,} rows are gone, set `ingest: {{max_absent_share: {share:g}}}` there for "
        "one run; else land it whole"
    )
