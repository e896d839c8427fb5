"""The deliveries of a dataset that keeps its history: which files are one, of which day, and in which order they count.

A delivery is all files with the same date in their names, or in a folder of their own, or, undated, taken by one run.
An undated one is older than a dated one taken with it. A file that was rejected and is read later belongs to the
delivery in which it was first seen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from invopt.landing.named_day import day_in_name
from invopt.tables import FOREVER
from invopt.tables.dataset import Dataset

APPLIED, HELD, SUPERSEDED = "applied", "held", "superseded"


@dataclass(frozen=True)
class Delivery:
    """Files that are applied together.

    name : the date or the folder of its files, else the batch that took them
    day : the day from which it is known
    batches : the ingest batches of its files; the last one numbers it
    files : the numbers of its files with lines
    before : the numbers of its files that were applied before, by earlier batches
    is_dated : its files have a date in their names
    has_day : False where an older version of invopt took it, and nobody knows its day
    problem : why it is not whole: a file of it was rejected
    """

    name: str
    day: date
    batches: tuple[int, ...]
    files: tuple[int, ...]
    before: tuple[int, ...] = ()
    is_dated: bool = False
    has_day: bool = True
    problem: str | None = None

    @property
    def batch_id(self) -> int:
        return self.batches[-1]

    @property
    def key(self) -> tuple[str, int]:
        """What silver.deliveries knows it by."""
        return self.name, self.batch_id

    @property
    def place(self) -> tuple:
        """Deliveries are applied in this order."""
        return self.day, self.batch_id, self.is_dated, self.name

    @property
    def title(self) -> str:
        """The end of "store_product_supplier of ...".

        >>> Delivery("batch 3", date(2026, 3, 2), (3,), (3000000,)).title
        '2026-03-02'
        """
        return self.day.isoformat() if self.has_day else self.name


def deliveries(
    dataset: Dataset, rows: Sequence[Mapping[str, Any]], settled: Collection[tuple[str, int]]
) -> list[Delivery]:
    """The deliveries of a dataset, in the order in which they are applied.

    rows : its rows of bronze.files
    settled : keys of those that were applied or superseded; one that was not is taken together with the files of the
        same delivery that came later
    """
    rows = sorted((row for row in rows if row["status"] in ("ingested", "rejected")), key=_number)
    first_batch: dict[str, int] = {}
    for row in rows:
        first_batch.setdefault(row["file"], row["batch_id"])
    of_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        of_name[_name(dataset, row, first_batch[row["file"]])].append(row)
    parts = [part for name, of_one in of_name.items() for part in _parts(name, of_one, settled)]
    first_dated: dict[int, date] = {}
    for part in parts:
        if part.is_dated:
            for batch_id in part.batches:
                first_dated[batch_id] = min(part.day, first_dated.get(batch_id, part.day))
    aged = [
        part
        if part.is_dated or not part.has_day
        else replace(part, day=min(part.day, first_dated.get(part.batch_id, part.day)))
        for part in parts
    ]
    return sorted(aged, key=lambda part: part.place)


def _number(row: Mapping[str, Any]) -> int:
    return row["file_number"]


def _name(dataset: Dataset, row: Mapping[str, Any], first_batch: int) -> str:
    if row["known_on"] is None:
        return f"batch {row['batch_id']} of an older version"
    if _is_dated(row):
        return row["known_on"].isoformat()
    folder = row["file"].replace("\\", "/").split("/")[-2:-1]
    if folder and re.sub(r"\.\w+$", "", folder[0]).lower() == dataset.name:
        return f"{dataset.name}/"
    return f"batch {first_batch}"


def _is_dated(row: Mapping[str, Any]) -> bool:
    # a day that stands above the landing zone is not the file's
    return row["known_on"] is not None and day_in_name(row["file"]) == row["known_on"]


def _parts(name: str, rows: Sequence[Mapping[str, Any]], settled: Collection[tuple[str, int]]) -> list[Delivery]:
    """What came of a delivery, batch by batch; what is not settled goes with what came later."""
    with_lines = [row for row in rows if row["status"] == "ingested" or row["n_lines"]]
    batches = sorted({row["batch_id"] for row in with_lines})
    parts: list[Delivery] = []
    waiting: list[int] = []
    before: list[int] = []
    for batch_id in batches:
        waiting.append(batch_id)
        if (name, batch_id) not in settled and batch_id != batches[-1]:
            continue
        here = [row for row in with_lines if row["batch_id"] in waiting]
        # a file that was rejected and then read counts as it was read
        newest = {row["file"]: row for row in rows if row["batch_id"] <= batch_id}
        rejected = sorted(path.rsplit("/", 1)[-1] for path, row in newest.items() if row["status"] == "rejected")
        has_day = here[-1]["known_on"] is not None
        parts.append(
            Delivery(
                name,
                max(row["known_on"] for row in here) if has_day else FOREVER,
                tuple(waiting),
                tuple(row["file_number"] for row in here),
                tuple(before),
                _is_dated(here[-1]),
                has_day,
                f"{', '.join(rejected[:3])} was rejected" if rejected else None,
            )
        )
        before += [row["file_number"] for row in here if newest[row["file"]] is row]
        waiting = []
    return parts
