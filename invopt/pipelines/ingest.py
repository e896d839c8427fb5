"""Step `ingest`: new files of the landing zone -> bronze, every field as text, each file once.

The landing zone is listed and compared with bronze.files. Every new file is looked at as a whole; then its row is
written to bronze.files, then its lines to its dataset's bronze table, then its row says so. A run that was stopped in
between is finished by the next one, by the same numbers. A file that can't be read is recorded with the reason, and
the others go on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from invopt.errors import FeedError, InputError, TableError
from invopt.landing.listing import is_local, printable
from invopt.pipelines.arrivals import Arrivals, arrivals, files_of
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.taking import Batch, finish, survey_all, take
from invopt.tables import FILES, bronze
from invopt.tables.dataset import Dataset
from invopt.tables.datasets import with_mapping

N_TOLD = 10
# files of no dataset that are named
N_IGNORED = 3


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
    FeedError : every new file of a dataset was rejected, or more files than `ingest.max_rejected_files` allows; all
        that can be read was read.
    """
    watch = Stopwatch()
    _refuse_no_folder(context)
    datasets = with_mapping(context.config.mapping)
    context.store.create_all([FILES, *map(bronze, datasets)])
    with context.store.turn("bronze"):
        known = files_of(context)
        _refuse_lost_tables(context, datasets, known)
        stopped = finish(context, datasets, known)
        if stopped:
            context.say(f"ingest: went on with {len(stopped.files):,} files of a run that was stopped")
        arrived = arrivals(context, files_of(context) if stopped else known)
        batch = survey_all(context, datasets, arrived.new, known)
        _refuse_nothing(context, known, stopped, arrived, batch)
        if batch.files:
            take(context, batch)
    return _told(context, datasets, known, [one for one in (stopped, batch) if one], arrived, watch.seconds)


def _refuse_no_folder(context: Context) -> None:
    landing = context.config.landing
    is_elsewhere = re.match(r"(?!file:)[a-z][a-z0-9+.-]+:/", landing)
    if not is_elsewhere and not is_local(landing):
        there = Path(landing)
        what = "is no folder" if there.exists() or there.is_symlink() else "no such folder"
        raise InputError(
            "there is nothing to ingest",
            [
                f"{landing}: {what}; set `landing` in conf/base.yaml or give --landing, or make a demo chain with "
                "`invopt demo-world`"
            ],
        )


def _refuse_lost_tables(context: Context, datasets: Sequence[Dataset], known: Sequence) -> None:
    """A bronze table that somebody removed must not be taken for one that nothing was ever read into."""
    read = {row["dataset"] for row in known if row["status"] == "ingested"}
    lost = [
        bronze(dataset) for dataset in datasets if dataset.name in read and not context.store.exists(bronze(dataset))
    ]
    if lost:
        raise TableError(
            f"{', '.join(table.name for table in lost)} is missing, but {FILES.name} has files that were read into it. "
            "Restore the table from a backup, or ingest everything anew into an empty lakehouse"
        )


def _refuse_nothing(context: Context, known: Sequence, stopped: Batch | None, arrived: Arrivals, batch: Batch) -> None:
    """A landing zone that has never held a file that can be read is told as an error, not as a run without work."""
    if known or stopped:
        if any(row["status"] == "ingested" for row in known) or stopped:
            return
    elif not arrived.n_there:
        raise InputError(
            "there is nothing to ingest",
            [
                f"{context.config.landing}: holds no file; expected publicparameters/*.csv, rawdata/sales_*, "
                "rawdata/inv_*, rawdata/demand_forecasts/..., orders/..."
            ],
        )
    if batch.files and not any(file.status == "pending" for file in batch.files):
        take(context, batch)  # their rows say why
        raise InputError(
            "no file of the landing zone could be ingested",
            [f"{printable(file.path)}: {file.problem}" for file in batch.files[:20]],
        )


def _told(
    context: Context,
    datasets: Sequence[Dataset],
    known: Sequence,
    batches: Sequence[Batch],
    arrived: Arrivals,
    seconds: float,
) -> Ingested:
    files = [file for batch in batches for file in batch.files]
    rejected = [file for file in files if file.status in ("refused", "rejected")]
    problems = [f"{printable(file.path)}: {file.problem}" for file in rejected]
    ingested = Ingested(
        sum(file.status == "pending" for file in files),
        len(rejected),
        sum(file.status == "ignored" for file in files),
        sum(file.survey.n_lines for file in files if file.status == "pending"),
        (*problems, *map(printable, arrived.problems)),
    )
    # conform counts these too: they name the items that wait
    n_lines = sum(file.survey.n_lines for file in rejected if file.status == "refused")
    with_lines = f" with {n_lines:,} lines" if n_lines else ""
    context.say(
        f"ingest: {ingested.n_files:,} new files, {ingested.n_rows:,} lines, {ingested.n_rejected:,} rejected files"
        f"{with_lines}, {ingested.n_ignored:,} of no dataset, {seconds:.1f} s"
    )
    for problem in ingested.problems[:N_TOLD]:
        context.say(f"  ! {problem}")
    if len(ingested.problems) > N_TOLD:
        context.say(f"  ! and {len(ingested.problems) - N_TOLD:,} more, in {FILES.name}")
    # the template's own notes surprise nobody
    ignored = [printable(one.path) for one in files if one.status == "ignored" and not one.path.endswith("/README.txt")]
    if ignored:
        more = " ..." if len(ignored) > N_IGNORED else ""
        context.say(
            f"  ! not read, because no dataset has files of that name: {', '.join(ignored[:N_IGNORED])}{more}; "
            "docs/landing.md has the names, and `mapping` in conf/base.yaml can give others"
        )
    _tell_oddities(context, files)
    before = {row["dataset"] for row in known if row["status"] == "ingested"}
    there = before | {file.dataset.name for file in files if file.status == "pending"}
    for dataset in datasets:
        # what may be missing for ever is told the first time only
        if dataset.name not in there and (dataset.is_needed or not (before or dataset.is_seldom)):
            kind = "" if dataset.is_needed else "optional, "
            context.say(f"  ! {dataset.name}: no file yet of {dataset.meaning}; {kind}expected {_where(dataset)}")
    _refuse_bad_feed(context, files, rejected)
    return ingested


def _tell_oddities(context: Context, files: Sequence) -> None:
    """Files that were read in another way than the usual one, by what was odd about them."""
    odd = Counter(
        part
        for file in files
        if file.status == "pending" and file.survey.note
        for part in file.survey.note.split("; ")
        if not part.startswith("columns that")
    )
    for note, n_files in odd.most_common(5):
        example = next(file.path for file in files if file.survey.note and note in file.survey.note)
        more = f", and {n_files - 1:,} more files" if n_files > 1 else ""
        context.say(f"  ! {printable(example)}{more}: {note}")


def _refuse_bad_feed(context: Context, files: Sequence, rejected: Sequence) -> None:
    """Datasets of which no new file could be read, and too many rejected files, end a run with an error."""
    taken = {file.dataset.name for file in files if file.status == "pending"}
    lost = Counter(file.dataset.name for file in rejected if file.dataset and file.dataset.name not in taken)
    problems = []
    for name, n_files in sorted(lost.items()):
        first = next(file for file in rejected if file.dataset and file.dataset.name == name)
        every = "its only new file was rejected" if n_files == 1 else f"all of its {n_files:,} new files were rejected"
        problems.append(f"{name}: {every}; {printable(first.path)}: {first.problem}")
    limit = context.config.ingest.max_rejected_files
    if limit is not None and len(rejected) > limit:
        problems.append(
            f"{len(rejected):,} files were rejected, and ingest.max_rejected_files allows {limit:,}; they are in "
            f"{FILES.name} with their reasons"
        )
    if problems:
        raise FeedError("the landing zone holds files that could not be ingested", problems)


def _where(dataset: Dataset) -> str:
    """The beginning of a dataset's paths, up to what its patterns leave open: the standard one and the user's own."""
    patterns = [
        re.split(r"[^\w/ -]", pattern)[0] + "*" for pattern in dataset.files.split("|") if not pattern.startswith("/")
    ]
    return " or ".join([*patterns, *([dataset.dialect.glob] if dataset.dialect.glob else [])])
