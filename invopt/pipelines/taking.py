"""New files are looked at, numbered and taken, so that a run that is stopped anywhere can be finished by the next."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from invopt.errors import ConcurrentRunError, InputError
from invopt.landing.listing import Landed, below, by_name, is_local
from invopt.landing.named_day import day_in_name
from invopt.landing.reading import TEXT, Reading
from invopt.landing.survey import EMPTY, Survey, survey
from invopt.pipelines.arrivals import read_with
from invopt.pipelines.bronze_lines import (
    BYTES_HERE,
    BYTES_OF_ONE,
    LINES_HERE,
    Arrived,
    ChangedError,
    one_file_at_a_time,
    rows_here,
    rows_there,
    surveys_there,
)
from invopt.pipelines.context import Context, Stopwatch
from invopt.tables import FILES, bronze
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import dataset_of

# file numbers grow with the batch and, in it, with the time of change: a bigger number is a newer file
FILES_PER_BATCH = 1_000_000
THREADS = 4
# a file that is being written is looked at anew this often
ATTEMPTS = 3
_NO_DATASET = "its name fits none of the fourteen datasets"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# what becomes of a file once its lines are written
_FINAL = {"pending": "ingested", "refused": "rejected"}


@dataclass(frozen=True)
class File(Arrived):
    """A file of a batch with what becomes of it.

    read_with : what decides how it is read, as bronze.files keeps it
    known_on : the day from which what it says is known; None where an older version took it
    """

    read_with: str | None = None
    known_on: date | None = None

    @property
    def path(self) -> str:
        return self.landed.path

    @property
    def problem(self) -> str | None:
        """Why it was not ingested."""
        if self.dataset is None:
            return _NO_DATASET
        return self.landed.problem or self.survey.problem

    @property
    def status(self) -> str:
        """pending: its lines are to be written; refused: they are too, so that they name the items that wait for
        them.
        """
        if self.dataset is None:
            return "ignored"
        if self.survey.reading is None or self.landed.problem:
            return "rejected"
        return "refused" if self.survey.problem else "pending"


@dataclass(frozen=True)
class Batch:
    """The files that one run takes, in the order of their numbers; `taken_on` is the day of the run's `as_of`."""

    batch_id: int
    files: tuple[File, ...]
    taken_on: date | None = None

    def rows(self, *, is_done: bool) -> list[tuple]:
        """Their rows of bronze.files, before and after their lines are written."""
        return [
            (
                file.number,
                file.path,
                file.dataset.name if file.dataset else None,
                self.batch_id,
                _EPOCH + timedelta(milliseconds=file.landed.modified_ms),
                file.landed.n_bytes,
                _FINAL.get(file.status, file.status) if is_done else file.status,
                (file.problem or file.survey.note or "")[:2000] or None,
                file.survey.n_lines if file.status in _FINAL else None,
                file.survey.dates,
                file.read_with,
                file.known_on,
                self.taken_on,
            )
            for file in self.files
        ]

    def by_dataset(self) -> dict[str, list[File]]:
        """The files whose lines are written."""
        found: dict[str, list[File]] = defaultdict(list)
        for file in self.files:
            if file.status in _FINAL:
                found[file.dataset.name].append(file)
        return found


def survey_all(context: Context, datasets: Sequence[Dataset], new: Sequence[Landed], known: Sequence) -> Batch:
    """The new files as a batch, each looked at as a whole."""
    batch_id = 1 + max((row["batch_id"] for row in known), default=-1)
    found = [(landed, dataset_of(landed.path, datasets)) for landed in new]
    found = sorted(found, key=lambda one: (_time_of(*one), by_name(one[0].path)))[: FILES_PER_BATCH - 1]
    ordered, of = [landed for landed, _ in found], [dataset for _, dataset in found]
    numbers = range(batch_id * FILES_PER_BATCH, batch_id * FILES_PER_BATCH + len(ordered))
    known_on = {number: _known_on(context, landed) for number, landed in zip(numbers, ordered, strict=True)}
    return Batch(
        batch_id, _surveyed(context, list(zip(numbers, ordered, of, strict=True)), known_on), context.as_of.date()
    )


def _time_of(landed: Landed, dataset: Dataset | None) -> int:
    """When a file changed; 0 for states of orders: of those that land together the name tells which is newer, because
    whoever copies files loses their times.
    """
    return 0 if dataset is not None and dataset.how == "versions" else landed.modified_ms


def _known_on(context: Context, landed: Landed) -> date:
    """The day in a file's name, else that of the run: never the file's own clock, which a copy changes."""
    return day_in_name(below(context.config.landing, landed.path)) or context.as_of.date()


def _surveyed(
    context: Context, files: Sequence[tuple[int, Landed, Dataset | None]], known_on: Mapping[int, date | None]
) -> tuple[File, ...]:
    """Looks at files: here where they are on this machine and small, else on the executors."""
    here = is_local(context.config.landing)
    told: dict[int, Survey] = {}
    wanted = []
    for number, landed, dataset in files:
        if dataset is None or landed.problem:
            told[number] = Survey()
        elif not landed.n_bytes:
            told[number] = Survey(problem=EMPTY)
        elif not here and landed.n_bytes > BYTES_OF_ONE:
            told[number] = Survey(problem="is larger than 1 GB: land it in parts")
        else:
            wanted.append((number, landed, dataset))
    n_bytes = sum(landed.n_bytes for _, landed, _ in wanted)
    if n_bytes > BYTES_HERE or not here:
        context.say(f"ingest: looks at {len(wanted):,} new files, {n_bytes / 1e6:,.0f} MB")
    if here and n_bytes <= BYTES_HERE:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda one: survey(one[1].path, one[2]), wanted))
    elif wanted:
        with one_file_at_a_time(context, is_local=here):
            found = surveys_there(context, [(landed, dataset) for _, landed, dataset in wanted], is_local=here)
    else:
        found = []
    told |= {number: one for (number, *_), one in zip(wanted, found, strict=True)}
    return tuple(
        File(number, landed, dataset, told[number], read_with(context, dataset), known_on[number])
        for number, landed, dataset in files
    )


def take(context: Context, batch: Batch) -> None:
    """Writes the rows of a new batch's files, then their lines, then what became of them.

    Raises
    ------
    ConcurrentRunError : another run is taking the same files.
    """
    mark = ("invopt.ingest.files", batch.batch_id)
    has_lines = bool(batch.by_dataset())
    if not context.store.append(FILES, batch.rows(is_done=not has_lines), transaction=mark, is_repeat=True):
        raise ConcurrentRunError(
            "another run is ingesting the same landing zone: wait until it has ended, then run again; no line is "
            "taken twice"
        )
    if has_lines:
        write_lines(context, batch, set())


def finish(context: Context, datasets: Sequence[Dataset], known: Sequence) -> Batch | None:
    """Goes on with a batch whose run was stopped before all of its lines were written.

    Datasets whose lines are there are left; the files of the others are looked at anew, because they may have been
    removed or mended since.
    """
    waiting = [row for row in known if row["status"] in _FINAL]
    if not waiting:
        return None
    batch_id = max(row["batch_id"] for row in waiting)
    datasets_by_name = {dataset.name: dataset for dataset in datasets}
    written = {
        name for name in {row["dataset"] for row in waiting} if _has_lines(context, datasets_by_name[name], batch_id)
    }
    rows = sorted((row for row in known if row["batch_id"] == batch_id), key=lambda row: row["file_number"])
    anew = [
        (row["file_number"], _landed_now(context, row), datasets_by_name[row["dataset"]])
        for row in rows
        if row["status"] in _FINAL and row["dataset"] not in written
    ]
    known_on = {row["file_number"]: row["known_on"] for row in rows}
    looked_at = {file.number: file for file in _surveyed(context, anew, known_on)}
    files = tuple(looked_at.get(row["file_number"]) or _as_recorded(row, datasets_by_name) for row in rows)
    batch = Batch(batch_id, files, rows[0]["taken_on"])
    context.store.replace(FILES, batch.rows(is_done=False), {"batch_id": batch_id}, check_keys=False)
    write_lines(context, batch, written)
    return batch


def _has_lines(context: Context, dataset: Dataset, batch_id: int) -> bool:
    table = bronze(dataset)
    return context.store.exists(table) and bool(context.store.counts(table, ["batch_id"], {"batch_id": batch_id}))


def write_lines(context: Context, batch: Batch, written: set[str]) -> None:
    """Writes the lines of the datasets that have none of the batch yet, then what became of the files."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _append(context, batch, written)
            break
        except Exception as error:  # Spark wraps what an executor met
            again = _looked_at_again(context, batch, written)
            if again == batch or attempt == ATTEMPTS:
                if isinstance(error, ChangedError):
                    raise InputError("a file changes while it is read", [str(error)]) from error
                raise
            batch = again
            context.store.replace(FILES, batch.rows(is_done=False), {"batch_id": batch.batch_id}, check_keys=False)
    context.store.replace(FILES, batch.rows(is_done=True), {"batch_id": batch.batch_id}, check_keys=False)


def _append(context: Context, batch: Batch, written: set[str]) -> None:
    here = is_local(context.config.landing)
    waiting = {name: files for name, files in batch.by_dataset().items() if name not in written}

    def append(name: str) -> None:
        files, watch = waiting[name], Stopwatch()
        table = bronze(files[0].dataset)
        n_lines = sum(file.survey.n_lines for file in files)
        context.say_of_many(n_lines, f"{name}: takes {n_lines:,} lines of {len(files):,} files")
        if here and n_lines <= LINES_HERE and sum(file.landed.n_bytes for file in files) <= BYTES_HERE:
            rows = rows_here(batch.batch_id, files)
        else:
            schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
            rows = rows_there(context, batch.batch_id, files, schema, is_local=here)
        if isinstance(rows, list) and not rows:
            context.store.create(table)
        else:
            context.store.append(table, rows, transaction=(f"invopt.ingest.{name}", batch.batch_id))
        written.add(name)
        context.say_of_many(n_lines, f"{name}: {n_lines:,} lines are taken, {watch.seconds:.1f} s")

    with one_file_at_a_time(context, is_local=here), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(append, waiting))


def _looked_at_again(context: Context, batch: Batch, written: set[str]) -> Batch:
    """The batch with another look at the files whose lines are not written."""
    anew = [
        (file.number, _landed_now(context, file.path, file.landed), file.dataset)
        for name, files in batch.by_dataset().items()
        if name not in written
        for file in files
    ]
    known_on = {file.number: file.known_on for file in batch.files}
    looked_at = {file.number: file for file in _surveyed(context, anew, known_on)}
    return replace(batch, files=tuple(looked_at.get(file.number, file) for file in batch.files))


def _landed_now(context: Context, row, landed: Landed | None = None) -> Landed:
    """A file as it lies there now; one that is gone as it was, so that the look at it tells."""
    path = row if landed else row["file"]
    was = landed or Landed(path, round(row["file_modified_at"].timestamp() * 1000), row["file_bytes"])
    if not is_local(context.config.landing) or not os.path.isfile(path):
        return was
    status = os.stat(path)
    return Landed(path, status.st_mtime_ns // 1_000_000, status.st_size)


def _as_recorded(row, datasets: dict[str, Dataset]) -> File:
    """A file of a stopped run, whose lines are written or were never to be, as its row says."""
    is_written = row["status"] in _FINAL
    told = Survey(
        Reading(TEXT) if is_written else None,
        row["n_lines"] or 0,
        row["dates"],
        row["problem"] if row["status"] in ("refused", "rejected") else None,
        row["problem"] if row["status"] == "pending" else None,
    )
    landed = Landed(row["file"], round(row["file_modified_at"].timestamp() * 1000), row["file_bytes"])
    dataset = datasets.get(row["dataset"])
    return File(row["file_number"], landed, dataset, told, row["read_with"], row["known_on"])
