"""Sales from CSV files to silver, beside Spark's own copy of the same files into a Delta table."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from tests.perf.alone import RunIn
from tests.perf.figure import Figure
from tests.perf.meter import Meter, Taken
from tests.perf.runs import new_run
from tests.perf.sizes import Sizes

TIMES = 4.0
FILES, FIRST_DAY = 20, date(2025, 12, 1)
SCHEMA = "StoreID string, ProductID string, TransactionDateTime timestamp, Units double, Price double"


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """Ingest and conform of daily files, and a typed read written as Delta, in one session that is warm."""
    ingested, conformed, copied = run_in(both, folder, sizes.sales)
    n = sizes.sales
    how = "one session, warmed by a twentieth of the rows"
    both_cpu, both_wall = ingested.cpu + conformed.cpu, ingested.wall + conformed.wall
    return [
        Figure(f"ingest of {n:,} sales rows: CPU", ingested.cpu, "s", how=how),
        Figure(f"conform of {n:,} sales rows: CPU", conformed.cpu, "s"),
        Figure("ingest and conform: wall", both_wall, "s"),
        Figure("Spark's copy of the same files, typed CSV to Delta: CPU", copied.cpu, "s", how=how),
        Figure("Spark's copy: wall", copied.wall, "s"),
        Figure("ingest and conform over Spark's copy: CPU", both_cpu / copied.cpu, "times", TIMES),
        Figure("ingest and conform over Spark's copy: wall", both_wall / copied.wall, "times"),
    ]


def both(folder: Path, n: int) -> tuple[Taken, Taken, Taken]:
    """The measurements of ingest, conform and the copy."""
    write_files(folder / "warm" / "landing", max(FILES, n // 20))
    write_files(folder / "all" / "landing", n)
    _three(folder / "warm", max(FILES, n // 20))
    return _three(folder / "all", n)


def _three(folder: Path, n: int) -> tuple[Taken, Taken, Taken]:
    from invopt.pipelines.conform import conform
    from invopt.pipelines.ingest import ingest

    run = new_run(folder)
    with Meter() as ingested:
        ingest(run)
    with Meter() as conformed:
        done = conform(run)
    with Meter() as copied:
        files = run.spark.read.schema(SCHEMA).option("header", "true").csv(str(folder / "landing" / "rawdata"))
        files.write.format("delta").save(str(folder / "copy"))
    kept = sum(one.rows_kept for one in done)
    if kept != n:
        raise AssertionError(f"{n:,} rows landed, {kept:,} were kept")
    return ingested.taken, conformed.taken, copied.taken


def write_files(landing: Path, n: int) -> None:
    """The guide's sales files in daily form: one file per day, one row per store and product."""
    (landing / "rawdata").mkdir(parents=True)
    per_file = np.diff(np.linspace(0, n, FILES + 1).astype(int))
    rng = np.random.default_rng(11)
    stores = pa.array([str(number) for number in range(1, 1001)])
    products = pa.array([str(number) for number in range(1, per_file.max() // 1000 + 2)])
    prices = np.round(rng.uniform(1, 100, len(products)), 2)
    for number, rows in enumerate(per_file):
        day = FIRST_DAY + timedelta(days=number)
        place = np.arange(rows)
        product = place // 1000
        table = pa.table(
            {
                "StoreID": stores.take(pa.array(place % 1000)),
                "ProductID": products.take(pa.array(product)),
                "TransactionDateTime": pa.array([f"{day} 21:00:00"] * rows),
                "Units": rng.poisson(3, rows) + 1,
                # a hundredth was not sold but spoiled
                "Price": np.where(rng.random(rows) < 0.01, 0.0, prices[product]),
            }
        )
        options = csv.WriteOptions(quoting_style="none")
        csv.write_csv(table, landing / "rawdata" / f"sales_{day + timedelta(days=1):%Y_%m_%d}.csv", options)
