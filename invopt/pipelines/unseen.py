"""Files that a run of a past moment does not see: they were taken by a run or an ingest of a later one.

Static files keep their history (history.py) and orders of other systems their versions; of sales and stock counts the
rows of such files are left out here. A file of these was there at the latest when it was taken, whatever date its name
has: a month's sales may come in a file that has the month's last day in its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.tables import FILES, FOREVER

# forecasts are known from the moment at which they were made
LEFT_OUT = ("sales", "inventory")


def unseen_files(context: Context) -> Mapping[str, Sequence[int]]:
    """Dataset -> numbers of the files that were neither there nor of the day of the run's `as_of` or an earlier one.

    The first delivery of a dataset holds for every day, so its files are not among them.
    """
    if not context.store.exists(FILES):
        return {}
    files = context.store.read(FILES, where={"status": "ingested"})
    since = F.least("known_on", "taken_on")
    later = files.where(F.col("dataset").isin(*LEFT_OUT) & (since > F.lit(context.as_of.date())))
    rows = later.select("dataset", "file_number", since.alias("since")).collect()
    if not rows:
        return {}
    of_all = files.groupBy("dataset").agg(F.min(F.coalesce(since, F.lit(FOREVER))).alias("first"))
    first = {row["dataset"]: row["first"] for row in of_all.collect()}
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row["since"] > first[row["dataset"]]:
            found[row["dataset"]].append(row["file_number"])
    return found


def seen(rows: DataFrame, unseen: Sequence[int]) -> DataFrame:
    """The rows of other files."""
    return rows.where(~F.col("file_number").isin(*unseen)) if unseen else rows
