"""Step `ingest`: new files of the landing zone -> bronze, every field as text, each file once.

One stream looks for new files in the whole landing zone and remembers in its checkpoint what it has seen; each batch of
it sorts the files by dataset and header, and appends their lines to the bronze tables. A file that can't be read is
recorded in bronze.files with the reason, and the others go on. A file rewritten under a name that was read before is
not read again: the listing at the end says so.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.errors import ConcurrentRunError, InputError, InvoptError, TableError
from invopt.pipelines.bronze_lines import bronze_lines, shape
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.landed_files import LandedFile, Reading, absolute, dataset_of, first_lines, normal_path, plan
from invopt.pipelines.unread_files import rewritten
from invopt.tables import FILES, bronze
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import with_mapping

_LISTING_SCHEMA = "path string, modificationTime timestamp, length bigint, content binary"
# file numbers grow with the batch and, in it, with the time of change: a bigger number is a newer file
FILES_PER_BATCH = 1_000_000
THREADS = 4


@dataclass(frozen=True)
class Ingested:
    """The result of one `ingest`."""

    n_files: int
    n_rejected: int
    n_ignored: int
    n_rows: int
    problems: tuple[str, ...]


def ingest(context: Context) -> Ingested:
    """Reads every file of the landing zone that was not read before.

    Raises
    ------
    InputError : the landing zone is missing, or has never held a file of any dataset.
    """
    watch = Stopwatch()
    landing = context.config.landing
    if "://" not in landing and not Path(landing).is_dir():
        raise InputError(
            "there is nothing to ingest",
            [
                f"{landing}: no such folder; set `landing` in conf/base.yaml or give --landing, or make a demo "
                "chain with "
                "`invopt demo-world`"
            ],
        )
    datasets = with_mapping(context.config.mapping)
    context.store.create_all([FILES, *map(bronze, datasets)])
    _refuse_lost_tables(context, datasets)
    readings, n_lines = _read_new(context, datasets)
    _refuse_nothing(context, readings)
    problems = [f"{normal_path(reading.file.path)}: {reading.problem}" for reading in readings if reading.problem]
    problems += rewritten(context, {reading.file.path for reading in readings}, datasets)
    ingested = Ingested(
        sum(reading.is_readable for reading in readings),
        sum(reading.problem is not None for reading in readings),
        sum(reading.dataset is None for reading in readings),
        n_lines,
        tuple(problems),
    )
    _tell(context, ingested, datasets, watch.seconds)
    return ingested


def _read_new(context: Context, datasets: tuple[Dataset, ...]) -> tuple[list[Reading], int]:
    """Reads the files that the stream has not seen yet: how each was read, and the number of their lines."""
    rows_of: Counter[str] = Counter()
    readings: list[Reading] = []

    def take(batch: DataFrame, batch_id: int) -> None:
        arrived = sorted(batch.collect(), key=lambda row: (row["modificationTime"], row["path"]))
        files = [
            LandedFile(
                batch_id * FILES_PER_BATCH + number, row["path"], row["modificationTime"], row["length"], row["uri"]
            )
            for number, row in enumerate(arrived)
        ]
        _refuse_lost_checkpoint(context, batch_id, files)
        batch_readings = _readings(context, files, datasets)
        readings.extend(batch_readings)
        rows_of.update(_append_batch(context, batch_id, batch_readings))

    listing = (
        context.spark.readStream.format("binaryFile")
        .schema(_LISTING_SCHEMA)
        .option("recursiveFileLookup", "true")
        .option("maxFileAge", "36500d")
        .option("maxFilesPerTrigger", str(FILES_PER_BATCH - 1))
        .load(absolute(context.config.landing))
        .select("path", "modificationTime", "length", F.col("_metadata.file_path").alias("uri"))
    )
    _read_all(context, listing, take)
    return readings, sum(rows_of.values())


def _refuse_lost_tables(context: Context, datasets: tuple[Dataset, ...]) -> None:
    """A bronze table that somebody removed must not be taken for one that nothing was ever read into."""
    if not context.store.exists(FILES):
        return
    read = {row["dataset"] for row in context.store.counts(FILES, ["dataset"], {"status": "ingested"})}
    lost = [
        bronze(dataset) for dataset in datasets if dataset.name in read and not context.store.exists(bronze(dataset))
    ]
    if lost:
        raise TableError(
            f"{', '.join(table.name for table in lost)} is missing, but {FILES.name} has files that were read into it. "
            "Restore the table from a backup, or ingest everything anew into an empty lakehouse"
        )


def _refuse_lost_checkpoint(context: Context, batch_id: int, files: list[LandedFile]) -> None:
    """A stream that lost its checkpoint counts its batches from 0 again, and Delta would skip their lines as written.

    A batch that comes again after a crash has the same files.
    """
    known = context.store.rows(FILES, {"batch_id": batch_id}) if context.store.exists(FILES) else []
    if known and {row["file"] for row in known} != {normal_path(file.path) for file in files}:
        raise InputError(
            "new files can't be ingested",
            [
                f"{_checkpoint(context)}: the record of what was read is missing or of another lakehouse, but "
                f"{FILES.name} has a batch {batch_id} already. Restore that folder from the lakehouse's backup, "
                "or ingest "
                "everything anew into an empty lakehouse"
            ],
        )


def _refuse_nothing(context: Context, readings: list[Reading]) -> None:
    """A landing zone that has never held a file that can be read is told as an error, not as a run without work."""
    if not readings and not context.store.exists(FILES):
        raise InputError(
            "there is nothing to ingest",
            [
                f"{context.config.landing}: holds no file; expected publicparameters/*.csv, rawdata/sales_*, "
                "rawdata/inv_*, rawdata/demand_forecasts/..., orders/..."
            ],
        )
    if readings and not any(reading.is_readable for reading in readings) and not _ever_ingested(context):
        raise InputError(
            "no file of the landing zone could be ingested",
            [f"{reading.file.path}: {reading.problem or reading.note}" for reading in readings[:20]],
        )


def _tell(context: Context, ingested: Ingested, datasets: tuple[Dataset, ...], seconds: float) -> None:
    context.say(
        f"ingest: {ingested.n_files:,} new files, {ingested.n_rows:,} lines, {ingested.n_rejected} rejected files, "
        f"{ingested.n_ignored:,} of no dataset, {seconds:.1f} s"
    )
    for problem in ingested.problems[:10]:
        context.say(f"  ! {problem}")
    if len(ingested.problems) > 10:
        context.say(f"  ! and {len(ingested.problems) - 10} more, in {FILES.name}")
    for dataset in _never_landed(context, datasets):
        context.say(f"  ! {dataset.name}: no file yet of {dataset.meaning}; expected {_where(dataset)}")


def _read_all(context: Context, listing: DataFrame, take: Callable[[DataFrame, int], None]) -> None:
    """Takes what is new, batch by batch; one process at a time, because two streams of one checkpoint make each
    other fail.
    """
    met: list[InvoptError] = []

    def take_or_tell(batch: DataFrame, batch_id: int) -> None:
        try:
            take(batch, batch_id)
        except InvoptError as error:  # Spark would keep its words to itself
            met.append(error)
            raise

    with context.store.turn("bronze"):
        try:
            writer = listing.writeStream.foreachBatch(take_or_tell).option("checkpointLocation", _checkpoint(context))
            writer.trigger(availableNow=True).start().awaitTermination()
        except Exception as error:
            if met:
                raise met[0] from error
            if "CONCURRENT_STREAM_LOG_UPDATE" in str(error):
                raise ConcurrentRunError(
                    "another run is ingesting the same landing zone: wait until it has ended, then run again; no "
                    "line is taken twice"
                ) from error
            raise


def _never_landed(context: Context, datasets: tuple[Dataset, ...]) -> list[Dataset]:
    """Datasets of which no file was ever read; orders of other systems need not be."""
    there = {row["dataset"] for row in context.store.counts(FILES, ["dataset"], {"status": "ingested"})}
    return [dataset for dataset in datasets if dataset.name not in there and dataset.name != "orders"]


def _where(dataset: Dataset) -> str:
    """The beginning of a dataset's paths, up to what its patterns leave open: the standard one and the user's own."""
    return " or ".join(
        re.split(r"[^\w/ -]", pattern)[0] + "*" for pattern in dataset.files.split("|") if not pattern.startswith("/")
    )


def _checkpoint(context: Context) -> str:
    lakehouse = context.config.lakehouse
    return f"{absolute(lakehouse.state or lakehouse.root + '/_state').rstrip('/')}/ingest"


def _ever_ingested(context: Context) -> bool:
    return context.store.exists(FILES) and bool(context.store.counts(FILES, ["status"], {"status": "ingested"}))


def _readings(context: Context, files: list[LandedFile], datasets: tuple[Dataset, ...]) -> list[Reading]:
    """How to read each file: its dataset from its name, its columns from its header."""
    dataset_by_path = {file.path: dataset_of(normal_path(file.path), datasets) for file in files}
    wanted = [file for file in files if dataset_by_path[file.path] is not None]
    lines = first_lines(context.spark, [file for file in wanted if not file.path.lower().endswith(".parquet")])
    readings = []
    for file in files:
        dataset = dataset_by_path[file.path]
        headers: list[str] | None = []
        if dataset is not None and file.path.lower().endswith(".parquet"):
            try:
                schema = context.spark.read.parquet(file.path).schema
            except Exception as error:  # any unreadable file is a row of bronze.files, never the end of the others
                readings.append(
                    Reading(file, dataset, problem=f"not a readable Parquet file: {str(error).splitlines()[0]:.200}")
                )
                continue
            readings.append(replace(plan(file, dataset, schema.names), types=schema.simpleString()))
            continue
        if dataset is not None:
            line = lines.get(file.path)
            headers = next(csv.reader(io.StringIO(line))) if line else None
        readings.append(plan(file, dataset, headers))
    return readings


def _append_batch(context: Context, batch_id: int, readings: list[Reading]) -> dict[str, int]:
    """Appends a batch's lines to the bronze tables, then its files to bronze.files; a batch that is repeated adds
    nothing twice.
    """
    by_dataset: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.is_readable:
            by_dataset[reading.dataset.name].append(reading)

    def append(name: str) -> tuple[str, int]:
        dataset = by_dataset[name][0].dataset
        frames = [
            bronze_lines(context, dataset, batch_id, list(alike))
            for _, alike in groupby(sorted(by_dataset[name], key=shape), key=shape)
        ]
        rows = reduce(DataFrame.unionByName, frames)
        return name, context.store.append(bronze(dataset), rows, transaction=(f"invopt.ingest.{name}", batch_id))

    with ThreadPoolExecutor(THREADS) as pool:
        rows_of = dict(pool.map(append, by_dataset))
    files = [
        (
            reading.file.number,
            normal_path(reading.file.path),
            reading.dataset.name if reading.dataset else None,
            batch_id,
            reading.file.modified_at,
            reading.file.n_bytes,
            "ingested" if reading.is_readable else "rejected" if reading.problem else "ignored",
            reading.problem or reading.note,
        )
        for reading in readings
    ]
    if files:
        context.store.append(FILES, files, transaction=("invopt.ingest.files", batch_id))
    return rows_of
