"""Step `order`: decisions + stock state -> order lines, by MERGE on a hash of what the order is; run twice is run once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from invopt import ordering, policies
from invopt.columns import ITEM
from invopt.config import PolicyRow
from invopt.errors import TableError
from invopt.pipelines.due import as_of_of, due, until
from invopt.pipelines.solve import check_audit
from invopt.pipelines.steps import Run, Stopwatch, instant
from invopt.tables import ITEM_STATE, ORDER_REVIEWS, ORDERS, SOLUTIONS

STEP = "order"
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
# of an item's state, what its review shows
_KEPT = (*ITEM, "inventory_position", "on_hand", "expiring", "on_order")


def order(run: Run) -> None:
    """Reviews every item of every policy that is due and writes the lines that are ordered."""
    planned = due(run)
    for row in run.config.active_policies():
        if row in planned.ordering:
            _order_policy(run, row, planned.standing[row.id])
        else:
            run.say(f"order {row.id}: {until(planned.next_ordered[row.id])}")


def _order_policy(run: Run, row: PolicyRow, solved_by: str) -> None:
    """Orders from the solutions of the run `solved_by`: this one, or an earlier one where the policy is not optimized at every run."""
    waves = run.done("solve", row.id, solved_by)
    if not waves:
        raise TableError(
            f"run {run.run_id} has no solutions for policy {row.id}: run `invopt solve` with the same --as-of and configuration first"
        )
    check_audit(run, row, solved_by)
    fingerprint = run.fingerprint(
        STEP, sorted(one["fingerprint"] + instant(one["done_at"]) for one in waves.values()), run.config.orders.model_dump_json()
    )
    done = run.done(STEP, row.id)
    if done and done[0]["fingerprint"] == fingerprint:
        run.say(f"order {row.id}: unchanged, {done[0]['rows']:,} items are reviewed already")
        return
    watch = Stopwatch()
    seen = Observation()
    ordered = [F.count_if(F.col("quantity") > 0).alias("lines"), F.sum(F.col("quantity") * F.col("unit_cost")).alias("value")]
    reviews = _reviews(run, row, solved_by).observe(seen, *ordered)
    written = run.lakehouse.replace(ORDER_REVIEWS, reviews, {"run_id": run.run_id, "policy_id": row.id})
    _merge(run, row, _lines(run, row))
    n_lines, value = (seen.get["lines"], seen.get["value"] or 0.0) if written else (0, 0.0)
    run.say(f"order {row.id}: {written:,} items reviewed, {n_lines:,} lines ordered, worth {value:,.2f}, {watch.seconds:.1f} s")
    run.record(STEP, fingerprint, rows=written, seconds=watch.seconds, policy_id=row.id)


def _is_cycle(run: Run, row: PolicyRow):
    return (F.col("policy_id") == row.id) & (F.col("ordered_at") == F.lit(run.as_of))


def _with_state(run: Run, row: PolicyRow, solved_by: str) -> DataFrame:
    solutions = run.lakehouse.read(SOLUTIONS).where((F.col("run_id") == solved_by) & (F.col("policy_id") == row.id))
    hold = F.lit(run.config.orders.stale_stock == "hold")
    state = (
        run.lakehouse.read(ITEM_STATE)
        .where(F.col("run_id") == run.run_id)
        .select(*ITEM, *_STATE, *_times(run, solved_by), (F.col("is_stock_stale") & hold).alias("is_stale"), F.col("problem"))
    )
    return solutions.select(*ITEM, "decisions", "status", "message").join(state, on=list(ITEM), how="inner")


def _times(run: Run, solved_by: str) -> list[Column]:
    """Whole days that order rules count in: see `Policy.order`."""
    today = F.lit(run.as_of.date())
    return [
        F.lit((run.as_of.date() - date(1970, 1, 1)).days).cast("double").alias("day"),
        F.lit((run.as_of.date() - as_of_of(solved_by).date()).days).cast("double").alias("period"),
        F.date_diff(today, F.to_date("last_ordered_at")).cast("double").alias("days_since_order"),
    ]


def _reviews(run: Run, row: PolicyRow, solved_by: str) -> DataFrame:
    reviewed = _with_state(run, row, solved_by)
    types = dict(reviewed.dtypes)
    passed = [*_KEPT, "unit_cost"]
    schema = ", ".join([*(f"{name} {types[name]}" for name in passed), "wanted double", "quantity double", "reason string"])
    reviews = reviewed.mapInPandas(reviewer(row.policy, run.config.policies_folder), schema)
    return reviews.withColumns({"run_id": F.lit(run.run_id), "policy_id": F.lit(row.id), "ordered_at": F.lit(run.as_of)})


def reviewer(policy_name: str, policies_folder: str | None) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark calls with batches of items."""

    def review_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        policy = policies.load(policy_name, policies_folder)
        for items in batches:
            yield review_items(policy, items)

    return review_batches


def review_items(policy: policies.Policy, items: pd.DataFrame) -> pd.DataFrame:
    """Applies the policy's order rule and the supplier's limits; an item without a solution is held, with the reason."""
    has_solution = (items["status"] != "no_solution").to_numpy() & items["decisions"].notna().to_numpy()
    decisions = {name: _values(items["decisions"], name, has_solution) for name in policy.decisions}
    is_stale = items["is_stale"].to_numpy(bool)
    state = items.assign(
        is_held=is_stale | ~has_solution, held_because=np.where(is_stale, items["problem"], "no solution: " + items["message"].fillna("")),
        # an audit is for who runs the solver, not for who reads why a quantity was ordered
        solution_says=items["message"].where(has_solution).str.replace(r"(^|; )audit: .*", "", regex=True),
    )
    wanted = np.full(len(items), np.nan)
    if has_solution.any():
        wanted[has_solution] = policy.order({name: values[has_solution] for name, values in decisions.items()}, state[has_solution])
    shown = {name: _at_period(values, items["period"].to_numpy(float)) for name, values in decisions.items()}
    reviews = ordering.review(wanted, shown, state.reset_index(drop=True))
    kept = items[[*_KEPT, "unit_cost"]].reset_index(drop=True)
    return pd.concat([kept, reviews], axis=1)


def _values(decisions: pd.Series, name: str, has_solution: np.ndarray) -> np.ndarray:
    """A decision of all items: (n,) where it has one value, (n, n_periods) where it has one per period; NaN where there is none."""
    # Arrow gives a map as a list of pairs, or a dict
    series = [dict(one)[name] for one, ok in zip(decisions, has_solution, strict=True) if ok]
    lengths = np.fromiter(map(len, series), dtype=int, count=len(series))
    longest = int(lengths.max(initial=1))
    values = np.full((len(decisions), longest), np.nan)
    if series:
        filled = np.zeros_like(values, dtype=bool)
        filled[has_solution] = np.arange(longest) < lengths[:, None]
        values[filled] = np.concatenate(series)
    return values[:, 0] if longest == 1 else values


def _at_period(values: np.ndarray, period: np.ndarray) -> np.ndarray:
    """The value that holds now: the only one, or that of the period; NaN beyond the last."""
    if values.ndim == 1:
        return values
    at = np.clip(period, 0, values.shape[1] - 1).astype(int)
    return np.where(period < values.shape[1], values[np.arange(len(values)), at], np.nan)


def _lines(run: Run, row: PolicyRow) -> DataFrame:
    reviews = run.lakehouse.read(ORDER_REVIEWS).where(
        (F.col("run_id") == run.run_id) & (F.col("policy_id") == row.id) & (F.col("quantity") > 0)
    )
    state = (
        run.lakehouse.read(ITEM_STATE).where(F.col("run_id") == run.run_id).select(*ITEM, "unit_cost", "lead_time", "lead_time_confidence")
    )
    lines = reviews.join(state, on=list(ITEM), how="inner")
    return lines.select(
        F.sha2(
            F.to_json(F.struct("policy_id", *ITEM, F.date_format("ordered_at", "yyyy-MM-dd'T'HH:mm:ss").alias("ordered_at"))), 256
        ).alias("order_id"),
        "run_id",
        "policy_id",
        *ITEM,
        "ordered_at",
        "quantity",
        "unit_cost",
        (F.col("quantity") * F.col("unit_cost")).alias("order_value"),
        (F.col("ordered_at") + F.make_dt_interval(F.lit(0), F.lit(0), F.lit(0), F.col("lead_time") * 86400)).alias("eta"),
        F.col("lead_time_confidence").alias("eta_confidence"),
        F.lit("open").alias("status"),
        "reason",
    )


def _merge(run: Run, row: PolicyRow, lines: DataFrame) -> None:
    """New lines are added, changed ones updated; a line of this cycle that is no longer wanted is cancelled, not deleted."""
    run.lakehouse.create(ORDERS)
    before = run.lakehouse.read(ORDERS).where(_is_cycle(run, row))
    dropped = (
        before.join(lines.select("order_id"), on="order_id", how="left_anti")
        .where("status = 'open'")
        .withColumns({"status": F.lit("cancelled"), "run_id": F.lit(run.run_id)})
    )
    differs = " OR ".join(f"NOT (old.{name} <=> new.{name})" for name in ORDERS.column_names if name != "order_id")
    run.lakehouse.merge(ORDERS, lines.unionByName(dropped.select(*lines.columns)), update_where=differs)
