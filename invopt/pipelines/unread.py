"""What could not be read of a run's inputs: the rejected lines that no newer file has said, and the files without keys.

An item is blocked by a dataset where the newest file that names it there has a rejected line of it. The block ends with
a newer file in which every line of the item is readable. `sql/gold/unread.sql` has the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.spark import sql
from invopt.spark.frames import frame
from invopt.tables import FILES, REJECTED, UNREAD

# dataset -> the columns of a key that can be blocked; what a line of another dataset says, no item waits for
KEYS_OF_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "inventory": ("location_id", "product_id"),
    "orders": ("location_id", "product_id"),
    "demand_forecasts": ("location_id", "product_id"),
    "store_department_brand_products": ("location_id", "product_id"),
    "store_product_storage": ("location_id", "product_id"),
    "store_product_supplier": ("location_id", "product_id", "source_id"),
    "brands_products": ("product_id",),
    "suppliers": ("source_id",),
    "store_storage": ("location_id",),
}


@dataclass(frozen=True)
class UnreadFile:
    """A rejected file that named no item, of whose dataset no file that a later ingest took was read."""

    dataset: str
    file: str
    problem: str


def unread(context: Context, silver_views: Mapping[str, DataFrame], rejected: DataFrame | None) -> DataFrame:
    """The rows of gold.unread of the run, which are written first; without rows where nothing was ever rejected.

    silver_views : the silver tables that unread.sql reads, by name
    rejected : silver.rejected as the run sees it; None where it has no row
    """
    if rejected is None:
        if context.store.exists(UNREAD):
            context.store.replace(UNREAD, [], {"run_id": context.run_id}, check_keys=False)
        # Spark leaves out joins with rows that it knows there are none of
        return frame(context.spark, [], ", ".join(f"{column.name} {column.type}" for column in UNREAD.columns))
    rows = sql.query(
        context.spark,
        sql.text("gold/unread"),
        {**silver_views, "rejected": rejected},
        {"run_id": context.run_id, "as_of": context.as_of},
    )
    context.store.replace(UNREAD, rows, {"run_id": context.run_id}, check_keys=False)
    return context.store.read(UNREAD, where={"run_id": context.run_id})


def unread_files(context: Context) -> list[UnreadFile]:
    """The rejected files that block nothing, because none of their lines names an item."""
    if not context.store.exists(FILES):
        return []
    rows = context.store.rows(FILES, {"status": "rejected"})
    rows = [row for row in rows if row["dataset"] in KEYS_OF_BLOCKS or row["dataset"] == "sales"]
    if not rows:
        return []
    newest_read = {
        row["dataset"]: row["newest"]
        for row in context.store.read(FILES, where={"status": "ingested"})
        .groupBy("dataset")
        .agg(F.max("batch_id").alias("newest"))
        .collect()
    }
    # of a store's files that are taken together none is newer than those of the others
    rows = [row for row in rows if row["batch_id"] >= newest_read.get(row["dataset"], -1)]
    with_keys = _files_with_keys(context, [row["file_number"] for row in rows])
    return [
        UnreadFile(row["dataset"], row["file"], row["problem"] or "it could not be read")
        for row in sorted(rows, key=lambda row: row["file_number"])
        if row["file_number"] not in with_keys
    ]


def _files_with_keys(context: Context, numbers: list[int]) -> set[int]:
    """Which of these files have a rejected line that names what can be blocked."""
    if not numbers or not context.store.exists(REJECTED):
        return set()
    is_keyed = F.lit(False)
    for dataset, keys in KEYS_OF_BLOCKS.items():
        of_dataset = F.col("dataset") == dataset
        for key in keys:
            of_dataset = of_dataset & F.col(key).isNotNull()
        is_keyed = is_keyed | of_dataset
    found = context.store.read(REJECTED).where(F.col("file_number").isin(numbers) & is_keyed)
    return {row["file_number"] for row in found.select("file_number").distinct().collect()}


def lines_without_keys(rejected: DataFrame) -> list[tuple[str, int, list[str], str]]:
    """(dataset, n rejected lines that name no item, up to 3 of their files, the rule of one), for datasets whose lines
    block items.
    """
    lacks_key = F.lit(False)
    for dataset, keys in KEYS_OF_BLOCKS.items():
        for key in keys:
            lacks_key = lacks_key | ((F.col("dataset") == dataset) & F.col(key).isNull())
    counted = (
        # versions up to 0.2 did not keep what a line names
        rejected.where(lacks_key & F.col("file_number").isNotNull())
        .groupBy("dataset", "file")
        .agg(
            F.count(F.lit(1)).alias("n"),
            F.max("file_number").alias("file_number"),
            F.min(F.get("rules", F.lit(0))).alias("rule"),
        )
        .groupBy("dataset")
        .agg(
            F.sum("n").alias("n"),
            F.array_sort(F.collect_list(F.struct("file_number", "file"))).alias("files"),
            F.min("rule").alias("rule"),
        )
        .select(
            "dataset", "n", F.expr("transform(slice(reverse(files), 1, 3), one -> one.file)").alias("files"), "rule"
        )
    )
    rows = counted.orderBy("dataset").collect()
    return [(row["dataset"], row["n"], list(row["files"]), row["rule"] or "") for row in rows]
