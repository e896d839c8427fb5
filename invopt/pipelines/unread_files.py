"""Files of the landing zone that are not read as they lie there now, so that nothing goes unseen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from pathlib import Path

from invopt.pipelines.context import Context
from invopt.pipelines.landed_files import absolute, dataset_of, normal_path
from invopt.tables import FILES
from invopt.tables.dataset import Dataset


def rewritten(context: Context, new_paths: set[str], datasets: tuple[Dataset, ...]) -> list[str]:
    """Files that are not read as they lie there now; the stream does not read a name twice, and that must not go
    unseen.
    """
    if not context.store.exists(FILES):
        return []
    seen = {
        row["file"]: (row["changed"], row["file_bytes"])
        for row in context.store.read(FILES)
        .selectExpr("file", "unix_millis(file_modified_at) AS changed", "file_bytes")
        .collect()
    }
    fresh = {normal_path(path) for path in new_paths}
    return _never_read(context.config.landing, seen.keys() | fresh, datasets) + [
        f"{path}: changed after it was read and is not read again; land the new version under a new name"
        for path, now_there in sorted(_listing(context, seen).items())
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
    for folder, folders, names in os.walk(absolute(normal_path(landing))):
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


def _listing(context: Context, seen: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Path -> (milliseconds of its last change, bytes), for the files that were read before."""
    if Path(normal_path(context.config.landing)).is_dir():
        there = {path: Path(path).stat() for path in seen if Path(path).is_file()}
        return {path: (stat.st_mtime_ns // 1_000_000, stat.st_size) for path, stat in there.items()}
    rows = (
        context.spark.read.format("binaryFile")
        .option("recursiveFileLookup", "true")
        .load(absolute(context.config.landing))
    )
    rows = rows.selectExpr("path", "unix_millis(modificationTime) AS changed", "length").collect()
    return {normal_path(row["path"]): (row["changed"], row["length"]) for row in rows}
