"""Step `ingest`: new files of the landing zone -> bronze, every field as text, each file once.

One stream looks for new files in the whole landing zone and remembers in its checkpoint what it has seen; each batch of
it sorts the files by dataset and header, and appends their lines to the bronze tables. A file that can't be read is
recorded in bronze.files with the reason, and the others go on. A file rewritten under a name that was read before is
not read again: the listing at the end says so.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.errors import ConcurrentRunError, InputError, InvoptError
from invopt.pipelines.landed_files import LandedFile, Reading, dataset_of, date_in_name, first_lines, normal_path, plan
from invopt.pipelines.steps import Run, Stopwatch
from invopt.tables import FILES, bronze
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import with_mapping

_LISTING_SCHEMA = "path string, modificationTime timestamp, length bigint, content binary"
# file numbers grow with the batch and, in it, with the time of change: a bigger number is a newer file
FILES_PER_BATCH = 1_000_000
THREADS = 4


@dataclass(frozen=True)
class Ingested:
    """What one `ingest` did."""

    n_files: int
    n_rejected: int
    n_ignored: int
    n_rows: int
    problems: tuple[str, ...]


def ingest(run: Run) -> Ingested:
    """Reads every file of the landing zone that was not read before.

    Raises
    ------
    InputError : the landing zone is missing, or has never held a file of any dataset.
    """
    watch = Stopwatch()
    landing = run.config.landing
    if "://" not in landing and not Path(landing).is_dir():
        raise InputError(
            "there is nothing to ingest",
            [
                f"{landing}: no such folder; set `landing` in conf/base.yaml or give "
                "--landing, or make a demo chain with `invopt demo-world`"
            ],
        )
    datasets = with_mapping(run.config.mapping)
    run.lakehouse.check([FILES, *map(bronze, datasets)])
    rows_of: Counter[str] = Counter()
    readings: list[Reading] = []

    def take(batch: DataFrame, batch_id: int) -> None:
        found = sorted(batch.collect(), key=lambda row: (row["modificationTime"], row["path"]))
        files = [
            LandedFile(
                batch_id * FILES_PER_BATCH + number, row["path"], row["modificationTime"], row["length"], row["uri"]
            )
            for number, row in enumerate(found)
        ]
        batch_readings = _readings(run, files, datasets)
        readings.extend(batch_readings)
        rows_of.update(_append_batch(run, batch_id, batch_readings))

    listing = (
        run.spark.readStream.format("binaryFile")
        .schema(_LISTING_SCHEMA)
        .option("recursiveFileLookup", "true")
        .option("maxFileAge", "36500d")
        .option("maxFilesPerTrigger", str(FILES_PER_BATCH - 1))
        .load(_absolute(landing))
        .select("path", "modificationTime", "length", F.col("_metadata.file_path").alias("uri"))
    )
    _read_all(run, listing, take)

    if not readings and not run.lakehouse.exists(FILES):
        raise InputError(
            "there is nothing to ingest",
            [
                f"{landing}: holds no file; expected publicparameters/*.csv, "
                "rawdata/sales_*, rawdata/inv_*, rawdata/demand_forecasts/..., orders/..."
            ],
        )
    n_ingested = sum(reading.is_readable for reading in readings)
    if readings and not n_ingested and not _ever_ingested(run):
        raise InputError(
            "no file of the landing zone could be ingested",
            [f"{reading.file.path}: {reading.problem or reading.note}" for reading in readings[:20]],
        )
    problems = [f"{normal_path(reading.file.path)}: {reading.problem}" for reading in readings if reading.problem]
    problems += _rewritten(run, {reading.file.path for reading in readings}, datasets)
    ingested = Ingested(
        n_ingested,
        sum(reading.problem is not None for reading in readings),
        sum(reading.dataset is None for reading in readings),
        sum(rows_of.values()),
        tuple(problems),
    )
    run.say(
        f"ingest: {ingested.n_files:,} new files, {ingested.n_rows:,} lines, {ingested.n_rejected} rejected files, "
        f"{ingested.n_ignored:,} of no dataset, {watch.seconds:.1f} s"
    )
    for problem in problems[:10]:
        run.say(f"  ! {problem}")
    if len(problems) > 10:
        run.say(f"  ! and {len(problems) - 10} more, in {FILES.name}")
    for dataset in _never_landed(run, datasets):
        run.say(f"  ! {dataset.name}: no file yet of {dataset.meaning}; expected {_where(dataset)}")
    return ingested


def _read_all(run: Run, listing: DataFrame, take: Callable[[DataFrame, int], None]) -> None:
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

    with run.lakehouse.layer_turn("bronze"):
        try:
            writer = listing.writeStream.foreachBatch(take_or_tell).option("checkpointLocation", _checkpoint(run))
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


def _never_landed(run: Run, datasets: tuple[Dataset, ...]) -> list[Dataset]:
    """Datasets of which no file was ever read; orders of other systems need not be."""
    there = {row["dataset"] for row in run.lakehouse.counts(FILES, ["dataset"], {"status": "ingested"})}
    return [dataset for dataset in datasets if dataset.name not in there and dataset.name != "orders"]


def _where(dataset: Dataset) -> str:
    """The beginning of a dataset's paths, up to what its patterns leave open: the standard one and the user's own."""
    return " or ".join(
        re.split(r"[^\w/ -]", pattern)[0] + "*" for pattern in dataset.files.split("|") if not pattern.startswith("/")
    )


def _checkpoint(run: Run) -> str:
    lakehouse = run.config.lakehouse
    return f"{_absolute(lakehouse.state or lakehouse.root + '/_state').rstrip('/')}/ingest"


def _absolute(place: str) -> str:
    """The JVM looks from the folder in which it was started, which a notebook or a test may have left; a URI stays
    as it is.
    """
    return place if ":" in place else os.path.abspath(place)


def _ever_ingested(run: Run) -> bool:
    return run.lakehouse.exists(FILES) and bool(run.lakehouse.counts(FILES, ["status"], {"status": "ingested"}))


def _readings(run: Run, files: list[LandedFile], datasets: tuple[Dataset, ...]) -> list[Reading]:
    """How to read each file: its dataset from its name, its columns from its header."""
    dataset_by_path = {file.path: dataset_of(normal_path(file.path), datasets) for file in files}
    wanted = [file for file in files if dataset_by_path[file.path] is not None]
    lines = first_lines(run.spark, [file for file in wanted if not file.path.lower().endswith(".parquet")])
    readings = []
    for file in files:
        dataset = dataset_by_path[file.path]
        headers: list[str] | None = []
        if dataset is not None and file.path.lower().endswith(".parquet"):
            try:
                schema = run.spark.read.parquet(file.path).schema
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


def _append_batch(run: Run, batch_id: int, readings: list[Reading]) -> dict[str, int]:
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
            _lines(run, dataset, batch_id, list(alike))
            for _, alike in groupby(sorted(by_dataset[name], key=_shape), key=_shape)
        ]
        rows = reduce(DataFrame.unionByName, frames)
        return name, run.lakehouse.append(bronze(dataset), rows, transaction=(f"invopt.ingest.{name}", batch_id))

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
        run.lakehouse.append_few(FILES, files, transaction=("invopt.ingest.files", batch_id))
    return rows_of


def _shape(reading: Reading) -> tuple:
    """Files with the same format, header and (Parquet) types are read together."""
    return (reading.format, reading.headers, reading.types)


def _lines(run: Run, dataset: Dataset, batch_id: int, alike: list[Reading]) -> DataFrame:
    """The lines of files that have the same header, as the bronze table has them."""
    first = alike[0]
    paths = [reading.file.path for reading in alike]
    names = [f"c{number}" for number in range(len(first.headers))]
    if first.format == "csv":
        schema = ", ".join(f"{name} string" for name in [*names, "malformed_line"])
        # without column pruning every line is parsed whole, so that one with too few or too many fields is seen
        lines = (
            run.spark.read.schema(schema)
            .option("header", "true")
            .option("columnPruning", "false")
            .option("mode", "PERMISSIVE")
            .option("columnNameOfCorruptRecord", "malformed_line")
            .option("enforceSchema", "true")
            .option("escape", '"')  # a quote inside quotes is doubled, as everywhere but in Spark's default
            .csv(paths)
        )
    else:
        lines = run.spark.read.parquet(*paths)
        lines = lines.select(
            *(
                F.col(f"`{header}`").cast("string").alias(name)
                for header, name in zip(first.headers, names, strict=True)
            ),
            F.lit(None).cast("string").alias("malformed_line"),
            "_metadata",
        )
    by_header = {column: name for column, name in zip(first.columns, names, strict=True) if column is not None}
    fields = []
    for field in dataset.fields:
        value = F.col(by_header[field.header]) if field.header in by_header else F.lit(None).cast("string")
        fields.append(value.alias(field.header))
    # small enough to go to every task; found by the path as Spark's metadata spell it, because decoding it costs more
    # than parsing a line
    known = run.spark.createDataFrame(
        [(reading.file.uri, reading.file.number, str(date_in_name(reading.file.path) or "")) for reading in alike],
        "uri string, file_number bigint, date_in_name string",
    )
    lines = lines.select(
        F.lit(batch_id).cast("bigint").alias("batch_id"),
        F.col("_metadata.file_path").alias("uri"),
        *fields,
        "malformed_line",
    )
    # were a file not found, its lines would have none, and bronze refuses that: they are never left out in silence
    lines = lines.join(F.broadcast(known), on="uri", how="left").drop("uri")
    if any(field.header == "ForecastDateTime" for field in dataset.fields):
        lines = lines.withColumn(
            "ForecastDateTime", F.coalesce("ForecastDateTime", F.nullif("date_in_name", F.lit("")))
        )
    return lines


def _rewritten(run: Run, new_paths: set[str], datasets: tuple[Dataset, ...]) -> list[str]:
    """Files that are not read as they lie there now; the stream does not read a name twice, and that must not go
    unseen.
    """
    if not run.lakehouse.exists(FILES):
        return []
    seen = {
        row["file"]: (row["changed"], row["file_bytes"])
        for row in run.lakehouse.read(FILES)
        .selectExpr("file", "unix_millis(file_modified_at) AS changed", "file_bytes")
        .collect()
    }
    fresh = {normal_path(path) for path in new_paths}
    return _never_read(run.config.landing, seen.keys() | fresh, datasets) + [
        f"{path}: changed after it was read and is not read again; land the new version under a new name"
        for path, now_there in sorted(_listing(run, seen).items())
        if path in seen and path not in fresh and now_there != seen[path]
    ]


def _never_read(landing: str, known: Set[str], datasets: tuple[Dataset, ...]) -> list[str]:
    """Files of a dataset that the stream did not bring: empty ones, which Spark leaves out, and those that were filled
    afterwards.

    Only a landing zone on this machine tells of them.
    """
    if not Path(normal_path(landing)).is_dir():
        return []
    problems = []
    for folder, folders, names in os.walk(_absolute(normal_path(landing))):
        # Spark skips what is hidden, such as files that are still being copied
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        for path in (f"{folder}/{name}" for name in names if not name.startswith(("_", "."))):
            if path in known or dataset_of(path, datasets) is None:
                continue
            if os.path.getsize(path) == 0:
                problems.append(f"{path}: the file is empty, it has not even a header")
            else:
                # the stream remembers a name from the first time it sees it, even when there was nothing in the file
                # yet
                problems.append(
                    f"{path}: is not read: either it came just now, and the next ingest reads it, or it was empty "
                    "when it was first seen; "
                    f"then land it under a new name"
                )
    return sorted(problems)


def _listing(run: Run, seen: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Path -> (milliseconds of its last change, bytes), for the files that were read before."""
    if Path(normal_path(run.config.landing)).is_dir():
        there = {path: Path(path).stat() for path in seen if Path(path).is_file()}
        return {path: (stat.st_mtime_ns // 1_000_000, stat.st_size) for path, stat in there.items()}
    rows = run.spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(_absolute(run.config.landing))
    rows = rows.selectExpr("path", "unix_millis(modificationTime) AS changed", "length").collect()
    return {normal_path(row["path"]): (row["changed"], row["length"]) for row in rows}
