"""Files that a run does not see, because what they say counts from a later day on.

Static files keep their history (history.py) and orders of other systems their versions (gold/landed_versions.sql); of
sales and stock counts the rows of such files are left out here. A file of these was there at the latest when it was
taken, whatever day its name has: a month's sales may come in a file that has the month's last day in its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.spark.frames import frame
from invopt.tables import FILES, FOREVER

# datasets whose rows are left out here
LEFT_OUT = ("sales", "inventory")
# forecasts are known from the moment at which they were made
_DATED_BY_ROWS = "demand_forecasts"


def unseen_files(context: Context) -> Mapping[str, Sequence[int]]:
    """Dataset -> numbers of the files that the run does not see, for the day of its `as_of` is before theirs.

    The first delivery of a dataset holds for every day, so its files are not among them.
    """
    if not context.store.exists(FILES):
        return {}
    since = F.when(F.col("dataset").isin(*LEFT_OUT), F.least("known_on", "taken_on")).otherwise(F.col("known_on"))
    files = context.store.read(FILES, where={"status": "ingested"}).where(F.col("dataset") != _DATED_BY_ROWS)
    files = files.select("dataset", "file_number", since.alias("since"))
    later = files.where(F.col("since") > F.lit(context.as_of.date())).collect()
    if not later:
        return {}
    of_all = files.groupBy("dataset").agg(F.min(F.coalesce("since", F.lit(FOREVER))).alias("first"))
    first = {row["dataset"]: row["first"] for row in of_all.collect()}
    found: dict[str, list[int]] = defaultdict(list)
    for row in later:
        if row["since"] > first[row["dataset"]]:
            found[row["dataset"]].append(row["file_number"])
    return {dataset: sorted(numbers) for dataset, numbers in found.items()}


def seen(context: Context, rows: DataFrame, unseen: Sequence[int]) -> DataFrame:
    """The rows of other files; a past day has a file of each location and day after it, too many for a list in SQL."""
    if not unseen:
        return rows
    numbers = frame(context.spark, [(number,) for number in unseen], "file_number bigint")
    return rows.join(F.broadcast(numbers), on="file_number", how="left_anti").select(*rows.columns)
