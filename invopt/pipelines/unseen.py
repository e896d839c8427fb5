"""Files that a run of a past moment does not see: they were taken by a run or an ingest of a later one.

A file with a date in its name is known from that day on, and its rows have days of their own. One without a date is
known from the `as_of` of the run that took it. Static files keep their history (history.py) and orders of other systems
their versions; of sales and stock counts the rows of such files are left out here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.landing.listing import below
from invopt.landing.named_day import day_in_name
from invopt.pipelines.context import Context
from invopt.tables import FILES

# forecasts are known from the moment at which they were made
_DATED_BY_ROWS = ("demand_forecasts",)


def unseen_files(context: Context) -> Mapping[str, Sequence[int]]:
    """Dataset -> numbers of the files without a date in their name that were taken after the day of the run's `as_of`.

    The first delivery of a dataset holds for every day, so its files are not among them.
    """
    if not context.store.exists(FILES):
        return {}
    files = context.store.read(FILES, where={"status": "ingested"})
    later = files.where(F.col("known_on") > F.lit(context.as_of.date())).select(
        "dataset", "file", "file_number", "known_on"
    )
    rows = [row for row in later.collect() if row["dataset"] not in _DATED_BY_ROWS]
    rows = [row for row in rows if day_in_name(below(context.config.landing, row["file"])) is None]
    if not rows:
        return {}
    of_all = files.groupBy("dataset").agg(F.min(F.coalesce("known_on", F.to_date(F.lit("1900-01-01")))).alias("first"))
    first = {row["dataset"]: row["first"] for row in of_all.collect()}
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row["known_on"] > first[row["dataset"]]:
            found[row["dataset"]].append(row["file_number"])
    return found


def seen(rows: DataFrame, unseen: Sequence[int]) -> DataFrame:
    """The rows of other files."""
    return rows.where(~F.col("file_number").isin(*unseen)) if unseen else rows
