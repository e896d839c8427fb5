"""The files of the landing zone that no run has taken yet, and those that are not read as they lie there now."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from invopt.landing.listing import Landed, is_local, listing, local_path
from invopt.pipelines.context import Context
from invopt.tables import FILES
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import dataset_of, with_mapping

# changed when files that could not be read before can be read now
READER = 1
REWRITTEN = "changed after it was read and is not read again; land the new version under a new name"


@dataclass(frozen=True)
class Arrivals:
    """new : files that are to be taken, without those whose folder tells that they can't be read; problems : what the
    user must see at every run.
    """

    new: tuple[Landed, ...]
    problems: tuple[str, ...]
    n_there: int


def arrivals(context: Context, known: Sequence) -> Arrivals:
    """What lies in the landing zone, compared with the rows of bronze.files.

    A file that was taken is not read again. One that was not is looked at again when it has changed, or when the
    settings have by which it was refused.
    """
    there = landing_files(context)
    datasets = with_mapping(context.config.mapping)
    newest = {row["file"]: row for row in sorted(known, key=lambda row: row["file_number"])}
    new, problems = [], []
    for landed in there:
        row = newest.get(landed.path)
        if row is None:
            new.append(landed)
            continue
        is_changed = (landed.modified_ms, landed.n_bytes) != (_milliseconds(row), row["file_bytes"])
        if row["status"] in ("ingested", "pending"):
            if is_changed:
                problems.append(f"{landed.path}: {REWRITTEN}")
        elif is_changed or row["read_with"] != read_with(context, dataset_of(landed.path, datasets)):
            new.append(landed)
    return Arrivals(tuple(new), tuple(problems), len(there))


def landing_files(context: Context) -> list[Landed]:
    """All files of the landing zone: listed here where it is a folder of this machine, else by Spark."""
    landing = context.config.landing
    if is_local(landing):
        return listing(local_path(landing))
    rows = (
        context.spark.read.format("binaryFile")
        .option("recursiveFileLookup", "true")
        .load(literal(landing))
        .selectExpr("path", "unix_millis(modificationTime) AS changed", "length")
        .collect()
    )
    return sorted((Landed(row["path"], row["changed"], row["length"]) for row in rows), key=lambda one: one.path)


def literal(path: str) -> str:
    """A path in which Spark sees no pattern.

    >>> literal("s3a://shop/sales_[1].csv")
    's3a://shop/sales_\\\\[1\\\\].csv'
    """
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def read_with(context: Context, dataset: Dataset | None) -> str:
    """A hash of all that decides how a file is read: its dataset, and what `mapping` says of that.

    dataset : None for a file of no dataset
    """
    name = dataset.name if dataset else ""
    mapping = context.config.mapping.get(name)
    # whether a delivery is full changes nothing of how its files are read
    settings = [READER, name, mapping.model_dump(mode="json", exclude={"delivery"}) if mapping else None]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _milliseconds(row) -> int:
    return round(row["file_modified_at"].timestamp() * 1000)


def files_of(context: Context) -> list:
    """All rows of bronze.files; none where there is no such table."""
    return context.store.rows(FILES) if context.store.exists(FILES) else []
