"""The lines of landed files as the bronze tables have them: every field as text, under the standard header.

Few lines are read here; many, and those of files that this process does not see, by Python on the executors.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.landing.headers import MADE_AT, date_in_name
from invopt.landing.listing import Landed
from invopt.landing.reading import MALFORMED, Reading, lines
from invopt.landing.survey import Survey, survey
from invopt.pipelines.arrivals import literal
from invopt.pipelines.context import Context
from invopt.spark.frames import frame
from invopt.spark.session import default_parallelism
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import BY_NAME

# what this process reads faster than Spark makes a job
LINES_HERE, BYTES_HERE = 20_000, 32 << 20
BYTES_PER_TASK = 128 << 20
# a file at a URI goes to an executor as one value, and Java's arrays end at 2 GB
BYTES_OF_ONE = 1 << 30


class ChangedError(Exception):
    """A file has other lines now than when it was looked at."""


@dataclass(frozen=True)
class Arrived:
    """A new file with its number, its dataset and what the look at it has told."""

    number: int
    landed: Landed
    dataset: Dataset | None
    survey: Survey


def bronze_rows(
    dataset: Dataset, batch_id: int, number: int, path: str, reading: Reading, content=None
) -> Iterator[pa.Table]:
    """The lines of a file with the columns of the bronze table."""
    made_at = date_in_name(path)
    for table in lines(path, reading, content):
        n = table.num_rows
        columns = {"batch_id": pa.array([batch_id] * n, pa.int64()), "file_number": pa.array([number] * n, pa.int64())}
        for field in dataset.fields:
            given = table[field.header] if field.header in table.column_names else pa.nulls(n, pa.string())
            if field.header == MADE_AT and made_at is not None:
                told = pc.if_else(pc.equal(pc.utf8_trim_whitespace(given), ""), None, given)
                given = pc.coalesce(told, pa.scalar(str(made_at)))
            columns[field.header] = given
        columns[MALFORMED] = table[MALFORMED]
        yield pa.table(columns)


def rows_here(batch_id: int, files: Sequence[Arrived]) -> list[tuple]:
    """The lines of files that this process sees.

    Raises
    ------
    ChangedError : a file has not as many lines as when it was looked at.
    """
    rows: list[tuple] = []
    for file in files:
        before = len(rows)
        for table in bronze_rows(file.dataset, batch_id, file.number, file.landed.path, file.survey.reading):
            rows += zip(*(column.to_pylist() for column in table.columns), strict=True)
        _refuse_changed(file.landed.path, len(rows) - before, file.survey.n_lines)
    return rows


def rows_there(context: Context, batch_id: int, files: Sequence[Arrived], schema: str, *, is_local: bool) -> DataFrame:
    """The lines of files as the executors read them; as `rows_here`."""
    name = files[0].dataset.name
    plans = [(file.landed, file.number, file.survey.reading.as_text(), file.survey.n_lines) for file in files]

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in _files(batches):
            n_lines, content = 0, file.get("content")
            reading = Reading.from_text(file["reading"])
            for table in bronze_rows(BY_NAME[name], batch_id, file["number"], file["path"], reading, content):
                n_lines += table.num_rows
                yield from table.combine_chunks().to_batches()
            _refuse_changed(file["path"], n_lines, file["n_lines"])

    planned = _plan(context, plans, "number bigint, reading string, n_lines bigint", is_local=is_local)
    return planned.mapInArrow(read, schema)


def surveys_there(context: Context, files: Sequence[tuple[Landed, Dataset]], *, is_local: bool) -> list[Survey]:
    """What a look at each file tells, by the executors."""
    datasets = {dataset.name: dataset for _, dataset in files}
    plans = [(landed, number, dataset.name) for number, (landed, dataset) in enumerate(files)]

    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in _files(batches):
            told = survey(file["path"], datasets[file["dataset"]], file.get("content"))
            reading = told.reading.as_text() if told.reading else None
            values = (file["number"], reading, told.n_lines, told.dates, told.problem, told.note)
            yield pa.RecordBatch.from_pylist([dict(zip(_TOLD, values, strict=True))], schema=_told_schema())

    planned = _plan(context, plans, "number bigint, dataset string", is_local=is_local)
    found = {row["number"]: row for row in planned.mapInArrow(look, ", ".join(_TOLD.values())).collect()}
    return [_survey_of(found.get(number)) for number in range(len(files))]


_TOLD = {
    name: f"{name} {'bigint' if name in ('number', 'n_lines') else 'string'}"
    for name in ("number", "reading", "n_lines", "dates", "problem", "note")
}


def _told_schema() -> pa.Schema:
    return pa.schema({name: pa.int64() if "bigint" in ddl else pa.string() for name, ddl in _TOLD.items()})


def _survey_of(row) -> Survey:
    if row is None:
        return Survey(problem="the file was listed, but is gone")
    reading = Reading.from_text(row["reading"]) if row["reading"] else None
    return Survey(reading, row["n_lines"], row["dates"], row["problem"], row["note"])


def _refuse_changed(path: str, n_lines: int, expected: int) -> None:
    if n_lines != expected:
        raise ChangedError(f"{path} had {expected:,} lines when it was looked at, and has {n_lines:,} now")


def _files(batches: Iterator[pa.RecordBatch]) -> Iterator[dict]:
    for batch in batches:
        for place in range(batch.num_rows):  # one after the other: a file's bytes are large
            yield batch.slice(place, 1).to_pylist()[0]


def _plan(context: Context, plans: Sequence[tuple], columns: str, *, is_local: bool) -> DataFrame:
    """A row per file with its path and, where only Spark sees it, its bytes; spread over the tasks by size."""
    if is_local:
        total = sum(landed.n_bytes for landed, *_ in plans)
        parallelism = default_parallelism(context.spark)
        n_tasks = min(len(plans), max(parallelism, math.ceil(total / BYTES_PER_TASK)))
        rows, before = [], 0
        for landed, *rest in plans:
            rows.append((min(n_tasks - 1, before * n_tasks // max(total, 1)), landed.path, *rest))
            before += landed.n_bytes
        placed = frame(context.spark, rows, f"task int, path string, {columns}")
        if hasattr(placed, "repartitionById"):
            return placed.repartitionById(n_tasks, "task")
        return placed.repartition(n_tasks, "task")
    rows = [(landed.path, *rest) for landed, *rest in plans]
    files = context.spark.read.format("binaryFile").load([literal(landed.path) for landed, *_ in plans])
    known = frame(context.spark, rows, f"path string, {columns}")
    return files.select("path", "content").join(F.broadcast(known), on="path", how="inner")


@contextlib.contextmanager
def one_file_at_a_time(context: Context, *, is_local: bool) -> Iterator[None]:
    """Within the block the bytes of files go to Python one by one, or a batch of them would not fit into memory."""
    name = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = context.spark.conf.get(name)
    if not is_local:
        context.spark.conf.set(name, "1")
    try:
        yield
    finally:
        context.spark.conf.set(name, before)
