"""The items of an item policy as its inputs table in a lakehouse."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from invopt import policies
from invopt.pipelines.context import Context
from invopt.pipelines.inputs import STEP
from invopt.pipelines.ledger import Note
from invopt.pipelines.placement import Placement, write_placed
from invopt.tables.columns import ITEM
from tests.perf.arrow_items import arrow_items

ROWS_PER_FILE = 250_000


def write_inputs(run: Context, folder: Path, tables: list[pa.Table]) -> Placement:
    """The tables' rows as inputs of the run's first policy, placed in buckets and waves as the step `inputs` does
    it.
    """
    parquet = folder / "generated"
    parquet.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(tables):
        pq.write_table(table, parquet / f"{number}.parquet")
    row = run.config.active_policies()[0]
    n_items = sum(table.num_rows for table in tables)
    keyed = run.spark.read.parquet(str(parquet)).withColumn("partition_key", F.concat_ws("|", *ITEM))
    placement = write_placed(run, row, policies.load(row.policy), keyed, n_items, n_items)
    run.ledger.record(Note(STEP, "generated", placement.n_items, 0.0, row.id))
    return placement


def make(folder: Path, n: int, waves: int, policy: str = "s_q") -> None:
    """A lakehouse below `folder` with the policy's inputs of n items in so many waves."""
    from tests.perf.runs import new_run

    run = new_run(folder, policy=policy, waves=waves)
    starts = range(0, n, ROWS_PER_FILE)
    write_inputs(
        run, folder, [arrow_items(min(ROWS_PER_FILE, n - start), start // ROWS_PER_FILE, policy) for start in starts]
    )
