"""A landed file is known by its path and its first line: its dataset and columns, or why it can't be read."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from invopt.tables.dataset import Dataset, normal_header

# the guide's 2017-01-02_00_00_00 and 2017_01_02_00_00_00, and plain dates
_DATE_IN_NAME = re.compile(r"(\d{4})[-_](\d{2})[-_](\d{2})(?:[-_T ](\d{2})[-_:](\d{2})[-_:](\d{2}))?")


@dataclass(frozen=True)
class LandedFile:
    """A new file, as the stream of new files found it; numbers grow in the order of arrival; `uri` is its path in
    Spark's metadata.
    """

    number: int
    path: str
    modified_at: datetime
    n_bytes: int
    uri: str


@dataclass(frozen=True)
class Reading:
    """How to read a file: its dataset and, column by column of the file, the standard header or None for a column that
    is not needed.

    types : of a Parquet file's columns, which one read must share
    """

    file: LandedFile
    dataset: Dataset | None
    headers: tuple[str, ...] = ()
    columns: tuple[str | None, ...] = ()
    problem: str | None = None
    note: str | None = None
    types: str = ""

    @property
    def is_readable(self) -> bool:
        return self.dataset is not None and self.problem is None

    @property
    def format(self) -> str:
        return "parquet" if self.file.path.lower().endswith(".parquet") else "csv"


def dataset_of(path: str, datasets: Sequence[Dataset]) -> Dataset | None:
    """The dataset whose file pattern fits the path.

    >>> from invopt.tables.datasets import DATASETS
    >>> dataset_of("/land/publicparameters/store_storage.csv", DATASETS).name
    'store_storage'
    >>> dataset_of("/land/publicparameters/notes.txt", DATASETS) is None
    True
    """
    return next((dataset for dataset in datasets if dataset.path_pattern().search(path)), None)


def date_in_name(path: str) -> datetime | None:
    """The date that a file's name carries.

    >>> date_in_name("demand_forecasts/1/5/2017-01-02_00_00_00.csv")
    datetime.datetime(2017, 1, 2, 0, 0)
    """
    found = list(_DATE_IN_NAME.finditer(path.rsplit("/", 1)[-1]))
    if not found:
        return None
    try:
        return datetime(*(int(part or 0) for part in found[-1].groups()))
    except ValueError:
        return None


def plan(file: LandedFile, dataset: Dataset | None, headers: Sequence[str] | None) -> Reading:
    """How to read a file with these headers (None: the file has no line at all)."""
    if dataset is None:
        return Reading(file, None, note="its name fits none of the thirteen datasets")
    if headers is None:
        return Reading(file, dataset, problem="the file is empty, it has not even a header")
    standard = {}
    for field in dataset.fields:
        for name in (field.header, *field.also):
            standard.setdefault(normal_header(name), field.header)
    columns = tuple(standard.get(normal_header(header)) for header in headers)
    problems = []
    twice = sorted({column for column in columns if column is not None and columns.count(column) > 1})
    if twice:
        problems.append(f"the header names {', '.join(twice)} twice")
    lacking = [
        field.header
        for field in dataset.fields
        if field.header not in columns
        and not field.may_lack
        and not (field.column == "made_at" and date_in_name(file.path))
    ]
    extra = [header for header, column in zip(headers, columns, strict=True) if column is None]
    if lacking:
        problems.append(
            f"the header lacks {', '.join(lacking)}"
            + (f"; it has {', '.join(map(repr, extra))} instead" if extra else "")
            + ". Correct the header, or name your own in `mapping` of the configuration, and land the file under "
            "a new name"
        )
    has_made_at = any(field.column == "made_at" for field in dataset.fields)
    if has_made_at and "ForecastDateTime" not in columns and date_in_name(file.path) is None:
        problems.append(
            "neither the file's name nor a column ForecastDateTime says when the forecast was made; name it like "
            "2017-01-02_00_00_00.csv"
        )
    note = f"columns that are not needed: {', '.join(extra)}" if extra and not problems else None
    return Reading(file, dataset, tuple(headers), columns, "; ".join(problems) or None, note)


def first_lines(spark: SparkSession, files: Sequence[LandedFile]) -> dict[str, str | None]:
    """The first line of every text file: read here when the files are on this machine, else by Spark in one pass."""
    lines: dict[str, str | None] = {}
    elsewhere = []
    for file in files:
        local = _local_path(file.path)
        if local is None:
            elsewhere.append(file.path)
            continue
        opened = gzip.open(local, "rb") if local.suffix == ".gz" else local.open("rb")
        with opened as stream:
            raw = stream.readline(1 << 20)
        lines[file.path] = raw.decode("utf-8-sig", errors="replace").rstrip("\r\n") if raw else None
    if elsewhere:
        # rows of a file's first block keep their order within the partition that reads it
        found = (
            spark.read.text(elsewhere)
            .select(
                "value",
                F.col("_metadata.file_path").alias("file"),
                F.col("_metadata.file_block_start").alias("start"),
                F.monotonically_increasing_id().alias("place"),
            )
            .where("start = 0")
            .groupBy("file")
            .agg(F.min_by("value", "place").alias("line"))
            .collect()
        )
        by_path = {normal_path(row["file"]): row["line"] for row in found}
        for path in elsewhere:
            line = by_path.get(normal_path(path))
            lines[path] = None if line is None else line.removeprefix("\ufeff").rstrip("\r")
    return lines


def absolute(place: str) -> str:
    """A path from the root, because the JVM looks from the folder in which it was started; a URI stays as it is."""
    return place if ":" in place else os.path.abspath(place)


def normal_path(path: str) -> str:
    """One spelling for `file:/a b`, `file:///a%20b` and `/a b`."""
    return re.sub(r"^file:/+", "/", unquote(path))


def _local_path(path: str) -> Path | None:
    local = Path(normal_path(path))
    return local if local.is_file() else None
