"""Items of the policy s_q as a retailer has them, and their inputs table in a lakehouse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from invopt import policies
from invopt.columns import ITEM
from invopt.pipelines.inputs import STEP, Spread, write_placed
from invopt.pipelines.steps import Run

PERIODS = 28
FORMS = np.array(["poisson", "normal", "deterministic"])
ROWS_PER_FILE = 250_000


def arrow_items(n: int, seed: int) -> pa.Table:
    """n items: mean lead-time demand 1..200 units, three forms of demand, a weekly pattern with noise over 28 days."""
    rng = np.random.default_rng(seed)
    lead_time = rng.integers(1, 15, n).astype(float)
    daily = np.exp(rng.uniform(0, np.log(200), n)) / lead_time
    week = 1 + 0.4 * np.sin(2 * np.pi * np.arange(PERIODS) / 7)
    means = np.round(daily[:, None] * week * rng.uniform(0.9, 1.1, (n, PERIODS)), 3)
    form = rng.integers(0, 3, n)
    unit_cost = rng.uniform(1, 100, n)
    offsets = np.arange(0, (n + 1) * PERIODS, PERIODS, dtype=np.int32)
    variances = np.round(means * rng.uniform(1, 4, n)[:, None], 3)
    return pa.table({
        "location_id": pa.array([f"S{number // 1000:05d}" for number in range(n)]),
        "product_id": pa.array([f"P{seed}_{number % 1000:04d}" for number in range(n)]),
        "source_id": pa.array([f"V{number % 7}" for number in range(n)]),
        "fixed_order_cost": rng.uniform(5, 100, n),
        "holding_cost": unit_cost * 0.25 / 365,
        "backorder_cost": unit_cost * rng.uniform(0.005, 0.05, n),
        "lead_time": lead_time,
        "lead_time_confidence": np.where(rng.random(n) < 0.3, 1.0, 0.0),
        "demand_distribution": FORMS[form],
        "demand_mean": pa.ListArray.from_arrays(offsets, means.ravel()),
        "demand_variance": pa.ListArray.from_arrays(offsets, variances.ravel(), mask=pa.array(FORMS[form] != "normal")),
    })


def write_inputs(run: Run, folder: Path, tables: list[pa.Table]) -> Spread:
    """The tables' rows as inputs of the run's first policy, placed in buckets and waves as the step `inputs` does it."""
    parquet = folder / "generated"
    parquet.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(tables):
        pq.write_table(table, parquet / f"{number}.parquet")
    row = run.config.active_policies()[0]
    n_items = sum(table.num_rows for table in tables)
    keyed = run.spark.read.parquet(str(parquet)).withColumns({
        "partition_key": F.concat_ws("|", *ITEM), "demand_pmf": F.lit(None).cast("array<array<double>>"),
    })
    spread = write_placed(run, row, policies.load(row.policy), keyed, n_items, n_items)
    run.record(STEP, "generated", rows=spread.n_items, seconds=0.0, policy_id=row.id)
    return spread


def make(folder: Path, n: int, waves: int) -> None:
    """A lakehouse below `folder` with the inputs of n items in so many waves."""
    from tests.perf.runs import new_run

    run = new_run(folder, waves=waves)
    starts = range(0, n, ROWS_PER_FILE)
    write_inputs(run, folder, [arrow_items(min(ROWS_PER_FILE, n - start), start // ROWS_PER_FILE) for start in starts])
