"""What is noted of a file in bronze.files, beside each of its lines: why it was rejected, the order of its dates, and
whether its columns have types.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.pipelines.readers.reading import DATES, FILE_PROBLEM, IS_OF_TYPED_FILE
from invopt.spark.store import Store
from invopt.tables import FILES
from invopt.tables.dataset import Dataset

# endings of files whose columns have types: `ingest` writes their numbers with a point, whatever the text files do
_TYPED = r"(?i)\.(parquet|xlsx|xlsm|(json|jsonl|ndjson)(\.gz)?)$"


@dataclass
class FileNotes:
    """What is noted of the files of a dataset and batch; where it is nothing, their lines are read without a join."""

    has_rejected: bool = False
    has_dates: bool = False


def notes_of_batches(store: Store) -> dict[tuple[str, int], FileNotes]:
    """The datasets and batches with lines in bronze, in the order of arrival; a rejected file may have lines too."""
    notes: dict[tuple[str, int], FileNotes] = {}
    rows = [
        (row["dataset"], row["batch_id"], row["status"], row["dates"])
        for row in store.counts(FILES, ["dataset", "batch_id", "status", "dates"], {"status": "ingested"})
    ]
    rows += [
        (row["dataset"], row["batch_id"], row["status"], row["dates"])
        for row in store.rows(FILES, {"status": "rejected"})
        if row["dataset"] is not None and row["n_lines"]
    ]
    for name, batch_id, status, dates in sorted(rows, key=lambda row: row[:2]):
        of_batch = notes.setdefault((name, batch_id), FileNotes())
        of_batch.has_rejected |= status == "rejected"
        of_batch.has_dates |= dates is not None
    return notes


def with_notes(
    context: Context, lines: DataFrame, dataset: Dataset, batch_id: int, notes: FileNotes, *, has_decimal_comma: bool
) -> DataFrame:
    """A batch's lines with the columns that `typed` reads its files' notes from, as far as there are any."""
    columns = []
    if notes.has_rejected:
        # a rejected file without a reason would pass for a good one
        problem = F.coalesce("problem", F.lit("its file was rejected"))
        columns.append(F.when(F.col("status") == "rejected", problem).alias(FILE_PROBLEM))
    if notes.has_dates:
        columns.append(F.col("dates").alias(DATES))
    if has_decimal_comma:
        columns.append(F.col("file").rlike(_TYPED).alias(IS_OF_TYPED_FILE))
    if not columns:
        return lines
    files = context.store.read(FILES).where((F.col("batch_id") == batch_id) & (F.col("dataset") == dataset.name))
    return lines.join(F.broadcast(files.select("file_number", *columns)), on="file_number", how="left")
